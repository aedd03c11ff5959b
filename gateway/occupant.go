package gateway

import (
	"strconv"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// appearance is what a presence says about an occupant (XEP-0045 §7.2, §8, §9).
type appearance struct {
	affiliation translate.Affiliation
	role        translate.Role
	id          string        // occupant id
	jid         component.JID // shown to moderators; zero when hidden
	show        string
	status      string
	newNick     string
	actor       string // nick of who did it
	reason      string
	codes       []int
}

// exit is why somebody leaves.
type exit struct {
	text   string // the presence's status
	reason string
	actor  string
	codes  []int
	// affiliation is outcast for somebody who leaves banned.
	affiliation translate.Affiliation
}

// appearanceOf is what one of our user's sessions may see of a member.
func (ch *Channel) appearanceOf(m member) appearance {
	return ch.appearanceAs(m, ch.n.person(m.nick))
}

// appearanceAs is appearanceOf a member of whom p is known, if anything is.
func (ch *Channel) appearanceAs(m member, p *person) appearance {
	a := ch.listedAppearance(m, p)
	a.id = ch.occupantIDOf(p, ircconn.Source{Nick: m.nick}, "")
	return a
}

// listedAppearance is appearanceAs without the occupant id.
func (ch *Channel) listedAppearance(m member, p *person) appearance {
	n, nick := ch.n, m.nick
	var a appearance
	a.affiliation, a.role = ch.roles(m)
	if n.isSelf(nick) {
		a.jid = n.u.jid
		a.show, a.status = ch.presenceOfSelf()
		return a
	}
	if p != nil && p.away != "" {
		a.show, a.status = "away", p.away
	}
	if ch.selfModerates() {
		a.jid = n.u.jidOf(translate.Nick, nick, n.name)
	}
	return a
}

// writePresence writes the presence of an occupant to one session; presenceType
// is "" or "unavailable".
func (ch *Channel) writePresence(to *session, nick, presenceType string, a *appearance) {
	e := &ch.n.u.enc
	e.Stanza(component.Presence, ch.occupant(nick), to.jid, presenceType, "")
	if a.show != "" {
		e.Leaf("show", "", a.show)
	}
	if a.status != "" {
		e.Leaf("status", "", a.status)
	}
	if a.isPlain() {
		e.Begin(&plainOccupant)
		e.FillAttr(string(a.affiliation))
		e.FillAttr(string(a.role))
		e.FillAttr(a.id)
	} else {
		writeOccupant(e, a)
	}
	e.Close()
}

// plainOccupant is what the presence of most occupants ends with: their affiliation,
// role and occupant id.
var plainOccupant = func() component.Template {
	var e component.Encoder
	e.Open("x", nsMUCUser)
	e.Open("item", "")
	e.AttrGap("affiliation", "")
	e.AttrGap("role", "")
	e.Close()
	e.Close()
	e.Open("occupant-id", nsOccupantID)
	e.AttrGap("id", "")
	e.Close()
	return e.Template()
}()

// isPlain reports whether there is no more to say of an occupant than plainOccupant does.
func (a *appearance) isPlain() bool {
	return a.jid.Domain == "" && a.newNick == "" && a.actor == "" && a.reason == "" && len(a.codes) == 0
}

// writeOccupant is for those who are not plain.
func writeOccupant(e *component.Encoder, a *appearance) {
	e.Open("x", nsMUCUser)
	e.Open("item", "")
	e.Attr("affiliation", string(a.affiliation))
	e.Attr("role", string(a.role))
	if a.jid.Domain != "" {
		e.JIDAttr("jid", a.jid)
	}
	if a.newNick != "" {
		e.Attr("nick", a.newNick)
	}
	if a.actor != "" {
		e.Open("actor", "")
		e.Attr("nick", a.actor)
		e.Close()
	}
	if a.reason != "" {
		e.Leaf("reason", "", a.reason)
	}
	e.Close()
	for _, code := range a.codes {
		e.Open("status", "")
		e.Attr("code", strconv.Itoa(code))
		e.Close()
	}
	e.Close()
	writeOccupantID(e, a.id)
}

// writeOccupantID marks a stanza with who it is from (XEP-0421 §3).
func writeOccupantID(e *component.Encoder, id string) {
	e.Open("occupant-id", nsOccupantID)
	e.Attr("id", id)
	e.Close()
}

// show sends a member's presence to every session, with 110 for ourselves.
func (ch *Channel) show(m member) { ch.showPerson(m, ch.n.person(m.nick)) }

// showPerson is show for a member of whom p is known, if anything is.
func (ch *Channel) showPerson(m member, p *person) {
	if !ch.named {
		return
	}
	a := ch.appearanceAs(m, p)
	if ch.n.isSelf(m.nick) {
		a.codes = []int{statusSelf}
	}
	for i := range ch.sessions {
		ch.writePresence(&ch.sessions[i], m.nick, "", &a)
	}
}

// showNick is show for whoever has that nick, if they are in the channel.
func (ch *Channel) showNick(nick string) {
	if m, there := ch.member(nick); there {
		ch.show(m)
	}
}

// showAll sends the presence of all members to every session.
func (ch *Channel) showAll() {
	for _, m := range ch.members.all() {
		ch.show(m)
		ch.n.u.flushLarge()
	}
}

// showGone tells every session that a member has left, of whom p is known, if anything is.
func (ch *Channel) showGone(m member, why exit, p *person) {
	if !ch.named {
		return
	}
	a := ch.departure(m, why, p)
	for i := range ch.sessions {
		ch.writePresence(&ch.sessions[i], m.nick, "unavailable", &a)
	}
}

func (ch *Channel) departure(m member, why exit, p *person) appearance {
	a := ch.appearanceAs(m, p)
	a.role, a.show, a.status = translate.NoRole, "", why.text
	a.actor, a.reason, a.codes = why.actor, why.reason, why.codes
	if why.affiliation != "" {
		a.affiliation = why.affiliation
	}
	return a
}
