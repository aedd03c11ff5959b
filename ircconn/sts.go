package ircconn

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxSTSDuration keeps a policy's duration within what time.Duration holds.
const maxSTSDuration = 100 * 365 * 24 * time.Hour

// parseSTS reads the value of the sts capability (IRCv3 sts). A key that is
// missing or malformed is not found; 0 is no port.
func parseSTS(value string) (port int, duration time.Duration, hasDuration bool) {
	for token := range strings.SplitSeq(value, ",") {
		key, text, _ := strings.Cut(token, "=")
		switch key {
		case "port":
			number, err := strconv.ParseUint(text, 10, 16)
			if err == nil {
				port = int(number)
			}
		case "duration":
			seconds, err := strconv.ParseUint(text, 10, 63)
			if err == nil {
				duration = time.Duration(min(seconds, uint64(maxSTSDuration/time.Second))) * time.Second
				hasDuration = true
			}
		}
	}
	return port, duration, hasDuration
}

// readSTS looks for a policy among the entries of CAP LS or NEW, and acts on it:
// without TLS the session ends, to begin again with it.
func (s *session) readSTS(entries string) {
	for entry := range strings.FieldsSeq(entries) {
		name, value, _ := strings.Cut(entry, "=")
		if name != "sts" {
			continue
		}
		port, duration, hasDuration := parseSTS(value)
		switch {
		case !s.address.TLS && port != 0:
			s.upgrade = port
			s.emit(STSReceived{Host: s.address.Host, Port: port})
			s.fail(&Error{Kind: KindServerClosed, Text: fmt.Sprintf("the server wants TLS, on port %d", port)})
		case s.address.TLS && hasDuration && s.verified:
			s.sts = &STSReceived{Host: s.address.Host, Port: s.address.Port, Duration: duration, Secure: true}
			s.emit(*s.sts)
		}
	}
}

// policyFor returns the policy that is in force for a host.
func (c *Conn) policyFor(host string) STSPolicy {
	if known := c.options.STS; known.Port != 0 && (known.Host == "" || strings.EqualFold(known.Host, host)) {
		return known
	}
	for _, upgrade := range c.upgrades {
		if strings.EqualFold(upgrade.Host, host) {
			return upgrade
		}
	}
	return STSPolicy{}
}

// strict returns where to connect instead of an address under the policy of its
// host.
func (c *Conn) strict(address Address) Address {
	if policy := c.policyFor(address.Host); policy.Port != 0 {
		address.Port, address.TLS = policy.Port, true
	}
	return address
}

// upgrade notes the port with TLS that the server of the address just tried
// wants, unless it is 0, and has that address tried again.
func (c *Conn) upgrade(port int) {
	if port == 0 || c.registered {
		return
	}
	c.address--
	c.upgrades = append(c.upgrades, STSPolicy{Host: c.options.Addresses[c.address].Host, Port: port})
}
