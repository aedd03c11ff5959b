package gateway

import (
	"encoding/json"

	"passerelle/store"
	"passerelle/translate"
)

// keptNetwork is what the store keeps of a network while the user is connected.
type keptNetwork struct {
	Nick string `json:"nick"`
}

// keptChannel is what the store keeps of a channel while the user is in it.
type keptChannel struct {
	Name    string        `json:"name"`
	Room    string        `json:"room"` // the localpart
	Clients []keptSession `json:"clients,omitempty"`
	Alone   string        `json:"alone,omitempty"` // since when no client is in it
}

// keptSession is a client in a room.
type keptSession struct {
	Resource string `json:"resource"`
	Nick     string `json:"nick"`
	Show     string `json:"show,omitempty"`
	Status   string `json:"status,omitempty"`
}

func (s *session) kept() keptSession {
	return keptSession{Resource: s.jid.Resource, Nick: s.wanted, Show: s.show, Status: s.status}
}

// keep notes in the store that the user is connected, for a restart.
func (n *Network) keep() {
	n.u.keep(n.scope(), keptNetwork{Nick: n.wanted}, "")
}

// keep notes in the store who is in the room, for a restart.
func (ch *Channel) keep() {
	if ch.n.u.g.store == nil || ch.n.channel(ch.name) != ch || !ch.settled {
		return
	}
	kept := keptChannel{Name: ch.name, Room: ch.jid.Local}
	if !ch.alone.IsZero() {
		kept.Alone = stamp(ch.alone)
	}
	for i := range ch.sessions {
		kept.Clients = append(kept.Clients, ch.sessions[i].kept())
	}
	for _, request := range ch.waiting {
		if ch.session(request.jid) == nil {
			kept.Clients = append(kept.Clients, request.kept())
		}
	}
	ch.n.u.keep(ch.scope(), kept, ch.key)
}

func (u *User) keep(scope store.Scope, state any, secret string) {
	if u.g.store == nil || u.leaving {
		return
	}
	text, err := json.Marshal(state)
	if err != nil {
		u.log().Error("a session cannot be kept", "error", err)
		return
	}
	u.g.store.KeepSession(store.Session{Scope: scope, State: string(text), Secret: secret})
}

// unkeep notes that a scope is left for good. What ends because the gateway does
// is kept.
func (u *User) unkeep(scope store.Scope) {
	delete(u.returning, scope)
	if u.g.store != nil && !u.leaving {
		u.g.store.DropSession(scope)
	}
}

// abandonReturn gives up what is to be brought back of a network, or of all with an
// empty name.
func (u *User) abandonReturn(network string) {
	for scope := range u.returning {
		if network == "" || scope.Server == network {
			u.unkeep(scope)
		}
	}
}

// isReturning reports whether something of a network is to be brought back.
func (u *User) isReturning(network string) bool {
	for scope := range u.returning {
		if scope.Server == network {
			return true
		}
	}
	return false
}

// leaveNetwork leaves a network, be the user connected to it or about to be again.
func (u *User) leaveNetwork(name, reason string) {
	u.abandonReturn(name)
	if n := u.networks.of(name); n != nil {
		n.quit(reason)
	}
}

// scope is where what is kept of the network stands.
func (n *Network) scope() store.Scope {
	return n.u.scope(translate.Address{Kind: translate.Server, Network: n.name})
}
