package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"passerelle/component"
	"passerelle/ircconn"
)

// digest is a number that only the gateway can compute of a user, the same for
// as long as its key stays.
func (g *Gateway) digest(purpose string, user component.JID) []byte {
	mac := hmac.New(sha256.New, g.occupantKey)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write([]byte(user.String()))
	return mac.Sum(nil)
}

// identLength is how long an ident is: servers cut longer ones.
const identLength = 9

// ident is the user's name to servers that ask who a connection is for
// (RFC 1413): the same always, so that operators can tell people apart, and
// without a way back to the JID for anybody else.
func (g *Gateway) ident(user component.JID) string {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(g.digest("ident", user))
	return strings.ToLower(text[:identLength])
}

// addressIn returns the user's address in a network: each user has one of their
// own, always the same, so that a ban of one is no ban of all. A network of a
// single address is that address.
func (g *Gateway) addressIn(network netip.Prefix, user component.JID) netip.Addr {
	bits := network.Bits()
	address := network.Masked().Addr().AsSlice()
	digest := g.digest("address", user)
	for i := range address {
		free := min(8, max(0, 8*(i+1)-bits))
		mask := byte(1<<free - 1)
		address[i] = address[i]&^mask | digest[i]&mask
	}
	result, _ := netip.AddrFromSlice(address)
	return result
}

// webirc returns what to tell a server, or nil.
func (g *Gateway) webirc(server *Server, user component.JID) *ircconn.WEBIRC {
	if server == nil || server.WEBIRC == nil {
		return nil
	}
	host := fmt.Sprintf("%s.%s", g.ident(user), g.domain)
	isPlain := func(a ircconn.Address) bool { return !a.TLS }
	return &ircconn.WEBIRC{
		Password: server.WEBIRC.Password, Gateway: programName, Host: host, Address: g.addressIn(server.WEBIRC.Network, user),
		TLSOnly: !slices.ContainsFunc(server.Addresses, isPlain),
	}
}
