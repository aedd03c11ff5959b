package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

func TestUsername(t *testing.T) {
	for nick, want := range map[string]string{
		"juliet": "juliet", "Ju_li-et2": "Ju_li-et2", "[x]|y^": "xy", "_-a": "a", "[]": "user", "": "user", "abcdefghijklm": "abcdefghij", "é": "user",
	} {
		if got := username(nick); got != want {
			t.Errorf("%q becomes %q, want %q", nick, got, want)
		}
	}
}

// A line must fit with our own name before it, as the server writes it.
func TestBudget(t *testing.T) {
	w := connected(t)
	n := w.network()
	prefix := ":juliet!user@host.test PRIVMSG #chan :"
	if got, want := n.budget("PRIVMSG", "#chan"), 512-len(prefix)-len("\r\n"); got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
	w.event(ircconn.HostChanged{Source: source("juliet"), NewUser: "u", NewHost: "a.longer.host.test", SelfHost: true})
	prefix = ":juliet!u@a.longer.host.test PRIVMSG #chan :"
	if got, want := n.budget("PRIVMSG", "#chan"), 512-len(prefix)-len("\r\n"); got != want {
		t.Errorf("after CHGHOST %d bytes, want %d", got, want)
	}
	n.self.User, n.self.Host = "", ""
	unknown := n.budget("PRIVMSG", "#chan")
	if want := 512 - len(":juliet!@ PRIVMSG #chan :\r\n") - longestUser - longestHost; unknown != want {
		t.Errorf("with an unknown host %d bytes, want %d", unknown, want)
	}
	w.event(ircconn.SupportChanged{Support: support.With([]string{"LINELEN=1024"})})
	if got := n.budget("PRIVMSG", "#chan"); got != unknown+512 {
		t.Errorf("with LINELEN %d bytes", got)
	}
}

// Names can fold in another way when the server has said how.
func TestOtherCasemapping(t *testing.T) {
	w := newWorld(t)
	w.stanza(`<presence from='%s' to='#a[%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#a[", Self: true},
		ircconn.Names{Channel: "#a[", Members: []ircconn.NamesEntry{{Nick: "juliet"}, {Nick: "[x]", User: "x", Host: "h"}, {Nick: "ZZ"}}}, ircconn.NamesEnd{Channel: "#a["})
	w.stanza(`<message from='%s' to='#a[%%irc.test@gw.test/[x]' type='chat'><body>psst</body></message>`, desk)
	n := w.network()
	if n.channel("#A{") == nil || n.people[n.fold("{X}")] == nil {
		t.Fatal("rfc1459 does not fold brackets")
	}
	w.event(ircconn.SupportChanged{Support: support.With([]string{"CASEMAPPING=ascii"})})
	ch := n.channel("#A[")
	if ch == nil || n.channel("#A{") != nil {
		t.Fatal("the channel is not found as ascii folds it")
	}
	for _, nick := range []string{"juliet", "[X]", "zz"} {
		if !ch.hasMember(nick) {
			t.Errorf("%s is not found", nick)
		}
	}
	if ch.hasMember("{x}") || n.people[n.fold("[X]")] == nil || len(n.people) != 1 {
		t.Errorf("people %v", n.people)
	}
	w.forget()
	w.event(ircconn.Message{Source: source("[x]"), Target: "juliet", Text: "what?"})
	w.expectOne(`from='[x]%irc.test@gw.test'`)
}

// Contacts and what clients were shown before the loss of the stream are found as well
// when names fold in another way.
func TestOtherCasemappingInBetween(t *testing.T) {
	w := withStore(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"MONITOR=30"})})
	w.event(ircconn.Joined{Source: source("[x]"), Channel: "#chan"})
	w.stanza(`<presence from='%s' to='[y]%%irc.test@gw.test' type='subscribe'/>`, "juliet@xmpp.test")
	w.loseStream()
	w.event(ircconn.SupportChanged{Support: support.With([]string{"MONITOR=30", "CASEMAPPING=ascii"})})
	w.streamBack()
	w.isThere(desk, w.inquired()[desk])
	w.expect()
	w.event(ircconn.Reply{Numeric: 730, Params: []string{"juliet", "[Y]!y@y.test"}})
	w.expectOne(`<presence from='[y]%irc.test@gw.test' to='juliet@xmpp.test'`)
}

// All that a connection says on its way is told in plain words.
func TestProgressOfConnecting(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.event(ircconn.Progress{Text: "Connecting to irc.test:6697 with TLS…"}, ircconn.Reply{Numeric: 251, Params: []string{"users"}})
	w.expectOne(`from='`+server+`' to='juliet@xmpp.test'`, `Connecting to irc.test:6697 with TLS…`)
	// A second join waits for the same connection.
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.expectLines()
	w.register("juliet")
	w.expectLines("JOIN #chan,#two")
}

// Lines that cannot leave refuse the join, and the room is not half joined.
func TestJoinThatCannotBeSent(t *testing.T) {
	for _, fault := range []struct {
		err       error
		condition string
	}{{ircconn.ErrQueueFull, "resource-constraint"}, {ircconn.ErrClosed, "recipient-unavailable"}, {&ircconn.Error{Kind: ircconn.KindLocal, Text: "bad"}, "not-acceptable"}} {
		w := newWorld(t)
		w.join(desk, "juliet")
		w.irc.refusing = fault.err
		w.register("juliet")
		got := w.sent()
		if len(got) != 2 || !strings.Contains(got[1], `type='error' id='join'`) || !strings.Contains(got[1], fault.condition) {
			t.Errorf("%v: %s", fault.err, strings.Join(got, "\n"))
		}
		if len(w.network().channels) != 0 {
			t.Errorf("%v leaves the room half joined", fault.err)
		}
	}
}

// A network without addresses is one that the admin has closed.
func TestServerWithoutAddresses(t *testing.T) {
	w := newWorld(t)
	w.g.live().Servers = Servers{"irc.test": nil}
	w.join(desk, "juliet")
	w.expectOne(`type='error' id='join'`, `item-not-found`)
	if len(w.u.networks) != 0 {
		t.Error("a network is left")
	}
}
