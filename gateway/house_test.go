package gateway

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// stream is the component for tests with goroutines: it keeps what was sent, and
// can keep its senders waiting.
type stream struct {
	mu      sync.Mutex
	text    strings.Builder
	offered strings.Builder
	changed chan struct{} // closed and replaced at every change
	gate    chan struct{} // Send waits for it; nil when it does not
	entered chan struct{} // one for each Send that waits at the gate
}

func newStream() *stream {
	return &stream{changed: make(chan struct{}), entered: make(chan struct{}, 1000)}
}

func (s *stream) Send(b []byte) error {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		s.entered <- struct{}{}
		<-gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b)
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

func (s *stream) OfferAs(_ *component.Sender, b []byte) error { return s.Offer(b) }

func (s *stream) SendAs(_ *component.Sender, b []byte) error { return s.Send(b) }

func (s *stream) Offer(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered.Write(b)
	return nil
}

func (s *stream) close() func() {
	gate := make(chan struct{})
	s.mu.Lock()
	s.gate = gate
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		close(gate)
	}
}

// waitFor waits until what was sent has all of the parts, and returns it.
func (s *stream) waitFor(t *testing.T, parts ...string) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		text, changed := s.text.String(), s.changed
		s.mu.Unlock()
		missing := ""
		for _, part := range parts {
			if !strings.Contains(text, part) {
				missing = part
			}
		}
		if missing == "" {
			return text
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s never came; there is\n%s", missing, text)
		}
	}
}

// link is an IRC connection for tests with goroutines. It ends when it is told to
// quit, unless it is deaf.
type link struct {
	mu     sync.Mutex
	sink   ircconn.Sink
	quit   string
	deaf   bool
	broken bool // its Flush panics
	done   chan struct{}
}

func (l *link) Queue(...ircconn.Line) error { return nil }
func (l *link) Close()                      {}
func (l *link) Flush(func(uint64)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		panic("a fault")
	}
}

func (l *link) Quit(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quit != "" {
		return
	}
	l.quit = reason
	if !l.deaf {
		go l.end()
	}
}

func (l *link) end() {
	l.say(ircconn.Disconnected{WasRegistered: true})
	close(l.done)
}

func (l *link) say(events ...ircconn.Event) {
	for _, ev := range events {
		l.sink.Deliver(nil, ev)
	}
}

func (l *link) quitReason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quit
}

// house is a gateway with its goroutines.
type house struct {
	t     *testing.T
	g     *Gateway
	out   *stream
	mu    sync.Mutex
	links map[string]*link // by nick
	deaf  bool
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, out: newStream(), links: make(map[string]*link)}
	cfg := DefaultConfig()
	cfg.OutageLimit, cfg.Linger = 0, 0
	h.g = New(Options{
		Config: cfg, Domain: "gw.test", Version: "1.0", OccupantKey: []byte("key"),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	h.g.Attach(h.out)
	h.g.dial = func(o ircconn.Options, sink ircconn.Sink, _ *slog.Logger) lineSender {
		l := &link{sink: sink, deaf: h.deaf, done: make(chan struct{})}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.links[o.Nick] = l
		return l
	}
	return h
}

func (h *house) stanza(format string, args ...any) {
	h.t.Helper()
	s, err := parseStanza(fmt.Sprintf(format, args...))
	if err != nil {
		h.t.Fatal(err)
	}
	h.g.HandleStanza(s)
}

func (h *house) ping(from, id string) {
	h.stanza(`<iq from='%s' to='gw.test' type='get' id='%s'><ping xmlns='urn:xmpp:ping'/></iq>`, from, id)
}

// enter has somebody in #chan, and returns their connection.
func (h *house) enter(nick string) *link {
	h.t.Helper()
	full := nick + "@xmpp.test/desk"
	h.stanza(`<presence from='%s' to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, full, room, nick)
	h.ping(full, "after-"+nick) // whose answer follows the connection
	h.out.waitFor(h.t, "id='after-"+nick+"'")
	h.mu.Lock()
	l := h.links[nick]
	h.mu.Unlock()
	self := source(nick)
	l.say(ircconn.Registered{Nick: nick, Source: self, Support: support}, ircconn.Joined{Source: self, Channel: "#chan", Self: true},
		ircconn.NamesEnd{Channel: "#chan"})
	h.out.waitFor(h.t, `to='`+full+`' type='groupchat'`)
	return l
}

// until waits for what no event announces.
func (h *house) until(what string, holds func() bool) {
	h.t.Helper()
	eventually(h.t, what, holds)
}

func (h *house) user(bare string) *User { return userOf(h.g, bare) }

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		runtime.Gosched()
	}
}

// userOf is the user of a JID, or nil.
func userOf(g *Gateway, text string) *User {
	jid, _ := component.ParseJID(text)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.users[jid.Bare()]
}
