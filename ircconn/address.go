package ircconn

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// The usual ports: 6697 with TLS (RFC 7194) and 6667 without.
const (
	defaultTLSPort   = 6697
	defaultPlainPort = 6667
)

// Address is where an IRC server listens. Host is a name or an IP address
// without brackets.
type Address struct {
	Host string
	Port int
	TLS  bool
}

// ParseAddress reads "ircs://host[:6697]", "irc://host[:6667]" (without TLS) or
// a bare "host[:port]", which means ircs. An IPv6 address stands in brackets
// when a port follows.
func ParseAddress(s string) (Address, error) {
	address := Address{TLS: true, Port: defaultTLSPort}
	rest := s
	if scheme, after, found := strings.Cut(s, "://"); found {
		switch strings.ToLower(scheme) {
		case "ircs":
		case "irc":
			address.TLS, address.Port = false, defaultPlainPort
		default:
			return Address{}, fmt.Errorf("address %q: the scheme must be ircs or irc, not %q", s, scheme)
		}
		rest = strings.TrimSuffix(after, "/")
	}
	host, port, err := splitHostPort(rest)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w", s, err)
	}
	address.Host = host
	if port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return Address{}, fmt.Errorf("address %q: the port must be a number from 1 to 65535, not %q", s, port)
		}
		address.Port = int(number)
	}
	return address, nil
}

func splitHostPort(s string) (host, port string, err error) {
	switch {
	case net.ParseIP(s) != nil:
		host = s
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		host = s[1 : len(s)-1]
		if net.ParseIP(host) == nil {
			return "", "", fmt.Errorf("%q is not an IP address", host)
		}
	case strings.Contains(s, ":"):
		host, port, err = net.SplitHostPort(s)
		if err != nil {
			return "", "", err
		}
		if port == "" {
			return "", "", fmt.Errorf("no port after the colon")
		}
		if s[0] == '[' && net.ParseIP(host) == nil {
			return "", "", fmt.Errorf("%q is not an IP address", host)
		}
	default:
		host = s
	}
	if host == "" {
		return "", "", fmt.Errorf("no host name")
	}
	if i := strings.IndexFunc(host, illegalInHost); i >= 0 {
		return "", "", fmt.Errorf("a host name cannot contain %q", host[i:i+1])
	}
	return host, port, nil
}

func illegalInHost(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune("/@?#%[]\"\\", r)
}

// HostPort returns the address as "host:port", with brackets where needed.
func (a Address) HostPort() string {
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// String returns the address as [ParseAddress] reads it, always with its port:
// "ircs://host:port" or "irc://host:port".
func (a Address) String() string {
	if a.TLS {
		return "ircs://" + a.HostPort()
	}
	return "irc://" + a.HostPort()
}
