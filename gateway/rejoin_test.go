package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

// A message that arrives while the list of members is on its way is shown.
func TestMessageDuringTheReturn(t *testing.T) {
	w := reconnected(t)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
	w.forget()
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "there you are"})
	w.expectOne(`<body>there you are</body>`)
}

// A channel that does not let the user back in takes its clients out, with the
// reason.
func TestReturnIsRefused(t *testing.T) {
	w := reconnected(t)
	w.forget()
	w.event(ircconn.Refused{Numeric: 474, Target: "#chan", Params: []string{"#chan"}, Text: "Cannot join channel (you're banned)"})
	w.expectOne(`type='unavailable'`, `You could not be put back into #chan`, `<status code='110'/><status code='333'/>`)
	if w.network().channel("#chan") != nil {
		t.Error("the room is still there")
	}
}

// What only was not ready yet is asked for again.
func TestReturnIsRefusedForAMoment(t *testing.T) {
	w := reconnected(t)
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

// Losing the connection again while it comes back loses no occupant.
func TestOutageInAnOutage(t *testing.T) {
	w := reconnected(t)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true},
		ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "juliet"}}})
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.forget()
	w.enter("@nurse romeo juliet")
	w.expectOne(`<body>Connected again.</body>`)
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

// A client that leaves while its room comes back does not take the user out of it
// who stays there.
func TestPersistentRoomIsLeftWhileItComesBack(t *testing.T) {
	w := patient(t)
	w.change(func(c *Live) { c.Persistent = true })
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
	w := reconnected(t)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
	w.forget()
	w.stanza(`<presence from='%s' to='%s/juliet'><show>away</show></presence>`, desk, room)
	w.event(ircconn.NamesEnd{Channel: "#chan"})
	if got := strings.Join(w.sent(), "\n"); strings.Contains(got, "<subject") {
		t.Errorf("joined again: %s", got)
	}
}

// A nick that changes while a room's members are listed anew is shown as a change.
func TestNickChangesWhileARoomComesBack(t *testing.T) {
	w := reconnected(t)
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
