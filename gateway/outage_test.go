package gateway

import (
	"errors"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

// patient is a world whose rooms stay for an hour when the server is lost.
func patient(t testing.TB, caps ...string) *world {
	t.Helper()
	w := connected(t, caps...)
	w.change(func(c *Live) {
		c.OutageLimit = time.Hour
		c.ReconnectInterval = 200 * time.Millisecond
	})
	return w
}

var brokenPipe = &ircconn.Error{Kind: ircconn.KindServerClosed, Address: "irc.test:6697", Text: "broken pipe"}

// cut is the loss of the connection.
func (w *world) cut(err error) { w.event(ircconn.Disconnected{Err: err, WasRegistered: true}) }

// redialled lets time pass until the connection is tried again.
func (w *world) redialled() {
	w.t.Helper()
	before := w.irc
	for range 3600 {
		if w.pass(time.Second); w.irc != before {
			return
		}
	}
	w.t.Fatal("the server was not tried again")
}

// reconnected is a patient world whose connection was lost and is back, the room not
// yet.
func reconnected(t testing.TB) *world {
	t.Helper()
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	return w
}

// What was said of a connection, and who is in the rooms, stays through an
// outage: the clients see one line of text, and later what has changed.
func TestOutageIsShownAsDifferences(t *testing.T) {
	w := patient(t)
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#chan"})
	w.forget()
	w.cut(brokenPipe)
	got := w.sent()
	if len(got) != 2 {
		t.Fatalf("the loss is told as\n%s", strings.Join(got, "\n"))
	}
	contains(t, got[0], `from='`+room+`'`)
	contains(t, got[0], `The connection to irc.test is lost: the connection to irc.test:6697 was closed: broken pipe. The gateway is trying to get it back`)
	contains(t, got[1], `from='`+server+`'`)

	w.redialled()
	w.expect()
	w.register("juliet")
	w.expectOne(`Connected to irc.test again, as juliet, after`)
	w.expectLines("JOIN #chan")
	// tybalt has gone, paris has come, romeo is an operator now.
	w.enter("@nurse @romeo paris juliet")
	got = w.sent()
	if len(got) != 4 {
		t.Fatalf("the return is shown as\n%s", strings.Join(got, "\n"))
	}
	contains(t, got[0], `<presence from='#chan%irc.test@gw.test/paris' to='`+desk+`'>`)
	contains(t, got[1], `<presence from='#chan%irc.test@gw.test/romeo' to='`+desk+`'>`)
	contains(t, got[1], `role='moderator'`)
	contains(t, got[2], `<presence from='#chan%irc.test@gw.test/tybalt' to='`+desk+`' type='unavailable'>`)
	contains(t, got[3], `<body>Connected again.</body>`)
	w.event(ircconn.Message{Source: source("paris"), Target: "#chan", Text: "hello"})
	w.expectOne(`from='#chan%irc.test@gw.test/paris'`, `<body>hello</body>`)
}

// While the connection is away nothing is swallowed: whoever writes gets an error.
func TestNothingIsSwallowedInAnOutage(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	dead := w.irc
	w.forget()
	say := func() {
		t.Helper()
		w.stanza(`<message from='%s' to='%s' type='groupchat' id='m'><body>hello?</body></message>`, desk, room)
		w.expectOne(`type='error' id='m'`, `<remote-server-timeout `, `this was not sent`)
	}
	say()
	w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' type='chat' id='p'><body>hello?</body></message>`, desk)
	w.expectOne(`type='error' id='p'`, `<remote-server-timeout `)
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='t'><subject>peace</subject></message>`, desk, room)
	w.expectOne(`type='error' id='t'`, `<remote-server-timeout `)
	w.redialled()
	say() // it is dialling
	w.register("juliet")
	w.forget()
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='m'><body>hello?</body></message>`, desk, room)
	w.expectOne(`type='error' id='m'`, `you are not back in #chan yet`)
	w.enter("nurse juliet")
	w.forget()
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='m'><body>hello</body></message>`, desk, room)
	w.expectLines("PRIVMSG #chan hello")
	if len(dead.sent) != 0 {
		t.Errorf("to the dead connection went %v", dead.sent)
	}
}

// The waits between attempts grow from a few seconds to ten minutes.
func TestRetriesBackOff(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	var waits []time.Duration
	for range 9 {
		before := w.clock
		w.redialled()
		waits = append(waits, w.clock.Sub(before))
		w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindConnect}})
	}
	if waits[0] > 6*time.Second {
		t.Errorf("the first attempt was after %v", waits[0])
	}
	for i, wait := range waits[1:] {
		if longest := 5*time.Second<<(i+1) + time.Second; wait > min(longest, longestRetry+time.Second) || wait < min(longest, longestRetry)*7/10 {
			t.Errorf("attempt %d was after %v", i+2, wait)
		}
	}
}

func TestOutlooks(t *testing.T) {
	closed := func(text string) error { return &ircconn.Error{Kind: ircconn.KindServerClosed, Text: text} }
	tests := []struct {
		err  error
		want outlook
	}{
		{nil, worthTrying},
		{errors.New("any"), worthTrying},
		{closed("Closing Link: juliet[host] (Ping timeout: 120 seconds)"), worthTrying},
		{closed("connection reset by peer"), worthTrying},
		{closed("Closing Link: Kline by irc.test (Ping timeout: 240 seconds)"), worthTrying},
		{closed("Closing Link: romeo[dnsbl.example.org] (Read error)"), worthTrying},
		{closed("Closing Link: host (K-Lined)"), banned},
		{closed("Closing Link: host (G-Lined: spam)"), banned},
		{closed("Closing Link: host (*** Banned)"), banned},
		{closed("Z-lined: no proxies"), banned},
		{closed("You are banned from this server"), banned},
		{closed("AKILL: flooding"), banned},
		{closed("Your host is trying to (re)connect too fast -- throttled"), throttled},
		{closed("Too many connections from your IP"), throttled},
		{closed("No more connections allowed from your host via this connect class (local); connection limit"), throttled},
		{&ircconn.Error{Kind: ircconn.KindRefused, Text: "Closing link: Session limit exceeded"}, throttled},
		{&ircconn.Error{Kind: ircconn.KindRefused, Numeric: 465, Text: "banned"}, banned},
		{&ircconn.Error{Kind: ircconn.KindRefused, Numeric: 463}, banned},
		{&ircconn.Error{Kind: ircconn.KindRefused, Numeric: 464}, hopeless},
		{&ircconn.Error{Kind: ircconn.KindRefused, Numeric: 904}, hopeless},
		{&ircconn.Error{Kind: ircconn.KindRefused, Numeric: 433}, worthTrying},
		{&ircconn.Error{Kind: ircconn.KindLogin}, worthTrying},
		{&ircconn.Error{Kind: ircconn.KindResolve}, worthTrying},
		{&ircconn.Error{Kind: ircconn.KindLocal}, hopeless},
		{&ircconn.Error{Kind: ircconn.KindPassword, Text: "Access denied: Bad password?"}, hopeless},
	}
	for _, test := range tests {
		if got := outlookOf(test.err); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
}

func TestThrottledServerIsLeftAlone(t *testing.T) {
	w := patient(t)
	w.cut(&ircconn.Error{Kind: ircconn.KindServerClosed, Text: "Trying to reconnect too fast."})
	before := w.clock
	w.redialled()
	if waited := w.clock.Sub(before); waited < throttledRetry {
		t.Errorf("waited %v", waited)
	}
}

// Who is banned is not tried for again, is told so, and is not let try by hand
// for a while.
func TestBannedUserIsNotTriedAgain(t *testing.T) {
	w := patient(t)
	w.cut(&ircconn.Error{Kind: ircconn.KindServerClosed, Text: "Closing Link: gw (K-Lined: spam)"})
	got := w.sent()
	if len(got) != 2 || !strings.Contains(got[0], "The gateway does not try again: ask the operators") ||
		!strings.Contains(got[1], `<status code='110'/><status code='332'/>`) || !strings.Contains(got[1], "K-Lined: spam") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	before := w.irc
	w.pass(30 * time.Minute)
	w.join(desk, "juliet")
	w.expectOne(`<forbidden `, `irc.test has turned you away for good`, `before 13:00 UTC`)
	if w.irc != before {
		t.Error("the server was tried again")
	}
	w.pass(30 * time.Minute)
	w.join(desk, "juliet")
	if w.irc == before {
		t.Error("the server is never tried again")
	}
}

// When the outage has lasted too long the clients are taken out of the rooms.
func TestOutageIsGivenUp(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.forget()
	w.pass(time.Hour)
	got := w.sent()
	last := got[len(got)-1]
	if len(got) != 2 || !strings.Contains(got[0], "could not be had again for 1 hour") ||
		!strings.Contains(last, `type='unavailable'`) || !strings.Contains(last, `<status code='110'/><status code='332'/>`) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	if len(w.u.networks) != 0 {
		t.Error("the network stays")
	}
}

// A room that the user stays in without a client is tried for as long as it takes.
func TestPersistentRoomsAreTriedForOn(t *testing.T) {
	w := patient(t)
	w.change(func(c *Live) { c.Persistent = true })
	w.cut(brokenPipe)
	w.forget()
	w.pass(time.Hour)
	contains(t, strings.Join(w.sent(), ""), `<status code='332'/>`)
	w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindConnect}})
	w.redialled()
	w.register("juliet")
	w.enter("nurse juliet")
	w.forget()
	w.join(desk, "juliet")
	contains(t, strings.Join(w.sent(), ""), `<presence from='#chan%irc.test@gw.test/nurse'`)
}

// Somebody who joins a room of an outage sees it as it was, and the server is
// tried at once.
func TestJoinInAnOutage(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	for range 4 {
		w.redialled()
		w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindConnect}})
	}
	w.forget()
	w.pass(20 * time.Second)
	before := w.irc
	w.join(phone, "juliet")
	text := strings.Join(w.sent(), "\n")
	contains(t, text, `<presence from='#chan%irc.test@gw.test/nurse' to='`+phone+`'>`)
	contains(t, text, `The connection to irc.test is lost`)
	w.pass(firstRetry)
	if w.irc == before {
		t.Error("the server was not tried")
	}
	// A room that was not there before waits for the connection.
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, phone)
	w.register("juliet")
	w.expectLines("JOIN #chan,#two")
}

// A client that leaves in an outage is gone, and the last one ends the attempts.
func TestLeavingInAnOutage(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.forget()
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.expectOne(`type='unavailable'`, `<status code='110'/>`)
	w.pass(w.g.live().IdleQuit)
	if len(w.u.networks) != 0 {
		t.Error("the network stays")
	}
}

// Who leaves the last room in an outage, and joins again when the next attempt has
// come and gone, is not forgotten.
func TestLeavingAndJoiningInAnOutage(t *testing.T) {
	w := patient(t)
	w.change(func(c *Live) { c.IdleQuit = time.Hour })
	w.cut(brokenPipe)
	w.leaves(desk)
	before := w.irc
	w.pass(10 * time.Second)
	if w.irc != before {
		t.Fatal("connected for nobody")
	}
	w.join(desk, "juliet")
	w.pass(firstRetry)
	if w.irc == before {
		t.Fatal("the server was not tried again")
	}
	w.register("juliet")
	w.expectLines("JOIN #chan")
}

// A client that joins a room in an outage has an answer in time, and the server is
// tried for it, soon after the last time.
func TestJoinInAnOutageIsAnswered(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	for range 5 {
		w.redialled()
		w.event(ircconn.Disconnected{Err: brokenPipe})
	}
	w.forget()
	before := w.irc
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet' id='two'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.pass(hastenAfter)
	if w.irc == before {
		t.Error("the server was not tried")
	}
	w.event(ircconn.Disconnected{Err: brokenPipe})
	w.expect()
	w.pass(w.g.live().AnswerTimeout)
	w.expectOne(`type='error' id='two'`, `<remote-server-timeout `)
	if w.network().channel("#two") != nil {
		t.Error("the room is still waited for")
	}
}

// Events of the connection that was lost do not count for the next.
func TestOutageOfEachUserIsTheirOwn(t *testing.T) {
	w := patient(t)
	first := w.network().generation
	w.cut(brokenPipe)
	w.redialled()
	if w.network().generation == first {
		t.Error("the new connection cannot be told from the old one")
	}
	if got := w.g.connections.of(component.JID{Local: "juliet", Domain: "xmpp.test"}.String()); len(got) != 1 {
		t.Errorf("the user counts as connected to %v", got)
	}
}

// Nobody stays on IRC for a client that did not come back in time because the
// connection was lost meanwhile.
func TestLingeringEndsInAnOutage(t *testing.T) {
	w := patient(t)
	w.change(func(c *Live) { c.Linger = time.Minute })
	w.leaves(desk)
	w.isGone(desk, w.inquired()[desk])
	before := w.irc
	w.cut(brokenPipe)
	w.pass(time.Hour)
	if w.irc != before || len(w.u.networks) != 0 {
		t.Error("connected again for nobody")
	}
}

// A server that is not allowed any more is not tried for.
func TestServerIsNotListedAnyMore(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.change(func(c *Live) { c.ListedServersOnly = true })
	before := w.irc
	w.pass(time.Minute)
	if w.irc != before || len(w.u.networks) != 0 {
		t.Error("connected again")
	}
}

// A server that folds names in another way says so while the members come again: those
// who were shown are the same people.
func TestFoldingChangesWhileRoomsComeBack(t *testing.T) {
	for _, mappings := range [][2]string{{"rfc1459", "ascii"}, {"ascii", "rfc1459"}} {
		w := patient(t)
		w.event(ircconn.SupportChanged{Support: support.With([]string{"CASEMAPPING=" + mappings[0]})}, ircconn.Joined{Source: source("[x"), Channel: "#chan"})
		w.cut(brokenPipe)
		w.redialled()
		w.event(ircconn.Registered{Nick: "juliet", Source: source("juliet"), Support: support.With([]string{"CASEMAPPING=" + mappings[0]})},
			ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
		w.forget()
		w.event(ircconn.SupportChanged{Support: support.With([]string{"CASEMAPPING=" + mappings[1]})})
		w.event(ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "nurse", Prefixes: "@"}, {Nick: "romeo"}, {Nick: "juliet"}, {Nick: "[x"}}},
			ircconn.NamesEnd{Channel: "#chan"})
		w.expectOne(`<body>Connected again.</body>`)
	}
}

// The end of the time for one outage, which came as the connection was back, is not
// that of the next outage.
func TestLimitOfAnEarlierOutage(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	for _, timer := range w.due(time.Hour) {
		timer.run() // the user has other things to do before
	}
	w.register("juliet")
	w.enter("@nurse romeo juliet")
	w.cut(brokenPipe)
	w.forget()
	w.happen()
	w.expect()
	if ch := w.network().channel("#chan"); ch == nil || len(ch.sessions) != 1 {
		t.Error("the client was taken out of the room at once")
	}
}
