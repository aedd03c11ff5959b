package gateway

import (
	"errors"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// presence is the usual form of a member's presence.
func presence(nick, to, affiliation, role, rest string) string {
	return `<presence from='` + room + `/` + nick + `' to='` + to + `'><x xmlns='http://jabber.org/protocol/muc#user'>` +
		`<item affiliation='` + affiliation + `' role='` + role + `'` + rest + `</x><occupant/></presence>`
}

const (
	selfItem = ` jid='juliet@xmpp.test'/><status code='110'/>`
	noItem   = `/>`
)

// XEP-0045 §7.1: others, self, subject, and the lines that lead there.
func TestJoin(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "Juliet")
	if w.dialled.Nick != "Juliet" || w.dialled.Addresses[0].String() != "ircs://irc.test:6697" {
		t.Errorf("dialled %+v", w.dialled)
	}
	w.expectLines()
	w.register("Juliet")
	w.expectLines("JOIN #chan")
	w.expectOne(`from='irc.test@gw.test'`, `Connected to irc.test as Juliet.`, `<no-store xmlns='urn:xmpp:hints'/>`)
	w.enter("@nurse +romeo Juliet")
	w.expectLines("MODE #chan")
	w.expect(
		presence("nurse", desk, "admin", "moderator", noItem),
		presence("romeo", desk, "member", "participant", noItem),
		presence("Juliet", desk, "none", "participant", selfItem),
		`<message from='`+room+`' to='`+desk+`' type='groupchat' id='ID'><subject/><stanza/></message>`,
	)
}

func TestImposedNick(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "Ju li&#xEB;t")
	if w.dialled.Nick != "Ju_liet" {
		t.Errorf("asked for %q", w.dialled.Nick)
	}
	w.register("Ju_liet2")
	w.forget()
	w.enter("Ju_liet2")
	w.expect(
		presence("Ju_liet2", desk, "none", "participant", ` jid='juliet@xmpp.test'/><status code='110'/><status code='210'/>`),
		`<message from='`+room+`' to='`+desk+`' type='groupchat' id='ID'><subject/><stanza/></message>`,
	)
	// Presence under the nick it wanted is no wish for another one.
	w.stanza(`<presence from='%s' to='%s/Ju li&#xEB;t'><show>away</show></presence>`, desk, room)
	w.expectLines("MODE #chan", "AWAY away")
}

func TestJoinWithoutNick(t *testing.T) {
	w := newWorld(t)
	w.stanza(`<presence from='%s' to='%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk, room)
	w.expectOne(`type='error'`, `jid-malformed`)
}

func TestNickWithoutLetters(t *testing.T) {
	w := newWorld(t)
	w.u.jid.Local = "日本"
	w.join(desk, "日本")
	w.expectOne(`type='error'`, `not-acceptable`)
	if len(w.u.networks) != 0 {
		t.Error("a network is left")
	}
}

func TestSecondSessionAndRejoin(t *testing.T) {
	w := connected(t)
	w.join(phone, "other")
	w.expectLines()
	burst := func(to string, codes string) []string {
		return []string{
			presence("juliet", to, "none", "participant", ` jid='juliet@xmpp.test'/><status code='110'/>`+codes),
		}
	}
	got := w.sent()
	if len(got) != 4 || got[2] != burst(phone, `<status code='210'/>`)[0] {
		t.Errorf("the second session got\n%s", strings.Join(got, "\n"))
	}
	w.join(desk, "juliet")
	got = w.sent()
	if len(got) != 4 || got[2] != burst(desk, "")[0] {
		t.Errorf("who joins again got\n%s", strings.Join(got, "\n"))
	}
	w.expectLines()
}

func TestLeave(t *testing.T) {
	w := connected(t)
	w.join(phone, "juliet")
	w.forget()
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'><status>bye</status></presence>`, phone, room)
	w.expectLines()
	got := w.sent()
	if want := `<presence from='` + room + `/juliet' to='` + phone + `' type='unavailable'><status>bye</status>` +
		`<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='none' jid='juliet@xmpp.test'/><status code='110'/></x><occupant/></presence>`; got[0] != want {
		t.Errorf("got %s\nwant %s", got[0], want)
	}
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'><status>bye</status></presence>`, desk, room)
	w.expectLines("PART #chan bye")
	w.expectOne(`to='`+desk+`' type='unavailable'`, `<status code='110'/>`)
	// The server's confirmation of the PART is of no more interest.
	w.event(ircconn.Parted{Source: source("juliet"), Channel: "#chan", Self: true})
	w.expect()
	w.pass(w.g.live().IdleQuit)
	if w.irc.quit == "" || len(w.u.networks) != 0 {
		t.Errorf("the idle connection stays: quit %q", w.irc.quit)
	}
}

func TestLeaveAndJoinAtOnce(t *testing.T) {
	w := connected(t)
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.join(desk, "juliet")
	w.expectLines("PART #chan", "JOIN #chan")
	w.forget()
	w.event(ircconn.Parted{Source: source("juliet"), Channel: "#chan", Self: true})
	w.enter("juliet")
	if got := w.sent(); len(got) != 2 {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	w.pass(w.g.live().IdleQuit)
	if w.irc.quit != "" {
		t.Error("the connection was ended although a room is joined")
	}
}

func TestGhost(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s/romeo' type='error'><error type='cancel'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, desk, room)
	w.expectLines("PART #chan your client could not be reached")
	w.expectOne(`<status code='110'/><status code='333'/>`)
}

func TestErrorThatIsNoGhost(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s/romeo' type='error'><error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, desk, room)
	w.expectLines()
	w.expect()
}

// features §1.2: every refused JOIN answers the join presence.
func TestRefusedJoins(t *testing.T) {
	tests := []struct {
		numeric   int
		condition string
		errorType string
	}{
		{403, "item-not-found", "cancel"}, {405, "resource-constraint", "wait"}, {437, "conflict", "wait"}, {471, "service-unavailable", "wait"},
		{473, "registration-required", "auth"}, {474, "forbidden", "auth"}, {475, "not-authorized", "auth"}, {476, "jid-malformed", "modify"},
		{477, "registration-required", "auth"}, {480, "resource-constraint", "wait"}, {489, "policy-violation", ""},
	}
	for _, test := range tests {
		w := newWorld(t)
		w.join(desk, "juliet")
		w.register("juliet")
		w.forget()
		w.event(ircconn.Refused{Numeric: test.numeric, Target: "#chan", Params: []string{"#chan"}, Text: "no such luck"})
		w.expectOne(`<presence from='`+room+`/juliet' to='`+desk+`' type='error' id='join'>`, "<"+test.condition+" ", "type='"+test.errorType, "no such luck")
		if len(w.network().channels) != 0 {
			t.Errorf("%d leaves the room half joined", test.numeric)
		}
	}
}

func TestForward(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.forget()
	w.event(ircconn.Refused{Numeric: 470, Target: "#chan", Params: []string{"#chan", "##chan"}, Text: "Forwarding"})
	w.expectOne(`<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:##chan%irc.test@gw.test?join</gone>`)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "##chan", Self: true}, ircconn.NamesEnd{Channel: "##chan"})
	w.expectOne("has put you into ##chan")
	w.irc.sent = nil
	w.pass(w.g.live().AnswerTimeout + w.g.live().IdleQuit)
	w.expectLines("PART ##chan")
}

func TestJoinUnanswered(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.forget()
	w.pass(w.g.live().AnswerTimeout)
	w.expectOne(`type='error'`, `remote-server-timeout`)
}

func TestPasswordAndFailedConnection(t *testing.T) {
	w := newWorld(t)
	w.stanza(`<presence from='%s' to='%s/juliet' id='join'><x xmlns='http://jabber.org/protocol/muc'><password>sesame</password></x></presence>`, desk, room)
	w.register("juliet")
	w.expectLines("JOIN #chan sesame")

	tests := []struct {
		err       error
		condition string
	}{
		{&ircconn.Error{Kind: ircconn.KindResolve}, "remote-server-not-found"},
		{&ircconn.Error{Kind: ircconn.KindConnect}, "remote-server-timeout"},
		{&ircconn.Error{Kind: ircconn.KindTimeout}, "remote-server-timeout"},
		{&ircconn.Error{Kind: ircconn.KindTLSFailed}, "service-unavailable"},
		{&ircconn.Error{Kind: ircconn.KindRefused, Numeric: 465}, "forbidden"},
		{&ircconn.Error{Kind: ircconn.KindRefused, Numeric: 464}, "not-authorized"},
		{&ircconn.Error{Kind: ircconn.KindLogin}, "not-authorized"},
		{&ircconn.Error{Kind: ircconn.KindPassword}, "not-authorized"},
		{&ircconn.Error{Kind: ircconn.KindRefused, Numeric: 904}, "not-authorized"},
		{errors.New("something else"), "remote-server-timeout"},
	}
	for _, test := range tests {
		w := newWorld(t)
		w.join(desk, "juliet")
		w.event(ircconn.Disconnected{Err: test.err})
		got := w.sent()
		if len(got) != 2 || !strings.Contains(got[1], "<presence") || !strings.Contains(got[1], "<"+test.condition+" ") {
			t.Errorf("%v: %s", test.err, strings.Join(got, "\n"))
		}
		if len(w.u.networks) != 0 {
			t.Errorf("%v leaves a network", test.err)
		}
	}
}

func TestConnectionLost(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindServerClosed, Text: "bye"}, WasRegistered: true})
	got := w.sent()
	if len(got) != 2 || !strings.Contains(got[1], `type='unavailable'`) || !strings.Contains(got[1], `<status code='110'/><status code='332'/>`) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	if len(w.u.networks) != 0 {
		t.Error("the network stays")
	}
}

func TestOtherSpelling(t *testing.T) {
	w := connected(t)
	w.event(ircconn.SupportChanged{Support: support})
	w.stanza(`<presence from='%s' to='#CHAN%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, phone)
	w.expectOne(`<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:` + room + `?join</gone>`)
}

func TestPresenceWithoutBeingIn(t *testing.T) {
	w := newWorld(t)
	w.stanza(`<presence from='%s' to='%s/juliet'/>`, desk, room)
	w.expectOne(`type='unavailable'`, `<status code='110'/><status code='307'/><status code='333'/>`)
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.expect()
}

func TestBadAddresses(t *testing.T) {
	for _, address := range []string{"%irc.test@gw.test/x", "#chan%@gw.test/x", "a b@gw.test/x"} {
		w := newWorld(t)
		w.stanza(`<presence from='%s' to='%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk, address)
		w.expectOne("item-not-found")
	}
}

func TestMemberWithoutNames(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet", "away-notify")
	w.forget()
	w.enter("")
	w.expectLines("MODE #chan", "WHO #chan")
	if got := w.sent(); len(got) != 2 {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

func TestForcedJoinThatIsEntered(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#jail", Self: true}, ircconn.NamesEnd{Channel: "#jail"})
	w.stanza(`<presence from='%s' to='#jail%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.forget()
	w.pass(time.Hour)
	w.expectLines()
}

// COMPAT: a server that puts somebody into a channel and never says who is there.
func TestForcedJoinWithoutMembers(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#jail", Self: true})
	w.stanza(`<presence from='%s' to='#jail%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.forget()
	w.pass(w.g.live().AnswerTimeout)
	if got := w.sent(); len(got) != 2 || !strings.Contains(got[0], "<status code='110'/>") || !strings.Contains(got[1], "<subject") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}
