package gateway

import (
	"time"

	"passerelle/component"
	"passerelle/translate"
)

// departure is how a session comes to leave a room.
type departure uint8

const (
	// saidSo is that the client said so: because its user leaves the room, or
	// because it goes offline, which looks the same.
	saidSo departure = iota
	// vanished is that the client could not be reached.
	vanished
)

// empty is that the last client has left a room in which the user does not stay
// without one. Whoever left the room leaves the channel at once. Whoever lost
// the connection, or is starting the client again, is likely to be back in a
// moment: the channel need not see that.
func (ch *Channel) empty(last component.JID, how departure, why exit) {
	n := ch.n
	if n.u.g.live().Linger == 0 || !ch.named || n.outage != nil {
		ch.part(why.text)
		return
	}
	ch.isAloneSince(n.u.g.now())
	if how == vanished {
		ch.linger(why)
		return
	}
	ch.keep()
	n.u.inquire(last, departTime, func(found finding) {
		switch {
		case n.channel(ch.name) != ch || ch.isOccupied():
		case ch.keeps().stay: // as was chosen meanwhile
			n.updateAway()
		case found == absent:
			ch.linger(why)
			n.u.log().Debug("a client went offline", "channel", ch.name)
		default:
			ch.part(why.text)
		}
	})
}

// lingers reports whether a room of the network waits for a client to come back.
func (n *Network) lingers() bool {
	for _, ch := range n.channels {
		if !ch.isOccupied() && !ch.keeps().stay {
			return n.u.g.live().Linger > 0
		}
	}
	return false
}

// isAloneSince notes that no client is in the room any more. Where one was lost with the
// stream, that began when it could last be told anything.
func (ch *Channel) isAloneSince(at time.Time) {
	if !ch.alone.IsZero() {
		return
	}
	if lost := ch.n.u.retelling; !lost.IsZero() && lost.Before(at) {
		at = lost
	}
	ch.alone = at
}

// isOccupied reports whether a client is in the room, or on its way into it.
func (ch *Channel) isOccupied() bool { return len(ch.sessions)+len(ch.waiting) > 0 }

// linger waits for a client to come back before the channel is left.
func (ch *Channel) linger(why exit) {
	n := ch.n
	ch.keep()
	n.updateAway()
	if why.text == "" {
		why.text = "offline"
	}
	ch.after(n.u.g.live().Linger, func(*User) {
		if n.channel(ch.name) == ch && !ch.isOccupied() && !ch.keeps().stay {
			ch.part(translate.CleanText(why.text))
		}
	})
}
