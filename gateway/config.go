package gateway

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/encoding/htmlindex"

	"passerelle/component"
	"passerelle/ircconn"
)

// Config is the gateway's own part of the configuration.
type Config struct {
	// MaxLines is how many IRC lines one XMPP message may become; a longer
	// one is refused whole.
	MaxLines int `yaml:"max_lines"`
	// Charset is the IANA name of the character set of IRC lines that are
	// not valid UTF-8.
	Charset string `yaml:"charset"`
	// IdleQuit is how long an IRC connection stays after its last room was
	// left.
	IdleQuit time.Duration `yaml:"idle_quit"`
	// QuitMessage is what IRC sees when the gateway shuts down.
	QuitMessage string `yaml:"quit_message"`
	// AnswerTimeout is how long an IRC server may take to answer a question
	// before the XMPP client is told that it did not.
	AnswerTimeout time.Duration `yaml:"answer_timeout"`
	// RegisteredOnly lets only those connect to IRC who have registered.
	RegisteredOnly bool `yaml:"registered_only"`
	// Admins are the bare JIDs of those who may run the gateway's commands.
	Admins []string `yaml:"admins"`
	// RecordHistory, MaxHistory and Persistent are what counts for users who
	// chose nothing: whether channels are archived, how many messages a join
	// brings at most, and whether the user stays when the last client leaves.
	RecordHistory bool `yaml:"record_history"`
	MaxHistory    int  `yaml:"max_history_length"`
	Persistent    bool `yaml:"persistent"`
}

// DefaultConfig returns the configuration of a gateway that nothing was said
// about.
func DefaultConfig() Config {
	return Config{
		MaxLines:      10,
		Charset:       "windows-1252",
		IdleQuit:      20 * time.Second,
		QuitMessage:   "The gateway is going down",
		AnswerTimeout: 20 * time.Second,
		RecordHistory: true,
		MaxHistory:    20,
	}
}

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	if c.MaxLines < 1 {
		faults = append(faults, fmt.Errorf("gateway.max_lines is %d: it must be at least 1", c.MaxLines))
	}
	if _, err := htmlindex.Get(c.Charset); err != nil {
		faults = append(faults, fmt.Errorf("gateway.charset %q is not a known character set; use a name such as windows-1252 or koi8-r", c.Charset))
	}
	if c.IdleQuit < 0 {
		faults = append(faults, fmt.Errorf("gateway.idle_quit is %v: it cannot be negative", c.IdleQuit))
	}
	if c.AnswerTimeout <= 0 {
		faults = append(faults, fmt.Errorf("gateway.answer_timeout is %v: it must be positive", c.AnswerTimeout))
	}
	for _, admin := range c.Admins {
		if jid, err := component.ParseJID(admin); err != nil || !jid.IsBare() || jid.Local == "" {
			faults = append(faults, fmt.Errorf("gateway.admins: %q is not a bare JID such as juliet@example.org", admin))
		}
	}
	if c.MaxHistory < 0 {
		faults = append(faults, fmt.Errorf("gateway.max_history_length is %d: it cannot be negative", c.MaxHistory))
	}
	return errors.Join(faults...)
}

// ServerConfig is what the admin says about one IRC server.
type ServerConfig struct {
	// Name is the server's name in JIDs: a host name or an alias.
	Name string `yaml:"name"`
	// Addresses are tried in order; each is ircs://host:port (TLS) or
	// irc://host:port (plain text).
	Addresses []string `yaml:"addresses"`
}

// Servers are the admin's servers by name.
type Servers map[string][]ircconn.Address

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
		if len(entry.Addresses) == 0 {
			faults = append(faults, fmt.Errorf("irc.servers[%d] (%s) has no addresses", i, name))
		}
		servers[name] = nil
		for _, text := range entry.Addresses {
			address, err := ircconn.ParseAddress(text)
			if err != nil {
				faults = append(faults, fmt.Errorf("irc.servers[%d] (%s): %w", i, name, err))
				continue
			}
			servers[name] = append(servers[name], address)
		}
	}
	return servers, errors.Join(faults...)
}

// addresses returns where a server is to be found: what the admin configured,
// or TLS on port 6697 of the host of that name. Plain text is used only where
// the configuration says so.
func (s Servers) addresses(name string) []ircconn.Address {
	if configured, ok := s[name]; ok {
		return configured
	}
	return []ircconn.Address{{Host: name, Port: tlsPort, TLS: true}}
}

// tlsPort is where IRC servers wait with TLS (RFC 7194).
const tlsPort = 6697
