package xmpptest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Timeout is how long the Server waits for what a test expects. It is long,
// because it passes only in a test that fails.
const Timeout = 30 * time.Second

// backlog is how many stanzas may wait for Expect before the Server stops
// reading.
const backlog = 1024

// Server is an XMPP server that knows one component.
type Server struct {
	t              testing.TB
	domain, secret string
	listener       net.Listener
	tasks          sync.WaitGroup
	accepted       chan struct{}
	// done is closed at the end of the test.
	done chan struct{}

	mu     sync.Mutex
	closed bool
	// conn is the component's connection after its handshake, conns are all.
	conn  net.Conn
	conns map[net.Conn]bool
	// stanzas are those of conn; a new connection brings a new channel.
	stanzas chan string
	// refusal is the stream error's content for the next handshakes, or "".
	refusal string
}

// NewServer starts a server on a free loopback port that accepts the component
// with this domain and secret. Another domain is refused with host-unknown,
// another secret with not-authorized. It ends with the test.
func NewServer(t testing.TB, domain, secret string) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("starting the XMPP server: %v", err)
	}
	return NewServerOn(t, listener, domain, secret)
}

// NewServerOn is NewServer on a listener of the test's own, for example one with
// TLS. The server closes it.
func NewServerOn(t testing.TB, listener net.Listener, domain, secret string) *Server {
	s := &Server{
		t:        t,
		domain:   domain,
		secret:   secret,
		listener: listener,
		accepted: make(chan struct{}, backlog),
		done:     make(chan struct{}),
		conns:    make(map[net.Conn]bool),
	}
	s.tasks.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

// Addr is the host and port where the server listens.
func (s *Server) Addr() string {
	return s.listener.Addr().String()
}

// Address is the same in the form of the component's configuration.
func (s *Server) Address() string {
	return "tcp://" + s.Addr()
}

// Refuse makes the server answer the next handshakes with a stream error of this
// condition; "" makes it accept them again.
func (s *Server) Refuse(condition string) {
	s.RefuseWith(condition, "")
}

// RefuseWith is Refuse with character data in the condition, as see-other-host
// has it.
func (s *Server) RefuseWith(condition, payload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = ""
	if condition != "" {
		s.refusal = streamError(condition, payload)
	}
}

// Accept waits until a component has done its handshake; each handshake is
// reported once. What Expect and Send do belongs to the last of them.
func (s *Server) Accept() {
	s.t.Helper()
	select {
	case <-s.accepted:
	case <-time.After(Timeout):
		s.t.Fatal("no component has connected")
	}
}

// Send writes xml to the component as it is.
func (s *Server) Send(xml string) {
	s.t.Helper()
	conn, _ := s.current()
	if conn == nil {
		s.t.Fatal("sending to a component that is not connected")
	}
	if _, err := io.WriteString(conn, xml); err != nil {
		s.t.Fatalf("sending to the component: %v", err)
	}
}

// Expect waits for the next stanza and gives it as it was written.
func (s *Server) Expect() string {
	s.t.Helper()
	_, stanzas := s.current()
	if stanzas == nil {
		s.t.Fatal("expecting of a component that is not connected")
	}
	select {
	case stanza, ok := <-stanzas:
		if !ok {
			s.t.Fatal("the component has closed its stream")
		}
		return stanza
	case <-time.After(Timeout):
		s.t.Fatal("no stanza of the component")
	}
	return ""
}

// ExpectEnd waits for the component to end its stream or its connection, without
// any further stanza.
func (s *Server) ExpectEnd() {
	s.t.Helper()
	_, stanzas := s.current()
	select {
	case stanza, ok := <-stanzas:
		if ok {
			s.t.Fatalf("stanza instead of the stream's end: %s", stanza)
		}
	case <-time.After(Timeout):
		s.t.Fatal("the component has not ended its stream")
	}
}

// Drop cuts the component's connection without a word.
func (s *Server) Drop() {
	if conn, _ := s.current(); conn != nil {
		_ = conn.Close()
	}
}

// Fail ends the stream with an error of this condition.
func (s *Server) Fail(condition, payload string) {
	s.t.Helper()
	conn, _ := s.current() // by the end of this the component may have another
	s.Send(streamError(condition, payload) + "</stream:stream>")
	_ = conn.Close()
}

func (s *Server) current() (net.Conn, chan string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn, s.stanzas
}

func (s *Server) close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	close(s.done)
	_ = s.listener.Close()
	s.tasks.Wait()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			_ = conn.Close()
		} else {
			s.conns[conn] = true
			s.tasks.Go(func() { s.serve(conn) })
		}
		s.mu.Unlock()
	}
}

func (s *Server) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	in := &input{r: conn}
	d := xml.NewDecoder(in)
	if !s.handshake(conn, d) {
		return
	}
	stanzas := make(chan string, backlog)
	defer close(stanzas)
	s.mu.Lock()
	s.conn, s.stanzas = conn, stanzas
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return
	}
	if _, err := io.WriteString(conn, "<handshake/>"); err != nil {
		return
	}
	select {
	case s.accepted <- struct{}{}:
	case <-s.done:
	}
	for {
		stanza, ok := in.next(d)
		if !ok {
			return
		}
		select {
		case stanzas <- stanza:
		case <-s.done:
			return
		}
	}
}

// handshake reads the component's half of XEP-0114 §3 and judges it.
func (s *Server) handshake(conn net.Conn, d *xml.Decoder) bool {
	start, ok := nextStart(d)
	if !ok || start.Name.Local != "stream" {
		return false
	}
	s.mu.Lock()
	refusal := s.refusal
	s.mu.Unlock()
	if refusal == "" && attr(start, "to") != s.domain {
		refusal = streamError("host-unknown", "")
	}
	id := rand.Text()
	_, _ = fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"+
		" xmlns:stream='http://etherx.jabber.org/streams' from='%s' id='%s'>", s.domain, id)
	if refusal != "" {
		return refuse(conn, refusal)
	}
	var given string
	if start, ok = nextStart(d); !ok || d.DecodeElement(&given, &start) != nil {
		return false
	}
	if want := sha1.Sum([]byte(id + s.secret)); given != hex.EncodeToString(want[:]) {
		return refuse(conn, streamError("not-authorized", ""))
	}
	return true
}

// refuse sends a stream error, and reads on until the component has closed, so
// that the error is not lost in a reset of the connection.
func refuse(conn net.Conn, refusal string) bool {
	_, _ = io.WriteString(conn, refusal+"</stream:stream>")
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, conn)
	return false
}

func streamError(condition, payload string) string {
	return "<stream:error><" + condition + " xmlns='urn:ietf:params:xml:ns:xmpp-streams'>" +
		payload + "</" + condition + "></stream:error>"
}

func nextStart(d *xml.Decoder) (xml.StartElement, bool) {
	for {
		token, err := d.Token()
		if err != nil {
			return xml.StartElement{}, false
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Copy(), true
		}
	}
}

func attr(start xml.StartElement, local string) string {
	for _, a := range start.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// input reads a connection byte by byte for encoding/xml and keeps what belongs
// to the element that is being read.
type input struct {
	r    io.Reader
	buf  [4096]byte
	rest []byte
	kept bytes.Buffer
}

// ReadByte reads one byte and keeps it.
func (in *input) ReadByte() (byte, error) {
	if len(in.rest) == 0 {
		n, err := in.r.Read(in.buf[:])
		if n == 0 {
			return 0, err
		}
		in.rest = in.buf[:n]
	}
	c := in.rest[0]
	in.rest = in.rest[1:]
	in.kept.WriteByte(c)
	return c, nil
}

// Read reads one byte; encoding/xml uses ReadByte.
func (in *input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// next gives the next element of the stream as it was written. White space in
// front of it is the component's keepalive and is left out.
func (in *input) next(d *xml.Decoder) (string, bool) {
	in.kept.Reset()
	depth := 0
	for {
		token, err := d.Token()
		if err != nil {
			return "", false
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth < 0 {
				return "", false
			}
			if depth == 0 {
				return strings.TrimSpace(in.kept.String()), true
			}
		}
	}
}
