package gateway

import (
	"cmp"
	"strings"
)

// noteAway keeps why a contact is away, "" for back, and reports whether that shows:
// whether there is such a contact and they are online.
func (n *Network) noteAway(nick, text string) bool {
	c := n.contacts[n.fold(nick)]
	if c == nil || !c.online {
		return false
	}
	// What comes by itself is newer than what an answer under way will say.
	c.isAwayUnknown = false
	if c.away != text {
		c.away = strings.Clone(text)
		n.writeContact(c)
	}
	return true
}

// wonder has the server asked whether a contact is away who has come online, or is
// looked at, and shares no channel with us: those are known by the channel.
func (n *Network) wonder(c *contact) {
	if n.sharesChannel(c.nick) {
		return
	}
	c.isAwayUnknown = true
	n.askAway()
}

// askAway asks about one contact after the other: of a long list many come online
// at once, when we do.
func (n *Network) askAway() {
	if n.askingAway {
		return
	}
	var next *contact
	for _, c := range n.contacts {
		if c.online && c.isAwayUnknown && (next == nil || c.nick < next.nick) {
			next = c
		}
	}
	if next == nil {
		return
	}
	delete(n.whois, n.fold(next.nick)) // it is about before they came
	n.askingAway = true
	settled := func() {
		next.isAwayUnknown, n.askingAway = false, false
		if n.ready {
			n.askAway()
		}
	}
	err := n.askWhois(next.nick, func(answer *whois) {
		if next.isAwayUnknown {
			n.noteAway(next.nick, plain(answer.away))
		}
		settled()
	}, func(err error) {
		n.log().Debug("whether a contact is away stays unknown", "error", err)
		settled()
	})
	if err != nil {
		n.askingAway = false
		n.log().Debug("whether contacts are away stays unknown", "error", err)
	}
}

// awayOf is why a contact is away, as far as that is known.
func (n *Network) awayOf(c *contact) string {
	if p := n.person(c.nick); p != nil {
		return cmp.Or(p.away, c.away)
	}
	return c.away
}
