package gateway

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"passerelle/component"
)

// trail is what IRC knows somebody by, as operators tell it: a name that identd
// or WEBIRC gave, or an address.
type trail struct {
	ident   string
	address netip.Addr
}

// parseTrail reads an ident, ident@host, nick!ident@host, a host that WEBIRC gave,
// or an address.
func (g *Gateway) parseTrail(text string) (trail, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if _, after, found := strings.Cut(text, "!"); found {
		text = after
	}
	ident, host, hasHost := strings.Cut(text, "@")
	if !hasHost {
		host = ident
	}
	if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return trail{address: address.Unmap().WithZone("")}, nil
	}
	if name, ours := strings.CutSuffix(host, "."+g.domain); ours {
		ident = name
	}
	// What identd did not give begins with a tilde on many servers.
	ident = strings.TrimPrefix(ident, "~")
	if len(ident) != identLength || strings.Trim(ident, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return trail{}, refuse("not-acceptable", "%q has no ident of %d letters and digits, and is no address", text, identLength)
	}
	return trail{ident: ident}, nil
}

// isOf reports whether a user is known by it.
func (g *Gateway) isOf(what trail, user component.JID) bool {
	if what.ident != "" {
		return g.ident(user) == what.ident
	}
	for _, server := range g.live().Servers {
		if server == nil {
			continue
		}
		for _, network := range []netip.Prefix{server.Source, server.webircNetwork()} {
			if network.IsValid() && !network.IsSingleIP() && g.addressIn(network, user) == what.address {
				return true
			}
		}
	}
	return false
}

// webircNetwork is where users' addresses are made up in; zero for nowhere.
func (s *Server) webircNetwork() netip.Prefix {
	if s.WEBIRC == nil {
		return netip.Prefix{}
	}
	return s.WEBIRC.Network
}

// everybody are all users who have something here now, or something kept.
func (u *User) everybody() ([]component.JID, error) {
	g := u.g
	known := make(map[component.JID]bool)
	g.mu.Lock()
	for jid := range g.users {
		known[jid] = true
	}
	g.mu.Unlock()
	var kept []string
	if g.store != nil {
		err := u.searchStore(func(ctx context.Context) (err error) {
			kept, err = g.store.Users(ctx)
			return err
		})
		if err != nil {
			return nil, u.storeFault(err, "the users could not be listed", "the users cannot be listed")
		}
	}
	for _, text := range kept {
		if jid, err := component.ParseJID(text); err == nil {
			known[jid] = true
		}
	}
	var list []component.JID
	for jid := range known {
		list = append(list, jid)
	}
	slices.SortFunc(list, func(a, b component.JID) int { return strings.Compare(a.String(), b.String()) })
	return list, nil
}

// whoisCommand finds the user whom IRC knows by an ident or an address.
func whoisCommand() adhocCommand {
	return adhocCommand{
		node: "whois-ident", name: "Find the user behind an ident or address", begin: beginWhoisIdent, chat: chatWhoisIdent,
		usage: "ident, nick!ident@host or address",
	}
}

func beginWhoisIdent(*User, *request) (page, error) {
	return page{
		form: &form{title: "Who is it?", instructions: "What operators of IRC networks know somebody by.", fields: []field{
			{name: "ident", kind: textSingle, label: "Ident, nick!ident@host or address", required: true},
		}},
		submit: func(u *User, filled submission) (page, error) {
			note, err := chatWhoisIdent(u, filled.first("ident"))
			return done(note), err
		},
	}, nil
}

func chatWhoisIdent(u *User, args string) (string, error) {
	what, err := u.g.parseTrail(args)
	if err != nil {
		return "", err
	}
	everybody, err := u.everybody()
	if err != nil {
		return "", err
	}
	var lines []string
	for _, jid := range everybody {
		if !u.g.isOf(what, jid) {
			continue
		}
		line := jid.String() + ", not connected now"
		if networks := u.g.connections.of(jid.String()); len(networks) > 0 {
			line = fmt.Sprintf("%s, connected to %s", jid, strings.Join(networks, ", "))
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return "Nobody who is here, or of whom something is kept, is known by that. It may be another gateway's, or of before the key was changed.", nil
	}
	return strings.Join(lines, "\n"), nil
}
