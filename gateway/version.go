package gateway

import (
	"strings"

	"passerelle/component"
)

const nsVersion = "jabber:iq:version"

// versionFeature says what program is at an address (XEP-0092): ours, or that of
// somebody on IRC, whose client is asked (CTCP VERSION).
func versionFeature() feature {
	return feature{
		xep: "XEP-0092", on: everywhere, advertise: []string{nsVersion},
		iq: map[iqKey]iqHandler{{"get", nsVersion, "query"}: (*User).onVersion},
	}
}

func (u *User) onVersion(r *request, _ *component.Element) error {
	if at(r)&(onOccupant|onNick) == 0 || u.isOwnOccupant(r) {
		u.writeVersion(r, programName, u.g.version)
		return nil
	}
	return u.askCTCP(r, "VERSION", "", func(reply string) {
		name, version, _ := strings.Cut(reply, " ")
		u.writeVersion(r, name, version)
	})
}

func (u *User) writeVersion(r *request, name, version string) {
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsVersion)
	u.enc.Leaf("name", "", name)
	u.enc.Leaf("version", "", version)
	u.enc.Close()
	u.enc.Close()
}

// isOwnOccupant reports whether a request is for the user's own occupant in a
// room: there the gateway answers, since there are perhaps several clients.
func (u *User) isOwnOccupant(r *request) bool {
	ch, s, err := u.inRoom(r)
	return err == nil && r.occupant() != "" && (r.occupant() == s.wanted || ch.n.isSelf(r.occupant()))
}
