package gateway

import (
	"errors"
	"fmt"
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
	live := *w.g.live()
	live.OutageLimit = time.Hour
	live.ReconnectInterval = 200 * time.Millisecond
	w.g.Apply(live)
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

// A message that arrives while the list of members is on its way is shown.
func TestMessageDuringTheReturn(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
	w.forget()
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "there you are"})
	w.expectOne(`<body>there you are</body>`)
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

// All who lost a server together do not knock at once.
func TestUsersTakeTurns(t *testing.T) {
	var k knocks
	now := time.Now()
	for i := range 10 {
		if at := k.turn("irc.test", now, time.Second); at != now.Add(time.Duration(i)*time.Second) {
			t.Errorf("turn %d is at %v", i, at.Sub(now))
		}
	}
	if at := k.turn("other.test", now, time.Second); at != now {
		t.Error("another network has a queue of its own")
	}
	for i := range 3 * knocksKept {
		k.turn(fmt.Sprint(i), now.Add(time.Duration(i)*time.Minute), time.Second)
	}
	if len(k.next) > knocksKept+1 {
		t.Errorf("%d networks are remembered", len(k.next))
	}
}

func TestTurnsAreWaitedFor(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	for range 5 * 60 * 10 { // others, for the next ten minutes
		w.g.knocks.turn("irc.test", w.clock.Add(5*time.Second), 200*time.Millisecond)
	}
	before := w.clock
	w.redialled()
	if waited := w.clock.Sub(before); waited < 9*time.Minute {
		t.Errorf("waited %v", waited)
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
	live := *w.g.live()
	live.Persistent = true
	w.g.Apply(live)
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

// A channel that does not let the user back in takes its clients out, with the
// reason.
func TestReturnIsRefused(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.forget()
	w.event(ircconn.Refused{Numeric: 474, Target: "#chan", Params: []string{"#chan"}, Text: "Cannot join channel (you're banned)"})
	w.expectOne(`type='unavailable'`, `You could not be put back into #chan`, `<status code='110'/><status code='333'/>`)
	if w.network().channel("#chan") != nil {
		t.Error("the room is still there")
	}
}

// What only was not ready yet is asked for again.
func TestReturnIsRefusedForAMoment(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.forget()
	refused := ircconn.Refused{Numeric: 477, Target: "#chan", Params: []string{"#chan"}, Text: "You need to be identified"}
	for range rejoinsTried {
		w.event(refused)
		w.expect()
		w.pass(rejoinPause)
		w.expectLines("JOIN #chan")
	}
	w.event(refused)
	w.expectOne(`type='unavailable'`, `You could not be put back into #chan`)
}

// Keys are given again, and those of several channels in their order.
func TestKeysAreKept(t *testing.T) {
	w := patient(t)
	w.event(ircconn.ModeChanged{Source: source("nurse"), Channel: "#chan", Changes: []ircconn.ModeChange{{Add: true, Mode: 'k', Kind: ircconn.ModeAlways, Arg: "sesame"}}})
	w.stanza(`<presence from='%s' to='#a%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#a", Self: true}, ircconn.NamesEnd{Channel: "#a"})
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.expectLines("JOIN #chan,#a sesame")
}

// The nick may be held by the connection that was lost: another is shown for as
// long as that lasts.
func TestNickIsRegained(t *testing.T) {
	for _, monitor := range []bool{true, false} {
		t.Run(fmt.Sprintf("monitor %v", monitor), func(t *testing.T) {
			w := patient(t)
			w.cut(brokenPipe)
			w.redialled()
			with := support
			if monitor {
				with = support.With([]string{"MONITOR=10"})
			}
			w.forget()
			w.event(ircconn.Registered{Nick: "juliet_", Source: source("juliet_"), Support: with})
			text := strings.Join(w.sent(), "\n")
			contains(t, text, `<presence from='#chan%irc.test@gw.test/juliet' to='`+desk+`' type='unavailable'>`)
			contains(t, text, `nick='juliet_'/><status code='303'/><status code='110'/>`)
			if monitor {
				w.expectLines("JOIN #chan", "MONITOR + juliet")
			} else {
				w.expectLines("JOIN #chan")
			}
			w.enter("nurse romeo juliet_")
			w.forget()
			if monitor {
				w.event(ircconn.Reply{Numeric: 731, Params: []string{"juliet"}})
			} else {
				w.pass(regainInterval)
				w.expectLines("ISON juliet")
				w.event(ircconn.Reply{Numeric: 303, Params: []string{"juliet"}})
				w.expectLines()
				w.pass(regainInterval)
				w.expectLines("ISON juliet")
				w.event(ircconn.Reply{Numeric: 303, Params: []string{""}})
			}
			w.expectLines("NICK juliet")
			w.event(ircconn.NickChanged{Source: source("juliet_"), New: "juliet", Self: true})
			if monitor {
				w.expectLines("MONITOR - juliet")
			}
			if w.network().regaining {
				t.Error("the nick is still watched")
			}
		})
	}
}

// The old connection may go before our eyes.
func TestNickIsRegainedWhenItsHolderQuits(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet_")
	w.enter("nurse romeo juliet juliet_")
	w.forget()
	w.event(ircconn.Quit{Source: source("juliet"), Reason: "Ping timeout"})
	w.expectLines("NICK juliet")
}

// Losing the connection again while it comes back loses no occupant.
func TestOutageInAnOutage(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true},
		ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "juliet"}}})
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.forget()
	w.enter("@nurse romeo juliet")
	w.expectOne(`<body>Connected again.</body>`)
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
	live := *w.g.live()
	live.IdleQuit = time.Hour
	w.g.Apply(live)
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

// A wish for another nick that is refused in an outage can be wished for again.
func TestNickIsWishedForAgain(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.forget()
	wish := func() {
		w.stanza(`<presence from='%s' to='%s/julia' id='n'/>`, desk, room)
	}
	wish()
	w.expectOne(`type='error' id='n'`)
	w.redialled()
	w.register("juliet")
	w.enter("nurse romeo juliet")
	w.forget()
	wish()
	w.expectLines("NICK julia")
}

// A key with a comma, of which servers take what stands before it, does not shift
// the others.
func TestKeyWithAComma(t *testing.T) {
	w := newWorld(t)
	join := `<presence from='%s' to='#%s%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'><password>%s</password></x></presence>`
	w.stanza(join, desk, "a", "one,x")
	w.stanza(join, desk, "b", "two")
	w.register("juliet")
	line := w.irc.sent[0]
	if got := strings.Join(line.Params, " "); got != "#b,#a two,one" && got != "#a,#b one,two" {
		t.Errorf("JOIN %s", got)
	}
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
	live := *w.g.live()
	live.Linger = time.Minute
	w.g.Apply(live)
	w.leaves(desk)
	w.isGone(desk, w.inquired()[desk])
	before := w.irc
	w.cut(brokenPipe)
	w.pass(time.Hour)
	if w.irc != before || len(w.u.networks) != 0 {
		t.Error("connected again for nobody")
	}
}

// A client that leaves while its room comes back does not take the user out of it
// who stays there.
func TestPersistentRoomIsLeftWhileItComesBack(t *testing.T) {
	w := patient(t)
	live := *w.g.live()
	live.Persistent = true
	w.g.Apply(live)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.event(ircconn.Joined{Source: ircconn.Source{Nick: "juliet", User: "user", Host: "host.test"}, Channel: "#chan", Self: true})
	w.leaves(desk)
	if w.network().channel("#chan") == nil {
		t.Error("the room is lost")
	}
}

// Somebody's availability is no reason to show them all of a room again that comes
// back.
func TestAvailabilityWhileARoomComesBack(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
	w.forget()
	w.stanza(`<presence from='%s' to='%s/juliet'><show>away</show></presence>`, desk, room)
	w.event(ircconn.NamesEnd{Channel: "#chan"})
	if got := strings.Join(w.sent(), "\n"); strings.Contains(got, "<subject") {
		t.Errorf("joined again: %s", got)
	}
}

// A server that is not allowed any more is not tried for.
func TestServerIsNotListedAnyMore(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	live := *w.g.live()
	live.ListedServersOnly = true
	w.g.Apply(live)
	before := w.irc
	w.pass(time.Minute)
	if w.irc != before || len(w.u.networks) != 0 {
		t.Error("connected again")
	}
}

// A nick that changes while a room's members are listed anew is shown as a change.
func TestNickChangesWhileARoomComesBack(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true},
		ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "nurse", Prefixes: "@"}, {Nick: "romeo"}, {Nick: "juliet"}}})
	w.forget()
	w.event(ircconn.NickChanged{Source: source("juliet"), New: "julia", Self: true}, ircconn.NickChanged{Source: source("romeo"), New: "paris"})
	got := w.sent()
	if len(got) != 4 {
		t.Fatalf("shown:\n%s", strings.Join(got, "\n"))
	}
	contains(t, got[0], `from='#chan%irc.test@gw.test/juliet'`, `type='unavailable'`, `nick='julia'/><status code='303'/><status code='110'/>`)
	contains(t, got[1], `<presence from='#chan%irc.test@gw.test/julia' to='`+desk+`'>`, `<status code='110'/>`, `jid='juliet@xmpp.test'`)
	contains(t, got[2], `type='unavailable'`, `nick='paris'/><status code='303'/>`)
	contains(t, got[3], `<presence from='#chan%irc.test@gw.test/paris' to='`+desk+`'>`)
	w.event(ircconn.NamesEnd{Channel: "#chan"})
	w.expectOne(`<body>Connected again.</body>`)
}
