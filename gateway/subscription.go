package gateway

import (
	"context"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/translate"
)

// onSubscribe accepts that somebody wants to see the gateway, or a network, in
// their roster (XEP-0100 §4.1), and shows it there: the gateway is up, a network
// is up while the user is connected to it.
func (u *User) onSubscribe(r *request) error {
	if err := u.addContact(r.To.Bare()); err != nil {
		return err
	}
	u.writeBarePresence(r, "subscribed")
	u.writeBarePresence(r, "subscribe") // to see when the user comes and goes
	u.writeState(r)
	return nil
}

// onSubscribeRefused declines for addresses whose presence is not kept: rooms
// are entered.
func (u *User) onSubscribeRefused(r *request) error {
	u.writeBarePresence(r, "unsubscribed")
	return nil
}

func (u *User) onUnsubscribe(r *request) error {
	if err := u.removeContact(r.To.Bare()); err != nil {
		return err
	}
	u.writeBarePresence(r, "unavailable")
	u.writeBarePresence(r, "unsubscribed")
	return nil
}

// onProbe is what a host server sends when somebody comes online who has us in
// the roster.
func (u *User) onProbe(r *request) error {
	if at(r)&(onGateway|onServer) != 0 {
		return u.onLogin(r)
	}
	u.writeState(r)
	return nil
}

// writeState says whether the gateway, or the user's connection to a network, is
// up.
func (u *User) writeState(r *request) {
	presenceType := ""
	if r.to.Kind == translate.Server {
		if n := u.networks.of(r.to.Network); n == nil || !n.ready {
			presenceType = "unavailable"
		}
	}
	u.writeBarePresence(r, presenceType)
}

// onLogin is presence to the gateway or a network, which those who have it in
// their roster send when they come online: it connects them to the networks
// with channels to join by themselves (XEP-0100 §4.4).
func (u *User) onLogin(r *request) error {
	if err := u.load(); err != nil {
		return err
	}
	if err := u.loadContacts(); err != nil {
		return err
	}
	if r.Type == "probe" {
		defer u.writeState(r)
	}
	if !u.contacts[r.To.Bare().String()] {
		return nil
	}
	u.noteOnline(r)
	for scope, chosen := range u.chosen {
		if scope.Channel != "" || scope.Server == "" || len(chosen[setAutoJoin]) == 0 || u.networks.of(scope.Server) != nil {
			continue
		}
		if r.to.Kind == translate.Server && r.to.Network != scope.Server {
			continue
		}
		if u.isReturning(scope.Server) {
			continue // with the nick that the user had
		}
		if u.g.now().Sub(u.loginTried[scope.Server]) < loginPause {
			continue
		}
		if u.loginTried == nil {
			u.loginTried = make(map[string]time.Time)
		}
		u.loginTried[scope.Server] = u.g.now()
		if _, err := u.connect(scope.Server, u.jid.Local); err != nil {
			u.notify(u.jidOf(translate.Server, "", scope.Server), u.stanzaError(err).Text)
		}
	}
	return nil
}

// loginPause is how long a network that was connected to by presence is left
// alone before the next presence, whose sender may only have changed its status,
// connects to it again.
const loginPause = 10 * time.Minute

// onlineClient is a client that has said that it is online to the gateway or a
// network.
type onlineClient struct{ to, resource string }

// noteOnline remembers that a client is online.
func (u *User) noteOnline(r *request) {
	if r.Type != "" || r.From.Resource == "" || len(u.online) >= mostOnline {
		return
	}
	if u.online == nil {
		u.online = make(map[onlineClient]bool)
	}
	u.online[onlineClient{strings.Clone(r.To.Bare().String()), strings.Clone(r.From.Resource)}] = true
}

// mostOnline is how many clients are remembered as being online to some address.
const mostOnline = 4 * mostSessions

// noteOffline forgets a client, or, from a bare JID, all of them, and reports whether
// others are still online to the same address.
func (u *User) noteOffline(r *request) bool {
	to, others := r.To.Bare().String(), false
	for client := range u.online {
		if client.to != to {
			continue
		}
		if r.From.Resource == "" || client.resource == r.From.Resource {
			delete(u.online, client)
			continue
		}
		others = true
	}
	return others
}

// onLogout is that a client has gone offline (XEP-0100 §4.5). With the last one the
// user has. That there is another we need not know: it may have come online before the
// gateway did. So the user's server is asked (RFC 6121 §4.3), who answers for each client
// that is online; from a bare JID it says that there is none.
func (u *User) onLogout(r *request) error {
	if u.noteOffline(r) {
		return nil
	}
	to, address := cloneJID(r.To.Bare()), r.to
	address.Network = strings.Clone(address.Network)
	if r.From.Resource == "" || len(u.networks) == 0 || !u.contacts[to.String()] {
		u.leaveOffline(address)
		return nil
	}
	u.writePresenceFrom(to, "probe")
	u.after(departTime, func(*User) {
		if !u.isOnline(to) && u.unheard == nil {
			u.leaveOffline(address)
		}
	})
	return nil
}

// isOnline reports whether a client has said so to an address.
func (u *User) isOnline(to component.JID) bool {
	for client := range u.online {
		if client.to == to.String() {
			return true
		}
	}
	return false
}

// leaveOffline leaves the network at an address of ours, or with the gateway's all of
// them, where no client is in a room, and no room is persistent: the user is offline.
func (u *User) leaveOffline(address translate.Address) {
	for _, n := range u.networks {
		if address.Kind == translate.Server && address.Network != n.name {
			continue
		}
		if n.isDetached() && !n.hasPersistent() && !n.lingers() {
			n.quit("The user has gone offline")
		}
	}
}

func (n *Network) hasPersistent() bool {
	for _, ch := range n.channels {
		if ch.isPersistent() {
			return true
		}
	}
	return false
}

func (u *User) writeBarePresence(r *request, presenceType string) {
	u.writePresenceFrom(r.To.Bare(), presenceType)
}

// writePresenceFrom writes a presence of one of our addresses to all clients of
// the user.
func (u *User) writePresenceFrom(from component.JID, presenceType string) {
	u.enc.Stanza(component.Presence, from, u.jid, presenceType, "")
	u.enc.Close()
}

// isInRoster reports whether the user has the network in the roster. Contacts are not read
// before the first of a session that needs them, which may be the end of a connection
// that never was.
func (n *Network) isInRoster() bool {
	if err := n.u.loadContacts(); err != nil {
		n.log().Debug("whether the network is in the roster is not known", "error", err)
		return false
	}
	return n.u.contacts[n.jid.String()]
}

// showNetwork tells who has the network in the roster that it is up or down.
func (n *Network) showNetwork(presenceType string) {
	if n.isInRoster() {
		start := len(n.u.enc.Bytes())
		n.u.writePresenceFrom(n.jid, presenceType)
		n.u.holdPresence(n.jid, start)
	}
}

// showFailure tells who has the network in the roster that and why there is no
// connection to it (XEP-0100 §4.4.2).
func (n *Network) showFailure(err error) {
	u := n.u
	if n.isInRoster() {
		u.enc.ErrorReply(&component.Stanza{Kind: component.Presence, From: u.jid, To: n.jid}, u.stanzaError(err))
	}
}

// greet tells everybody who has the gateway in the roster that it is up or down
// (XEP-0100 §8). It waits for the store and the stream.
func (g *Gateway) greet(ctx context.Context, presenceType string) {
	everybody, err := g.everybody(ctx)
	if err != nil {
		g.log.Warn("nobody is told that the gateway is up or down", "error", err)
		return
	}
	var e component.Encoder
	for user, contacts := range everybody {
		for _, contact := range contacts {
			if contact.Local == "" {
				e.Stanza(component.Presence, contact, user, presenceType, "")
				e.Close()
			}
		}
	}
	if err := g.sendOwn(&e); err != nil {
		g.log.Debug("nobody was told that the gateway is up or down", "error", err)
	}
}

// seek asks the servers of all who have the gateway or a network in the roster which of
// their clients are online (RFC 6121 §4.3), one user after the other: who came online
// before the gateway did, does not say so again, and has networks to be connected to.
func (g *Gateway) seek(ctx context.Context) {
	everybody, err := g.everybody(ctx)
	if err != nil {
		g.log.Warn("nobody is asked whether they are online", "error", err)
		return
	}
	var e component.Encoder
	for user, contacts := range everybody {
		e.Reset()
		for _, contact := range contacts {
			address, err := g.addressing.Parse(contact.Local, func(string) string { return defaultChanTypes })
			if err == nil && (address.Kind == translate.Gateway || address.Kind == translate.Server) {
				e.Stanza(component.Presence, contact, user, "probe", "")
				e.Close()
			}
		}
		if err := g.sendOwn(&e); err != nil {
			g.log.Debug("not all were asked whether they are online", "error", err)
			return
		}
		time.Sleep(resumePause)
	}
}

// everybody is who has which of our addresses in the roster.
func (g *Gateway) everybody(ctx context.Context) (map[component.JID][]component.JID, error) {
	if g.store == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	kept, err := g.store.AllContacts(ctx)
	if err != nil {
		return nil, err
	}
	everybody := make(map[component.JID][]component.JID, len(kept))
	for user, contacts := range kept {
		jid, err := component.ParseJID(user)
		if err != nil {
			continue
		}
		for _, contact := range contacts {
			if address, err := component.ParseJID(contact); err == nil && address.Domain == g.domain {
				everybody[jid] = append(everybody[jid], address)
			}
		}
	}
	return everybody, nil
}

// sendOwn sends stanzas of the gateway's own.
func (g *Gateway) sendOwn(e *component.Encoder) error {
	if len(e.Bytes()) == 0 {
		return nil
	}
	g.meter.shards[0].sent(e)
	return g.out.Send(e.Bytes())
}
