package gateway

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/store"
)

// AccessConfig says who may use the gateway and where it connects to. What is
// denied is denied, whatever is allowed.
type AccessConfig struct {
	// AllowUsers and DenyUsers are bare JIDs and domains, with * and ?. Empty
	// AllowUsers are everybody.
	AllowUsers []string `yaml:"allow_users"`
	DenyUsers  []string `yaml:"deny_users"`
	// AllowServers and DenyServers are names of IRC servers, with * and ?, and
	// addresses and networks. Empty AllowServers are all; those of irc.servers
	// need not be among them.
	AllowServers []string `yaml:"allow_servers"`
	DenyServers  []string `yaml:"deny_servers"`
	// LocalNetworks may be connected to although they are not of the public
	// internet, by whoever names a server there. Those of irc.servers may be
	// anywhere.
	LocalNetworks []string `yaml:"local_networks"`
	// Ports may be connected to on servers that users name, as 6697 or 6660-6669;
	// empty for all.
	Ports []string `yaml:"ports"`
}

// defaultPorts are where IRC servers wait: the registered ones (RFC 7194 and IANA's
// list) and what large networks have beside them.
func defaultPorts() []string {
	return []string{"6660-6669", "6679", "6697", "7000-7002", "7070", "9999"}
}

// rules are an AccessConfig, understood, with what admins have blocked by command.
type rules struct {
	allowUsers, denyUsers     []pattern
	allowServers, denyServers []pattern
	local                     []netip.Prefix
	ports                     []ircconn.PortRange
	admins                    []string
}

// parse reads the lists and reports every fault of them.
func (c AccessConfig) parse() (*rules, error) {
	r := new(rules)
	var faults [6]error
	r.allowUsers, faults[0] = parseList("allow_users", c.AllowUsers, parseUser)
	r.denyUsers, faults[1] = parseList("deny_users", c.DenyUsers, parseUser)
	r.allowServers, faults[2] = parseList("allow_servers", c.AllowServers, parseServer)
	r.denyServers, faults[3] = parseList("deny_servers", c.DenyServers, parseServer)
	for _, text := range c.LocalNetworks {
		network, err := parseNetwork(text)
		if err != nil {
			faults[4] = errors.Join(faults[4], fmt.Errorf("gateway.access.local_networks: %w", err))
		}
		r.local = append(r.local, network)
	}
	for _, text := range c.Ports {
		ports, err := ircconn.ParsePortRange(text)
		if err != nil {
			faults[5] = errors.Join(faults[5], fmt.Errorf("gateway.access.ports: %w", err))
		}
		r.ports = append(r.ports, ports)
	}
	return r, errors.Join(faults[:]...)
}

// refuseUser returns why a user may not use the gateway, or nil. Admins always may:
// they could not undo it otherwise.
func (r *rules) refuseUser(jid component.JID) error {
	matches := func(p pattern) bool { return p.matchesUser(jid) }
	denied := slices.IndexFunc(r.denyUsers, matches)
	switch {
	case slices.ContainsFunc(r.admins, func(admin string) bool { return strings.EqualFold(admin, jid.String()) }):
		return nil
	case denied >= 0:
		return refuse("forbidden", "%s may not use this gateway%s", jid, r.denyUsers[denied].why())
	case len(r.allowUsers) > 0 && !slices.ContainsFunc(r.allowUsers, matches):
		return refuse("forbidden", "this gateway is for certain users only, and %s is not one of them; ask its admin", jid)
	}
	return nil
}

// standing is whether a user may use the gateway by the rules at a time.
type standing struct {
	rules   *rules
	refusal error
}

// refused returns why the user may not use the gateway, or nil.
func (u *User) refused() error {
	if now := u.g.rules.Load(); u.standing.rules != now {
		u.standing = standing{now, now.refuseUser(u.jid)}
	}
	return u.standing.refusal
}

// mayAsk refuses what a user asks for who may not use the gateway. Everybody may
// see whom to ask about it, and take what is kept of them away.
func (u *User) mayAsk(r *request) error {
	err := u.refused()
	if err == nil || !wantsError(r.Stanza) {
		return nil
	}
	if r.Kind == component.IQ && (r.Child(nsDiscoInfo, "query") != nil || r.Child(nsRegister, "query").Child(nsRegister, "remove") != nil) {
		return nil
	}
	return err
}

// isAdminsServer reports whether the admin said where a server is, and the user goes
// there.
func (u *User) isAdminsServer(scope store.Scope) bool {
	_, listed := u.g.live().Servers[scope.Server]
	return (listed || scope.Server == u.g.addressing.Fixed) && !u.goesElsewhere(scope)
}

// names are what a server is known by: the hosts of its addresses, and its name in
// JIDs, which says nothing where the user chose the addresses.
func (u *User) names(scope store.Scope, addresses []ircconn.Address) []string {
	var names []string
	if !u.choosesAddress(scope) {
		names = append(names, scope.Server)
	}
	for _, address := range addresses {
		names = append(names, address.Host)
	}
	return names
}

// refuseServer returns why a server may not be connected to, by its names; its
// addresses are for destinations to judge.
func (u *User) refuseServer(scope store.Scope, addresses []ircconn.Address) error {
	if _, listed := u.g.live().Servers[scope.Server]; !listed && u.g.live().ListedServersOnly {
		return refuse("not-allowed", "this gateway connects to certain IRC servers only, and %s is not among them", scope.Server)
	}
	r := u.g.rules.Load()
	for _, name := range append(u.names(scope, addresses), scope.Server) {
		if i := slices.IndexFunc(r.denyServers, func(p pattern) bool { return p.matchesHost(name) }); i >= 0 {
			return refuse("not-allowed", "this gateway does not connect to %s%s", scope.Server, r.denyServers[i].why())
		}
	}
	if len(networksIn(r.allowServers)) == 0 && !u.isAllowedByName(scope, addresses) {
		return refuse("not-allowed", "this gateway connects to certain IRC servers only, and %s is not among them", scope.Server)
	}
	return nil
}

// isAllowedByName reports whether a server may be connected to whatever its
// addresses are: all are allowed, or the admin lists it, or each of its hosts is.
func (u *User) isAllowedByName(scope store.Scope, addresses []ircconn.Address) bool {
	allowed := u.g.rules.Load().allowServers
	if len(allowed) == 0 || u.isAdminsServer(scope) {
		return true
	}
	isAllowed := func(name string) bool {
		return slices.ContainsFunc(allowed, func(p pattern) bool { return p.matchesHost(name) })
	}
	return len(addresses) > 0 && !slices.ContainsFunc(addresses, func(a ircconn.Address) bool { return !isAllowed(a.Host) })
}

// destinations are where a connection may lead.
func (u *User) destinations(scope store.Scope, addresses []ircconn.Address) *ircconn.Destinations {
	r := u.g.rules.Load()
	where := &ircconn.Destinations{Refused: networksIn(r.denyServers)}
	if u.isAdminsServer(scope) {
		where.Local = ircconn.Everywhere()
		return where
	}
	where.Local, where.Ports = r.local, r.ports
	if !u.isAllowedByName(scope, addresses) {
		where.Only = networksIn(r.allowServers)
	}
	return where
}

// enforce has all users leave what they may not be in any more.
func (g *Gateway) enforce() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range g.users {
		g.of(u, (*User).leaveRefused)
	}
}

// byRule is what IRC sees of it. Whom it is about, and why, is no business of
// IRC's.
const byRule = "Disconnected by the gateway"

// leaveRefused leaves the networks that the user may not be connected to any more,
// and says why.
func (u *User) leaveRefused() {
	if err := u.refused(); err != nil && len(u.networks) > 0 {
		u.quitAll(byRule)
		u.notify(u.gatewayJID(), "You are disconnected: "+err.Error()+".")
		return
	}
	for _, n := range u.networks {
		scope := store.Scope{User: u.jid.String(), Server: n.name}
		addresses := u.addresses(scope)
		err := u.refuseServer(scope, addresses)
		if err == nil && n.remote.IsValid() {
			err = u.destinations(scope, addresses).Refuses(n.remote)
		}
		if err == nil {
			continue
		}
		n.quit(byRule)
		n.tell("You are disconnected from " + n.name + ": " + err.Error() + ".")
	}
}

// knowRemote takes note of the address of the server, which rules may deny that
// were made while it was being connected to. It reports whether the network is left.
func (n *Network) knowRemote(remote netip.Addr) bool {
	n.remote = remote
	n.u.leaveRefused()
	return n.u.networks.of(n.name) != n
}
