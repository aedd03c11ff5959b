package gateway

import (
	"strings"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// availabilityRank orders what clients show (RFC 6121 §4.7.2.1), the most
// available first. "invisible" others count as plain away.
var availabilityRank = map[string]int{"chat": 0, "": 1, "away": 2, "dnd": 3, "xa": 4}

// awayNames are what IRC sees when the user gave no text.
var awayNames = map[string]string{"away": "away", "dnd": "do not disturb", "xa": "away for long"}

// availability returns what a presence shows. What is none of the known words
// counts as available (RFC 6121 §4.7.2.1).
func availability(s *component.Stanza) (show, status string) {
	show = s.ChildText("", "show")
	if _, known := availabilityRank[show]; !known {
		show = ""
	}
	return strings.Clone(show), strings.Clone(s.ChildText("", "status"))
}

// detachedText is what IRC sees of a user who stays in channels without a client.
const detachedText = "no client is connected"

// best returns the most available of two sessions.
func best(a, b *session) *session {
	if a == nil || availabilityRank[b.show] < availabilityRank[a.show] {
		return b
	}
	return a
}

// presenceOfSelf is how our own user appears in a room: as available as the
// most available session.
func (ch *Channel) presenceOfSelf() (show, status string) {
	var shown *session
	for i := range ch.sessions {
		shown = best(shown, &ch.sessions[i])
	}
	if shown == nil {
		return "", ""
	}
	return shown.show, oneLine(shown.status)
}

// updateAway tells the server whether the user is away, when that has changed
// (RFC 2812 §4.1): only if all sessions in its rooms are.
func (n *Network) updateAway() {
	if !n.ready {
		return
	}
	var shown *session
	for _, ch := range n.channels {
		for i := range ch.sessions {
			shown = best(shown, &ch.sessions[i])
		}
	}
	if shown == nil && !n.isDetached() {
		return
	}
	text := ""
	if shown == nil {
		text = detachedText
	} else if name, away := awayNames[shown.show]; away {
		if text = oneLine(shown.status); text == "" {
			text = name
		}
	}
	text = strings.TrimSpace(clip(clip(text, n.support.AwayLen), n.budget("AWAY", "")))
	if text == n.awayText {
		return
	}
	if err := n.send(ircconn.Away(text)); err != nil {
		n.log().Debug("the server was not told whether the user is away", "error", err)
		return
	}
	n.awayText = text
}

// isDetached reports whether the user is in channels and no client is, nor on its
// way.
func (n *Network) isDetached() bool {
	for _, ch := range n.channels {
		if len(ch.sessions)+len(ch.waiting) > 0 {
			return false
		}
	}
	return len(n.channels) > 0
}

// onAwayChanged shows that somebody went away or came back (IRCv3 away-notify).
func (n *Network) onAwayChanged(ev ircconn.AwayChanged) {
	n.setAway(ev.Source.Nick, ev.Text)
}

// onAwayReply is the server's word that somebody we wrote to is away (301): it
// is shown as their presence where they are an occupant or a contact, and once, as a
// line of text, where they are not.
func (n *Network) onAwayReply(ev ircconn.AwayReply) {
	text := ev.Text
	if text == "" {
		text = "away"
	}
	if n.setAway(ev.Nick, text) {
		return
	}
	q, known := n.queries[n.fold(ev.Nick)]
	if known && q.away == text {
		return
	}
	q.away = strings.Clone(text)
	n.remember(ev.Nick, q)
	n.u.notify(n.u.jidOf(translate.Nick, ev.Nick, n.name), ev.Nick+" is away: "+translate.StripFormatting(text))
}

// setAway notes why somebody is away, "" for back, and shows it in the rooms and as
// the presence of a contact. It reports whether there is where to show it.
func (n *Network) setAway(nick, text string) bool {
	text = translate.CleanText(translate.StripFormatting(text))
	shared := n.sharesChannel(nick)
	if n.isSelf(nick) {
		return shared
	}
	if !shared {
		return n.noteAway(nick, text)
	}
	p := n.know(nick)
	if p.away == text {
		return true
	}
	p.away = strings.Clone(text)
	n.noteAway(nick, text)
	for _, ch := range n.channels {
		ch.showNick(nick)
	}
	return true
}

// sharesChannel reports whether somebody is in a channel with us.
func (n *Network) sharesChannel(nick string) bool {
	for _, ch := range n.channels {
		if ch.hasMember(nick) {
			return true
		}
	}
	return false
}

// onWhoEntry learns from WHO who is where, logged in as whom, and away.
func (n *Network) onWhoEntry(ev ircconn.WhoEntry) {
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.hasMember(ev.Nick) {
		return
	}
	p := n.meet(ircconn.Source{Nick: ev.Nick, User: ev.User, Host: ev.Host}, ev.Account)
	if ev.Account != "" {
		p.account = strings.Clone(ev.Account)
	}
	switch {
	case !ev.Away:
		n.setAway(ev.Nick, "")
	case p.away == "":
		n.setAway(ev.Nick, "away")
	}
}

func (n *Network) onAccountChanged(ev ircconn.AccountChanged) {
	if p := n.person(ev.Source.Nick); p != nil {
		p.account = strings.Clone(ev.Account)
	}
}

// onHostChanged keeps our own host, which decides how long lines may be, and
// those of others, which bans are made of.
func (n *Network) onHostChanged(ev ircconn.HostChanged) {
	if ev.SelfHost || n.isSelf(ev.Source.Nick) {
		if ev.NewUser != "" {
			n.self.User = strings.Clone(ev.NewUser)
		}
		n.self.Host = strings.Clone(ev.NewHost)
	}
	if p := n.person(ev.Source.Nick); p != nil && !p.isOther(ev.Source) {
		p.update(ircconn.Source{User: ev.NewUser, Host: ev.NewHost})
	}
}
