package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

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
		_, events := u.in.waiting()
		return events == inletEvents
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
					n := &Network{u: u, name: "broken.test", conn: &lines{}, channels: few[ircconn.Folded, *Channel]{{folded: "#x", sessions: make([]session, 1)}}}
					u.networks.add(n)
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

// When what a stanza asked for was done, and its lines cannot leave, it has its one
// answer; those behind it get theirs.
func TestPanicOfLeavingLines(t *testing.T) {
	h := newHouse(t)
	l := h.enter("juliet")
	l.mu.Lock()
	l.broken = true
	l.mu.Unlock()
	h.g.messages[route{"headline", translate.Gateway}] = func(u *User, r *request) error {
		u.queuedFor(u.networks.of("irc.test"))
		return refuse("not-acceptable", "the answer of this one")
	}
	open := h.out.close()
	h.ping("juliet@xmpp.test/desk", "before")
	<-h.out.entered
	h.stanza(`<message from='juliet@xmpp.test/desk' to='gw.test' type='headline' id='done'/>`)
	h.ping("juliet@xmpp.test/desk", "waits")
	open()
	text := h.out.waitFor(t, "id='waits'", "id='done'", "a fault in the gateway ended your IRC sessions")
	if got := strings.Count(text, "type='error' id='done'"); got != 1 || !strings.Contains(text, "the answer of this one") {
		t.Errorf("what was done was answered %d times:\n%s", got, text)
	}
	if got := strings.Count(text, "type='error' id='waits'"); got != 1 {
		t.Errorf("what waits was answered with %d errors:\n%s", got, text)
	}
	<-l.done
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
	w.faults++
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

// takesAll is a connection from which each line leaves at once.
type takesAll struct{ *lines }

func (l takesAll) Flush(written func(receipt uint64)) {
	for _, line := range l.sent {
		if line.Receipt != 0 {
			written(line.Receipt)
		}
	}
	l.sent = nil
}

// What shows many messages that leave in a row is handed on by and by.
func TestRowIsShownByAndBy(t *testing.T) {
	w := connected(t)
	w.network().conn = takesAll{w.irc}
	var out handOvers
	w.g.out = &out
	const row = 100
	var stanzas []*component.Stanza
	for i := range row {
		s, err := parseStanza(fmt.Sprintf("<message from='%s' to='%s' type='groupchat' id='%d'><body>%s</body></message>", desk, room, i, strings.Repeat("o ", 100)))
		if err != nil {
			t.Fatal(err)
		}
		stanzas = append(stanzas, s)
	}
	if !w.u.doAll(&work{stanzas: stanzas}) {
		t.Fatal("a fault")
	}
	shown := 0
	for _, size := range out.sizes {
		if shown += size; size > 2*eventBytes {
			t.Errorf("%d bytes at once", size)
		}
	}
	if shown < row*200 {
		t.Errorf("%d bytes were shown of %d messages", shown, row)
	}
}
