package loadtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// gatewayDomain is where the gateway is, userDomain where its users are.
const (
	gatewayDomain = "irc.load.test"
	userDomain    = "load.test"
)

// userJID is a user's only client.
func userJID(user int) string { return "u" + strconv.Itoa(user) + "@" + userDomain + "/r" }

// roomJID is a channel of the only network.
func roomJID(channel string) string { return channel + "%" + networkName + "@" + gatewayDomain }

// xmppServer lets one component in, whatever its secret, hands its stanzas to a
// handler, and answers only what asks whether somebody is there.
type xmppServer struct {
	listener net.Listener
	handler  atomic.Pointer[func(stanza)]
	// ready is closed after the handshake, which was at shaken.
	ready  chan struct{}
	shaken time.Time
	ids    atomic.Int64

	// reading is held while a stanza is worked on, and while the server is held up.
	reading sync.Mutex
	sending sync.Mutex
	conn    net.Conn

	asking  sync.Mutex
	answers map[string]chan string
}

func newXMPPServer() (*xmppServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	x := &xmppServer{listener: listener, ready: make(chan struct{}), answers: make(map[string]chan string)}
	x.handle(func(stanza) {})
	go x.serve()
	return x, nil
}

func (x *xmppServer) address() string { return "tcp://" + x.listener.Addr().String() }

// close ends the stream, if there is one.
func (x *xmppServer) close() {
	_ = x.listener.Close()
	x.sending.Lock()
	defer x.sending.Unlock()
	if x.conn != nil {
		_ = x.conn.Close()
	}
}

// handle has all further stanzas handed to handler, on the goroutine of the stream.
func (x *xmppServer) handle(handler func(stanza)) { x.handler.Store(&handler) }

// send writes XML to the gateway. What cannot be sent shows as something that the
// scenario waits for in vain.
func (x *xmppServer) send(xml string) {
	x.sending.Lock()
	defer x.sending.Unlock()
	if x.conn != nil {
		_, _ = io.WriteString(x.conn, xml)
	}
}

// ask sends an IQ request of a user and returns the answer.
func (x *xmppServer) ask(user int, kind, to, payload string) (string, error) {
	id := "q" + strconv.FormatInt(x.ids.Add(1), 10)
	answer := make(chan string, 1)
	x.asking.Lock()
	x.answers[id] = answer
	x.asking.Unlock()
	x.send(fmt.Sprintf("<iq type='%s' id='%s' from='%s' to='%s'>%s</iq>", kind, id, userJID(user), to, payload))
	select {
	case text := <-answer:
		if !strings.Contains(text, "type='result'") {
			return "", fmt.Errorf("a request was refused: %.500s", text)
		}
		return text, nil
	case <-time.After(patience):
		return "", fmt.Errorf("no answer to %s", payload)
	}
}

func (x *xmppServer) serve() {
	conn, err := x.listener.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	s := newScanner(conn)
	if x.handshake(conn, s) != nil {
		return
	}
	x.sending.Lock()
	x.conn = conn
	x.sending.Unlock()
	close(x.ready)
	for {
		stanza, err := s.next()
		if err != nil {
			return
		}
		x.take(stanza)
	}
}

// take does with a stanza what there is to do, unless the server is held up.
func (x *xmppServer) take(s stanza) {
	x.reading.Lock()
	defer x.reading.Unlock()
	if s.is("iq") {
		x.answer(s)
		return
	}
	(*x.handler.Load())(s)
}

// holdUp has the server read nothing until resume is called.
func (x *xmppServer) holdUp() (resume func()) {
	x.reading.Lock()
	return x.reading.Unlock
}

// handshake is that of XEP-0114 §3.
func (x *xmppServer) handshake(conn net.Conn, s *scanner) error {
	if _, err := s.header(); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"+
		" xmlns:stream='http://etherx.jabber.org/streams' from='"+gatewayDomain+"' id='load'>"); err != nil {
		return err
	}
	shake, err := s.next()
	if err != nil {
		return err
	}
	if !shake.is("handshake") {
		return errors.New("no handshake")
	}
	x.shaken = time.Now()
	_, err = io.WriteString(conn, "<handshake/>")
	return err
}

// answer gives an answer to who asked, and lets clients answer the gateway's questions.
func (x *xmppServer) answer(s stanza) {
	id := string(s.attribute("id"))
	if kind := s.kind(); kind == "get" || kind == "set" {
		x.send(fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'/>", id, s.attribute("to"), s.attribute("from")))
		return
	}
	x.asking.Lock()
	defer x.asking.Unlock()
	if asked := x.answers[id]; asked != nil {
		delete(x.answers, id)
		asked <- string(s)
	}
}
