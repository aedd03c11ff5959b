package ircconn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Destinations say where a connection may lead. They are checked on the address
// that is dialled, after the name service has answered and for each address that
// it gave, so that a name that means another address by then leads nowhere else.
// The zero value allows the public internet on any port.
type Destinations struct {
	// Local are the networks that may be reached although they are not of the
	// public internet, such as 10.0.0.0/8.
	Local []netip.Prefix
	// Refused are never reached.
	Refused []netip.Prefix
	// Only are the networks to stay in; empty for no such limit.
	Only []netip.Prefix
	// Ports may be connected to; empty for all.
	Ports []PortRange
}

// Everywhere are all networks: as [Destinations.Local] of a server whose addresses
// somebody trustworthy chose.
func Everywhere() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

// PortRange is some ports of TCP, First and Last included.
type PortRange struct{ First, Last uint16 }

// ParsePortRange reads a port such as 6697, or a range such as 6660-6669.
func ParsePortRange(text string) (PortRange, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	var ports PortRange
	for _, end := range []struct {
		text string
		into *uint16
	}{{first, &ports.First}, {last, &ports.Last}} {
		number, err := strconv.ParseUint(strings.TrimSpace(end.text), 10, 16)
		if err != nil || number == 0 {
			return PortRange{}, fmt.Errorf("%q is neither a port from 1 to 65535 nor a range such as 6660-6669", text)
		}
		*end.into = uint16(number)
	}
	if ports.Last < ports.First {
		return PortRange{}, fmt.Errorf("%q begins after its end", text)
	}
	return ports, nil
}

// unreachable are the networks that are not of the public internet, and those
// that hold the address of another network; each goes by what people are told of
// it. The narrower ones come first.
var unreachable = []struct {
	network netip.Prefix
	name    string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), "of a cloud's metadata"},
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "of a provider's own network"}, // RFC 6598
	{netip.MustParsePrefix("127.0.0.0/8"), "of this very machine"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "reserved"}, // RFC 5737
	{netip.MustParsePrefix("192.88.99.0/24"), "reserved"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "reserved"},
	{netip.MustParsePrefix("198.51.100.0/24"), "reserved"},
	{netip.MustParsePrefix("203.0.113.0/24"), "reserved"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},

	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "of this very machine"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "of a cloud's metadata"},
	{netip.MustParsePrefix("fc00::/7"), "private"}, // RFC 4193
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("2001::/23"), "reserved"}, // Teredo and others of RFC 2928
	{netip.MustParsePrefix("2001:db8::/32"), "reserved"},
	{netip.MustParsePrefix("3fff::/20"), "reserved"}, // RFC 9637
}

var (
	// globalUnicast is all of IPv6 that is given out (RFC 4291 §2.4, RFC 3587).
	globalUnicast = netip.MustParsePrefix("2000::/3")
	// nat64 and sixToFour hold an IPv4 address, from their bytes 12 and 2 on (RFC
	// 6052 §2.1, RFC 3056 §2).
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// embedded returns the IPv4 address that an IPv6 address stands for, or the
// address itself.
func embedded(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address
	}
	bytes := address.As16()
	switch {
	case nat64.Contains(address):
		return netip.AddrFrom4([4]byte(bytes[12:]))
	case sixToFour.Contains(address):
		return netip.AddrFrom4([4]byte(bytes[2:]))
	}
	return address
}

// localKind returns what an address is instead of public, or nothing.
func localKind(address netip.Addr) string {
	for _, one := range unreachable {
		if one.network.Contains(address) {
			return one.name
		}
	}
	if address.Is6() && !globalUnicast.Contains(address) {
		return "reserved"
	}
	return ""
}

// contains reports whether an address is in one of some networks.
func contains(networks []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(networks, func(network netip.Prefix) bool { return network.Contains(address) })
}

// Refuses returns why an address is not connected to, or nil. What the error says
// does not name the address, which who asked need not know.
func (d *Destinations) Refuses(address netip.Addr) error {
	// As it is written counts too, so that a list can name the carrying network.
	plain, inner := address.Unmap().WithZone(""), embedded(address)
	switch {
	case contains(d.Refused, plain) || contains(d.Refused, inner):
		return &forbiddenError{"this gateway does not connect to that network"}
	case len(d.Only) > 0 && !contains(d.Only, plain):
		return &forbiddenError{"this gateway connects to certain networks only, and this is not one of them"}
	case contains(d.Local, plain):
		return nil
	}
	if kind := localKind(inner); kind != "" {
		return &forbiddenError{"its address is " + kind + ", and this gateway connects to public ones only; its admin can allow more"}
	}
	return nil
}

// refusesPort returns why a port is not connected to, or nil.
func (d *Destinations) refusesPort(port int) error {
	if len(d.Ports) == 0 || slices.ContainsFunc(d.Ports, func(r PortRange) bool { return int(r.First) <= port && port <= int(r.Last) }) {
		return nil
	}
	var allowed []string
	for _, r := range d.Ports {
		allowed = append(allowed, r.String())
	}
	return &forbiddenError{fmt.Sprintf("this gateway connects to the ports %s only; its admin can allow more", strings.Join(allowed, ", "))}
}

// String returns the ports as [ParsePortRange] reads them.
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// refusesTarget returns why a host is not asked for through a proxy, which looks
// names up itself: an address is checked like any other, a name is the proxy's to
// judge.
func (d *Destinations) refusesTarget(host string) error {
	if address, err := netip.ParseAddr(host); err == nil {
		return d.Refuses(address)
	}
	return nil
}

// control is a net.Dialer's: it sees the address at the last moment before the
// socket connects.
func (d *Destinations) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return d.Refuses(target.Addr())
}

// forbiddenError says why a destination is refused.
type forbiddenError struct{ text string }

func (e *forbiddenError) Error() string { return e.text }

// forbidden makes the error of an address out of what refused it, or nil.
func forbidden(address Address, err error) *Error {
	var refused *forbiddenError
	if !errors.As(err, &refused) {
		return nil
	}
	return &Error{Kind: KindForbidden, Address: address.HostPort(), Text: refused.text, Err: err}
}

// allowed refuses an address before anything is asked of anybody.
func (c *Conn) allowed(address Address) *Error {
	where := c.options.Destinations
	if where == nil {
		return nil
	}
	err := where.refusesPort(address.Port)
	if err == nil && c.options.Proxy != "" {
		err = where.refusesTarget(address.Host)
	}
	return forbidden(address, err)
}

// restrict has a dialer refuse what may not be connected to. A proxy is the
// administrator's own, wherever it is.
func (c *Conn) restrict(dialer *net.Dialer) {
	where := c.options.Destinations
	if where == nil || c.options.Proxy != "" {
		return
	}
	before := dialer.Control
	dialer.Control = func(network, address string, raw syscall.RawConn) error {
		if err := where.control(network, address, raw); err != nil || before == nil {
			return err
		}
		return before(network, address, raw)
	}
}
