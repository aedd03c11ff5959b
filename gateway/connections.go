package gateway

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// connection is one user's to one network. host is what connections to one server
// are counted by.
type connection struct{ user, network, host string }

// connections is who is connected to which network, for admins and for the limits
// of all together: the only thing of a user that others may see. It has a lock of
// its own.
type connections struct {
	mu      sync.Mutex
	users   map[string][]connection // by bare JID
	total   int
	hosts   map[string]*hostUsage
	connect bucket
	swept   time.Time
}

// hostUsage is what all users together have at one server.
type hostUsage struct {
	connections int
	connect     bucket
}

// admit counts a connection, unless there are too many already, or too many were
// asked for lately. perServer is how many there may be to its server.
func (c *connections) admit(one connection, limits LimitsConfig, perServer int, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(now)
	host := c.hosts[one.host]
	if host == nil {
		host = new(hostUsage)
	}
	switch {
	case !within(limits.Connections, c.total):
		return atLimit("limits.connections", "resource-constraint", "the gateway has as many connections to IRC as it may have, %d (limits.connections); try again later, or tell its admin", c.total)
	case !within(perServer, host.connections):
		return atLimit("limits.connections_per_server", "resource-constraint", "the gateway has as many connections to %s as it may have, %d (limits.connections_per_server); try again later, or tell its admin", one.network, host.connections)
	case !host.connect.take(now, limits.ServerConnectsPerMinute):
		return atLimit("limits.server_connects_per_minute", "resource-constraint", "too many people want to connect to %s at once (limits.server_connects_per_minute); try again in a minute", one.network)
	case !c.connect.take(now, limits.TotalConnectsPerMinute):
		return atLimit("limits.total_connects_per_minute", "resource-constraint", "too many people want to connect at once (limits.total_connects_per_minute); try again in a minute")
	}
	c.note(one, host)
	return nil
}

// restore counts a connection that there was before a restart.
func (c *connections) restore(one connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	host := c.hosts[one.host]
	if host == nil {
		host = new(hostUsage)
	}
	c.note(one, host)
}

// note counts a connection; c.mu is held.
func (c *connections) note(one connection, host *hostUsage) {
	if c.users == nil {
		c.users, c.hosts = make(map[string][]connection), make(map[string]*hostUsage)
	}
	c.users[one.user] = append(c.users[one.user], one)
	c.hosts[one.host] = host
	host.connections++
	c.total++
}

// sweep forgets servers that nobody is connected to, when nothing counts any more
// of what was done there; mu is held.
func (c *connections) sweep(now time.Time) {
	if now.Sub(c.swept) < usagePeriod {
		return
	}
	c.swept = now
	for name, host := range c.hosts {
		if host.connections == 0 && now.Sub(host.connect.at) >= usagePeriod {
			delete(c.hosts, name)
		}
	}
}

func (c *connections) remove(user, network string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := slices.DeleteFunc(c.users[user], func(one connection) bool {
		if one.network != network {
			return false
		}
		c.hosts[one.host].connections--
		c.total--
		return true
	})
	if len(left) == 0 {
		delete(c.users, user)
		return
	}
	c.users[user] = left
}

// of returns the networks of a user, in order.
func (c *connections) of(user string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, one := range c.users[user] {
		names = append(names, one.network)
	}
	slices.Sort(names)
	return names
}

// count returns how many connections there are to each network.
func (c *connections) count() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make(map[string]int)
	for _, list := range c.users {
		for _, one := range list {
			counts[one.network]++
		}
	}
	return counts
}

// OnlineUser is a user who has something here, and the networks that the user is
// connected to.
type OnlineUser struct {
	JID      string // bare
	Networks []string
}

// Online returns all users by JID, for admins: this names people, as Stats does
// not.
func (g *Gateway) Online() []OnlineUser {
	g.mu.Lock()
	jids := slices.Collect(maps.Keys(g.users))
	g.mu.Unlock()
	users := make([]OnlineUser, len(jids))
	for i, jid := range jids {
		users[i].JID = jid.String()
	}
	slices.SortFunc(users, func(a, b OnlineUser) int { return strings.Compare(a.JID, b.JID) })
	for i := range users {
		users[i].Networks = g.connections.of(users[i].JID)
	}
	return users
}
