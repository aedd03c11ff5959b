package ircconn

import "maps"

// requestedCaps are the capabilities we ask for where they are offered. The
// order gives each its bit in Caps. "sts" and "tls" must never be here: the
// first is not to be requested (IRCv3 sts), the second is deprecated.
var requestedCaps = [...]string{
	"multi-prefix",
	"userhost-in-names",
	"extended-join",
	"account-notify",
	"account-tag",
	"away-notify",
	"extended-monitor",
	"chghost",
	"setname",
	"invite-notify",
	"server-time",
	"message-tags",
	"batch",
	"labeled-response",
	"echo-message",
	"standard-replies",
	"cap-notify",
	"draft/chathistory",
	"znc.in/playback",
}

// Caps is the set of capabilities in force on a connection (IRCv3 capability
// negotiation), an immutable value. The zero value is the empty set.
type Caps struct {
	enabled uint32
	values  map[string]string // never written after it was set; nil when no capability has one
}

// NewCaps returns the set of the named capabilities, leaving out those that
// this package never requests.
func NewCaps(names ...string) Caps {
	var c Caps
	for _, name := range names {
		c = c.with(name, "")
	}
	return c
}

func capBit(name string) uint32 {
	for i, known := range requestedCaps {
		if known == name {
			return 1 << i
		}
	}
	if name == saslCap {
		return 1 << len(requestedCaps)
	}
	return 0
}

// Has reports whether the capability is in force; name is as IRCv3 writes it.
func (c Caps) Has(name string) bool { return c.enabled&capBit(name) != 0 }

// Value returns the value that the server gave a capability in force (CAP LS
// 302), such as "max-bytes=4096"; empty when it gave none.
func (c Caps) Value(name string) string { return c.values[name] }

// Equal reports whether both sets have the same capabilities and values.
func (c Caps) Equal(other Caps) bool {
	return c.enabled == other.enabled && maps.Equal(c.values, other.values)
}

func (c Caps) with(name, value string) Caps {
	bit := capBit(name)
	if bit == 0 {
		return c
	}
	c.enabled |= bit
	if c.values[name] == value {
		return c
	}
	values := maps.Clone(c.values)
	if values == nil {
		values = make(map[string]string, 1)
	}
	if value == "" {
		delete(values, name)
	} else {
		values[name] = value
	}
	c.values = values
	return c
}

func (c Caps) without(name string) Caps {
	c.enabled &^= capBit(name)
	if _, has := c.values[name]; has {
		c.values = maps.Clone(c.values)
		delete(c.values, name)
	}
	return c
}
