package gateway

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
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
	// unheardBytes is how much is kept of private messages for a user while the
	// stream is lost, how much of what takes clients out of rooms, and how much of
	// what we have to say ourselves.
	unheardBytes = 64 << 10
	// unheardPresences is of how many addresses the presence is.
	unheardPresences = 500
)

// streamState is whether there is a stream to the host server. Each loss and each
// return is another one, so that users know by comparing whether something has
// happened since they last looked.
type streamState struct {
	isUp bool
	// heard is when the host server was last heard before the last loss; zero
	// before the first.
	heard time.Time
}

// unheard is what a user could not be told because the stream was lost.
type unheard struct {
	since   time.Time // of the loss
	private []byte    // messages and invitations from people
	left    int       // of those, for which there was no room
	exits   []byte    // that clients are out of rooms
	notices []byte    // from the gateway and networks
	// presences are the last ones of contacts and networks.
	presences map[component.JID][]byte
}

// StreamUp is called when the stream to the host server is there. What the
// clients know of us may be old by then, and they may be gone.
func (g *Gateway) StreamUp() {
	g.log.Info("the XMPP server accepted us", "domain", g.domain)
	g.aside(func() { g.greet(context.Background(), "") })
	state := &streamState{isUp: true}
	before := g.stream.Load()
	if before != nil {
		state.heard = before.heard
	}
	g.stream.Store(state)
	if before == nil {
		go g.restore()
		return
	}
	g.aside(g.wake)
}

// StreamDown is called when it is lost; heard is when the host server was last
// heard. IRC connections stay.
func (g *Gateway) StreamDown(err error, heard time.Time) {
	g.log.Warn("the stream to the XMPP server is gone; IRC connections stay", "error", err)
	g.stream.Store(&streamState{heard: heard})
	g.noteAlive()
	g.aside(g.wake)
}

// wake has each user look at the stream, one after the other. It waits for nobody:
// users who have something to do look before that anyway.
func (g *Gateway) wake() {
	g.mu.Lock()
	users := make([]*User, 0, len(g.users))
	for _, u := range g.users {
		users = append(users, u)
	}
	g.mu.Unlock()
	busy := make(chan struct{})
	close(busy)
	for _, u := range users {
		u.post(func(*User) {}, busy)
		time.Sleep(resumePause)
	}
}

// followStream takes note of what has become of the stream. It comes before every
// other piece of work.
func (u *User) followStream() {
	now := u.g.stream.Load()
	if now == u.stream || now == nil {
		return
	}
	first := u.stream == nil
	u.stream = now
	if !first || !now.isUp {
		u.onStreamLost(now.heard)
	}
	if now.isUp && !first {
		u.onStreamBack()
	}
}

// onStreamLost remembers what the clients know, to tell them the difference
// later.
func (u *User) onStreamLost(heard time.Time) {
	if u.unheard != nil || heard.IsZero() {
		return
	}
	u.unheard = &unheard{since: heard}
	if !u.retelling.IsZero() && u.retelling.Before(heard) {
		u.unheard.since = u.retelling // they were not told all of the last time
	}
	u.holdInquiries()
	u.online = nil // who goes offline now does not tell
	for _, n := range u.networks {
		for _, ch := range n.channels {
			if ch.named && ch.shown == nil && len(ch.sessions) > 0 {
				ch.shown = new(ch.members.clone())
			}
		}
	}
}

// onStreamBack asks every client whether it is still there. Those that are get
// what they have missed; the others leave their rooms.
func (u *User) onStreamBack() {
	if u.unheard == nil {
		return
	}
	missed, back := u.unheard, u.g.now()
	u.unheard = nil
	u.retelling = missed.since
	u.enc.Raw(missed.exits)
	for _, presence := range missed.presences {
		u.enc.Raw(presence)
	}
	u.enc.Raw(missed.private)
	u.enc.Raw(missed.notices)
	if missed.left > 0 {
		u.notify(u.gatewayJID(), strconv.Itoa(missed.left)+" private messages or invitations came while the XMPP server was away, for which there was no room. Ask whom you expect them from.")
	}
	u.resendInquiries()
	clients := u.clients()
	waiting := len(clients)
	for _, client := range clients {
		u.verify(client, func(found finding) {
			if found == present {
				u.tellMissed(client, missed.since, back)
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

// tellMissed shows a client what has happened in its rooms from the loss of the
// stream until its return.
func (u *User) tellMissed(client component.JID, since, back time.Time) {
	for _, n := range u.networks {
		for _, ch := range n.channels {
			s := ch.session(client)
			if s == nil {
				continue
			}
			if ch.named && ch.shown != nil && n.outage == nil {
				ch.writeDifferences([]session{*s}, "left while the XMPP server was away")
			}
			if ch.keeps().record {
				ch.tellSaid(client, since, back, missedTries)
			} else if u.g.store != nil {
				ch.inform(client, "The XMPP server was away. What was said meanwhile is not kept here, as you chose.")
			}
			if !ch.topic.at.Before(since) {
				ch.writeSubject([]session{*s})
			}
		}
	}
}

// missedTries is how often what was missed is read once more, where the archive does not
// answer: for some four minutes.
const missedTries = 10

// tellSaid tells a client what was said in a room between two moments, later where the
// archive does not answer.
func (ch *Channel) tellSaid(client component.JID, since, until time.Time, tries int) {
	n := ch.n
	s := ch.session(client)
	switch {
	case s == nil || n.channel(ch.name) != ch: // they have left
	case n.u.unheard != nil: // the stream is lost again, and this is told with the rest
		if since.Before(n.u.unheard.since) {
			n.u.unheard.since = since
		}
	case ch.writeMissed(*s, since, until):
	case tries == 0:
		ch.inform(client, "What was said while the XMPP server was away could not be read. Ask for the history of the room to see it.")
	default:
		// Not all at once: that may be why.
		n.u.after(storePause+rand.N(storePause), func(*User) { ch.tellSaid(client, since, until, tries-1) })
	}
}

// writeMissed sends a session what was said between two moments, and reports whether
// the archive has said what that is.
func (ch *Channel) writeMissed(to session, since, until time.Time) bool {
	u := ch.n.u
	if u.g.store == nil {
		return true
	}
	if u.g.archiveIsAway() {
		return false
	}
	scope := ch.scope()
	page, err := u.g.recent(store.Query{
		User: scope.User, Server: scope.Server, Channel: scope.Channel, Start: since, End: until, Backward: true, Max: largestHistory,
	})
	if err != nil {
		if !errors.Is(err, errStoreAway) {
			ch.log().Warn("what was missed could not be read yet", "error", err)
		}
		return false
	}
	for i := range page.Lines {
		ch.writeLine(to.jid, &page.Lines[i])
		u.flushLarge()
	}
	return true
}

// allTold ends what the loss of the stream has begun: from now on the clients
// know what there is to know.
func (u *User) allTold() {
	if u.unheard != nil {
		return // it is lost again
	}
	u.retelling = time.Time{}
	for _, n := range u.networks {
		for _, ch := range n.channels {
			if ch.named && n.outage == nil {
				ch.shown = nil
			}
		}
	}
}

// hold keeps what was encoded since a length, and reports whether there was room for
// it.
func (u *User) hold(kept *[]byte, start int) bool {
	stanza := u.enc.Bytes()[start:]
	if len(*kept)+len(stanza) > unheardBytes {
		return false
	}
	*kept = append(*kept, stanza...)
	return true
}

// holdPrivate holds what somebody has to say to the user alone.
func (u *User) holdPrivate(start int) {
	if held := u.unheard; held != nil && !u.hold(&held.private, start) {
		held.left++
	}
}

// holdExit holds the presence by which a client is out of a room.
func (u *User) holdExit(start int) {
	if u.unheard != nil {
		u.hold(&u.unheard.exits, start)
	}
}

// holdNotice holds what the gateway or a network has to say.
func (u *User) holdNotice(start int) {
	if u.unheard != nil {
		u.hold(&u.unheard.notices, start)
	}
}

// holdPresence keeps the presence of an address, of which the last counts, that was
// encoded since a length, while nobody can be told.
func (u *User) holdPresence(from component.JID, start int) {
	if u.unheard == nil {
		return
	}
	held := u.unheard.presences
	if _, known := held[from]; !known && len(held) >= unheardPresences {
		return
	}
	if held == nil {
		held = make(map[component.JID][]byte)
		u.unheard.presences = held
	}
	held[cloneJID(from)] = bytes.Clone(u.enc.Bytes()[start:])
}

// writeHeld says when something happened that cannot be told now.
func (u *User) writeHeld(e *component.Encoder) {
	if u.unheard != nil {
		writeDelay(e, u.gatewayJID(), u.g.now())
	}
}
