package gateway

import (
	"testing"

	"passerelle/ircconn"
)

// setAffiliation asks for a role as an XMPP client does.
func (w *world) setAffiliation(id, nick, affiliation string) {
	w.stanza(`<iq from='%s' to='%s' type='set' id='%s'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='%s' affiliation='%s'/></query></iq>`,
		desk, room, id, nick, affiliation)
}

// The answer to the fence of one change must not be taken for that of the next.
func TestFencesAreToldApart(t *testing.T) {
	for _, caps := range [][]string{nil, {"labeled-response"}} {
		w := connected(t, caps...)
		label := func(i int) string {
			if caps == nil {
				return ""
			}
			return w.irc.sent[i].Label
		}
		w.setAffiliation("q1", "romeo", "member")
		refusal1, fence1 := label(0), label(1)
		w.event(ircconn.Refused{Numeric: 482, Target: "#chan", Text: "no", Meta: ircconn.Meta{Label: refusal1}})
		w.expectOne(`type='error' id='q1'`)
		w.setAffiliation("q2", "romeo", "admin")
		refusal2 := label(2)
		w.event(ircconn.ChannelModes{Channel: "#chan", Meta: ircconn.Meta{Label: fence1}})
		w.expect()
		w.event(ircconn.Refused{Numeric: 482, Target: "#chan", Text: "no", Meta: ircconn.Meta{Label: refusal2}})
		w.expectOne(`type='error' id='q2'`, `forbidden`)
	}
}

// A server says nothing to a change that changes nothing; the fence does.
func TestChangeOfNothing(t *testing.T) {
	for _, caps := range [][]string{nil, {"labeled-response"}} {
		w := connected(t, caps...)
		w.stanza(`<iq from='%s' to='%s' type='set' id='q1'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='*!*\40x.test%%irc.test@gw.test' affiliation='outcast'/></query></iq>`,
			desk, room)
		fence := ircconn.ChannelModes{Channel: "#chan"}
		if caps != nil {
			fence.Label = w.irc.sent[1].Label
		}
		w.expectLines("MODE #chan +b *!*@x.test", "MODE #chan")
		w.event(fence)
		w.expect(`<iq from='` + room + `' to='` + desk + `' type='result' id='q1'/>`)
	}
}
