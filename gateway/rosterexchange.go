package gateway

import (
	"fmt"
	"slices"

	"passerelle/component"
	"passerelle/translate"
)

const nsRosterExchange = "http://jabber.org/protocol/rosterx"

// rosterGroup is where the items are suggested to be put.
const rosterGroup = "IRC"

// beginRosterExchange sends the user's networks and contacts as suggestions for
// the roster (XEP-0144), which the client asks about.
func beginRosterExchange(u *User, r *request) (page, error) {
	note, err := u.exchangeRoster(r.From)
	return done(note), err
}

func chatRosterExchange(u *User, _ string) (string, error) { return u.exchangeRoster(u.jid) }

func (u *User) exchangeRoster(to component.JID) (string, error) {
	if err := u.load(); err != nil {
		return "", err
	}
	if err := u.loadContacts(); err != nil {
		return "", err
	}
	items := map[string]string{u.g.domain: "IRC"}
	for scope := range u.chosen {
		if scope.Server != "" {
			items[u.jidOf(translate.Server, "", scope.Server).String()] = scope.Server
		}
	}
	for _, n := range u.networks {
		items[u.jidOf(translate.Server, "", n.name).String()] = n.name
	}
	for text := range u.contacts {
		jid, err := component.ParseJID(text)
		if err != nil {
			continue
		}
		if address, err := u.address(jid.Local); err == nil && address.Kind == translate.Nick {
			items[text] = address.Name
		}
	}
	u.enc.Stanza(component.Message, u.gatewayJID(), to, "", newID())
	u.enc.Leaf("body", "", "Networks and people for your roster")
	u.enc.Open("x", nsRosterExchange)
	jids := make([]string, 0, len(items))
	for jid := range items {
		jids = append(jids, jid)
	}
	slices.Sort(jids)
	start := len(u.enc.Bytes())
	for _, jid := range jids {
		if u.isFull(start) {
			break
		}
		u.enc.Open("item", "")
		u.enc.Attr("action", "add")
		u.enc.Attr("jid", jid)
		u.enc.Attr("name", items[jid])
		u.enc.Leaf("group", "", rosterGroup)
		u.enc.Close()
	}
	u.enc.Close()
	u.enc.Close()
	return fmt.Sprintf("%d items were sent for your roster.", len(items)), nil
}
