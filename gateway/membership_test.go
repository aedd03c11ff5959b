package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

// gone is the presence of somebody who left; x is what stands in <x/>.
func gone(nick, to, status, x string) string {
	if status != "" {
		status = `<status>` + status + `</status>`
	}
	return `<presence from='` + room + `/` + nick + `' to='` + to + `' type='unavailable'>` + status +
		`<x xmlns='http://jabber.org/protocol/muc#user'>` + x + `</x><occupant/></presence>`
}

func (w *world) expectMembers(want string) {
	w.t.Helper()
	var got []string
	for _, m := range w.network().channel("#chan").members.all() {
		got = append(got, m.nick)
	}
	if strings.Join(got, " ") != want {
		w.t.Errorf("members %v, want %s", got, want)
	}
}

func TestJoinsOfOthers(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#chan"})
	w.expect(presence("tybalt", desk, "none", "participant", noItem))
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#CHAN"})
	w.expect()
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#elsewhere"})
	w.expect()
	w.expectMembers("juliet nurse romeo tybalt")
}

func TestParts(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Parted{Source: source("Romeo"), Channel: "#Chan", Reason: "\x02good\x02 night\x01"})
	w.expect(gone("romeo", desk, "good night", `<item affiliation='none' role='none'/>`))
	w.event(ircconn.Parted{Source: source("nurse"), Channel: "#chan"})
	w.expect(gone("nurse", desk, "", `<item affiliation='admin' role='none'/>`))
	w.event(ircconn.Parted{Source: source("stranger"), Channel: "#chan"}, ircconn.Parted{Source: source("x"), Channel: "#elsewhere"})
	w.expect()
	w.expectMembers("juliet")
}

// Services can part us (SAPART, REMOVE).
func TestPartOfOurselves(t *testing.T) {
	w := connected(t)
	w.join(phone, "juliet")
	w.forget()
	w.event(ircconn.Parted{Source: source("juliet"), Channel: "#chan", Reason: "go home", Self: true})
	self := `<item affiliation='none' role='none' jid='juliet@xmpp.test'/><status code='110'/>`
	w.expect(gone("juliet", desk, "go home", self), gone("juliet", phone, "go home", self))
	w.expectLines()
	w.say(desk, "m1", "hello?")
	w.expectOne(`not-acceptable`)

	w = newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
	w.forget()
	w.event(ircconn.Parted{Source: source("juliet"), Channel: "#chan", Self: true})
	w.expectOne(`<presence from='`+room+`/juliet' to='`+desk+`' type='error' id='join'>`, `forbidden`)
}

// A PART of ours that crosses a new JOIN does not end the new visit.
func TestPartOfTheVisitBefore(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.join(desk, "juliet")
	w.expectLines("JOIN #chan", "PART #chan", "JOIN #chan")
	w.forget()
	w.enter("juliet romeo")
	w.expect()
	w.event(ircconn.Parted{Source: source("juliet"), Channel: "#chan", Self: true})
	w.expect()
	w.enter("juliet romeo")
	if got := w.sent(); len(got) != 3 || !strings.Contains(got[2], "<subject/>") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

func TestKickOfSomebodyElse(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "romeo", Reason: "too \x02loud"})
	w.expect(gone("romeo", desk, "", `<item affiliation='none' role='none'><actor nick='nurse'/><reason>too loud</reason></item><status code='307'/>`))
	w.event(ircconn.Kicked{Source: ircconn.Source{Host: "irc.test"}, Channel: "#chan", Nick: "nurse"})
	w.expect(gone("nurse", desk, "", `<item affiliation='admin' role='none'/><status code='307'/>`))
	w.event(ircconn.Kicked{Source: source("juliet"), Channel: "#chan", Nick: "stranger"}, ircconn.Kicked{Source: source("x"), Channel: "#elsewhere", Nick: "y"})
	w.expect()
}

func TestKickOfOurselves(t *testing.T) {
	w := connected(t)
	w.join(phone, "juliet")
	w.forget()
	w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "juliet", Reason: "bed time", Self: true})
	x := `<item affiliation='none' role='none' jid='juliet@xmpp.test'><actor nick='nurse'/><reason>bed time</reason></item><status code='110'/><status code='307'/>`
	w.expect(gone("juliet", desk, "", x), gone("juliet", phone, "", x))
	w.expectLines()
	if len(w.network().channels) != 0 || len(w.network().people) != 0 {
		t.Error("something of the room is left")
	}
	// Joining again is a new visit.
	w.join(desk, "juliet")
	w.expectLines("JOIN #chan")

	w = newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
	w.forget()
	w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "juliet", Reason: "no", Self: true})
	w.expectOne(`type='error' id='join'`, `forbidden`, `nurse: no`)
}

func TestQuits(t *testing.T) {
	tests := []struct {
		quit ircconn.Quit
		text string
	}{
		{ircconn.Quit{Reason: "Quit: \x02bye"}, "Quit: bye"},
		{ircconn.Quit{}, "Quit"},
		{ircconn.Quit{Reason: "hub.irc.test leaf.irc.test"}, "Netsplit: hub.irc.test leaf.irc.test"},
		{ircconn.Quit{Reason: "*.net *.split"}, "Netsplit: *.net *.split"},
		{ircconn.Quit{Reason: "a b", Meta: ircconn.Meta{Batch: "netsplit"}}, "Netsplit: a b"},
		{ircconn.Quit{Reason: "see example.org now"}, "see example.org now"},
		{ircconn.Quit{Reason: "Killed (op (spam))"}, "Killed (op (spam))"},
	}
	for _, test := range tests {
		w := connected(t)
		test.quit.Source = source("romeo")
		w.event(test.quit)
		w.expect(gone("romeo", desk, test.text, `<item affiliation='none' role='none'/>`))
		w.expectMembers("juliet nurse")
		w.event(test.quit)
		w.expect()
	}
}

func TestQuitInEveryRoom(t *testing.T) {
	w := connected(t)
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#two", Self: true},
		ircconn.Names{Channel: "#two", Members: []ircconn.NamesEntry{{Nick: "juliet"}, {Nick: "romeo", User: "r", Host: "h"}}}, ircconn.NamesEnd{Channel: "#two"})
	w.forget()
	w.event(ircconn.Quit{Source: source("romeo")})
	got := w.sent()
	if len(got) != 2 || strings.Contains(got[0], room) == strings.Contains(got[1], room) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	if len(w.network().people) != 0 {
		t.Error("who quit is remembered")
	}
}

// Our own QUIT is shown when the connection has ended, once.
func TestOwnQuit(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Quit{Source: source("juliet"), Self: true})
	w.expect()
	w.event(ircconn.Disconnected{WasRegistered: true})
	got := w.sent()
	if len(got) != 2 || !strings.Contains(got[1], `<status code='110'/><status code='332'/>`) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

func TestKill(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Killed{Source: source("oper"), Reason: "spam"})
	got := w.sent()
	if len(got) != 2 || !strings.Contains(got[0], "removed from irc.test by oper: spam") ||
		!strings.Contains(got[1], `<actor nick='oper'/><reason>spam</reason></item><status code='110'/><status code='307'/>`) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindServerClosed}})
	if got := w.sent(); len(got) != 1 || !strings.Contains(got[0], "<body>") {
		t.Errorf("after it came %s", strings.Join(got, "\n"))
	}
}

// A PART that the server does not know what to do with leaves nothing behind: the
// next visit is as any other.
func TestRefusedPart(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.forget()
	w.event(ircconn.Refused{Numeric: 473, Target: "#chan", Params: []string{"#chan"}, Text: "invite only"},
		ircconn.Refused{Numeric: 442, Target: "#chan", Params: []string{"#chan"}, Text: "not on channel"})
	if got := w.sent(); strings.Contains(strings.Join(got, "\n"), "not on channel") {
		t.Errorf("the answer to the PART is shown: %s", strings.Join(got, "\n"))
	}
	w.join(desk, "juliet")
	w.enter("juliet")
	if got := w.sent(); len(got) != 2 {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	w.event(ircconn.Parted{Source: source("juliet"), Channel: "#chan", Self: true})
	w.expectOne(`type='unavailable'`, `<status code='110'/>`)
}

// Nobody stays in a channel unseen because too much waited to be sent.
func TestPartThatHasToWait(t *testing.T) {
	w := connected(t)
	w.irc.refusing = ircconn.ErrQueueFull
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'><status>bye</status></presence>`, desk, room)
	w.irc.refusing = nil
	w.expectLines()
	w.pass(partRetry)
	w.expectLines("PART #chan bye")
}
