package gateway

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

const (
	room   = "#chan%irc.test@gw.test"
	desk   = "juliet@xmpp.test/desk"
	phone  = "juliet@xmpp.test/phone"
	server = "irc.test@gw.test"
)

// world is one user of a gateway between a recorded stream and a recorded IRC
// connection. Everything happens on the test's goroutine.
type world struct {
	t       testing.TB
	g       *Gateway
	u       *User
	out     recorder
	irc     *lines // of the last connection
	dialled ircconn.Options
	timers  []*testTimer
	clock   time.Time
	faults  int64 // that the test causes
}

type testTimer struct {
	at  time.Time
	run func()
}

// recorder is the stream: it keeps what was sent.
type recorder struct{ text strings.Builder }

func (r *recorder) Send(b []byte) error                         { r.text.Write(b); return nil }
func (r *recorder) OfferAs(_ *component.Sender, b []byte) error { return r.Send(b) }
func (r *recorder) SendAs(_ *component.Sender, b []byte) error  { return r.Send(b) }
func (r *recorder) Offer(b []byte) error                        { return r.Send(b) }

// lines is an IRC connection: it keeps what was sent, or refuses it.
type lines struct {
	sent     []ircconn.Line
	quit     string
	closed   bool
	refusing error
}

func (l *lines) Queue(lines ...ircconn.Line) error {
	if l.refusing == nil {
		l.sent = append(l.sent, lines...)
	}
	return l.refusing
}
func (l *lines) Flush(func(uint64)) {}
func (l *lines) Quit(reason string) { l.quit = reason }
func (l *lines) Close()             { l.closed = true }

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	cfg := DefaultConfig()
	cfg.MaxLines = 3
	cfg.OutageLimit, cfg.Linger = 0, 0
	w.g = New(Options{
		Config: cfg, Domain: "gw.test", Version: "1.0", OccupantKey: []byte("key"),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	w.g.Attach(&w.out)
	t.Cleanup(func() {
		if panics := w.g.panics.Load(); panics != w.faults {
			t.Errorf("%d faults ended the user", panics)
		}
	})
	w.g.now = func() time.Time { return w.clock }
	w.g.aside = func(func()) {} // nobody else works here
	w.g.timer = func(d time.Duration, f func()) *time.Timer {
		handle := time.NewTimer(24 * time.Hour)
		w.timers = append(w.timers, &testTimer{w.clock.Add(d), func() {
			if handle.Stop() { // unless it was stopped before
				f()
			}
		}})
		return handle
	}
	w.g.dial = func(o ircconn.Options, _ ircconn.Sink, _ *slog.Logger) lineSender {
		w.dialled, w.irc = o, &lines{}
		return w.irc
	}
	w.u = newUser(w.g, component.JID{Local: "juliet", Domain: "xmpp.test"})
	w.u.in.running = true // nobody else works for this user
	w.u.scratch = w.g.meter.newScratch()
	return w
}

// do is one round of the user's goroutine with one piece of work.
func (w *world) do(work func()) bool {
	alive := w.u.guard(work)
	if alive {
		w.u.handOn()
	}
	return alive
}

// change changes the configuration, as an admin does while the gateway runs.
func (w *world) change(change func(*Live)) {
	live := *w.g.live()
	change(&live)
	w.g.Apply(live)
}

// pass lets time pass, and what was to happen until then.
func (w *world) pass(d time.Duration) {
	for _, timer := range w.due(d) {
		timer.run()
	}
	w.happen()
}

// due lets time pass, and returns the timers that become due.
func (w *world) due(d time.Duration) []*testTimer {
	w.clock = w.clock.Add(d)
	var due, later []*testTimer
	for _, timer := range w.timers {
		if timer.at.After(w.clock) {
			later = append(later, timer)
		} else {
			due = append(due, timer)
		}
	}
	w.timers = later
	return due
}

// happen does what waits for the user's goroutine.
func (w *world) happen() {
	work := w.u.in.take(false)
	w.u.in.running = true
	if work == nil {
		return
	}
	for _, ev := range work.events {
		w.do(func() { ev.happen(w.u) })
	}
}

// stanza gives the user a stanza, written as XML.
func (w *world) stanza(format string, args ...any) {
	w.t.Helper()
	s, err := parseStanza(fmt.Sprintf(format, args...))
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(func() { w.u.handleStanza(s) })
}

// event gives the network irc.test events.
func (w *world) event(events ...ircconn.Event) {
	w.t.Helper()
	for _, ev := range events {
		n := w.network()
		w.do(func() { n.handle(ev) })
	}
}

func (w *world) network() *Network {
	w.t.Helper()
	n := w.u.networks.of("irc.test")
	if n == nil {
		w.t.Fatal("there is no network irc.test")
	}
	return n
}

var support = ircconn.DefaultSupport().With([]string{
	"PREFIX=(qaohv)~&@%+", "CHANMODES=beI,k,l,imnpst", "NICKLEN=16", "TOPICLEN=20", "MODES=4", "STATUSMSG=@+", "AWAYLEN=10", "KICKLEN=20",
})

// connected has the user on the server as "juliet" and in #chan with "romeo" and
// the operator "nurse", from the session desk.
func connected(t testing.TB, caps ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet", caps...)
	w.enter("@nurse romeo juliet")
	w.event(ircconn.ChannelModes{Channel: "#chan"})
	w.forget()
	return w
}

func (w *world) join(from, nick string) {
	w.stanza(`<presence from='%s' to='%s/%s' id='join'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, from, room, nick)
}

func (w *world) register(nick string, caps ...string) {
	w.event(ircconn.Registered{
		Nick: nick, Source: ircconn.Source{Nick: nick, User: "user", Host: "host.test"}, Support: support, Caps: ircconn.NewCaps(caps...),
	})
}

// enter is the server letting us into #chan with these members.
func (w *world) enter(names string) {
	self := ircconn.Source{Nick: w.network().nick(), User: "user", Host: "host.test"}
	w.event(ircconn.Joined{Source: self, Channel: "#chan", Self: true})
	var members []ircconn.NamesEntry
	for name := range strings.FieldsSeq(names) {
		nick := strings.TrimLeft(name, "~&@%+")
		members = append(members, ircconn.NamesEntry{Nick: nick, Prefixes: name[:len(name)-len(nick)]})
	}
	w.event(ircconn.Names{Channel: "#chan", Members: members}, ircconn.NamesEnd{Channel: "#chan"})
}

// forget drops what was sent so far, both ways.
func (w *world) forget() {
	w.out.text.Reset()
	if w.irc != nil {
		w.irc.sent = nil
	}
}

var (
	randomIDs   = regexp.MustCompile(`id='[0-9a-f]{32}'`)
	occupantIDs = regexp.MustCompile(`<occupant-id xmlns='urn:xmpp:occupant-id:0' id='[\w-]{43}'/>`)
	stanzaIDs   = regexp.MustCompile(`<stanza-id xmlns='urn:xmpp:sid:0' id='[0-9a-f]{32}' by='([^']*)'/>`)
)

// sent returns the stanzas sent since the last time, with random ids as ID,
// occupant ids as <occupant/> and stanza ids as <stanza/>.
func (w *world) sent() []string {
	w.t.Helper()
	text := w.out.text.String()
	w.out.text.Reset()
	var list []string
	decoder := xml.NewDecoder(strings.NewReader(text))
	start, depth := int64(0), 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			w.t.Fatalf("what was sent is not XML: %v\n%s", err, text)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 {
				list = append(list, text[start:decoder.InputOffset()])
				start = decoder.InputOffset()
			}
		}
	}
	for i, s := range list {
		s = occupantIDs.ReplaceAllString(s, "<occupant/>")
		s = stanzaIDs.ReplaceAllString(s, "<stanza/>")
		list[i] = randomIDs.ReplaceAllString(s, "id='ID'")
	}
	return list
}

// expect compares the stanzas sent since the last time.
func (w *world) expect(want ...string) {
	w.t.Helper()
	got := w.sent()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			w.t.Errorf("missing:\n  %s", want[i])
		case i >= len(want):
			w.t.Errorf("not expected:\n  %s", got[i])
		case got[i] != want[i]:
			w.t.Errorf("stanza %d is\n  %s\nwant\n  %s", i, got[i], want[i])
		}
	}
}

// expectOne looks for the parts in the only stanza sent.
func (w *world) expectOne(parts ...string) {
	w.t.Helper()
	got := w.sent()
	if len(got) != 1 {
		w.t.Errorf("%d stanzas, want one:\n%s", len(got), strings.Join(got, "\n"))
		return
	}
	for _, part := range parts {
		if !strings.Contains(got[0], part) {
			w.t.Errorf("%s\nlacks %s", got[0], part)
		}
	}
}

// expectLines compares the IRC lines sent since the last time.
func (w *world) expectLines(want ...string) {
	w.t.Helper()
	var got []string
	for _, line := range w.irc.sent {
		got = append(got, strings.Join(append([]string{line.Command}, line.Params...), " "))
	}
	w.irc.sent = nil
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("lines sent:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func source(nick string) ircconn.Source {
	return ircconn.Source{Nick: nick, User: nick, Host: nick + ".test"}
}

// parseStanza reads a stanza as the component would deliver it.
func parseStanza(text string) (*component.Stanza, error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	return stanzaOf(parseElement(decoder, token.(xml.StartElement)))
}

// mustStanza is a join.
func mustStanza(tb testing.TB) *component.Stanza {
	tb.Helper()
	s, err := parseStanza(`<presence from='` + desk + `' to='` + room + `/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
