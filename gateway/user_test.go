package gateway

import (
	"context"
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
	"passerelle/translate"
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
	mu   sync.Mutex
	sink ircconn.Sink
	quit string
	deaf bool
	done chan struct{}
}

func (l *link) Queue(...ircconn.Line) error { return nil }
func (l *link) Flush(func(uint64))          {}
func (l *link) Close()                      {}
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
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			h.t.Fatalf("never: %s", what)
		}
		runtime.Gosched()
	}
}

func (h *house) user(bare string) *User {
	jid, _ := component.ParseJID(bare)
	h.g.mu.Lock()
	defer h.g.mu.Unlock()
	return h.g.users[jid]
}

// A flood from IRC fills the one inlet, not the other; what fills that is refused.
func TestFloodFromIRC(t *testing.T) {
	h := newHouse(t)
	l := h.enter("juliet")
	open := h.out.close()
	h.ping("juliet@xmpp.test/desk", "busy")
	<-h.out.entered
	flooded := make(chan struct{})
	const flood = 3 * inletEvents
	go func() {
		defer close(flooded)
		for i := range flood {
			l.say(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: fmt.Sprintf("line %d.", i)})
		}
	}()
	u := h.user("juliet@xmpp.test")
	h.until("the inlet for events is full", func() bool {
		u.in.mu.Lock()
		defer u.in.mu.Unlock()
		return len(u.in.events) == inletEvents
	})
	for i := range inletStanzas {
		h.ping("juliet@xmpp.test/desk", fmt.Sprintf("fits-%d", i))
	}
	h.ping("juliet@xmpp.test/desk", "full")
	h.stanza(`<message from='juliet@xmpp.test/desk' to='gw.test' type='error' id='no-answer'/>`)
	h.ping("romeo@xmpp.test/desk", "other") // somebody else has nothing to do with it
	<-h.out.entered
	if got := h.out.offered.String(); !strings.Contains(got, `type='error' id='full'`) || !strings.Contains(got, "resource-constraint") ||
		strings.Contains(got, "fits") || strings.Contains(got, "no-answer") {
		t.Errorf("refused: %s", got)
	}
	open()
	<-flooded
	text := h.out.waitFor(t, fmt.Sprintf("id='fits-%d'", inletStanzas-1), fmt.Sprintf("line %d.", flood-1), "id='other'", "id='busy'")
	last := -1
	for i := range flood {
		at := strings.Index(text, fmt.Sprintf("line %d.", i))
		if at < last {
			t.Fatalf("line %d is lost or out of order", i)
		}
		last = at
	}
}

func TestIdleUsersRetire(t *testing.T) {
	h := newHouse(t)
	for i := range 50 {
		h.ping(fmt.Sprintf("user%d@xmpp.test/desk", i%5), fmt.Sprintf("p%d", i))
	}
	for i := range 50 {
		h.out.waitFor(t, fmt.Sprintf("id='p%d'", i))
	}
	h.until("all users are gone", func() bool { return h.g.Users() == 0 })
	// What asks for nothing makes no user.
	h.stanza(`<presence from='juliet@xmpp.test/desk' to='%s' type='unavailable'/>`, room)
	h.stanza(`<message from='juliet@xmpp.test/desk' to='%s' type='error'/>`, room)
	h.stanza(`<iq from='juliet@xmpp.test/desk' to='%s' type='result' id='x'/>`, room)
	if h.g.Users() != 0 {
		t.Error("a user was made for nothing")
	}
	l := h.enter("juliet")
	u := h.user("juliet@xmpp.test")
	h.ping("juliet@xmpp.test/desk", "again")
	h.out.waitFor(t, "id='again'")
	if h.user("juliet@xmpp.test") != u {
		t.Error("somebody who is on IRC was retired")
	}
	l.end()
	h.until("who is not on IRC any more is gone", func() bool { return h.g.Users() == 0 })
}

// What an old connection still says is of no interest.
func TestEventsOfOldConnections(t *testing.T) {
	h := newHouse(t)
	old := h.enter("juliet")
	old.say(ircconn.Disconnected{})
	h.out.waitFor(t, "has ended")
	h.until("the user is gone", func() bool { return h.g.Users() == 0 })
	h.out.mu.Lock()
	h.out.text.Reset()
	h.out.mu.Unlock()
	current := h.enter("juliet")
	old.say(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "from the old one"})
	current.say(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "from the new one"})
	if text := h.out.waitFor(t, "from the new one"); strings.Contains(text, "from the old one") {
		t.Error("an event of an old connection is shown")
	}
}

// The panic of a handler ends its user, answers what waits, and nobody else
// notices.
func TestPanicEndsOneUser(t *testing.T) {
	for name, broken := range map[string]bool{"handler": false, "handler and state": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.g.messages[route{"headline", translate.Gateway}] = func(u *User, _ *request) error {
				if broken { // so that even the goodbye fails
					n := &Network{u: u, conn: &lines{}, channels: map[ircconn.Folded]*Channel{"#x": {sessions: make([]session, 1)}}}
					u.networks["broken.test"] = n
				}
				panic("a fault")
			}
			l, other := h.enter("juliet"), h.enter("romeo")
			open := h.out.close()
			h.ping("juliet@xmpp.test/desk", "before")
			<-h.out.entered
			h.stanza(`<message from='juliet@xmpp.test/desk' to='gw.test' type='headline' id='fault'/>`)
			h.ping("juliet@xmpp.test/desk", "waits")
			open()
			text := h.out.waitFor(t, "id='before'", "id='fault'", "id='waits'", "a fault in the gateway ended your IRC sessions")
			for _, id := range []string{"fault", "waits"} {
				if !strings.Contains(text, `to='juliet@xmpp.test/desk' type='error' id='`+id+`'><error type='cancel'><internal-server-error `) {
					t.Errorf("%s was not answered with an error:\n%s", id, text)
				}
			}
			if !broken && !strings.Contains(text, `<status code='110'/><status code='332'/>`) {
				t.Errorf("the room was not left:\n%s", text)
			}
			<-l.done
			if l.quitReason() == "" || h.g.panics.Load() != 1 || h.user("juliet@xmpp.test") != nil {
				t.Errorf("quit %q, panics %d", l.quitReason(), h.g.panics.Load())
			}
			other.say(ircconn.Message{Source: source("tybalt"), Target: "#chan", Text: "still here?"})
			h.out.waitFor(t, "still here?")
			if other.quitReason() != "" {
				t.Error("somebody else was ended")
			}
			// And whom it hit can come back.
			h.out.mu.Lock()
			h.out.text.Reset()
			h.out.mu.Unlock()
			h.enter("juliet")
		})
	}
}

// A panic in the handling of an event is no different.
func TestPanicOfAnEvent(t *testing.T) {
	h := newHouse(t)
	l := h.enter("juliet")
	h.user("juliet@xmpp.test").post(func(*User) { panic("a fault") }, nil)
	<-l.done
	h.out.waitFor(t, "a fault in the gateway ended your IRC sessions")
	if h.g.panics.Load() != 1 {
		t.Errorf("%d panics", h.g.panics.Load())
	}
}

func TestShutdown(t *testing.T) {
	h := newHouse(t)
	links := []*link{h.enter("juliet"), h.enter("romeo"), h.enter("tybalt")}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h.g.Shutdown(ctx)
	if ctx.Err() != nil {
		t.Fatal("the shutdown waits for nothing")
	}
	h.out.mu.Lock()
	text := h.out.text.String()
	h.out.mu.Unlock()
	for i, nick := range []string{"juliet", "romeo", "tybalt"} {
		if got := links[i].quitReason(); got != DefaultConfig().QuitMessage {
			t.Errorf("%s quits with %q", nick, got)
		}
		goodbye := `<presence from='` + room + `/` + nick + `' to='` + nick + `@xmpp.test/desk' type='unavailable'>`
		if strings.Count(text, goodbye) != 1 {
			t.Errorf("%s was told %d times", nick, strings.Count(text, goodbye))
		}
	}
	if strings.Count(text, `<status code='110'/><status code='332'/>`) != 3 {
		t.Errorf("status 332 is missing in\n%s", text)
	}
	// Nobody comes in any more.
	h.ping("nurse@xmpp.test/desk", "late")
	if got := h.out.offered.String(); !strings.Contains(got, `type='error' id='late'`) || !strings.Contains(got, "service-unavailable") {
		t.Errorf("offered %s", got)
	}
}

// Who is here already cannot connect any more either.
func TestNoConnectionAfterShutdown(t *testing.T) {
	h := newHouse(t)
	open := h.out.close()
	h.ping("juliet@xmpp.test/desk", "busy")
	<-h.out.entered
	h.stanza(`<presence from='juliet@xmpp.test/desk' to='%s/juliet' id='late'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, room)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		h.g.Shutdown(ctx)
	}()
	h.until("the shutdown has begun", func() bool {
		h.g.mu.Lock()
		defer h.g.mu.Unlock()
		return h.g.closing
	})
	open()
	<-finished
	if text := h.out.waitFor(t, "id='late'"); !strings.Contains(text, "service-unavailable") {
		t.Errorf("got %s", text)
	}
	if len(h.links) != 0 {
		t.Error("there is a connection")
	}
}

// A connection that does not end keeps a shutdown until its deadline only.
func TestShutdownDeadline(t *testing.T) {
	h := newHouse(t)
	h.deaf = true
	l := h.enter("juliet")
	ctx, cancel := context.WithCancel(context.Background())
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		h.g.Shutdown(ctx)
	}()
	h.out.waitFor(t, `<status code='332'/>`)
	select {
	case <-returned:
		t.Error("the shutdown did not wait for the connection")
	default:
	}
	cancel()
	<-returned
	l.end()
}

// What was made before a fault, and whole, is sent; the half of what broke is not.
func TestFaultLeavesWhatWasWhole(t *testing.T) {
	w := connected(t)
	w.u.guard(func() { w.u.notify(w.u.gatewayJID(), "whole") })
	if w.u.guard(func() {
		w.u.enc.Stanza(component.Message, w.u.gatewayJID(), w.u.jid, "chat", "half")
		w.u.enc.Open("body", "")
		panic("fault")
	}) {
		t.Fatal("the user lives on")
	}
	text := strings.Join(w.sent(), "\n")
	contains(t, text, "<body>whole</body>", "a fault in the gateway ended your IRC sessions")
	lacks(t, text, "half")
}
