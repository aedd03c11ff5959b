package gateway

import (
	"strings"

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
		ch := n.newChannel(name, n.u.jidOf(translate.Channel, name, n.name))
		ch.key = strings.TrimSpace(key)
		if !ch.keeps().stay {
			ch.partUnlessEntered()
		}
	}
}
