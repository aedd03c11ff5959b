package gateway

import (
	"slices"
	"sync"
)

// connections is who is connected to which network, for admins: the only thing
// of a user that others may see. It has a lock of its own.
type connections struct {
	mu    sync.Mutex
	users map[string][]string // networks by bare JID
}

func (c *connections) add(user, network string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users == nil {
		c.users = make(map[string][]string)
	}
	c.users[user] = append(c.users[user], network)
}

func (c *connections) remove(user, network string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := slices.DeleteFunc(c.users[user], func(name string) bool { return name == network })
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
	names := slices.Clone(c.users[user])
	slices.Sort(names)
	return names
}

// count returns how many connections there are to each network.
func (c *connections) count() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make(map[string]int)
	for _, names := range c.users {
		for _, name := range names {
			counts[name]++
		}
	}
	return counts
}
