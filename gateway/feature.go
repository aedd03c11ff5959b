package gateway

import (
	"passerelle/component"
	"passerelle/translate"
)

// targets are the kinds of address that a feature is offered at.
type targets uint8

const (
	onGateway targets = 1 << iota
	onServer
	onRoom
	onOccupant // a nick in a room
	onNick     // a nick on a network
	everywhere = onGateway | onServer | onRoom | onOccupant | onNick
)

// at is the kind of address that a request is for.
func at(r *request) targets {
	switch {
	case r.occupant() != "":
		return onOccupant
	case r.to.Kind == translate.Channel:
		return onRoom
	case r.to.Kind == translate.Nick:
		return onNick
	case r.to.Kind == translate.Server:
		return onServer
	}
	return onGateway
}

// offeredAt are all kinds that an address is: in fixed-server mode the gateway's
// address is the only server's too.
func (u *User) offeredAt(r *request) targets {
	if at(r) == onGateway && u.g.addressing.Fixed != "" {
		return onGateway | onServer
	}
	return at(r)
}

// iqKey is what IQs are told apart by.
type iqKey struct {
	iqType           string // get or set
	namespace, local string // of the payload
}

// iqHandler answers an IQ, now or when IRC has, or returns why not.
type iqHandler func(*User, *request, *component.Element) error

// feature is one protocol that the gateway speaks: a file of its own. What
// service discovery says, and what an IQ is answered with, come from the list
// of these, so that they cannot drift apart.
type feature struct {
	xep       string
	on        targets
	advertise []string // as disco#info features
	iq        map[iqKey]iqHandler
}

// featureList is all that the gateway speaks. docs/xeps.md has a row for each.
func featureList() []feature {
	return []feature{
		discoInfoFeature(),
		discoItemsFeature(),
		mucFeature(),
		adminFeature(),
		pingFeature(),
		selfPingFeature(),
		versionFeature(),
		timeFeature(),
		promptFeature(),
		commandsFeature(),
		ownerFeature(),
		archiveFeature(),
		registerFeature(),
		vcardFeature(),
		vcard4Feature(),
		lastFeature(),
		searchFeature(),
		{xep: "XEP-0106", on: onGateway | onServer, advertise: []string{`jid\20escaping`}},
		{xep: "XEP-0359", on: onRoom, advertise: []string{nsStanzaID}},
		{xep: "XEP-0421", on: onGateway | onServer | onRoom, advertise: []string{nsOccupantID}},
		{xep: "XEP-0393", on: onRoom | onNick, advertise: []string{nsStyling}},
	}
}

// mucFeature is being a service of rooms (XEP-0045) that keeps the ids of the
// messages it reflects (§7.4).
func mucFeature() feature {
	return feature{xep: "XEP-0045", on: onGateway | onServer | onRoom, advertise: []string{nsMUC, nsMUC + "#stable_id"}}
}
