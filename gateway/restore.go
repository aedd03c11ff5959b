package gateway

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/store"
	"passerelle/translate"
)

// beatInterval is how often the store is told that the gateway runs, so that the
// next one knows how long it did not.
const beatInterval = time.Minute

// restorePause is how long to wait for a store that does not say who is to be
// brought back.
const restorePause = 30 * time.Second

// beat tells the store that the gateway runs, now and from now on.
func (g *Gateway) beat() {
	if g.isClosing() {
		return
	}
	g.noteAlive()
	g.timer(beatInterval, g.beat)
}

// noteAlive tells the store that the gateway runs.
func (g *Gateway) noteAlive() {
	if g.store != nil {
		state := stamp(g.now())
		if stream := g.stream.Load(); stream != nil && !stream.isUp {
			state += " " + stamp(stream.heard)
		}
		g.store.KeepSession(store.Session{State: state})
	}
}

// life is how the gateway's last one ended.
type life struct {
	ended time.Time
	// unheard is since when the clients could not be told anything by then; zero
	// where they could.
	unheard time.Time
}

// told is until when the clients were told what was said.
func (l life) told() time.Time {
	if !l.unheard.IsZero() && l.unheard.Before(l.ended) {
		return l.unheard
	}
	return l.ended
}

// lifeOf reads how the last life ended out of what was kept.
func lifeOf(kept []store.Session, now time.Time) life {
	last := life{ended: now}
	for _, session := range kept {
		ended, unheard, _ := strings.Cut(session.State, " ")
		if at, err := parseStamp(ended); session.User == "" && err == nil {
			last.ended = at
			last.unheard, _ = parseStamp(unheard)
		}
	}
	return last
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
		g.log.Warn("who was in which room cannot be read yet", "error", err)
		g.timer(restorePause, g.restore)
		return
	}
	last := lifeOf(sessions, g.now())
	byUser := make(map[string][]store.Session)
	for _, session := range sessions {
		if session.User != "" {
			byUser[session.User] = append(byUser[session.User], session)
		}
	}
	g.beat()
	g.log.Info("bringing users back", "users", len(byUser), "away", g.now().Sub(last.ended).Round(time.Second))
	for bare, kept := range byUser {
		jid, err := component.ParseJID(bare)
		if err != nil {
			continue
		}
		go g.post(jid, func(u *User) { u.restore(kept, last) })
		time.Sleep(resumePause)
	}
	g.seek(context.Background())
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
		if u == nil || u.post(do, nil) {
			return
		}
	}
}

// restore asks the clients that were in rooms whether they are still there, and
// then brings the rooms back, with those that are.
func (u *User) restore(kept []store.Session, last life) {
	if err := u.load(); err != nil {
		u.log().Warn("a user cannot be brought back yet", "error", err)
		// By then they are forgotten, who have nothing yet.
		u.g.timer(restorePause, func() { u.g.post(u.jid, func(u *User) { u.restore(kept, last) }) })
		return
	}
	u.returning = make(map[store.Scope]bool, len(kept))
	for _, session := range kept {
		u.returning[session.Scope] = true
	}
	resources := make(map[string]bool)
	for _, session := range kept {
		var ch keptChannel
		if u.g.now().Sub(last.ended) > u.g.live().RestoreLimit {
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
				u.bringBack(kept, resources, last)
			}
		})
	}
	if waiting == 0 {
		u.bringBack(kept, resources, last)
	}
}

// bringBack enters the channels again in which a client is, or in which the user
// stays without one. What is kept of the others is given up.
func (u *User) bringBack(kept []store.Session, there map[string]bool, last life) {
	if u.leaving {
		return
	}
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
		if ch := u.bringBackChannel(session, state, nicks[session.Server], there, last); ch != nil {
			entered = append(entered, ch)
		}
	}
	for _, session := range kept {
		if session.Channel == "" && u.networks.of(session.Server) == nil {
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
func (u *User) bringBackChannel(session store.Session, state keptChannel, nick string, there map[string]bool, last life) *Channel {
	address, err := u.address(state.Room)
	if err != nil || address.Kind != translate.Channel {
		u.unkeep(session.Scope)
		return nil
	}
	n := u.networks.of(session.Server)
	if n == nil {
		if n, err = u.newNetwork(session.Server, nick); err != nil {
			u.log().Info("a network is not brought back", "network", session.Server, "error", err)
			u.unkeep(session.Scope)
			return nil
		}
	}
	ch := n.channels.of(n.fold(state.Name))
	isNew := ch == nil
	if isNew {
		ch = n.newChannel(state.Name, component.JID{Local: state.Room, Domain: u.g.domain})
		ch.key, ch.settled = session.Secret, true
		ch.alone = last.told()
		if alone, err := parseStamp(state.Alone); err == nil {
			ch.alone = alone
		}
	}
	for _, client := range state.Clients {
		if there[client.Resource] {
			ch.readmit(client, last)
		}
	}
	if isNew && !ch.isOccupied() && !ch.keeps().stay {
		n.channels.remove(n.fold(state.Name))
		n.watchIdle()
		u.unkeep(session.Scope)
		return nil
	}
	if u.networks.of(session.Server) == nil {
		n.resume(last)
	}
	return ch
}

// readmit has a client that was in the room before wait for it again, with what
// it has missed.
func (ch *Channel) readmit(client keptSession, last life) {
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
	since := ch.newest(last.ended)
	if !last.unheard.IsZero() && last.unheard.Before(since) {
		since = last.unheard // what was archived since then nobody has seen
	}
	ch.waiting = append(ch.waiting, joinRequest{
		session: session{jid: full, wanted: client.Nick, show: client.Show, status: client.Status},
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
func (ch *Channel) newest(otherwise time.Time) time.Time {
	u := ch.n.u
	if u.g.archiveIsAway() {
		return otherwise
	}
	scope := ch.scope()
	page, err := u.g.recent(store.Query{User: scope.User, Server: scope.Server, Channel: scope.Channel, Backward: true, Max: 1})
	if err != nil || len(page.Lines) == 0 {
		return otherwise
	}
	return page.Lines[0].At.Add(time.Millisecond)
}

// resume begins to connect to a network that the user was on when the gateway
// ended, when it is this user's turn.
func (n *Network) resume(last life) {
	u := n.u
	u.networks.add(n)
	u.g.connections.restore(connection{u.jid.String(), n.name, u.serverKey(n.scope())})
	n.attempts = 1
	n.outage = &outage{since: last.ended, text: "The gateway was restarted and is connecting to " + n.name + " again."}
	if u.g.live().OutageLimit > 0 {
		n.limitOutage()
	}
	n.plan(0)
}
