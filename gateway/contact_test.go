package gateway

import (
	"testing"

	"passerelle/ircconn"
)

func (w *world) presenceTo(to, presenceType string) {
	w.stanza(`<presence from='juliet@xmpp.test' to='%s' type='%s'/>`, to, presenceType)
}

const romeoJID = "romeo%irc.test@gw.test"

func TestContactByMonitor(t *testing.T) {
	w := withStore(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"MONITOR=30"})})
	w.presenceTo(romeoJID, "subscribe")
	w.expect(`<presence from='` + romeoJID + `' to='juliet@xmpp.test' type='subscribed'/>`)
	w.expectLines("MONITOR + romeo")
	w.event(ircconn.Reply{Numeric: 730, Params: []string{"Romeo!rom@verona.test"}})
	w.expect(`<presence from='` + romeoJID + `' to='juliet@xmpp.test'/>`)
	w.event(ircconn.Reply{Numeric: 730, Params: []string{"Romeo!rom@verona.test"}})
	w.expect()
	w.event(ircconn.AwayChanged{Source: source("romeo"), Text: "at the ball"})
	w.expect(`<presence from='`+romeoJID+`' to='juliet@xmpp.test'><show>away</show><status>at the ball</status></presence>`,
		`<presence from='`+room+`/romeo' to='`+desk+`'><show>away</show><status>at the ball</status><x xmlns='http://jabber.org/protocol/muc#user'>`+
			`<item affiliation='none' role='participant'/></x><occupant/></presence>`)
	w.presenceTo(romeoJID, "probe")
	w.expectOne(`<show>away</show>`)
	w.event(ircconn.Reply{Numeric: 731, Params: []string{"romeo"}})
	w.expect(`<presence from='` + romeoJID + `' to='juliet@xmpp.test' type='unavailable'/>`)
	w.presenceTo(romeoJID, "unsubscribe")
	w.expect(`<presence from='`+romeoJID+`' to='juliet@xmpp.test' type='unavailable'/>`,
		`<presence from='`+romeoJID+`' to='juliet@xmpp.test' type='unsubscribed'/>`)
	w.expectLines("MONITOR - romeo")
	w.event(ircconn.Reply{Numeric: 730, Params: []string{"romeo!rom@verona.test"}})
	w.expect()
}

func TestContactByISON(t *testing.T) {
	w := withStore(t)
	w.presenceTo(romeoJID, "subscribe")
	w.expectLines("ISON romeo")
	w.forget()
	w.event(ircconn.Reply{Numeric: 303, Params: []string{"Romeo "}})
	w.expectOne(`from='` + romeoJID + `' to='juliet@xmpp.test'/>`)
	w.pass(isonInterval)
	w.expectLines("ISON romeo")
	w.event(ircconn.Reply{Numeric: 303, Params: []string{""}})
	w.expectOne(`type='unavailable'`)
	w.event(ircconn.Disconnected{})
	w.forget()
	w.pass(isonInterval)
	w.expectLines()
}

// Contacts are followed again on every connection, and shown as gone when it ends.
func TestContactsStay(t *testing.T) {
	w := withStore(t)
	w.presenceTo(romeoJID, "subscribe")
	w.event(ircconn.Reply{Numeric: 303, Params: []string{"romeo"}})
	w.forget()
	w.event(ircconn.Disconnected{})
	found := false
	for _, s := range w.sent() {
		found = found || s == `<presence from='`+romeoJID+`' to='juliet@xmpp.test' type='unavailable'/>`
	}
	if !found {
		t.Error("the contact does not go with the connection")
	}
	w.presenceTo(romeoJID, "probe")
	w.expectOne(`type='unavailable'`)
	w.u.unload() // as after a restart
	w.join(desk, "juliet")
	w.register("juliet")
	w.expectLines("ISON romeo", "JOIN #chan")
}

// A server that follows no more people is asked about the rest.
func TestContactsBeyondTheLimit(t *testing.T) {
	w := withStore(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"MONITOR=1"})})
	w.presenceTo(romeoJID, "subscribe")
	w.presenceTo("nurse%irc.test@gw.test", "subscribe")
	w.forget()
	w.event(ircconn.Refused{Numeric: 734, Target: "1", Params: []string{"1", "nurse"}, Text: "Monitor list is full"})
	w.expectLines("ISON nurse")
	w.event(ircconn.Reply{Numeric: 303, Params: []string{"nurse"}})
	w.expectOne(`from='nurse%irc.test@gw.test'`)
}

// Away is also who shares no channel with us: the server is asked when they come,
// about one after the other, and says itself what changes where it can.
func TestContactsAreAway(t *testing.T) {
	const nurseJID = "nurse%irc.test@gw.test"
	presence := func(from, inner string) string {
		return `<presence from='` + from + `' to='juliet@xmpp.test'` + inner
	}
	away := func(text string) string { return `><show>away</show><status>` + text + `</status></presence>` }
	w := newWorld(t)
	w.openStore()
	w.join(desk, "juliet")
	w.register("juliet", "away-notify", "extended-monitor")
	w.event(ircconn.SupportChanged{Support: support.With([]string{"MONITOR=30"})})
	w.presenceTo(romeoJID, "subscribe")
	w.presenceTo(nurseJID, "subscribe")
	w.forget()
	w.event(ircconn.Reply{Numeric: 730, Params: []string{"romeo!r@verona.test,nurse!n@verona.test"}})
	w.expect(presence(romeoJID, "/>"), presence(nurseJID, "/>"))
	w.expectLines("WHOIS romeo romeo")
	w.event(ircconn.Reply{Numeric: 311, Params: []string{"romeo", "r", "verona.test", "*", "R"}}, ircconn.AwayReply{Nick: "romeo", Text: "\x02at the ball"})
	w.expect()
	w.event(ircconn.Reply{Numeric: 318, Params: []string{"romeo", "End"}})
	w.expect(presence(romeoJID, away("at the ball")))
	w.expectLines("WHOIS nurse nurse")
	w.event(ircconn.Reply{Numeric: 311, Params: []string{"nurse", "n", "verona.test", "*", "N"}}, ircconn.Reply{Numeric: 318, Params: []string{"nurse", "End"}})
	w.expect()
	w.expectLines()
	w.event(ircconn.AwayChanged{Source: source("romeo")}, ircconn.AwayChanged{Source: source("nurse"), Text: "asleep"})
	w.expect(presence(romeoJID, "/>"), presence(nurseJID, away("asleep")))
	w.presenceTo(nurseJID, "probe")
	w.expect(presence(nurseJID, away("asleep")))
	w.expectLines()
	w.event(ircconn.Reply{Numeric: 731, Params: []string{"nurse"}}, ircconn.Reply{Numeric: 730, Params: []string{"nurse"}})
	w.expect(presence(nurseJID, " type='unavailable'/>"), presence(nurseJID, "/>"))
	w.expectLines("WHOIS nurse nurse")
	w.event(ircconn.AwayChanged{Source: source("nurse"), Text: "gone"}) // newer than the answer
	w.expect(presence(nurseJID, away("gone")))
	w.event(ircconn.Reply{Numeric: 311, Params: []string{"nurse", "n", "verona.test", "*", "N"}}, ircconn.Reply{Numeric: 318, Params: []string{"nurse", "End"}})
	w.expect()
}

// Where the server says nothing by itself, it is asked again when a client looks.
func TestContactsAwayAreAskedFor(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.join(desk, "juliet")
	w.register("juliet")
	w.presenceTo(romeoJID, "subscribe")
	w.event(ircconn.Reply{Numeric: 303, Params: []string{"romeo"}})
	answer := func(text string) {
		t.Helper()
		w.forget()
		w.event(ircconn.Reply{Numeric: 311, Params: []string{"romeo", "r", "verona.test", "*", "R"}})
		if text != "" {
			w.event(ircconn.AwayReply{Nick: "romeo", Text: text})
		}
		w.event(ircconn.Reply{Numeric: 318, Params: []string{"romeo", "End"}})
	}
	answer("at the ball")
	w.expectOne(`from='`+romeoJID+`'`, `<status>at the ball</status>`)
	w.presenceTo(romeoJID, "probe")
	w.expectLines("WHOIS romeo romeo")
	answer("")
	w.expectOne(`<presence from='` + romeoJID + `' to='juliet@xmpp.test'/>`)
	w.presenceTo(romeoJID, "probe")
	w.forget()
	n := w.network()
	w.event(ircconn.Disconnected{}) // with a question open
	if n.askingAway {
		t.Error("nobody is asked about any more")
	}
}
