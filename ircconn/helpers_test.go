package ircconn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// recorder is a sink that keeps all events.
type recorder struct {
	mu     sync.Mutex
	events []Event
	more   chan struct{} // closed and replaced at each event
}

func newRecorder() *recorder { return &recorder{more: make(chan struct{})} }

func (r *recorder) sink(_ *Conn, event Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
	close(r.more)
	r.more = make(chan struct{})
}

func (r *recorder) all() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// waitFor returns the first event of a type that the predicate accepts, among
// those from the beginning on, once it is there.
func waitFor[E Event](t testing.TB, r *recorder, accept func(E) bool) E {
	t.Helper()
	deadline := time.After(patience)
	seen := 0
	for {
		r.mu.Lock()
		events, more := r.events, r.more
		r.mu.Unlock()
		for ; seen < len(events); seen++ {
			if event, ok := events[seen].(E); ok && (accept == nil || accept(event)) {
				return event
			}
		}
		select {
		case <-more:
		case <-deadline:
			var want E
			t.Fatalf("no %T came; events: %s", want, describe(events))
		}
	}
}

func describe(events []Event) string {
	var b strings.Builder
	for _, event := range events {
		fmt.Fprintf(&b, "\n\t%T%+v", event, event)
	}
	return b.String()
}

// eventsOf returns the events of one type.
func eventsOf[E Event](events []Event) []E {
	var found []E
	for _, event := range events {
		if e, ok := event.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

func testConfig() Config {
	config := DefaultConfig()
	config.LineInterval = 0
	return config
}

func testOptions(servers ...*irctest.Server) Options {
	options := Options{Nick: "juliet", Username: "jcapulet", RealName: "Juliet Capulet", Poller: testPoller}
	for _, server := range servers {
		address, err := ParseAddress(server.URL())
		if err != nil {
			panic(err)
		}
		options.Addresses = append(options.Addresses, address)
		if server.Roots() != nil {
			options.TLS = server.ClientTLS()
		}
	}
	return options
}

// start begins a connection that is closed, and known to have ended, at the
// end of the test.
func start(t testing.TB, config Config, options Options) (*Conn, *recorder) {
	t.Helper()
	r := newRecorder()
	c := Start(&config, options, r.sink, nil)
	t.Cleanup(func() {
		c.Close()
		waitDone(t, c)
	})
	return c, r
}

func waitDone(t testing.TB, c *Conn) {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Fatal("the connection did not end")
	}
}

// connect starts a connection and plays its registration.
func connect(t testing.TB, config Config, options Options, server *irctest.Server, r irctest.Registration) (*Conn, *recorder, *irctest.Conversation) {
	t.Helper()
	c, events := start(t, config, options)
	script := server.Accept()
	script.Register(r)
	waitFor[Registered](t, events, nil)
	return c, events, script
}

// send queues lines and has them leave.
func send(c *Conn, lines ...Line) error {
	if err := c.Queue(lines...); err != nil {
		return err
	}
	c.Flush(func(uint64) {})
	return nil
}

func newSession(c *Conn, address Address) *session {
	s := &session{}
	s.init(c, address)
	return s
}

// newTestSession returns a registered session of the nick juliet that has no
// socket.
func newTestSession(sink Sink, support ...string) *session {
	options := Options{Nick: "juliet"}
	s := newSession(newConn(new(testConfig()), options, sink, nil), Address{Host: "irc.test", Port: 6697, TLS: true})
	s.receive([]byte(":irc.test 001 juliet :Welcome juliet!jcapulet@host.test"))
	if len(support) > 0 {
		s.receive([]byte(":irc.test 005 juliet " + strings.Join(support, " ") + " :are supported"))
	}
	s.receive([]byte(":irc.test 422 juliet :No message of the day"))
	return s
}

// talkingReader returns the reader of a connection whose server reads everything.
func talkingReader(t *testing.T, options Options, sink Sink) *reader {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	c := newConn(new(testConfig()), options, sink, nil)
	r := newReader(c, ours, Address{Host: "irc.test", Port: 6697, TLS: true})
	c.writer.attach(ours, &r.in)
	t.Cleanup(func() {
		c.Close()
		_ = ours.Close()
		_ = theirs.Close()
		c.writer.detach()
	})
	return r
}

// registerReader has the server accept us.
func registerReader(r *reader) {
	r.session.receive([]byte(":irc.test 001 juliet :Welcome"))
	r.session.receive([]byte(":irc.test 422 juliet :No message of the day"))
}

// pipeConn serves one end of a pipe as if it had been dialled. The other end is
// returned. Done is closed at the end as after Start.
func pipeConn(config *Config, options Options, sink Sink) (*Conn, net.Conn) {
	ours, theirs := net.Pipe()
	options.Addresses = []Address{{Host: "irc.test", Port: 6667}}
	c := newConn(config, options, sink, nil)
	c.address = len(options.Addresses) // there is no other to try
	go func() {
		r, _ := c.open(ours, ours, options.Addresses[0])
		c.advance(r)
	}()
	return c, theirs
}

// cuttingConn writes in pieces of a size, each a packet of its own.
type cuttingConn struct {
	net.Conn
	size int // 0: whole
}

func (c *cuttingConn) Write(p []byte) (int, error) {
	if c.size == 0 {
		return c.Conn.Write(p)
	}
	written := 0
	for piece := range slices.Chunk(p, c.size) {
		n, err := c.Conn.Write(piece)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// testPoller is where the connections of all tests wait, as they do in the program;
// nil where the system has none. It is made before any test: its goroutine must not
// belong to a bubble whose clock stands still.
var testPoller = func() *Poller {
	p, err := NewPoller()
	if err != nil {
		panic(err)
	}
	return p
}()

// assertFailure checks the one Disconnected event of a connection.
func assertFailure(t *testing.T, events *recorder, kind ErrorKind, numeric int, text string) {
	t.Helper()
	end := waitFor[Disconnected](t, events, nil)
	var failure *Error
	if !errors.As(end.Err, &failure) || failure.Kind != kind || failure.Numeric != numeric || !strings.Contains(failure.Error(), text) {
		t.Fatalf("got %+v: %v", end, end.Err)
	}
	if all := eventsOf[Disconnected](events.all()); len(all) != 1 {
		t.Fatalf("%d Disconnected events", len(all))
	}
}
