package gateway

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"passerelle/component"
	"passerelle/internal/xmpptest"
	"passerelle/ircconn"
)

// xmppSide is a gateway behind a real component stream, and IRC servers that let
// everybody in.
type xmppSide struct {
	t      *testing.T
	g      *Gateway
	server *xmpptest.Server
	ids    int
}

func newXMPPSide(t *testing.T, change func(*Config)) *xmppSide {
	t.Helper()
	server := xmpptest.NewServer(t, "gw.test", "secret")
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	cfg := DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	g := New(Options{Config: cfg, Domain: "gw.test", OccupantKey: []byte("key"), Log: log})
	g.dial = func(o ircconn.Options, sink ircconn.Sink, _ *slog.Logger) lineSender {
		return newHost(o.Nick, sink)
	}
	conn := component.New(component.Config{Hostname: "gw.test", Secret: "secret", Address: server.Address()}, g, log)
	g.Attach(conn)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- conn.Run(ctx) }()
	t.Cleanup(func() {
		deadline, done := context.WithTimeout(context.Background(), xmpptest.Timeout)
		defer done()
		g.Shutdown(deadline)
		cancel()
		<-ended
		if panics := g.panics.Load(); panics > 0 {
			t.Errorf("%d handlers panicked", panics)
		}
	})
	server.Accept()
	return &xmppSide{t: t, g: g, server: server}
}

// expect is the next stanza. Pings of the stream itself are answered and left out.
func (s *xmppSide) expect() string {
	s.t.Helper()
	for {
		stanza := s.server.Expect()
		if attribute(stanza, "to") != "test" {
			return stanza
		}
		s.server.Send("<iq type='result' from='test' to='gw.test' id='" + attribute(stanza, "id") + "'/>")
	}
}

// until reads stanzas until one has all parts, and returns it and those before.
func (s *xmppSide) until(parts ...string) (found string, before []string) {
	s.t.Helper()
	for {
		stanza := s.expect()
		if missing := lacking(stanza, parts); missing == "" {
			return stanza, before
		}
		before = append(before, stanza)
	}
}

func lacking(text string, parts []string) string {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return part
		}
	}
	return ""
}

// settle waits until the gateway has worked on all that a user has sent, and
// returns what it sent meanwhile.
func (s *xmppSide) settle(from string) (meanwhile []string) {
	s.t.Helper()
	for {
		answer, before := s.ping(from)
		meanwhile = append(meanwhile, before...)
		if strings.Contains(answer, "type='result'") {
			return meanwhile
		}
		// There was no room for it. Who asks on and on is not told of all that is refused.
		eventually(s.t, "there is room for what "+from+" sends", func() bool { return s.hasRoom(from) })
	}
}

// drain reads what the gateway sends until there is room for what a user sends, who
// otherwise is not told of all that is refused.
func (s *xmppSide) drain(from string) {
	s.t.Helper()
	for !s.hasRoom(from) {
		s.ping("fence@xmpp.test/desk")
	}
}

// hasRoom reports whether nothing waits that a user has sent.
func (s *xmppSide) hasRoom(from string) bool {
	u := userOf(s.g, from)
	if u == nil {
		return true
	}
	waiting, _ := u.in.waiting()
	return waiting == 0
}

// ping has the gateway answer somebody, and returns what it sent before that.
func (s *xmppSide) ping(from string) (answer string, before []string) {
	s.t.Helper()
	s.ids++
	id := fmt.Sprint("settle-", s.ids)
	s.server.Send(fmt.Sprintf("<iq type='get' id='%s' from='%s' to='gw.test'><ping xmlns='urn:xmpp:ping'/></iq>", id, from))
	return s.until("id='" + id + "'")
}

// host is an IRC server that lets its user into every channel.
type host struct {
	nick   string
	sink   ircconn.Sink
	mu     sync.Mutex
	events []ircconn.Event
	wake   chan struct{}
	done   chan struct{}
	once   sync.Once
}

func newHost(nick string, sink ircconn.Sink) *host {
	h := &host{nick: nick, sink: sink, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go h.run()
	h.say(ircconn.Registered{Nick: nick, Source: source(nick), Support: support})
	return h
}

func (h *host) say(events ...ircconn.Event) {
	h.mu.Lock()
	h.events = append(h.events, events...)
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *host) run() {
	for {
		h.mu.Lock()
		events := h.events
		h.events = nil
		h.mu.Unlock()
		for _, ev := range events {
			h.sink.Deliver(h.done, ev)
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-h.wake:
		case <-h.done:
			never := make(chan struct{})
			h.sink.Deliver(never, ircconn.Disconnected{WasRegistered: true})
			return
		}
	}
}

func (h *host) Queue(lines ...ircconn.Line) error {
	for _, line := range lines {
		switch line.Command {
		case "JOIN":
			for channel := range strings.SplitSeq(line.Params[0], ",") {
				h.say(ircconn.Joined{Source: source(h.nick), Channel: channel, Self: true},
					ircconn.Names{Channel: channel, Members: []ircconn.NamesEntry{{Nick: h.nick}, {Nick: "romeo"}}},
					ircconn.NamesEnd{Channel: channel})
			}
		case "PART":
			h.say(ircconn.Parted{Source: source(h.nick), Channel: line.Params[0], Self: true})
		}
		if line.Receipt != 0 {
			h.say(ircconn.Written{Receipt: line.Receipt})
		}
	}
	return nil
}

func (h *host) Flush(func(uint64)) {}
func (h *host) Quit(string)        { h.Close() }
func (h *host) Close()             { h.once.Do(func() { close(h.done) }) }

func joinOf(from, channel, nick string) string {
	return fmt.Sprintf("<presence id='j' from='%s' to='%s%%irc.test@gw.test/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", from, channel, nick)
}

const honest = "nurse@xmpp.test/desk"

// enter has somebody join #chan.
func (s *xmppSide) enter(from, nick string) {
	s.t.Helper()
	s.server.Send(joinOf(from, "#chan", nick))
	s.until("to='"+from+"'", "<subject/>")
}

// Each of these is sent by a hostile user, or by a hostile server in the name of
// users; afterwards the gateway serves everybody else as before.
func TestHostileStanzas(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	fields := func(count, values int) string {
		var b strings.Builder
		b.WriteString("<x xmlns='jabber:x:data' type='submit'>")
		for i := range count {
			fmt.Fprintf(&b, "<field var='field-%d'>", i)
			b.WriteString(strings.Repeat("<value>v</value>", values))
			b.WriteString("</field>")
		}
		b.WriteString("</x>")
		return b.String()
	}
	const mallory = "mallory@bad.test/m"
	iq := func(to, kind, payload string) string {
		return fmt.Sprintf("<iq id='h' type='%s' from='%s' to='%s'>%s</iq>", kind, mallory, to, payload)
	}
	for name, test := range map[string]struct {
		send []string
		// want are parts of the one stanza that answers; none for no answer.
		want []string
	}{
		"a form of thousands of fields": {
			[]string{iq("gw.test", "set", "<query xmlns='jabber:iq:register'>"+fields(4000, 1)+"</query>")}, []string{"id='h'", "type='error'"}},
		"a field of thousands of values": {
			[]string{iq("irc.test@gw.test", "set", "<query xmlns='jabber:iq:search'>"+fields(1, 10000)+"</query>")}, []string{"id='h'", "type='error'"}},
		"an id of 100 KB": {
			[]string{"<iq id='" + long + "' type='get' from='" + mallory + "' to='gw.test'><query xmlns='jabber:iq:version'/></iq>"},
			[]string{"id='" + long + "'", "type='result'"}},
		"a join of 200 KB": {
			[]string{strings.Replace(joinOf(mallory, "#chan", "m"), "<x ", "<status>"+long+long+"</status><x ", 1)},
			[]string{"policy-violation", "may not be larger than 32768 bytes"}},
		"a join of ten thousand elements": {
			[]string{strings.Replace(joinOf(mallory, "#chan", "m"), "<x ", strings.Repeat("<y/>", 10000)+"<x ", 1)},
			[]string{"policy-violation", "may not be larger than 32768 bytes"}},
		"replies to what was never asked": {
			[]string{iq("gw.test", "result", ""), iq("#chan%irc.test@gw.test/romeo", "result", "<query xmlns='jabber:iq:version'/>"),
				iq("gw.test", "error", "<error type='cancel'/>")}, nil},
		"an error for what was never sent": {
			[]string{"<message type='error' from='" + mallory + "' to='#chan%irc.test@gw.test/romeo'/>"}, nil},
		"a presence of no known type": {
			[]string{"<presence type='odd' id='h' from='" + mallory + "' to='#chan%irc.test@gw.test/m'/>"}, nil},
		"the name of an occupant": {
			[]string{"<message type='groupchat' id='h' from='#chan%irc.test@gw.test/romeo' to='#chan%irc.test@gw.test'><body>I am Romeo</body></message>",
				joinOf("romeo%irc.test@gw.test", "#chan", "romeo"), "<iq type='get' id='h' from='gw.test' to='gw.test'><ping xmlns='urn:xmpp:ping'/></iq>"}, nil},
		"a message to a room of others": {
			[]string{"<message type='groupchat' id='h' from='" + mallory + "' to='#chan%irc.test@gw.test'><body>hi</body></message>"},
			[]string{"not-acceptable", "you are not in #chan"}},
		"a message to an occupant, from outside": {
			[]string{"<message type='chat' id='h' from='" + mallory + "' to='#chan%irc.test@gw.test/romeo'><body>hi</body></message>"},
			[]string{"type='error'", "you are not in #chan"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newXMPPSide(t, nil)
			s.enter(honest, "nurse")
			s.settle(honest)
			for _, stanza := range test.send {
				s.server.Send(stanza)
			}
			got := s.settle(mallory)
			if test.want != nil {
				if len(got) == 0 || lacking(got[0], test.want) != "" {
					t.Errorf("the answer is %.2000q", got)
				}
			} else if len(got) > 0 {
				t.Errorf("there are answers: %.2000q", got)
			}
			if got := s.settle(honest); len(got) > 0 {
				t.Errorf("the honest user was sent %.2000q", got)
			}
		})
	}
}

// Ten thousand joins of one user: nobody else waits for them.
func TestTenThousandJoins(t *testing.T) {
	s := newXMPPSide(t, nil)
	s.enter(honest, "nurse")
	const mallory = "mallory@bad.test/m"
	go func() {
		for i := range 10_000 {
			s.server.Send(joinOf(mallory, fmt.Sprint("#c", i), "m"))
		}
		s.server.Send("<iq type='get' id='end' from='" + honest + "' to='gw.test'><ping xmlns='urn:xmpp:ping'/></iq>")
	}()
	s.until("id='end'", "type='result'")
	s.drain(mallory)
	s.settle(mallory)
}

// One user's thousand clients in one room would each be sent all of it.
func TestThousandClientsOfOneUser(t *testing.T) {
	s := newXMPPSide(t, nil)
	refused := 0
	for i := range 1000 {
		from := fmt.Sprintf("mallory@bad.test/%d", i)
		s.server.Send(joinOf(from, "#chan", "m"))
		answer := ""
		for answer == "" {
			stanza := s.expect()
			if strings.Contains(stanza, "to='"+from+"'") && (strings.Contains(stanza, "<subject") || strings.Contains(stanza, "type='error'")) {
				answer = stanza
			}
		}
		if strings.Contains(answer, "64 of your clients are in #chan") {
			refused++
		}
	}
	if refused != 1000-mostSessions {
		t.Errorf("%d were refused", refused)
	}
}

// Floods of one user are answered or refused, as far as the answers hold up nobody,
// and the others are served while they last.
func TestFloodsOfOneUser(t *testing.T) {
	const mallory, count = "mallory@bad.test/m", 5_000
	for name, test := range map[string]struct {
		stanza  func(i int) string
		answers bool
	}{
		"questions": {func(i int) string {
			return fmt.Sprintf("<iq type='get' id='f%d' from='%s' to='#chan%%irc.test@gw.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", i, mallory)
		}, true},
		"unknown questions": {func(i int) string {
			return fmt.Sprintf("<iq type='set' id='f%d' from='%s' to='gw.test'><x xmlns='urn:example:%d'/></iq>", i, mallory, i)
		}, true},
		"presence": {func(i int) string {
			return fmt.Sprintf("<presence id='f%d' from='%s' to='#chan%%irc.test@gw.test/m'><show>%s</show><status>%d</status></presence>", i, mallory, []string{"away", "chat"}[i%2], i)
		}, false},
		"probes": {func(i int) string {
			return fmt.Sprintf("<presence type='probe' from='%s' to='nick%d%%irc.test@gw.test'/>", mallory, i)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newXMPPSide(t, nil)
			s.enter(honest, "nurse")
			s.enter(mallory, "m")
			go func() {
				for i := range count {
					s.server.Send(test.stanza(i))
				}
				s.server.Send("<iq type='get' id='end' from='" + honest + "' to='gw.test'><ping xmlns='urn:xmpp:ping'/></iq>")
			}()
			answers := make(map[string]int)
			for ended := false; !ended; {
				stanza := s.expect()
				to, id := attribute(stanza, "to"), attribute(stanza, "id")
				ended = ended || to == honest && id == "end"
				if to == mallory && strings.HasPrefix(id, "f") {
					answers[id]++
				}
			}
			if test.answers && len(answers) == 0 {
				t.Error("there is no answer")
			}
			for id, times := range answers {
				if times != 1 {
					t.Errorf("%s was answered %d times", id, times)
				}
			}
			s.settle(honest)
		})
	}
}

// attribute is an attribute of a stanza's start tag.
func attribute(stanza, name string) string {
	token, err := xml.NewDecoder(strings.NewReader(stanza)).Token()
	if start, ok := token.(xml.StartElement); ok && err == nil {
		for _, attr := range start.Attr {
			if attr.Name.Local == name {
				return attr.Value
			}
		}
	}
	return ""
}

// Large stanzas wait in a user's inlet only up to its limit.
func TestInletIsBoundedInBytes(t *testing.T) {
	var in inlet
	start := func() {}
	large := &component.Stanza{Size: inletBytes * 3 / 4}
	if !in.postStanza(&component.Stanza{Size: 2 * inletBytes}, start) {
		t.Error("a stanza alone was refused")
	}
	if in.postStanza(large, start) {
		t.Error("a stanza beyond the limit was taken")
	}
	in.take(false)
	if !in.postStanza(large, start) || in.postStanza(large, start) {
		t.Error("the limit does not begin again")
	}
	in.end()
	in.drain()
	if in.bytes != 0 {
		t.Errorf("%d bytes wait in an inlet without stanzas", in.bytes)
	}
}
