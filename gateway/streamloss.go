package gateway

import (
	"context"
	"slices"
	"strconv"
	"time"

	"passerelle/component"
	"passerelle/store"
)

const (
	// resumePause lies between the users who are resumed after the stream was
	// lost, so that it does not begin with a storm.
	resumePause = 2 * time.Millisecond
	// unheardBytes is how much of private messages is kept for a user while the
	// stream is lost.
	unheardBytes = 64 << 10
)

// unheard is what a user could not be told because the stream was lost.
type unheard struct {
	since   time.Time // of the loss; zero while there is a stream
	private []byte    // messages from people
	left    int       // messages for which there was no room
}

// StreamUp is called when the stream to the host server is there. What the
// clients know of us may be old by then, and they may be gone.
func (g *Gateway) StreamUp() {
	g.log.Info("the XMPP server accepted us", "domain", g.domain)
	go g.greet(context.Background(), "")
	if g.begun.CompareAndSwap(false, true) {
		go g.restore()
		return
	}
	go g.each((*User).onStreamBack)
}

// StreamDown is called when it is lost; heard is when the host server was last
// heard. IRC connections stay.
func (g *Gateway) StreamDown(err error, heard time.Time) {
	g.log.Warn("the stream to the XMPP server is gone; IRC connections stay", "error", err)
	go g.each(func(u *User) { u.onStreamLost(heard) })
}

// each has something done for each user, one after the other.
func (g *Gateway) each(do event) {
	g.mu.Lock()
	users := make([]*User, 0, len(g.users))
	for _, u := range g.users {
		users = append(users, u)
	}
	g.mu.Unlock()
	for _, u := range users {
		u.post(do, u.ended)
		time.Sleep(resumePause)
	}
}

// onStreamLost remembers what the clients know, to tell them the difference
// later.
func (u *User) onStreamLost(heard time.Time) {
	if !u.unheard.since.IsZero() {
		return
	}
	u.unheard.since = heard
	for _, n := range u.networks {
		for _, ch := range n.channels {
			if ch.named && ch.shown == nil && len(ch.sessions) > 0 {
				ch.shown = slices.Clone(ch.members)
			}
		}
	}
}

// onStreamBack asks every client whether it is still there. Those that are get
// what they have missed; the others leave their rooms.
func (u *User) onStreamBack() {
	if u.unheard.since.IsZero() {
		return
	}
	missed := u.unheard
	u.unheard = unheard{}
	if len(missed.private) > 0 {
		u.enc.Raw(missed.private)
	}
	if missed.left > 0 {
		u.notify(u.gatewayJID(), strconv.Itoa(missed.left)+" private messages came while the XMPP server was away, for which there was no room. Ask whom you expect them from.")
	}
	clients := u.clients()
	waiting := len(clients)
	for _, client := range clients {
		u.inquire(client, verifyTime, func(found finding) {
			if found == present {
				u.tellMissed(client, missed.since)
			} else {
				u.vanish(client)
			}
			if waiting--; waiting == 0 {
				u.allTold()
			}
		})
	}
	if waiting == 0 {
		u.allTold()
	}
}

// clients are the full JIDs in any room.
func (u *User) clients() []component.JID {
	var clients []component.JID
	for _, n := range u.networks {
		for _, ch := range n.channels {
			for i := range ch.sessions {
				if jid := ch.sessions[i].jid; !slices.Contains(clients, jid) {
					clients = append(clients, jid)
				}
			}
		}
	}
	return clients
}

// vanish takes a client that is gone without a word out of all rooms.
func (u *User) vanish(client component.JID) {
	for _, n := range u.networks {
		for _, ch := range n.channels {
			ch.leave(client, vanished, exit{text: "your client could not be reached", codes: []int{statusSelf, statusError}})
		}
	}
}

// tellMissed shows a client what has happened in its rooms since the stream was
// lost.
func (u *User) tellMissed(client component.JID, since time.Time) {
	for _, n := range u.networks {
		for _, ch := range n.channels {
			s := ch.session(client)
			if s == nil {
				continue
			}
			if ch.named && ch.shown != nil && n.outage == nil {
				ch.writeDifferences([]session{*s}, "left while the XMPP server was away")
			}
			ch.writeMissed(*s, since)
			if !ch.topic.at.Before(since) {
				ch.writeSubject([]session{*s})
			}
		}
	}
}

// writeMissed sends a session what was said since a moment.
func (ch *Channel) writeMissed(to session, since time.Time) {
	u := ch.n.u
	if u.g.store == nil || u.g.archiveIsAway() {
		return
	}
	u.g.awaitArchived()
	scope := ch.scope()
	page, err := u.g.recent(store.Query{
		User: scope.User, Server: scope.Server, Channel: scope.Channel, Start: since, Backward: true, Max: largestHistory,
	})
	if err != nil {
		ch.log.Error("what was missed could not be read", "error", err)
		return
	}
	for i := range page.Lines {
		ch.writeLine(to.jid, &page.Lines[i])
		u.flushLarge()
	}
}

// allTold ends what the loss of the stream has begun: from now on the clients
// know what there is to know.
func (u *User) allTold() {
	if !u.unheard.since.IsZero() {
		return // it is lost again
	}
	for _, n := range u.networks {
		for _, ch := range n.channels {
			if ch.named && n.outage == nil {
				ch.shown = nil
			}
		}
	}
}

// holdPrivate keeps the private message that was encoded since a length, while
// nobody can be told.
func (u *User) holdPrivate(start int) {
	if u.unheard.since.IsZero() {
		return
	}
	stanza := u.enc.Bytes()[start:]
	if len(u.unheard.private)+len(stanza) > unheardBytes {
		u.unheard.left++
		return
	}
	u.unheard.private = append(u.unheard.private, stanza...)
}
