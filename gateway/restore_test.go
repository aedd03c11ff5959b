package gateway

import (
	"context"
	"strings"
	"testing"
	"time"

	"passerelle/crew"
	"passerelle/ircconn"
	"passerelle/store"
)

// restarted is the gateway's next life with the same store: what it kept is
// given back, after the gateway was away for a while.
func (w *world) restarted(away time.Duration) *world {
	w.t.Helper()
	kept := w.keptSessions()
	next := newWorld(w.t)
	next.clock = w.clock.Add(away)
	next.g.store = w.g.store
	next.change(func(c *Live) { c.OutageLimit = time.Hour })
	last := lifeOf(kept, w.clock)
	last.ended = w.clock
	next.do(func() { next.u.restore(kept, last) })
	return next
}

// restored is the next gateway after a minute, with the client at the desk still there.
func (w *world) restored() *world {
	w.t.Helper()
	next := w.restarted(time.Minute)
	next.isThere(desk, next.inquired()[desk])
	next.pass(0)
	return next
}

func (w *world) keptSessions() []store.Session {
	w.t.Helper()
	if err := w.g.store.Flushed(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	kept, err := w.g.store.Sessions(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return kept
}

// Clients that are still there find themselves in their rooms again, with what
// was archived since.
func TestRestart(t *testing.T) {
	w := withStore(t)
	w.join(phone, "juliet")
	w.event(ircconn.ModeChanged{Source: source("nurse"), Channel: "#chan", Changes: []ircconn.ModeChange{{Add: true, Mode: 'k', Kind: ircconn.ModeAlways, Arg: "sesame"}}})
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "seen"})
	next := w.restarted(10 * time.Minute)
	ids := next.inquired()
	if len(ids) != 2 {
		t.Fatalf("asked %v", ids)
	}
	if next.irc != nil {
		t.Fatal("connected before it is known who is there")
	}
	next.isGone(phone, ids[phone])
	next.isThere(desk, ids[desk])
	next.pass(0)
	if next.irc == nil {
		t.Fatal("not connected")
	}
	if next.dialled.Nick != "juliet" {
		t.Errorf("dialled as %s", next.dialled.Nick)
	}
	next.forget()
	next.register("juliet")
	next.expectOne("Connected to irc.test again, as juliet, after 10 minutes.")
	next.expectLines("JOIN #chan sesame")
	next.enter("@nurse paris juliet")
	text := strings.Join(next.sent(), "\n")
	contains(t, text, `<presence from='#chan%irc.test@gw.test/paris' to='`+desk+`'>`, `<status code='110'/>`, `<subject`)
	if strings.Contains(text, "<body>seen</body>") || strings.Contains(text, phone) {
		t.Errorf("told %s", text)
	}
	if kept := next.keptSessions(); len(kept) != 2 || strings.Contains(kept[1].State, "phone") {
		t.Errorf("kept %+v", kept)
	}
}

// Where nobody is left, nobody comes back to IRC, unless they stay there without a
// client.
func TestRestartWithoutClients(t *testing.T) {
	w := withStore(t)
	next := w.restarted(10 * time.Minute)
	next.isGone(desk, next.inquired()[desk])
	next.pass(time.Minute)
	if next.irc != nil || len(next.u.networks) != 0 {
		t.Error("somebody came back")
	}
	if kept := next.keptSessions(); len(kept) != 0 {
		t.Errorf("kept %+v", kept)
	}
}

func TestRestartOfPersistentRooms(t *testing.T) {
	w := withStore(t)
	w.configure("gw.test", fieldXML("persistent", "true"))
	// After a long time nobody is asked; those who stay are there all the same.
	next := w.restarted(48 * time.Hour)
	if asked := next.inquired(); len(asked) != 0 {
		t.Errorf("asked %v", asked)
	}
	next.pass(0)
	next.register("juliet")
	next.expectLines("AWAY no client", "JOIN #chan")
	next.enter("@nurse paris juliet")
	next.event(ircconn.Message{Source: source("paris"), Target: "#chan", Text: "unseen"})
	next.forget()
	next.join(desk, "juliet")
	contains(t, strings.Join(next.sent(), "\n"), "<body>unseen</body>")
}

// A client that joins by itself before it was asked about is in the room once.
func TestRestartAndJoin(t *testing.T) {
	w := withStore(t)
	next := w.restarted(time.Minute)
	id := next.inquired()[desk]
	next.join(desk, "juliet")
	next.isThere(desk, id)
	next.register("juliet")
	next.enter("nurse juliet")
	if sessions := next.network().channel("#chan").sessions; len(sessions) != 1 {
		t.Errorf("sessions %v", sessions)
	}
}

// What is left on purpose is not brought back; what the gateway's end took is.
func TestWhatIsKept(t *testing.T) {
	w := withStore(t)
	if kept := w.keptSessions(); len(kept) != 2 {
		t.Fatalf("kept %+v", kept)
	}
	w.do(w.u.shutDown)
	if kept := w.keptSessions(); len(kept) != 2 {
		t.Errorf("after the gateway's end is kept %+v", kept)
	}
	w = withStore(t)
	w.leaves(desk)
	w.pass(time.Hour)
	if kept := w.keptSessions(); len(kept) != 0 {
		t.Errorf("after leaving is kept %+v", kept)
	}
	w = withStore(t)
	w.event(ircconn.Disconnected{WasRegistered: true})
	if kept := w.keptSessions(); len(kept) != 0 {
		t.Errorf("after the connection's end is kept %+v", kept)
	}
}

// Whatever stands in the database does no harm.
func TestRestartFromNonsense(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	kept := []store.Session{
		{Scope: store.Scope{User: "juliet@xmpp.test", Server: "irc.test"}, State: "{"},
		{Scope: store.Scope{User: "juliet@xmpp.test", Server: "irc.test", Channel: "#a"}, State: "nonsense"},
		{Scope: store.Scope{User: "juliet@xmpp.test", Server: "irc.test", Channel: "#b"}, State: `{"name":"#b","room":"not a channel"}`},
		{Scope: store.Scope{User: "juliet@xmpp.test", Server: "irc.test", Channel: "#c"}, State: `{}`},
	}
	w.do(func() { w.u.restore(kept, life{ended: w.clock}) })
	if len(w.u.networks) != 0 {
		t.Errorf("networks %v", w.u.networks)
	}
}

// A server that is down when the gateway comes back is tried for.
func TestRestartWhileTheServerIsDown(t *testing.T) {
	w := withStore(t)
	next := w.restored()
	next.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindConnect}})
	next.redialled()
	next.register("juliet")
	next.expectLines("JOIN #chan")
}

// A network that waits for its turn after a restart can end like any other.
func TestEndBeforeTheTurn(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"shutdown":   func(w *world) { w.do(w.u.shutDown) },
		"disconnect": func(w *world) { w.do(func() { w.u.quitAll("x") }) },
		"fault": func(w *world) {
			w.faults++
			w.u.guard(func() { panic("fault") })
		},
		"denied": func(w *world) {
			w.change(func(c *Live) { c.Access.DenyServers = []string{"irc.test"} })
			w.pass(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			next := withStore(t).restarted(time.Minute)
			next.isThere(desk, next.inquired()[desk])
			end(next)
			if next.irc != nil || len(next.u.networks) != 0 {
				t.Errorf("still there: %v", next.u.networks)
			}
		})
	}
}

// Without patience for outages there is one attempt after a restart.
func TestRestartWithoutPatience(t *testing.T) {
	next := withStore(t).restarted(time.Minute)
	next.change(func(c *Live) { c.OutageLimit = 0 })
	next.isThere(desk, next.inquired()[desk])
	next.pass(0)
	next.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindConnect}})
	if len(next.u.networks) != 0 {
		t.Error("the network stays")
	}
}

// persistentRestart is a restart of somebody who stays in all rooms, whose client is
// still there, when the connection is begun.
func persistentRestart(t *testing.T) *world {
	t.Helper()
	w := withStore(t)
	w.configure("gw.test", fieldXML("persistent", "true"))
	next := w.restored()
	return next
}

// A room that the user stays in is not lost by anything that goes wrong between a
// restart and its being entered.
func TestPersistentRoomsSurviveTheWayBack(t *testing.T) {
	for name, trouble := range map[string]func(w *world){
		"server away for long": func(w *world) {
			for range 7 {
				w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindConnect}})
				w.pass(10 * time.Minute)
			}
		},
		"lost before the room is entered": func(w *world) {
			w.register("juliet")
			w.cut(brokenPipe)
		},
		"client leaves before": func(w *world) { w.leaves(desk) },
		"services not ready": func(w *world) {
			w.register("juliet")
			w.event(ircconn.Refused{Numeric: 477, Target: "#chan", Params: []string{"#chan"}, Text: "you need to be identified"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := persistentRestart(t)
			trouble(w)
			if w.u.networks.of("irc.test") == nil || w.network().channel("#chan") == nil || len(w.keptSessions()) != 2 {
				t.Errorf("kept is %+v", w.keptSessions())
			}
		})
	}
}

// A client that is waited for after a restart is let in when the connection was
// lost once more on the way.
func TestClientsAreWaitedForThroughTrouble(t *testing.T) {
	next := withStore(t).restored()
	next.register("juliet")
	next.cut(brokenPipe)
	next.redialled()
	next.register("juliet")
	next.forget()
	next.enter("nurse juliet")
	contains(t, strings.Join(next.sent(), "\n"), `<presence from='#chan%irc.test@gw.test/nurse' to='`+desk+`'>`, `<status code='110'/>`)
}

// What is ended while clients are asked is not brought back.
func TestEndWhileClientsAreAsked(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"registration removed": func(w *world) {
			w.stanza(`<iq type='set' from='%s' to='gw.test' id='u'><query xmlns='jabber:iq:register'><remove/></query></iq>`, desk)
		},
		"disconnected": func(w *world) { w.do(func() { w.u.quitAll("by an admin") }) },
		"disconnected by command": func(w *world) {
			w.stanza(`<message from='%s' to='gw.test' type='chat'><body>disconnect-from-irc-server irc.test</body></message>`, desk)
		},
		"joined and left": func(w *world) {
			w.join(desk, "juliet")
			w.register("juliet")
			w.enter("nurse juliet")
			w.leaves(desk)
		},
		"kicked": func(w *world) {
			w.join(phone, "juliet")
			w.register("juliet")
			w.enter("nurse juliet")
			w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "juliet", Self: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			next := withStore(t).restarted(time.Minute)
			id := next.inquired()[desk]
			end(next)
			before := next.irc
			next.isThere(desk, id)
			next.pass(0)
			if n := next.u.networks.of("irc.test"); next.irc != before || n != nil && n.channel("#chan") != nil {
				t.Error("the room was brought back")
			}
		})
	}
}

// A network whose rooms are not brought back is left like any other without rooms.
func TestNothingIsBroughtBack(t *testing.T) {
	next := withStore(t).restarted(time.Minute)
	id := next.inquired()[desk]
	next.stanza(`<presence from='%s' to='#other%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, phone)
	next.register("juliet")
	next.stanza(`<presence from='%s' to='#other%%irc.test@gw.test/juliet' type='unavailable'/>`, phone)
	next.isGone(desk, id)
	next.pass(next.g.live().IdleQuit)
	if len(next.u.networks) != 0 {
		t.Error("connected without a room")
	}
}

// What nobody has seen because the stream was lost when the gateway ended comes
// after its next start.
func TestRestartAfterTheStreamWasLost(t *testing.T) {
	w := withStore(t)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "seen"})
	w.clock = w.clock.Add(time.Second)
	w.loseStream()
	w.clock = w.clock.Add(time.Second)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "unseen"})
	next := w.restored()
	next.register("juliet")
	next.forget()
	next.enter("nurse juliet")
	if got := bodies(next.sent()); got != "unseen" {
		t.Errorf("told %q", got)
	}
}

// What is planned when the gateway goes down is kept, not given up.
func TestPlansOfAGatewayThatGoesDown(t *testing.T) {
	w := withStore(t)
	w.change(func(c *Live) { c.OutageLimit = time.Hour })
	w.cut(brokenPipe)
	w.g.mu.Lock()
	w.g.closing = true
	w.g.mu.Unlock()
	w.pass(10 * time.Second)
	w.do(w.u.shutDown)
	if kept := w.keptSessions(); len(kept) != 2 {
		t.Errorf("kept %+v", kept)
	}

	next := withStore(t).restarted(time.Minute)
	id := next.inquired()[desk]
	next.do(next.u.shutDown)
	next.isThere(desk, id)
	next.pass(0)
	if len(next.u.networks) != 0 {
		t.Error("somebody is brought back to a gateway that goes down")
	}
}

// Who was away is away after a restart.
func TestAvailabilityIsKept(t *testing.T) {
	w := withStore(t)
	w.stanza(`<presence from='%s' to='%s/juliet'><show>away</show><status>asleep</status></presence>`, desk, room)
	next := w.restored()
	next.register("juliet")
	next.enter("nurse juliet")
	if s := next.network().channel("#chan").sessions[0]; s.show != "away" || s.status != "asleep" {
		t.Errorf("the session is %+v", s)
	}
}

// Who was away when the gateway ended is shown what was said since they left, not only
// since then.
func TestRestartOfARoomThatWasAlone(t *testing.T) {
	w := withStore(t)
	w.configure("gw.test", fieldXML("persistent", "true"))
	w.clock = w.clock.Add(time.Second)
	w.leaves(desk)
	for i := range 30 {
		w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "missed " + string(rune('a'+i))})
	}
	w.clock = w.clock.Add(time.Second)
	next := w.restarted(time.Minute)
	next.pass(0)
	next.register("juliet")
	next.enter("@nurse romeo juliet")
	next.forget()
	next.join(desk, "juliet")
	contains(t, bodies(next.sent()), "missed a", "missed z")
}

// A store that does not answer when users are to be brought back is asked again later,
// though they have nothing until then.
func TestRestartWhileTheStoreFails(t *testing.T) {
	w := withStore(t)
	kept := w.keptSessions()
	next := newWorld(t)
	next.g.store = w.g.store
	begun := make(chan *User, 1)
	next.g.crew = crew.New(1, func(u *User) { begun <- u })
	next.g.storeAway.Store(next.clock.Add(time.Second).UnixNano())
	next.g.post(next.u.jid, func(u *User) { u.restore(kept, life{ended: next.clock}) })
	(<-begun).run()
	if next.g.Users() != 0 {
		t.Fatal("a user without anything is kept")
	}
	for _, timer := range next.due(restorePause) {
		timer.run()
	}
	select {
	case u := <-begun:
		u.run()
	case <-time.After(5 * time.Second):
		t.Fatal("the user is forgotten")
	}
	if len(next.inquired()) != 1 {
		t.Error("the client was not asked whether it is there")
	}
}
