package component

import (
	"strings"
	"testing"
	"time"
)

func validConfig() Config {
	cfg := DefaultConfig()
	cfg.Hostname, cfg.Secret = "irc.localhost", "secret"
	return cfg
}

func TestConfigIsValid(t *testing.T) {
	for _, change := range []func(*Config){
		func(*Config) {},
		func(c *Config) { *c = Config{Hostname: "irc.localhost", Secret: "secret"} },
		func(c *Config) { c.Address = "tls://xmpp.example.org:5348"; c.CAFile = "/etc/ca.pem" },
		func(c *Config) { c.Address = "unix:///run/xmpp.sock" },
		func(c *Config) { c.Address = "tcp://[::1]:5347" },
		func(c *Config) { c.Hostname, c.ServerDomain = "irc", "localhost" },
	} {
		cfg := validConfig()
		change(&cfg)
		if err := cfg.Validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	for _, test := range []struct {
		key    string
		change func(*Config)
	}{
		{"hostname", func(c *Config) { c.Hostname = "" }},
		{"hostname", func(c *Config) { c.Hostname = "a@irc.localhost" }},
		{"hostname", func(c *Config) { c.Hostname = "irc'.localhost" }},
		{"hostname", func(c *Config) { c.Hostname = "irc.\x01localhost" }},
		{"secret", func(c *Config) { c.Secret = "" }},
		{"server_domain", func(c *Config) { c.Hostname = "irc" }},
		{"server_domain", func(c *Config) { c.ServerDomain = "local host" }},
		{"address", func(c *Config) { c.Address = "127.0.0.1:5347" }},
		{"address", func(c *Config) { c.Address = "tcp://127.0.0.1" }},
		{"address", func(c *Config) { c.Address = "tcp://127.0.0.1:5347/path" }},
		{"address", func(c *Config) { c.Address = "unix://run/xmpp.sock" }},
		{"address", func(c *Config) { c.Address = "http://localhost:80" }},
		{"address", func(c *Config) { c.Address = "tcp://local host:%zz" }},
		{"ca_file", func(c *Config) { c.CAFile = "/etc/ca.pem" }},
		{"max_stanza_bytes", func(c *Config) { c.MaxStanzaBytes = 9999 }},
		{"max_depth", func(c *Config) { c.MaxDepth = -1 }},
		{"max_attributes", func(c *Config) { c.MaxAttributes = 1 }},
		{"ping_interval", func(c *Config) { c.PingInterval = -1 }},
		{"ping_timeout", func(c *Config) { c.PingTimeout = time.Microsecond }},
		{"reconnect_min", func(c *Config) { c.ReconnectMin = 2 * time.Minute }},
		{"reconnect_max", func(c *Config) { c.ReconnectMax = -1 }},
	} {
		cfg := validConfig()
		test.change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), test.key+": ") {
			t.Errorf("%s: %v", test.key, err)
		}
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	err := Config{Address: "x", MaxDepth: 1}.Validate()
	for _, key := range []string{"hostname", "secret", "address", "max_depth"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not in %v", key, err)
		}
	}
}

func TestServerDomain(t *testing.T) {
	cfg := validConfig()
	if got := cfg.withDefaults().ServerDomain; got != "localhost" {
		t.Errorf("server domain is %q", got)
	}
	cfg.ServerDomain = "example.org"
	if got := cfg.withDefaults().ServerDomain; got != "example.org" {
		t.Errorf("server domain is %q", got)
	}
}
