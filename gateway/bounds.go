package gateway

import (
	"fmt"
	"slices"

	"passerelle/component"
	"passerelle/ircconn"
)

// How much of what a server says is kept for one user. What somebody asked for has
// limits of its own; these are for servers that are broken or hostile, and no
// network that is neither comes near them.
const (
	// mostMembers is how many members all channels of a network may have together;
	// whoever is in two of them counts twice.
	mostMembers = 100_000
	// mostBans is how many bans of a network's channels are remembered.
	mostBans = 20_000
	// mostUnasked is how many channels the server may put the user into unasked.
	mostUnasked = 500
)

// How much of what a user sends is kept while it waits for IRC.
const (
	// mostSessions is how many of a user's clients may be in one room: each is sent
	// all that happens there.
	mostSessions = 64
	// mostJoinBytes is how much memory a request to join may take.
	mostJoinBytes = 32 << 10
)

// mayEnter refuses one client too many.
func (ch *Channel) mayEnter(full component.JID) error {
	if ch.session(full) == nil && len(ch.sessions)+len(ch.waiting) >= mostSessions {
		return refuse("resource-constraint", "%d of your clients are in %s, and no more can be; leave it with one of them first", mostSessions, ch.name)
	}
	return nil
}

// bounds is what a network's user has been told of them.
type bounds struct {
	members, channels bool
}

// withinBounds takes out of an event what would be too much, and returns nil when
// nothing is left of it.
func (n *Network) withinBounds(ev ircconn.Event) ircconn.Event {
	switch ev := ev.(type) {
	case ircconn.Joined:
		switch {
		case ev.Self && n.channel(ev.Channel) == nil && !n.mayPutInto(ev.Channel):
			return nil
		case !ev.Self && !n.mayShow(ev.Channel, ev.Source.Nick):
			return nil
		}
	case ircconn.Names:
		return n.namesWithinBounds(ev)
	}
	return ev
}

// namesWithinBounds leaves out of a list of members those for whom there is no room.
func (n *Network) namesWithinBounds(ev ircconn.Names) ircconn.Event {
	room := n.roomForMembers()
	if len(ev.Members) <= room {
		return ev
	}
	ch := n.channel(ev.Channel)
	if ch == nil {
		return nil
	}
	var kept []ircconn.NamesEntry
	for _, entry := range ev.Members {
		switch {
		case ch.named && ch.hasMember(entry.Nick):
			kept = append(kept, entry)
		case room > 0:
			room--
			kept = append(kept, entry)
		}
	}
	if len(kept) < len(ev.Members) {
		n.tellOfMembers()
	}
	ev.Members = kept
	return ev
}

// mayShow reports whether there is room for one more member, or for one who is in
// the channel already.
func (n *Network) mayShow(channel, nick string) bool {
	if n.roomForMembers() > 0 {
		return true
	}
	if ch := n.channel(channel); ch != nil && ch.named && ch.hasMember(nick) {
		return true
	}
	n.tellOfMembers()
	return false
}

// roomForMembers is how many more members there may be.
func (n *Network) roomForMembers() int {
	room := mostMembers
	for _, ch := range n.channels {
		room -= ch.members.len()
	}
	return room
}

func (n *Network) tellOfMembers() {
	if n.bounds.members {
		return
	}
	n.bounds.members = true
	n.log().Warn("the server shows more members than are kept", "limit", mostMembers)
	n.tell(fmt.Sprintf("Not everybody on %s is shown to you: your channels there have more than %d members together, "+
		"which is the most that this gateway keeps. What the others say arrives all the same. To see all of them, leave some channels and join again.",
		n.name, mostMembers))
}

// mayPutInto reports whether the server may put the user into one more channel that
// they did not join. It leaves the channel when not, as far as that is possible.
func (n *Network) mayPutInto(channel string) bool {
	unasked := 0
	for _, ch := range n.channels {
		if len(ch.sessions) == 0 && len(ch.waiting) == 0 {
			unasked++
		}
	}
	if unasked < mostUnasked {
		return true
	}
	if err := n.send(ircconn.Part(channel, "")); err != nil {
		n.log().Debug("a channel that nobody asked for could not be left", "error", err)
	}
	if !n.bounds.channels {
		n.bounds.channels = true
		n.log().Warn("the server puts the user into more channels than are kept", "limit", mostUnasked)
		n.tell(fmt.Sprintf("%s puts you into channel after channel. More than %d that you did not join are left again.", n.name, mostUnasked))
	}
	return false
}

// keepBans remembers the bans of the channel, and forgets those of others where
// they are too many together: they can be asked for again.
func (ch *Channel) keepBans(bans []ircconn.ListItem) {
	ch.bans = slices.Clone(bans)
	kept := 0
	for _, other := range ch.n.channels {
		kept += len(other.bans)
	}
	if kept <= mostBans {
		return
	}
	for _, other := range ch.n.channels {
		if other != ch {
			other.bans = nil
		}
	}
}
