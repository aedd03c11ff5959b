package gateway

import (
	"strings"

	"passerelle/component"
	"passerelle/translate"
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
// room, or own nick: there the gateway answers, since there are perhaps several clients.
func (u *User) isOwnOccupant(r *request) bool {
	if r.to.Kind == translate.Nick {
		n := u.networks.of(r.to.Network)
		return n != nil && n.ready && n.isSelf(r.to.Name)
	}
	ch, s, err := u.inRoom(r)
	if err != nil || r.occupant() == "" {
		return false
	}
	// A client may go on calling itself what it wanted to be called, where
	// nobody else is called so.
	return ch.n.isSelf(r.occupant()) || r.occupant() == s.wanted && ch.nickOf(s.wanted) == ""
}
