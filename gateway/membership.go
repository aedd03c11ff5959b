package gateway

import (
	"strings"

	"passerelle/ircconn"
	"passerelle/translate"
)

// onParted is a PART: of somebody else, or our own that no session asked for
// (the ones that did are gone from the list already).
func (n *Network) onParted(ev ircconn.Parted) {
	if ev.Self && n.parted(ev.Channel) {
		return
	}
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined {
		return
	}
	why := exit{text: plain(ev.Reason)}
	if ev.Self {
		if why.text == "" {
			why.text = "the server took you out of the channel"
		}
		ch.refuseWaiting(refuse("forbidden", "%s", why.text))
		ch.removeAll(why)
		ch.delete()
		return
	}
	ch.lose(ev.Source.Nick, why)
}

// parted notes that a PART of ours was answered, and reports whether there was
// one. What the server says about the channel before that is about the visit
// that has ended.
func (n *Network) parted(channel string) bool {
	folded := n.fold(channel)
	left := n.parting[folded]
	if left == 0 {
		return false
	}
	if n.parting[folded] = left - 1; left == 1 {
		delete(n.parting, folded)
	}
	return true
}

// lose takes a member out, shows it, and forgets them if that was their last room.
func (ch *Channel) lose(nick string, why exit) {
	if ch.takeOut(nick, why, ch.n.person(nick)) {
		ch.n.forget(nick)
	}
}

// takeOut takes a member out, of whom p is known if anything is, and shows it. It
// reports whether there was such a member.
func (ch *Channel) takeOut(nick string, why exit, p *person) bool {
	gone, found := ch.removeMember(nick)
	if found {
		ch.showGone(gone, why, p)
	}
	return found
}

// onKicked is a KICK (XEP-0045 §8.2), with 301 where it completes a ban that we
// set for our user (§9.1).
func (n *Network) onKicked(ev ircconn.Kicked) {
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined {
		return
	}
	why := exit{reason: plain(ev.Reason), actor: translate.NickToResource(ev.Source.Nick), codes: []int{statusKicked}}
	if ev.Source.IsServer() {
		why.actor = ""
	}
	if ch.banning[n.fold(ev.Nick)] {
		why.affiliation, why.codes = translate.Outcast, []int{statusBanned}
	}
	if ev.Self {
		ch.refuseWaiting(refuse("forbidden", "you were kicked out of %s by %s: %s", ch.name, ev.Source.Nick, why.reason))
		ch.removeAll(why)
		ch.delete()
		return
	}
	ch.lose(ev.Nick, why)
}

// isSplit reports whether a reason is that of a netsplit: servers that lost each other
// write their two names.
func isSplit(reason string) bool {
	first, second, two := strings.Cut(reason, " ")
	return two && isServerName(first) && isServerName(second)
}

// isServerName reports whether a word could be the name of a server, or what stands for
// one that is hidden, such as "*.net".
func isServerName(word string) bool {
	label, labels := 0, 1
	for i := range len(word) {
		switch b := word[i]; {
		case b == '.' && label == 0:
			return false
		case b == '.':
			label, labels = 0, labels+1
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '_', b == '*', b == '-':
			label++
		default:
			return false
		}
	}
	return label > 0 && labels > 1
}

// onQuit shows somebody's end on IRC in every room they were in.
func (n *Network) onQuit(ev ircconn.Quit) {
	if ev.Self {
		return // the connection ends, and says so itself
	}
	why := exit{text: plain(ev.Reason)}
	switch {
	case ev.Batch == "netsplit" || isSplit(ev.Reason):
		why.text = "Netsplit: " + why.text
	case why.text == "":
		why.text = "Quit"
	}
	p := n.person(ev.Source.Nick)
	for _, ch := range n.channels {
		ch.takeOut(ev.Source.Nick, why, p)
	}
	// Also where they may be in a list of members that is on its way: whoever has the
	// nick next is somebody else.
	delete(n.people, n.fold(ev.Source.Nick))
	delete(n.queries, n.fold(ev.Source.Nick))
	n.takeBack(ev.Source.Nick)
}

// onKilled is an operator of the network ending our connection, which follows.
func (n *Network) onKilled(ev ircconn.Killed) {
	by := ev.Source.Nick
	if by == "" {
		by = ev.Source.Host
	}
	text := "you were removed from " + n.name + " by " + by + ": " + plain(ev.Reason)
	n.tell(text)
	n.drop(exit{text: text, reason: plain(ev.Reason), actor: translate.NickToResource(ev.Source.Nick), codes: []int{statusKicked}})
}
