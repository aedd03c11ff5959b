package gateway

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"passerelle/ircconn"
)

// ServerConfig is what the admin says about one IRC server.
type ServerConfig struct {
	// Name is the server's name in JIDs: a host name or an alias.
	Name string `yaml:"name"`
	// Addresses are tried in order; each is ircs://host:port (TLS) or
	// irc://host:port (plain text).
	Addresses []string `yaml:"addresses"`
	// Proxy is socks5://[user:password@]host:port; empty for none.
	Proxy string `yaml:"proxy"`
	// SourceNetwork is what local addresses are taken from, one for each user,
	// as an address or a prefix such as 2001:db8:1::/64; empty leaves it to the
	// system.
	SourceNetwork string `yaml:"source_network"`
	// Connections is how many of our users may be connected at a time; 0 leaves it
	// to gateway.limits.connections_per_server.
	Connections int `yaml:"connections"`
	// WEBIRC is set where the server trusts the gateway.
	WEBIRC *WEBIRCConfig `yaml:"webirc"`
}

// WEBIRCConfig is how a server that trusts the gateway is told whom a connection
// is for (IRCv3 webirc).
type WEBIRCConfig struct {
	// Password is what the server knows the gateway by.
	Password string `yaml:"password"`
	// Network is where users' addresses are made up in, as a prefix such as
	// fd00:1:2:3::/64: one for each user, always the same.
	Network string `yaml:"network"`
}

// Server is a server of the admin's, understood.
type Server struct {
	Addresses []ircconn.Address
	Proxy     string
	Source    netip.Prefix // zero for none
	WEBIRC    *WEBIRC
	// Connections is how many there may be at a time; 0 for the usual limit.
	Connections int
}

// WEBIRC is a WEBIRCConfig, understood.
type WEBIRC struct {
	Password string
	Network  netip.Prefix
}

// Servers are the admin's servers by name.
type Servers map[string]*Server

// ParseServers checks the list of servers and reports every fault of it.
func ParseServers(list []ServerConfig) (Servers, error) {
	servers := make(Servers, len(list))
	var faults []error
	for i, entry := range list {
		name := strings.ToLower(entry.Name)
		if name == "" || strings.ContainsAny(name, " %@/") {
			faults = append(faults, fmt.Errorf("irc.servers[%d].name %q: it must be a host name or an alias without spaces, %%, @ and /", i, entry.Name))
			continue
		}
		if _, twice := servers[name]; twice {
			faults = append(faults, fmt.Errorf("irc.servers has %q twice", name))
		}
		server, err := entry.parse()
		if err != nil {
			for _, fault := range unjoin(err) {
				faults = append(faults, fmt.Errorf("irc.servers[%d] (%s): %w", i, name, fault))
			}
		}
		servers[name] = server
	}
	return servers, errors.Join(faults...)
}

func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func (c ServerConfig) parse() (*Server, error) {
	server := &Server{Proxy: c.Proxy, Connections: c.Connections}
	var faults []error
	if c.Connections < 0 {
		faults = append(faults, errors.New("connections must not be negative"))
	}
	if len(c.Addresses) == 0 {
		faults = append(faults, errors.New("it has no addresses"))
	}
	for _, text := range c.Addresses {
		address, err := ircconn.ParseAddress(text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		server.Addresses = append(server.Addresses, address)
	}
	if proxy, err := url.Parse(c.Proxy); c.Proxy != "" && (err != nil || proxy.Scheme != "socks5" || proxy.Port() == "") {
		faults = append(faults, errors.New("proxy must be socks5://host:port"))
	}
	var err error
	if c.SourceNetwork != "" {
		if server.Source, err = parseNetwork(c.SourceNetwork); err != nil {
			faults = append(faults, fmt.Errorf("source_network: %w", err))
		}
	}
	if c.WEBIRC != nil {
		server.WEBIRC = &WEBIRC{Password: c.WEBIRC.Password}
		if server.WEBIRC.Network, err = parseNetwork(c.WEBIRC.Network); err != nil {
			faults = append(faults, fmt.Errorf("webirc.network: %w", err))
		}
		if c.WEBIRC.Password == "" || strings.ContainsAny(c.WEBIRC.Password, " \r\n") {
			faults = append(faults, errors.New("webirc.password must be one word"))
		}
	}
	return server, errors.Join(faults...)
}

// parseNetwork reads a prefix, or an address as the prefix of one.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network such as 2001:db8:1::/64", text)
	}
	return prefix.Masked(), nil
}

// addresses returns where a server is to be found: what the admin configured,
// or TLS on port 6697 of the host of that name. Plain text is used only where
// the configuration says so.
func (s Servers) addresses(name string) []ircconn.Address {
	if server, listed := s[name]; listed {
		if server == nil {
			return nil
		}
		return server.Addresses
	}
	return []ircconn.Address{{Host: name, Port: tlsPort, TLS: true}}
}

// tlsPort is where IRC servers wait with TLS (RFC 7194).
const tlsPort = 6697
