package gateway

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/text/encoding/htmlindex"

	"passerelle/component"
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
	// OutageLimit is how long rooms stay when the connection to their IRC
	// server is lost, and is tried to be had again; 0 is not at all.
	OutageLimit time.Duration `yaml:"outage_limit"`
	// ReconnectInterval is how far apart the users connect who lost the same
	// server.
	ReconnectInterval time.Duration `yaml:"reconnect_interval"`
	// Linger is how long the user stays in a channel whose last client was lost
	// or went offline, rather than left the room.
	Linger time.Duration `yaml:"linger"`
	// RestoreLimit is how long the gateway may have been away so that a restart
	// puts clients back into their rooms.
	RestoreLimit time.Duration `yaml:"restore_limit"`
	// QuitMessage is what IRC sees when the gateway shuts down.
	QuitMessage string `yaml:"quit_message"`
	// AnswerTimeout is how long an IRC server may take to answer a question
	// before the XMPP client is told that it did not.
	AnswerTimeout time.Duration `yaml:"answer_timeout"`
	// FixedServer is the only server, where the gateway is one for a single
	// network: channels are then #channel@gateway. Empty for any server.
	FixedServer string `yaml:"fixed_server"`
	// ListedServersOnly lets users connect to the servers of irc.servers only.
	ListedServersOnly bool `yaml:"listed_servers_only"`
	// OwnRealName lets users choose their user name and real name.
	OwnRealName bool `yaml:"own_realname"`
	// RealNameFromJID makes the user's JID the real name, and what stands before the @
	// the user name, where none is chosen.
	RealNameFromJID bool `yaml:"realname_from_jid"`
	// UsernameFromIdent makes the ident the user name, for servers that do not ask
	// the identd.
	UsernameFromIdent bool `yaml:"username_from_ident"`
	// RegisteredOnly lets only those connect to IRC who have registered.
	RegisteredOnly bool `yaml:"registered_only"`
	// Access says who may use the gateway and where it connects to.
	Access AccessConfig `yaml:"access"`
	// Contact says where to reach those who run the gateway.
	Contact ContactConfig `yaml:"contact"`
	// Limits says how much users may do.
	Limits LimitsConfig `yaml:"limits"`
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
		MaxLines:          10,
		Charset:           "windows-1252",
		IdleQuit:          20 * time.Second,
		OutageLimit:       time.Hour,
		ReconnectInterval: 200 * time.Millisecond,
		Linger:            time.Minute,
		RestoreLimit:      time.Hour,
		QuitMessage:       "The gateway is going down",
		AnswerTimeout:     20 * time.Second,
		RecordHistory:     true,
		OwnRealName:       true,
		MaxHistory:        20,
		Access:            AccessConfig{Ports: defaultPorts()},
		Limits:            defaultLimits(),
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
	for key, value := range map[string]time.Duration{
		"idle_quit": c.IdleQuit, "outage_limit": c.OutageLimit, "reconnect_interval": c.ReconnectInterval, "linger": c.Linger, "restore_limit": c.RestoreLimit,
	} {
		if value < 0 {
			faults = append(faults, fmt.Errorf("gateway.%s is %v: it cannot be negative", key, value))
		}
	}
	if c.AnswerTimeout <= 0 {
		faults = append(faults, fmt.Errorf("gateway.answer_timeout is %v: it must be positive", c.AnswerTimeout))
	}
	for _, admin := range c.Admins {
		if jid, err := component.ParseJID(admin); err != nil || !jid.IsBare() || jid.Local == "" {
			faults = append(faults, fmt.Errorf("gateway.admins: %q is not a bare JID such as juliet@example.org", admin))
		}
	}
	if _, err := c.Access.parse(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Contact.validate(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Limits.validate(); err != nil {
		faults = append(faults, err)
	}
	if c.MaxHistory < 0 {
		faults = append(faults, fmt.Errorf("gateway.max_history_length is %d: it cannot be negative", c.MaxHistory))
	}
	return errors.Join(faults...)
}
