package gateway

import (
	"context"
	"encoding/json"
	"time"

	"passerelle/component"
	"passerelle/store"
	"passerelle/translate"
)

// beatInterval is how often the store is told that the gateway runs, so that the
// next one knows how long it did not.
const beatInterval = time.Minute

// beat tells the store that the gateway runs, now and from now on.
func (g *Gateway) beat() {
	g.mu.Lock()
	closing := g.closing
	g.mu.Unlock()
	if closing {
		return
	}
	g.noteAlive()
	g.timer(beatInterval, g.beat)
}

// noteAlive tells the store that the gateway runs.
func (g *Gateway) noteAlive() {
	if g.store != nil {
		g.store.KeepSession(store.Session{State: stamp(g.now())})
	}
}

// restore brings back what users had when the gateway ended, one user after the
// other.
func (g *Gateway) restore() {
	if g.store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	sessions, err := g.store.Sessions(ctx)
	if err != nil {
		g.log.Error("who was in which room cannot be read; everybody has to join again", "error", err)
		return
	}
	alive := g.now()
	byUser := make(map[string][]store.Session)
	for _, session := range sessions {
		if session.User != "" {
			byUser[session.User] = append(byUser[session.User], session)
		} else if at, err := parseStamp(session.State); err == nil {
			alive = at
		}
	}
	g.beat()
	g.log.Info("bringing users back", "users", len(byUser), "away", g.now().Sub(alive).Round(time.Second))
	for bare, kept := range byUser {
		jid, err := component.ParseJID(bare)
		if err != nil {
			continue
		}
		g.post(jid, func(u *User) { u.restore(kept, alive) })
		time.Sleep(resumePause)
	}
}

// post has something done for a user, who need not have anything here.
func (g *Gateway) post(bare component.JID, do event) {
	for {
		g.mu.Lock()
		u := g.users[bare]
		if u == nil && !g.closing {
			u = newUser(g, bare)
			g.users[u.jid] = u
		}
		g.mu.Unlock()
		if u == nil || u.post(do, u.ended) {
			return
		}
	}
}

// restore asks the clients that were in rooms whether they are still there, and
// then brings the rooms back, with those that are.
func (u *User) restore(kept []store.Session, alive time.Time) {
	if err := u.load(); err != nil {
		u.log.Warn("a user cannot be brought back", "error", err)
		return
	}
	u.returning = make(map[store.Scope]bool, len(kept))
	for _, session := range kept {
		u.returning[session.Scope] = true
	}
	resources := make(map[string]bool)
	for _, session := range kept {
		var ch keptChannel
		if u.g.now().Sub(alive) > u.g.live().RestoreLimit {
			break // it is too long ago to ask anybody
		}
		if session.Channel == "" || json.Unmarshal([]byte(session.State), &ch) != nil {
			continue
		}
		for _, client := range ch.Clients {
			resources[client.Resource] = false
		}
	}
	waiting := len(resources)
	for resource := range resources {
		client := u.jid
		client.Resource = resource
		u.inquire(client, verifyTime, func(found finding) {
			resources[resource] = found == present
			if waiting--; waiting == 0 {
				u.bringBack(kept, resources, alive)
			}
		})
	}
	if waiting == 0 {
		u.bringBack(kept, resources, alive)
	}
}

// bringBack enters the channels again in which a client is, or in which the user
// stays without one. What is kept of the others is given up.
func (u *User) bringBack(kept []store.Session, there map[string]bool, alive time.Time) {
	nicks := make(map[string]string)
	var entered []*Channel
	for _, session := range kept {
		if !u.returning[session.Scope] {
			continue // it was left in the meantime
		}
		if session.Channel == "" {
			var network keptNetwork
			if json.Unmarshal([]byte(session.State), &network) == nil {
				nicks[session.Server] = network.Nick
			}
			continue
		}
		var state keptChannel
		if err := json.Unmarshal([]byte(session.State), &state); err != nil || state.Name == "" || state.Room == "" {
			u.unkeep(session.Scope)
			continue
		}
		if ch := u.bringBackChannel(session, state, nicks[session.Server], there, alive); ch != nil {
			entered = append(entered, ch)
		}
	}
	for _, session := range kept {
		if session.Channel == "" && u.networks[session.Server] == nil {
			u.unkeep(session.Scope)
		}
	}
	u.returning = nil
	for _, ch := range entered {
		ch.n.enter(ch)
	}
}

// bringBackChannel makes a channel that waits to be entered, or returns nil where
// nobody wants it any more.
func (u *User) bringBackChannel(session store.Session, state keptChannel, nick string, there map[string]bool, alive time.Time) *Channel {
	address, err := u.address(state.Room)
	if err != nil || address.Kind != translate.Channel {
		u.unkeep(session.Scope)
		return nil
	}
	n := u.networks[session.Server]
	if n == nil {
		if n, err = u.newNetwork(session.Server, nick); err != nil {
			u.log.Info("a network is not brought back", "network", session.Server, "error", err)
			u.unkeep(session.Scope)
			return nil
		}
	}
	ch := n.channels[n.fold(state.Name)]
	isNew := ch == nil
	if isNew {
		ch = n.newChannel(state.Name, component.JID{Local: state.Room, Domain: u.g.domain})
		ch.key, ch.settled = session.Secret, true
		ch.alone = alive
	}
	for _, client := range state.Clients {
		if there[client.Resource] {
			ch.readmit(client, alive)
		}
	}
	if isNew && !ch.isOccupied() && !ch.keeps().stay {
		delete(n.channels, n.fold(state.Name))
		n.watchIdle()
		u.unkeep(session.Scope)
		return nil
	}
	if u.networks[session.Server] == nil {
		n.resume(alive)
	}
	return ch
}

// readmit has a client that was in the room before wait for it again, with what
// it has missed.
func (ch *Channel) readmit(client keptSession, alive time.Time) {
	full := ch.n.u.jid
	full.Resource = client.Resource
	for _, request := range ch.waiting {
		if request.jid == full {
			return
		}
	}
	if ch.session(full) != nil {
		return
	}
	to := ch.occupant(client.Nick)
	since := ch.newest(alive)
	ch.waiting = append(ch.waiting, joinRequest{
		session: session{jid: full, wanted: client.Nick},
		stanza: &component.Stanza{
			Kind: component.Presence, From: full, To: to,
			Children: []component.Element{{Space: nsMUC, Local: "x", Children: []component.Element{
				{Space: nsMUC, Local: "history", Attrs: []component.Attr{{Local: "since", Value: stamp(since)}}},
			}}},
		},
	})
}

// newest is when the newest line of the archive was said, which the clients have
// seen, or, for want of one, when the gateway last ran.
func (ch *Channel) newest(alive time.Time) time.Time {
	u := ch.n.u
	if u.g.archiveIsAway() {
		return alive
	}
	scope := ch.scope()
	page, err := u.g.recent(store.Query{User: scope.User, Server: scope.Server, Channel: scope.Channel, Backward: true, Max: 1})
	if err != nil || len(page.Lines) == 0 {
		return alive
	}
	return page.Lines[0].At.Add(time.Millisecond)
}

// resume begins to connect to a network that the user was on when the gateway
// ended, when it is this user's turn.
func (n *Network) resume(alive time.Time) {
	u := n.u
	u.networks[n.name] = n
	u.g.connections.restore(connection{u.jid.String(), n.name, u.serverKey(n.scope())})
	n.attempts = 1
	n.outage = &outage{since: alive, text: "The gateway was restarted and is connecting to " + n.name + " again."}
	if limit := u.g.live().OutageLimit; limit > 0 {
		n.outage.limit = u.after(limit, func(*User) { n.giveUp() })
	}
	n.plan(0)
}
