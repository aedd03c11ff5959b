package gateway

import (
	"slices"
	"strconv"

	"passerelle/component"
	"passerelle/translate"
)

const (
	nsDiscoInfo  = "http://jabber.org/protocol/disco#info"
	nsDiscoItems = "http://jabber.org/protocol/disco#items"
)

// discoInfoFeature says what is at an address (XEP-0030 §3). It never opens an
// IRC connection.
func discoInfoFeature() feature {
	return feature{
		xep: "XEP-0030", on: everywhere, advertise: []string{nsDiscoInfo},
		iq: map[iqKey]iqHandler{{"get", nsDiscoInfo, "query"}: (*User).onDiscoInfo},
	}
}

// discoItemsFeature says what is below an address (XEP-0030 §4).
func discoItemsFeature() feature {
	return feature{
		xep: "XEP-0030", on: everywhere, advertise: []string{nsDiscoItems},
		iq: map[iqKey]iqHandler{{"get", nsDiscoItems, "query"}: (*User).onDiscoItems},
	}
}

// The nodes of a room (XEP-0045 §6.5, §7.12).
const (
	nodeTraffic  = "http://jabber.org/protocol/muc#traffic"
	nodeReserved = "x-roomuser-item"
)

// traffic are the namespaces that a room lets through (XEP-0045 §6.5).
var traffic = []string{nsStanzaID, nsOccupantID, nsStyling, nsDelay}

// identity is who is at an address (XEP-0030 §3.1).
type identity struct{ category, kind, name string }

func (u *User) onDiscoInfo(r *request, query *component.Element) error {
	node := query.Attr("node")
	switch {
	case node == "" && at(r) == onOccupant:
		// XEP-0045 §6.6: for occupants only.
		ch, _, err := u.inRoom(r)
		if err != nil {
			return refuse("bad-request", "you are not in %s; join it first", r.to.Name)
		}
		if ch.nickOf(r.occupant()) == "" && !u.isOwnOccupant(r) {
			return refuse("item-not-found", "%s is not in %s", r.occupant(), ch.name)
		}
		fallthrough
	case node == "":
		u.openDisco(r, nsDiscoInfo, "")
		u.writeIdentities(r)
		u.writeFeatures(u.offeredAt(r))
		switch at(r) {
		case onRoom:
			u.writeRoomInfo(r)
		case onGateway:
			u.writeContactAddresses()
		}
	case node == nodeTraffic && at(r) == onRoom:
		u.openDisco(r, nsDiscoInfo, node)
		for _, namespace := range traffic {
			u.writeFeature(namespace)
		}
	case node == nodeReserved && at(r) == onRoom:
		u.openDisco(r, nsDiscoInfo, node)
		if n := u.networks.of(r.to.Network); n != nil && n.ready {
			u.writeIdentity(identity{"conference", "text", translate.NickToResource(n.nick())})
		}
	case node == nsCommands && at(r)&(onGateway|onServer|onRoom) != 0:
		u.openDisco(r, nsDiscoInfo, node)
		u.writeIdentity(identity{"automation", "command-list", "Commands"})
	case u.offered(r, node) != nil:
		u.openDisco(r, nsDiscoInfo, node)
		u.writeIdentity(identity{"automation", "command-node", u.offered(r, node).name})
		u.writeFeature(nsCommands)
		u.writeFeature(nsForms)
	default:
		return refuse("item-not-found", "there is no node %q here", node)
	}
	u.enc.Close()
	u.enc.Close()
	return nil
}

// offered returns the command of a node, if the sender may run it.
func (u *User) offered(r *request, node string) *adhocCommand {
	for _, c := range u.offers(r) {
		if c.node == node {
			return &c
		}
	}
	return nil
}

func (u *User) openDisco(r *request, namespace, node string) {
	u.enc.Result(r.Stanza)
	u.enc.Open("query", namespace)
	if node != "" {
		u.enc.Attr("node", node)
	}
}

// writeIdentities says who is there. Gateway and networks are no place to make
// rooms of one's own, which clients read from conference/irc; a room is
// conference/text where the network has what rich clients need (message tags),
// so that they offer no more than works.
func (u *User) writeIdentities(r *request) {
	switch at(r) {
	case onGateway:
		u.writeIdentity(identity{"gateway", "irc", "IRC"})
		u.writeIdentity(identity{"conference", "irc", "IRC"})
	case onServer:
		u.writeIdentity(identity{"gateway", "irc", r.to.Network})
		u.writeIdentity(identity{"conference", "irc", r.to.Network})
	case onRoom:
		kind := "irc"
		if n := u.networks.of(r.to.Network); n != nil && n.caps.Has("message-tags") {
			kind = "text"
		}
		u.writeIdentity(identity{"conference", kind, r.to.Name + " (" + r.to.Network + ")"})
	case onOccupant:
		u.writeIdentity(identity{"client", "pc", r.occupant()})
	case onNick:
		u.writeIdentity(identity{"client", "pc", r.to.Name})
	}
}

func (u *User) writeIdentity(id identity) {
	u.enc.Open("identity", "")
	u.enc.Attr("category", id.category)
	u.enc.Attr("type", id.kind)
	u.enc.Attr("name", id.name)
	u.enc.Close()
}

func (u *User) writeFeatures(where targets) {
	for _, f := range u.g.features {
		if f.on&where == 0 {
			continue
		}
		for _, namespace := range f.advertise {
			u.writeFeature(namespace)
		}
	}
}

func (u *User) writeFeature(namespace string) {
	u.enc.Open("feature", "")
	u.enc.Attr("var", namespace)
	u.enc.Close()
}

// roomFlags are the room features that a channel mode turns on or off
// (XEP-0045 §6.4, §15.3).
var roomFlags = []struct {
	modes   string
	on, off string
}{
	{"i", "muc_membersonly", "muc_open"},
	{"m", "muc_moderated", "muc_unmoderated"},
	{"k", "muc_passwordprotected", "muc_unsecured"},
	{"sp", "muc_hidden", "muc_public"},
}

// writeRoomInfo says how the room is (XEP-0045 §6.4). A room is
// semi-anonymous: nobody on IRC ever learns a JID.
func (u *User) writeRoomInfo(r *request) {
	u.writeFeature("muc_semianonymous")
	u.writeFeature("muc_temporary")
	var ch *Channel
	if n := u.networks.of(r.to.Network); n != nil {
		ch = n.channel(r.to.Name)
	}
	for _, flag := range roomFlags {
		if ch != nil && ch.hasMode(flag.modes) {
			u.writeFeature(flag.on)
		} else {
			u.writeFeature(flag.off)
		}
	}
	if ch == nil || !ch.named {
		return
	}
	u.enc.Open("x", nsForms)
	u.enc.Attr("type", "result")
	u.writeField("FORM_TYPE", "hidden", "http://jabber.org/protocol/muc#roominfo")
	u.writeField("muc#roominfo_description", "text-single", ch.name+" on "+ch.n.name)
	u.writeField("muc#roominfo_subject", "text-single", plain(ch.topic.text))
	u.writeField("muc#roominfo_occupants", "text-single", strconv.Itoa(ch.members.len()))
	subjectForAll := "1"
	if ch.hasMode("t") {
		subjectForAll = "0"
	}
	u.writeField("muc#roominfo_subjectmod", "boolean", subjectForAll)
	u.enc.Close()
}

// hasMode reports whether the channel has any of the modes.
func (ch *Channel) hasMode(modes string) bool {
	for _, mode := range []byte(modes) {
		if _, set := ch.modes.of(mode); set {
			return true
		}
	}
	return false
}

// writeField writes a field of a form with one value (XEP-0004).
func (u *User) writeField(name, kind, value string) {
	u.enc.Open("field", "")
	u.enc.Attr("var", name)
	u.enc.Attr("type", kind)
	u.enc.Leaf("value", "", value)
	u.enc.Close()
}

// onDiscoItems lists the networks of the gateway, the user's channels on a
// network, and the occupants of a room that the user is in.
func (u *User) onDiscoItems(r *request, query *component.Element) error {
	switch node := query.Attr("node"); node {
	case "":
	case nsCommands:
		return u.writeCommandItems(r)
	default:
		return refuse("item-not-found", "there is no node %q here", node)
	}
	if at(r) == onServer || at(r) == onGateway && u.g.addressing.Fixed != "" {
		return u.onChannelList(r, query)
	}
	u.openDisco(r, nsDiscoItems, "")
	switch at(r) {
	case onGateway:
		for _, name := range u.networkNames() {
			u.writeItem(u.jidOf(translate.Server, "", name), name)
		}
	case onRoom:
		u.writeOccupantItems(r)
	}
	u.enc.Close()
	u.enc.Close()
	return nil
}

// writeCommandItems lists the commands that the sender may run here (XEP-0050
// §2.2).
func (u *User) writeCommandItems(r *request) error {
	u.openDisco(r, nsDiscoItems, nsCommands)
	for _, c := range u.offers(r) {
		u.enc.Open("item", "")
		u.enc.JIDAttr("jid", r.To)
		u.enc.Attr("node", c.node)
		u.enc.Attr("name", c.name)
		u.enc.Close()
	}
	u.enc.Close()
	u.enc.Close()
	return nil
}

func (u *User) writeOccupantItems(r *request) {
	ch, _, err := u.inRoom(r)
	if err != nil {
		return
	}
	start := len(u.enc.Bytes())
	for _, m := range ch.members.all() {
		if u.isFull(start) {
			return
		}
		u.writeItem(ch.occupant(m.nick), m.nick)
	}
}

func (u *User) writeItem(jid component.JID, name string) {
	u.enc.Open("item", "")
	u.enc.JIDAttr("jid", jid)
	u.enc.Attr("name", name)
	u.enc.Close()
}

// networkNames are the admin's servers and those the user is connected to.
func (u *User) networkNames() []string {
	var names []string
	for name := range u.g.live().Servers {
		names = append(names, name)
	}
	for _, n := range u.networks {
		names = append(names, n.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
