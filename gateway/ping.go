package gateway

import (
	"passerelle/component"
)

const nsPing = "urn:xmpp:ping"

// pingFeature answers pings (XEP-0199), also those by which a client checks that
// it is still in a room (XEP-0410 §4.2, the optimisation: IRC never sees them).
func pingFeature() feature {
	return feature{
		xep: "XEP-0199", on: everywhere, advertise: []string{nsPing},
		iq: map[iqKey]iqHandler{{"get", nsPing, "ping"}: (*User).onPing},
	}
}

// selfPingFeature says that self-pings need no round trip (XEP-0410 §4.2).
func selfPingFeature() feature {
	return feature{xep: "XEP-0410", on: onRoom, advertise: []string{nsMUC + "#self-ping-optimization"}}
}

// onPing answers for the gateway, its networks and rooms at once. A ping to
// another occupant, or to a nick, goes to their client as a CTCP PING.
func (u *User) onPing(r *request, _ *component.Element) error {
	switch at(r) {
	case onOccupant:
		if _, _, err := u.inRoom(r); err != nil {
			return err
		}
		fallthrough
	case onNick:
		if u.isOwnOccupant(r) {
			u.result(r)
			return nil
		}
		return u.askCTCP(r, "PING", newID()[:16], func(string) { u.result(r) })
	}
	u.result(r)
	return nil
}
