package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

func (w *world) invite(from, invitations string) {
	w.stanza(`<message from='%s' to='%s' id='i1'><x xmlns='http://jabber.org/protocol/muc#user'>%s</x></message>`, from, room, invitations)
}

func TestInviteToIRC(t *testing.T) {
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.invite(desk, `<invite to='tybalt%irc.test@gw.test'><reason>come</reason></invite>`)
		refused := w.refuses(0, ircconn.Refused{Numeric: 443, Target: "tybalt", Params: []string{"tybalt", "#chan"}, Text: "is there"})
		w.expectLines("INVITE tybalt #chan")
		w.expect()
		w.event(refused)
		w.expectOne(`<message from='`+room+`' to='`+desk+`' type='error' id='i1'>`, `<conflict `, `is there`)
	})
	w := connected(t)
	w.invite(desk, `<invite to='tybalt%irc.test@gw.test'/>`)
	w.event(ircconn.Reply{Numeric: 341, Params: []string{"tybalt", "#chan"}})
	w.expect()
	w.pass(w.g.live().AnswerTimeout)
	w.expect()
	w.forget()
	w.invite(desk, `<invite to='tybalt%irc.test@gw.test'/>`)
	w.pass(w.g.live().AnswerTimeout)
	w.expectOne(`type='error' id='i1'`, `remote-server-timeout`)
}

// All the ways in which a nick can be written invite that nick.
func TestInvitedNicks(t *testing.T) {
	w := connected(t)
	w.enter("@nurse rom~eo juliet")
	w.forget()
	tests := []struct{ to, nick string }{
		{"Tybalt", "Tybalt"},
		{"tybalt[x]", "tybalt[x]"},
		{"Tybalt%irc.test", "Tybalt"},
		{"Tybalt%anything", "Tybalt"},
		{"tybalt%irc.test@gw.test", "tybalt"},
		{"tybalt%other.test@gw.test", "tybalt"},
		{`a\5c20b%irc.test@gw.test`, `a\20b`},
		{"anything@gw.test/Tybalt", "Tybalt"},
		{"gw.test/Tybalt", "Tybalt"},
		{room + "/Nurse", "nurse"},
		{room + "/Tybalt", "Tybalt"},
		{"#other%irc.test@gw.test/Tybalt", "Tybalt"},
	}
	for _, test := range tests {
		w.invite(desk, `<invite to='`+test.to+`'/>`)
		w.expectLines("INVITE " + test.nick + " #chan")
		w.event(ircconn.Reply{Numeric: 341, Params: []string{test.nick, "#chan"}})
		w.expect()
	}
	w.g.addressing.Fixed = "irc.test"
	if nick, _, err := w.network().channel("#chan").invitee("tybalt@gw.test"); nick != "tybalt" || err != nil {
		t.Errorf("where there is one server only, %q is invited: %v", nick, err)
	}
}

// Somebody elsewhere on XMPP is asked to come through us too.
func TestInviteToXMPP(t *testing.T) {
	w := connected(t)
	w.event(modeLine("+k sesame"))
	w.forget()
	w.invite(desk, `<invite to='tybalt@xmpp.test'><reason>come &amp; see</reason></invite>`)
	w.expect(`<message from='` + room + `' to='tybalt@xmpp.test' id='ID'><x xmlns='http://jabber.org/protocol/muc#user'>` +
		`<invite from='juliet@xmpp.test'><reason>come &amp; see</reason></invite><password>sesame</password></x>` +
		`<x xmlns='jabber:x:conference' jid='#chan%irc.test@gw.test' password='sesame' reason='come &amp; see'/></message>`)
	w.expectLines()
}

func TestSeveralInvitations(t *testing.T) {
	w := connected(t)
	w.invite(desk, `<invite to='a%irc.test@gw.test'/><invite to='b%irc.test@gw.test'/><invite to='c@xmpp.test'/>`)
	w.expectLines("INVITE a #chan", "INVITE b #chan")
	w.expectOne(`to='c@xmpp.test'`)
}

func TestImpossibleInvitations(t *testing.T) {
	tests := []struct{ from, invitation, condition string }{
		{phone, `<invite to='tybalt%irc.test@gw.test'/>`, "not-acceptable"},
		{desk, `<invite/>`, "jid-malformed"},
		{desk, `<invite to='@'/>`, "jid-malformed"},
		{desk, `<invite to='%irc.test@gw.test'/>`, "item-not-found"},
		{desk, `<invite to='gw.test'/>`, "item-not-found"},
		{desk, `<invite to='#two'/>`, "item-not-found"},
		{desk, `<invite to='%irc.test'/>`, "jid-malformed"},
		{desk, `<invite to='#two%irc.test@gw.test'/>`, "item-not-found"},
		{desk, `<invite to='irc.test@gw.test'/>`, "item-not-found"},
	}
	for _, test := range tests {
		w := connected(t)
		w.invite(test.from, test.invitation)
		w.expectOne(`to='`+test.from+`' type='error' id='i1'`, "<"+test.condition+" ")
		w.expectLines()
	}
}

func TestInvitationFromIRC(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Invited{Source: source("Romeo"), Nick: "juliet", Channel: "#Balcony", Self: true})
	w.expect(`<message from='#balcony%irc.test@gw.test' to='juliet@xmpp.test' id='ID'><x xmlns='http://jabber.org/protocol/muc#user'>` +
		`<invite from='romeo%irc.test@gw.test'><reason>Romeo invites you to #Balcony</reason></invite></x>` +
		`<x xmlns='jabber:x:conference' jid='#balcony%irc.test@gw.test' reason='Romeo invites you to #Balcony'/></message>`)
	// IRCv3 invite-notify.
	w.event(ircconn.Invited{Source: source("nurse"), Nick: "tybalt", Channel: "#chan"})
	w.expectOne(`<message from='`+room+`' to='`+desk+`' type='groupchat'`, `nurse has invited tybalt`)
	w.event(ircconn.Invited{Source: source("nurse"), Nick: "tybalt", Channel: "#elsewhere"})
	w.expect()
}

// Whoever invited learns that our user does not come.
func TestDeclined(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s'><x xmlns='http://jabber.org/protocol/muc#user'><decline to='romeo%%irc.test@gw.test'/></x></message>`, desk, room)
	w.expect()
	w.expectLines("NOTICE romeo I do not come to #chan")
}

// decline is tybalt's answer to an invitation of juliet's.
func (w *world) decline(from string) string {
	w.t.Helper()
	jid, err := component.ParseJID(from)
	if err != nil {
		w.t.Fatal(err)
	}
	other := newUser(w.g, jid.Bare())
	other.in.running = true // nobody else works for this user
	other.scratch = w.g.meter.newScratch()
	s, err := parseStanza(`<message from='` + from + `' to='` + room + `' id='d'><x xmlns='http://jabber.org/protocol/muc#user'>` +
		`<decline to='juliet@xmpp.test/desk'><reason>too late</reason></decline></x></message>`)
	if err != nil {
		w.t.Fatal(err)
	}
	other.guard(func() { other.handleStanza(s) })
	other.handOn()
	return strings.Join(w.sent(), "")
}

// Whoever was invited on XMPP can decline, once, and nobody else can.
func TestDeclinedByXMPP(t *testing.T) {
	w := connected(t)
	w.invite(desk, `<invite to='tybalt@xmpp.test/home'/>`)
	w.forget()
	contains(t, w.decline("paris@xmpp.test/x"), `to='paris@xmpp.test/x' type='error' id='d'`, `item-not-found`)
	want := `<message from='` + room + `' to='juliet@xmpp.test' id='ID'><x xmlns='http://jabber.org/protocol/muc#user'>` +
		`<decline from='tybalt@xmpp.test'><reason>too late</reason></decline></x></message>`
	if got := w.decline("tybalt@xmpp.test/home"); got != want {
		t.Errorf("juliet is sent\n%s\nwant\n%s", got, want)
	}
	contains(t, w.decline("tybalt@xmpp.test/home"), `type='error' id='d'`, `item-not-found`, `has not invited you to #chan`)
	w.invite(desk, `<invite to='tybalt@xmpp.test'/>`)
	w.pass(invitationMemory + time.Second)
	w.forget()
	contains(t, w.decline("tybalt@xmpp.test/home"), `item-not-found`)
	if len(w.g.invitations.sent) != 0 {
		t.Errorf("%d inviters are remembered", len(w.g.invitations.sent))
	}
}

// What is remembered of invitations is bounded, and old ones make room.
func TestInvitationsAreForgotten(t *testing.T) {
	var i invitations
	now := time.Now()
	jid := func(n int) component.JID { return component.JID{Local: fmt.Sprint(n), Domain: "xmpp.test"} }
	for n := range 2 * invitationsKept {
		i.note(jid(0), invitation{invitee: jid(n)}, now)
	}
	for n := range mostInviters + 5 {
		i.note(jid(n), invitation{}, now)
	}
	if len(i.sent) != mostInviters || len(i.sent[jid(0)]) != invitationsKept {
		t.Errorf("%d inviters and %d of one are remembered", len(i.sent), len(i.sent[jid(0)]))
	}
	i.note(jid(-1), invitation{}, now.Add(2*invitationMemory))
	if len(i.sent) != 1 || !i.take(jid(-1), invitation{}, now.Add(2*invitationMemory)) || len(i.sent) != 0 {
		t.Errorf("%d inviters are remembered", len(i.sent))
	}
}

func TestInviteCommand(t *testing.T) {
	w := connected(t)
	w.say(desk, "c1", "/invite tybalt")
	w.forget()
	w.event(ircconn.Refused{Numeric: 401, Target: "tybalt", Params: []string{"tybalt"}, Text: "nobody"})
	if got := w.sent(); len(got) != 1 || !strings.Contains(got[0], `type='error' id='c1'`) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

func TestDirectInvitationAndRefusal(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' id='i1'><x xmlns='jabber:x:conference' jid='#hall%%irc.test@gw.test'/></message>`, desk)
	w.expectLines("INVITE romeo #hall")
	w.event(ircconn.Refused{Numeric: 443, Target: "romeo", Params: []string{"romeo", "#hall"}, Text: "is already on channel"})
	w.expectOne(`type='error' id='i1'`, `conflict`)
	w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' id='i2'><x xmlns='jabber:x:conference' jid='room@elsewhere.test'/></message>`, desk)
	w.expectOne(`item-not-found`)
	w.event(ircconn.Invited{Source: source("romeo"), Nick: "juliet", Channel: "#hall", Self: true})
	w.expectOne(`<x xmlns='jabber:x:conference' jid='#hall%irc.test@gw.test' reason='romeo invites you to #hall'/>`)
	w.stanza(`<message from='%s' to='#hall%%irc.test@gw.test'><x xmlns='http://jabber.org/protocol/muc#user'><decline to='romeo%%irc.test@gw.test'><reason>too late</reason></decline></x></message>`, desk)
	w.expectLines("NOTICE romeo I do not come to #hall: too late")
	w.expect()
}

func TestInvitationsAreFew(t *testing.T) {
	w := connected(t)
	invites := ""
	for i := range 20 {
		invites += fmt.Sprintf("<invite to='stranger%d@elsewhere.test'/>", i)
	}
	w.stanza(`<message from='%s' to='%s' id='i'><x xmlns='http://jabber.org/protocol/muc#user'>%s</x></message>`, desk, room, invites)
	if got := w.sent(); len(got) != mostInvitations+1 || !strings.Contains(got[len(got)-1], "policy-violation") {
		t.Errorf("%d stanzas", len(got))
	}
	for _, payload := range []string{
		`<x xmlns='http://jabber.org/protocol/muc#user'><decline to='romeo,nurse%irc.test@gw.test'/></x>`,
		`<x xmlns='http://jabber.org/protocol/muc#user'><invite to='romeo,nurse%irc.test@gw.test'/></x>`,
	} {
		w.stanza(`<message from='%s' to='%s' id='i'>%s</message>`, desk, room, payload)
		w.expectLines()
		w.expectOne(`item-not-found`)
	}
}
