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
	w.expect(`<presence from='` + romeoJID + `' to='juliet@xmpp.test' type='unsubscribed'/>`)
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
	w.u.contacts = nil // as after a restart
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
