package gateway

import (
	"fmt"
	"strings"

	"passerelle/store"
	"passerelle/translate"
)

// autoJoin enters the channels that the user wants to be in whenever connected:
// "#channel", or "#channel key". A client that joins one finds itself there.
func (n *Network) autoJoin() {
	scope := n.u.scope(translate.Address{Kind: translate.Server, Network: n.name})
	for _, text := range n.u.values(setAutoJoin, scope) {
		name, key, _ := strings.Cut(text, " ")
		if !n.support.IsChannel(name) || n.channel(name) != nil {
			continue
		}
		if limit := n.u.limits().Channels; !within(limit, n.u.channelCount()) {
			n.tell(fmt.Sprintf("Not all of your channels were joined: nobody may be in more than %d (limits.channels).", limit))
			return
		}
		ch := n.newChannel(name, n.u.jidOf(translate.Channel, name, n.name))
		ch.key = strings.TrimSpace(key)
	}
}

// isAutoJoined reports whether the channel is one of those.
func (ch *Channel) isAutoJoined() bool {
	scope := ch.scope()
	for _, text := range ch.n.u.values(setAutoJoin, store.Scope{User: scope.User, Server: scope.Server}) {
		if name, _, _ := strings.Cut(text, " "); ch.n.same(name, ch.name) {
			return true
		}
	}
	return false
}
