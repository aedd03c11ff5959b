package gateway

import (
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// adminFeature is the moderation and administration of rooms (XEP-0045 §8, §9).
func adminFeature() feature {
	return feature{
		xep: "XEP-0045", on: onRoom,
		iq: map[iqKey]iqHandler{
			{"get", nsMUCAdmin, "query"}: (*User).onAdminList,
			{"set", nsMUCAdmin, "query"}: (*User).onAdminChange,
		},
	}
}

// onAdminList answers who has an affiliation or role (XEP-0045 §9.5 and others).
// Clients ask for all of these on joining, so an answer that IRC gives to
// operators only is an empty list for the others.
func (u *User) onAdminList(r *request, query *component.Element) error {
	ch, _, err := u.inRoom(r)
	if err != nil {
		return err
	}
	item := query.Child(nsMUCAdmin, "item")
	affiliation, role := translate.Affiliation(item.Attr("affiliation")), translate.Role(item.Attr("role"))
	switch {
	case affiliation == translate.Outcast:
		answer := func(bans []ircconn.ListItem) { ch.writeOutcasts(r, bans) }
		return ch.listBans(answer, func(error) { answer(nil) })
	case affiliation == "" && role == "":
		return refuse("bad-request", "the query names neither an affiliation nor a role")
	}
	start := len(u.enc.Bytes())
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsMUCAdmin)
	for _, m := range ch.members.all() {
		if u.isFull(start) {
			break
		}
		a := ch.listedAppearance(m, ch.n.person(m.nick))
		if affiliation != "" && a.affiliation != affiliation || role != "" && a.role != role {
			continue
		}
		u.enc.Open("item", "")
		u.enc.Attr("affiliation", string(a.affiliation))
		u.enc.Attr("role", string(a.role))
		u.enc.Attr("nick", translate.NickToResource(m.nick))
		u.enc.JIDAttr("jid", u.jidOf(translate.Nick, m.nick, ch.n.name))
		u.enc.Close()
	}
	u.enc.Close()
	u.enc.Close()
	return nil
}

// writeOutcasts answers with the channel's bans; a mask is an escaped address.
func (ch *Channel) writeOutcasts(r *request, bans []ircconn.ListItem) {
	u := ch.n.u
	start := len(u.enc.Bytes())
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsMUCAdmin)
	for _, ban := range bans {
		if u.isFull(start) {
			break
		}
		u.enc.Open("item", "")
		u.enc.Attr("affiliation", string(translate.Outcast))
		u.enc.JIDAttr("jid", u.jidOf(translate.Nick, ban.Mask, ch.n.name))
		if ban.Setter != "" {
			reason := "by " + nickOf(ban.Setter)
			if !ban.Time.IsZero() {
				reason += " on " + ban.Time.UTC().Format(time.DateOnly)
			}
			u.enc.Leaf("reason", "", reason)
		}
		u.enc.Close()
	}
	u.enc.Close()
	u.enc.Close()
}

// onAdminChange gives roles and affiliations, kicks and bans. The answer comes
// when the server has said yes or no to everything, in order; the first no ends
// it.
func (u *User) onAdminChange(r *request, query *component.Element) error {
	ch, _, err := u.inRoom(r)
	if err != nil {
		return err
	}
	var items []component.Element
	for _, child := range query.Children {
		if child.Space == nsMUCAdmin && child.Local == "item" {
			items = append(items, child)
		}
	}
	if len(items) == 0 {
		return refuse("bad-request", "the query changes nothing")
	}
	ch.applyItems(r, items)
	return nil
}

func (ch *Channel) applyItems(r *request, items []component.Element) {
	u := ch.n.u
	if len(items) == 0 {
		u.enc.Result(r.Stanza)
		u.enc.Close()
		return
	}
	done := func(err error) {
		if err != nil {
			u.replyError(r.Stanza, err)
			return
		}
		ch.applyItems(r, items[1:])
	}
	if err := ch.applyItem(&items[0], done); err != nil {
		u.replyError(r.Stanza, err)
	}
}

// applyItem does what one item asks for.
func (ch *Channel) applyItem(item *component.Element, done func(error)) error {
	name, err := ch.target(item)
	if err != nil {
		return err
	}
	reason := item.ChildText(nsMUCAdmin, "reason")
	m, there := ch.member(name)
	switch affiliation, role := translate.Affiliation(item.Attr("affiliation")), translate.Role(item.Attr("role")); {
	case affiliation == translate.Outcast:
		return ch.ban(banTarget{name}, reason, done)
	case affiliation == translate.NoAffiliation && (!there || banTarget{name}.isMask()):
		return ch.unban(name, done)
	case !there:
		return refuse("item-not-found", "%s is not in %s", name, ch.name)
	case affiliation != "":
		return ch.setAffiliation(m, affiliation, done)
	case role == translate.NoRole:
		return ch.kick(m.nick, reason, done)
	case role != "":
		return ch.setRole(m, role, done)
	}
	return refuse("bad-request", "the item says neither a role nor an affiliation")
}

func (ch *Channel) setAffiliation(m member, want translate.Affiliation, done func(error)) error {
	steps, err := translate.AffiliationSteps(want, ch.n.modeLetters(m.modes), ch.n.support.PrefixModes)
	if err != nil {
		return refuse("not-allowed", "%v", err)
	}
	return ch.changeModes(memberModes(m.nick, steps), done)
}

func (ch *Channel) setRole(m member, want translate.Role, done func(error)) error {
	steps, err := translate.RoleSteps(want, ch.n.modeLetters(m.modes), ch.n.support.PrefixModes, ch.moderation())
	if err != nil {
		return refuse("not-allowed", "%v", err)
	}
	return ch.changeModes(memberModes(m.nick, steps), done)
}

// target returns the nick or mask that an item is about: its nick, or an address
// of ours on this network.
func (ch *Channel) target(item *component.Element) (string, error) {
	if resource := item.Attr("nick"); resource != "" {
		if nick := ch.nickOf(resource); nick != "" {
			return nick, nil
		}
		if strings.ContainsFunc(resource, func(r rune) bool { return r <= ' ' || r == ',' }) {
			return "", refuse("item-not-found", "nobody on IRC can be called %q", resource)
		}
		return resource, nil
	}
	jid, err := component.ParseJID(item.Attr("jid"))
	if err != nil {
		return "", refuse("bad-request", "the item names nobody: %v", err)
	}
	elsewhere := refuse("item-not-found",
		"IRC does not know %s; name people of this network as %s", jid, ch.n.u.jidOf(translate.Nick, "nick", ch.n.name))
	if jid.Domain != ch.n.u.g.domain {
		return "", elsewhere
	}
	if jid.Bare() == ch.jid && jid.Resource != "" {
		return jid.Resource, nil
	}
	address, err := ch.n.u.address(jid.Local)
	if err != nil || address.Network != ch.n.name || address.Kind != translate.Nick {
		return "", elsewhere
	}
	return address.Name, nil
}
