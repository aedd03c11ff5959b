package gateway

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// loseStream is the loss of the stream.
func (w *world) loseStream() {
	w.g.StreamDown(component.ErrDisconnected, w.clock)
	w.do(func() {})
}

// streamBack is the next stream; what was sent before is lost.
func (w *world) streamBack() {
	w.clock = w.clock.Add(time.Minute)
	w.out.text.Reset()
	w.g.StreamUp()
	w.do(func() {})
}

// Clients that are still there are told the difference, and what they have
// missed; the others leave.
func TestStreamIsLost(t *testing.T) {
	w := withStore(t)
	w.join(phone, "juliet")
	w.forget()
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "before"})
	w.clock = w.clock.Add(time.Second)
	w.loseStream()
	w.event(
		ircconn.Parted{Source: source("romeo"), Channel: "#chan"},
		ircconn.Joined{Source: source("paris"), Channel: "#chan"},
		ircconn.Message{Source: source("paris"), Target: "#chan", Text: "meanwhile"},
		ircconn.TopicChanged{Source: source("paris"), Channel: "#chan", Topic: "new"},
	)
	w.streamBack()
	ids := w.inquired()
	if len(ids) != 2 || ids[desk] == "" || ids[phone] == "" {
		t.Fatalf("asked %v", ids)
	}
	w.isThere(desk, ids[desk])
	got := w.sent()
	if len(got) != 4 {
		t.Fatalf("told\n%s", strings.Join(got, "\n"))
	}
	contains(t, got[0], `<presence from='#chan%irc.test@gw.test/paris' to='`+desk+`'>`)
	contains(t, got[1], `<presence from='#chan%irc.test@gw.test/romeo' to='`+desk+`' type='unavailable'>`)
	contains(t, got[2], `to='`+desk+`'`, `<body>meanwhile</body>`, `<delay `)
	contains(t, got[3], `to='`+desk+`'`, `<subject>new</subject>`)
	w.isGone(phone, ids[phone])
	got = w.sent()
	if len(w.network().channel("#chan").sessions) != 1 || !strings.Contains(got[0], `to='`+phone+`' type='unavailable'`) {
		t.Errorf("the phone is still there: %s", got)
	}
	if w.network().channel("#chan").shown != nil {
		t.Error("what was shown is kept for ever")
	}
	w.event(ircconn.Message{Source: source("paris"), Target: "#chan", Text: "after"})
	w.expectOne(`<body>after</body>`)
}

// Where the archive does not answer when the stream is back, what was missed is told when it
// does; also when the stream is lost again before.
func TestMissedIsToldLater(t *testing.T) {
	for _, again := range []string{"", "and the stream is lost again"} {
		t.Run(again, func(t *testing.T) {
			w := withStore(t)
			w.loseStream()
			w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "meanwhile"})
			w.streamBack()
			w.g.storeAway.Store(w.clock.Add(storePause).UnixNano())
			w.isThere(desk, w.inquired()[desk])
			lacks(t, strings.Join(w.sent(), "\n"), "meanwhile")
			if again != "" {
				w.loseStream()
				w.pass(2 * storePause)
				lacks(t, strings.Join(w.sent(), "\n"), "meanwhile")
				w.streamBack()
				w.isThere(desk, w.inquired()[desk])
			} else {
				w.pass(2 * storePause)
			}
			got := strings.Join(w.sent(), "\n")
			if strings.Count(got, "<body>meanwhile</body>") != 1 {
				t.Errorf("told\n%s", got)
			}
			w.pass(10 * storePause)
			lacks(t, strings.Join(w.sent(), "\n"), "meanwhile")
		})
	}
}

// An archive that never answers is not asked for ever, and that is said.
func TestMissedIsNeverTold(t *testing.T) {
	w := withStore(t)
	w.loseStream()
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "meanwhile"})
	w.streamBack()
	w.g.storeAway.Store(w.clock.Add(time.Hour).UnixNano())
	w.isThere(desk, w.inquired()[desk])
	w.forget()
	for range missedTries {
		w.expect()
		w.pass(2 * storePause)
	}
	w.expectOne(`to='`+desk+`'`, `could not be read. Ask for the history`)
	w.pass(time.Minute)
	w.expect()
}

// Those who read history wait for their turn, and not longer than a room waits for it.
func TestReadersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gateway{readers: make(chan struct{}, 1)}
		if !g.takeTurn() {
			t.Fatal("the first has no turn")
		}
		began := time.Now()
		go func() {
			time.Sleep(historyTime / 2)
			<-g.readers
		}()
		if !g.takeTurn() || time.Since(began) != historyTime/2 {
			t.Errorf("the second had a turn after %v, if any", time.Since(began))
		}
		began = time.Now()
		if g.takeTurn() || time.Since(began) != historyTime {
			t.Errorf("the third waited for %v", time.Since(began))
		}
	})
}

// Clients that do not answer leave.
func TestSilentClientsLeaveAfterTheStreamWasLost(t *testing.T) {
	w := connected(t)
	w.loseStream()
	w.streamBack()
	w.forget()
	w.pass(verifyTime)
	w.expectLines("PART #chan your client could not be reached")
}

// Private messages wait for the stream, as many as there is room for.
func TestPrivateMessagesWaitForTheStream(t *testing.T) {
	w := connected(t)
	w.loseStream()
	w.event(ircconn.Message{Source: source("romeo"), Target: "juliet", Text: "psst"})
	long := strings.Repeat("x", 400)
	for range 300 {
		w.event(ircconn.Message{Source: source("romeo"), Target: "juliet", Text: long})
	}
	if size := len(w.u.unheard.private); size > unheardBytes {
		t.Errorf("%d bytes are held", size)
	}
	w.streamBack()
	got := strings.Join(w.sent(), "\n")
	contains(t, got, `from='romeo%irc.test@gw.test' to='juliet@xmpp.test'`, `<body>psst</body>`, `<delay `, `private messages or invitations came while the XMPP server was away`)
}

// So do invitations, what networks and the gateway say, and the presence of contacts and
// networks, of which the last counts.
func TestWhatElseWaitsForTheStream(t *testing.T) {
	w := withStore(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"MONITOR=30"})})
	w.presenceTo(romeoJID, "subscribe")
	w.presenceTo("nurse%irc.test@gw.test", "subscribe")
	w.presenceTo(server, "subscribe")
	w.loseStream()
	w.event(
		ircconn.Invited{Source: source("romeo"), Nick: "juliet", Channel: "#balcony", Self: true},
		ircconn.Reply{Numeric: 718, Params: []string{"paris", "p@verona.test", "is messaging you"}},
		ircconn.Reply{Numeric: 730, Params: []string{"romeo!rom@verona.test,nurse!n@verona.test"}},
		ircconn.Reply{Numeric: 731, Params: []string{"nurse"}},
		ircconn.Message{Source: ircconn.Source{Host: "irc.test"}, Target: "juliet", Notice: true, Text: "Restarting soon"},
	)
	w.streamBack()
	sent := w.sent()
	got := strings.Join(sent, "\n")
	for _, want := range []string{
		`<presence from='` + romeoJID + `' to='juliet@xmpp.test'/>`,
		`<presence from='nurse%irc.test@gw.test' to='juliet@xmpp.test' type='unavailable'/>`,
		`<presence from='paris%irc.test@gw.test' to='juliet@xmpp.test' type='subscribe'/>`,
		`<invite from='` + romeoJID + `'>`, `paris (p@verona.test) wants to write to you`, `<body>Restarting soon</body>`,
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%s came %d times in\n%s", want, strings.Count(got, want), got)
		}
	}
	for _, stanza := range sent {
		if strings.HasPrefix(stanza, "<message ") && !strings.Contains(stanza, `<delay xmlns='urn:xmpp:delay' from='gw.test' stamp='2026-11-21T12:00:00.000Z'/>`) {
			t.Errorf("nothing says that it is late: %s", stanza)
		}
	}
	w.event(ircconn.Reply{Numeric: 731, Params: []string{"romeo"}})
	w.expect(`<presence from='` + romeoJID + `' to='juliet@xmpp.test' type='unavailable'/>`)

	w.loseStream()
	w.event(ircconn.Disconnected{WasRegistered: true})
	w.streamBack()
	contains(t, strings.Join(w.sent(), "\n"), `<presence from='`+server+`' to='juliet@xmpp.test' type='unavailable'/>`)
}

// What waits has an end.
func TestLittleWaitsForTheStream(t *testing.T) {
	w := connected(t)
	w.loseStream()
	for i := range 2000 {
		nick := fmt.Sprintf("nick%d", i)
		w.event(ircconn.Invited{Source: source(nick), Nick: "juliet", Channel: "#balcony", Self: true},
			ircconn.Message{Source: ircconn.Source{Host: "irc.test"}, Target: "juliet", Notice: true, Text: nick})
		w.u.holdPresence(w.u.jidOf(translate.Nick, nick, "irc.test"), 0)
	}
	held := w.u.unheard
	if len(held.private) > unheardBytes || len(held.notices) > unheardBytes || len(held.presences) > unheardPresences {
		t.Errorf("%d bytes, %d bytes and %d presences are held", len(held.private), len(held.notices), len(held.presences))
	}
	w.streamBack()
	contains(t, w.out.text.String(), `private messages or invitations came while the XMPP server was away`)
}

// Both worlds may be lost at once.
func TestStreamAndServerAreLost(t *testing.T) {
	w := patient(t)
	w.loseStream()
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.enter("@nurse paris juliet")
	w.streamBack()
	w.isThere(desk, w.inquired()[desk])
	text := strings.Join(w.sent(), "\n")
	contains(t, text, `<presence from='#chan%irc.test@gw.test/paris' to='`+desk+`'>`, `<presence from='#chan%irc.test@gw.test/romeo' to='`+desk+`' type='unavailable'>`)

	w = patient(t)
	w.cut(brokenPipe)
	w.loseStream()
	w.streamBack()
	w.isThere(desk, w.inquired()[desk])
	w.expect()
	w.redialled()
	w.register("juliet")
	w.forget()
	w.enter("@nurse paris juliet")
	text = strings.Join(w.sent(), "\n")
	contains(t, text, `<presence from='#chan%irc.test@gw.test/paris' to='`+desk+`'>`, `<presence from='#chan%irc.test@gw.test/romeo' to='`+desk+`' type='unavailable'>`)
}

// The gateway has the stream's loss and return done for each user.
func TestStreamDownAndUp(t *testing.T) {
	h := newHouse(t)
	h.enter("juliet")
	h.enter("romeo")
	h.g.StreamUp() // the first one, late: the house has none
	h.g.StreamDown(component.ErrDisconnected, time.Now())
	h.until("the users know that the stream is lost", func() bool {
		lost := 0
		for _, name := range []string{"juliet@xmpp.test", "romeo@xmpp.test"} {
			u := h.user(name)
			done := make(chan bool, 1)
			u.post(func(u *User) { done <- u.unheard != nil }, nil)
			if <-done {
				lost++
			}
		}
		return lost == 2
	})
	h.g.StreamUp()
	h.out.waitFor(t, "to='juliet@xmpp.test/desk' type='get'", "to='romeo@xmpp.test/desk' type='get'")
}

// What is asked while the stream is lost, or just before, is asked again.
func TestQuestionsOutliveTheStream(t *testing.T) {
	w := connected(t)
	w.loseStream()
	w.streamBack()
	w.loseStream()
	w.forget()
	w.pass(verifyTime)
	w.expectLines()
	w.streamBack()
	w.isThere(desk, w.inquired()[desk])
	w.expectLines()

	// A client that goes offline together with its server.
	w = lingering(t)
	w.leaves(desk)
	w.loseStream()
	w.pass(departTime)
	w.streamBack()
	w.isGone(desk, w.inquired()[desk])
	w.expectLines("AWAY no client")

	// Those who are to be brought back.
	next := withStore(t).restarted(time.Minute)
	next.loseStream()
	next.pass(verifyTime)
	next.streamBack()
	next.isThere(desk, next.inquired()[desk])
	next.pass(0)
	if next.irc == nil {
		t.Error("nobody was brought back")
	}
}

// Whatever takes a client out of a room while it cannot be told is told later.
func TestExitsWaitForTheStream(t *testing.T) {
	w := connected(t)
	w.loseStream()
	w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "juliet", Reason: "out", Self: true})
	w.pass(time.Hour)
	w.streamBack()
	w.expectOne(`to='`+desk+`' type='unavailable'`, `<reason>out</reason>`, `<status code='110'/>`)
}

// What comes while the stream is back and the user has not noticed is sent once.
func TestNothingIsToldTwiceAfterTheStream(t *testing.T) {
	w := withStore(t)
	w.g.StreamDown(component.ErrDisconnected, w.clock)
	w.clock = w.clock.Add(time.Second)
	w.g.StreamUp()
	w.event(ircconn.Message{Source: source("romeo"), Target: "juliet", Text: "psst"})
	if got := strings.Count(w.out.text.String(), "<body>psst</body>"); got != 1 {
		t.Errorf("sent %d times", got)
	}
	id := w.inquired()[desk]
	w.clock = w.clock.Add(time.Second)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hello"})
	w.isThere(desk, id)
	if got := strings.Count(w.out.text.String(), "<body>hello</body>"); got != 1 {
		t.Errorf("shown %d times", got)
	}
}

// Users who are first brought back while there is no stream ask their clients when
// there is one: nobody could answer before.
func TestUsersWhoBeginWithoutAStream(t *testing.T) {
	w := withStore(t)
	kept := w.keptSessions()
	next := newWorld(t)
	next.g.store = w.g.store
	next.g.stream.Store(&streamState{isUp: true})
	next.g.StreamDown(component.ErrDisconnected, next.clock)
	scratch := next.u.scratch
	next.u = newUser(next.g, next.u.jid)
	next.u.in.running, next.u.scratch = true, scratch
	next.do(func() { next.u.restore(kept, life{ended: next.clock}) })
	next.pass(verifyTime)
	next.streamBack()
	ids := next.inquired()
	if ids[desk] == "" {
		t.Fatalf("asked %v", ids)
	}
	next.isThere(desk, ids[desk])
	if len(next.u.networks) != 1 {
		t.Error("the user is not brought back")
	}
}

// The time to answer that is over when the loss of the stream is noticed says nothing
// about a client: the question waits for the next stream.
func TestTimesThatEndWithTheStream(t *testing.T) {
	w := withStore(t)
	w.change(func(c *Live) { c.Linger = time.Hour })
	w.leaves(desk)
	w.inquired()
	due := w.due(departTime)
	w.g.StreamDown(component.ErrDisconnected, w.clock)
	for _, timer := range due {
		timer.run() // before the user looks at the stream
	}
	w.happen()
	w.expectLines()
	w.streamBack()
	w.isGone(desk, w.inquired()[desk])
	if w.network().channel("#chan") == nil {
		t.Error("the room was left, though the client may come back")
	}
}
