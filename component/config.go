package component

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Limits below which an XMPP service would not work (RFC 6120 §13.12 for the
// stanza's size; the others are what ordinary stanzas need).
const (
	minStanzaBytes = 10000
	minDepth       = 8
	minAttributes  = 8
)

// Config says how to reach the host server. [DefaultConfig] has the defaults;
// a field left at its zero value stands for its default, too.
type Config struct {
	// Hostname is our own domain, for example irc.example.org. Required.
	Hostname string `yaml:"hostname"`
	// Secret is what the host server expects of the component. Required.
	Secret string `yaml:"secret"`
	// Address is where the host server listens: tcp://host:port,
	// tls://host:port or unix:///path/to/socket.
	Address string `yaml:"address"`
	// CAFile holds the PEM certificates to trust on a tls address; with "" the
	// system's are used.
	CAFile string `yaml:"ca_file"`
	// ServerDomain is whom to ping (XEP-0199); with "" it is the hostname
	// without its first label.
	ServerDomain string `yaml:"server_domain"`
	// MaxStanzaBytes is the largest stanza accepted, in bytes.
	MaxStanzaBytes int `yaml:"max_stanza_bytes"`
	// MaxDepth is how deep elements may nest, the stanza itself counted.
	MaxDepth int `yaml:"max_depth"`
	// MaxAttributes is how many attributes one element may have, namespace
	// declarations counted.
	MaxAttributes int `yaml:"max_attributes"`
	// PingInterval is how long nothing is sent before a space is, and how long
	// nothing is received before the host server is pinged.
	PingInterval time.Duration `yaml:"ping_interval"`
	// PingTimeout is how long after a ping the stream is dead if nothing arrived.
	PingTimeout time.Duration `yaml:"ping_timeout"`
	// ReconnectMin is the first pause before a new attempt to connect; it is
	// doubled after each failure.
	ReconnectMin time.Duration `yaml:"reconnect_min"`
	// ReconnectMax is the longest pause.
	ReconnectMax time.Duration `yaml:"reconnect_max"`
}

// DefaultConfig is the configuration with every default filled in. Hostname and
// Secret have none.
func DefaultConfig() Config {
	return Config{
		Address:        "tcp://127.0.0.1:5347",
		MaxStanzaBytes: 256 * 1024,
		MaxDepth:       32,
		MaxAttributes:  64,
		PingInterval:   60 * time.Second,
		PingTimeout:    30 * time.Second,
		ReconnectMin:   time.Second,
		ReconnectMax:   60 * time.Second,
	}
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	orDefault(&c.Address, d.Address)
	orDefault(&c.MaxStanzaBytes, d.MaxStanzaBytes)
	orDefault(&c.MaxDepth, d.MaxDepth)
	orDefault(&c.MaxAttributes, d.MaxAttributes)
	orDefault(&c.PingInterval, d.PingInterval)
	orDefault(&c.PingTimeout, d.PingTimeout)
	orDefault(&c.ReconnectMin, d.ReconnectMin)
	orDefault(&c.ReconnectMax, d.ReconnectMax)
	if c.ServerDomain == "" {
		_, c.ServerDomain, _ = strings.Cut(c.Hostname, ".")
	}
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports all faults at once, each with the name of its key.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf(format, args...))
	}
	if c.Hostname == "" {
		fault("hostname: required")
	} else if err := checkDomain(c.Hostname); err != nil {
		fault("hostname: %w", err)
	}
	if c.Secret == "" {
		fault("secret: required")
	}
	if c.ServerDomain != "" {
		if err := checkDomain(c.ServerDomain); err != nil {
			fault("server_domain: %w", err)
		}
	}
	c = c.withDefaults()
	if c.Hostname != "" && c.ServerDomain == "" {
		fault("server_domain: required when the hostname has a single label")
	}
	address, err := parseAddress(c.Address)
	if err != nil {
		fault("address: %w", err)
	} else if c.CAFile != "" && !address.tls {
		fault("ca_file: only of use with a tls address")
	}
	for _, limit := range []struct {
		key            string
		value, minimum int
	}{
		{"max_stanza_bytes", c.MaxStanzaBytes, minStanzaBytes},
		{"max_depth", c.MaxDepth, minDepth},
		{"max_attributes", c.MaxAttributes, minAttributes},
	} {
		if limit.value < limit.minimum {
			fault("%s: must be at least %d, is %d", limit.key, limit.minimum, limit.value)
		}
	}
	for _, span := range []struct {
		key   string
		value time.Duration
	}{
		{"ping_interval", c.PingInterval},
		{"ping_timeout", c.PingTimeout},
		{"reconnect_min", c.ReconnectMin},
		{"reconnect_max", c.ReconnectMax},
	} {
		if span.value < time.Millisecond {
			fault("%s: must be at least 1ms, is %s", span.key, span.value)
		}
	}
	if c.ReconnectMin > c.ReconnectMax {
		fault("reconnect_min: longer than reconnect_max (%s)", c.ReconnectMax)
	}
	return errors.Join(faults...)
}

// checkDomain accepts what can be the domain of an address and nothing that
// would need escaping in the stream header.
func checkDomain(domain string) error {
	if strings.ContainsAny(domain, "@/ '\"<>&") {
		return fmt.Errorf("%q is not a domain", domain)
	}
	if _, err := ParseJID(domain); err != nil {
		return fmt.Errorf("%q is not a domain: %w", domain, err)
	}
	return nil
}

// address is a parsed Config.Address.
type address struct {
	// network and target are what a net.Dialer wants.
	network, target string
	tls             bool
	// serverName is the name on the host server's certificate.
	serverName string
}

func parseAddress(s string) (address, error) {
	u, err := url.Parse(s)
	if err != nil {
		return address{}, fmt.Errorf("%q is not an address", s)
	}
	switch u.Scheme {
	case "unix":
		if u.Path == "" || u.Host != "" {
			return address{}, fmt.Errorf("%q needs the form unix:///path/to/socket", s)
		}
		return address{network: "unix", target: u.Path}, nil
	case "tcp", "tls":
		host, port, err := net.SplitHostPort(u.Host)
		if err != nil || host == "" || port == "" || (u.Path != "" && u.Path != "/") {
			return address{}, fmt.Errorf("%q needs the form %s://host:port", s, u.Scheme)
		}
		return address{network: "tcp", target: u.Host, tls: u.Scheme == "tls", serverName: host}, nil
	}
	return address{}, fmt.Errorf("%q must begin with tcp://, tls:// or unix://", s)
}
