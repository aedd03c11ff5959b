package gateway

import (
	"slices"
	"strings"
	"time"
)

// joinsTogether is how many channels one JOIN names. Servers ignore what is more
// than they allow (TARGMAX), and tell not all the same way how much that is.
const joinsTogether = 4

// rejoin asks for all channels of a connection that has just been made, several
// at a time: a server makes those wait who say much at once.
func (n *Network) rejoin() {
	var wanted []*Channel
	for _, ch := range n.channels {
		if !ch.sent {
			wanted = append(wanted, ch)
		}
	}
	// Keys are matched to channels by their order, so those with one come first.
	slices.SortFunc(wanted, func(a, b *Channel) int {
		if (a.key == "") != (b.key == "") {
			return strings.Compare(b.key, a.key)
		}
		return strings.Compare(a.name, b.name)
	})
	for together := range slices.Chunk(wanted, joinsTogether) {
		n.enterAll(together)
	}
}

// onceMore are the refusals of a JOIN that pass: what the server or the services
// have not got ready yet after an outage.
var onceMore = map[int]bool{437: true, 471: true, 477: true, 480: true}

const (
	rejoinPause  = 30 * time.Second
	rejoinsTried = 5
)

// refuseEntry is that the server does not let us into a channel: who waits for
// it gets an error, and who was in it before an outage is taken out. It reports
// whether somebody was told, or need not be.
func (ch *Channel) refuseEntry(err error, numeric int) (told bool) {
	n := ch.n
	told = len(ch.waiting) > 0
	if !ch.settled {
		ch.refuseWaiting(err)
		return told
	}
	ch.sent = false
	if ch.refusals++; onceMore[numeric] && ch.refusals <= rejoinsTried {
		ch.after(rejoinPause, func(*User) {
			if n.channel(ch.name) == ch && n.ready && !ch.sent {
				n.enterAll([]*Channel{ch})
			}
		})
		return true
	}
	ch.refuseWaiting(err)
	text := "You could not be put back into " + ch.name + ": " + n.u.stanzaError(err).Text
	if len(ch.sessions) == 0 {
		n.tell(text)
	}
	ch.removeAll(exit{text: text, codes: []int{statusError}})
	ch.delete()
	return true
}

// beginAgain begins to collect a channel's members anew, while the clients see
// those of before.
func (ch *Channel) beginAgain() {
	if !ch.named {
		return
	}
	if ch.shown == nil {
		ch.shown = new(ch.members)
	}
	ch.members, ch.named = memberList{}, false
}

// catchUp shows the clients what has changed in a room while they could not be
// shown it, and that it is over.
func (ch *Channel) catchUp() {
	if ch.shown == nil {
		return
	}
	ch.refusals = 0
	ch.writeDifferences(ch.sessions, "left while the connection was lost")
	ch.announce("Connected again.")
	if ch.n.u.unheard == nil {
		ch.shown = nil
	}
}

// writeDifferences shows sessions which members came, went or changed since the
// list that they were shown.
func (ch *Channel) writeDifferences(to []session, absence string) {
	all := ch.sessions
	ch.sessions = to
	defer func() { ch.sessions = all }()
	before, now := ch.shown, &ch.members
	for i, j := 0, 0; i < before.len() || j < now.len(); {
		order := 0
		var was, is member
		switch {
		case j == now.len():
			was, order = before.at(i), -1
		case i == before.len():
			is, order = now.at(j), 1
		default:
			was, is = before.at(i), now.at(j)
			order = ch.compare(was.nick, is.nick)
		}
		if order < 0 {
			ch.showGone(was, exit{text: absence}, ch.n.person(was.nick))
			ch.n.u.flushLarge()
		} else if was != is {
			ch.show(is)
			ch.n.u.flushLarge()
		}
		if order <= 0 {
			i++
		}
		if order >= 0 {
			j++
		}
	}
}
