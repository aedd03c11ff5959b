package ircconn

import (
	"errors"
	"fmt"
	"time"
)

// Config is the administrator's part of all IRC connections. Start from
// [DefaultConfig]: configurations copied from one such value also share the
// certificates read from CAFile.
type Config struct {
	// ConnectTimeout is how long one address may take to connect, TLS
	// handshake included.
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	// RegistrationTimeout is how long a connected server may take to
	// welcome us.
	RegistrationTimeout time.Duration `yaml:"registration_timeout"`
	// PingInterval is the silence after which we send a PING.
	PingInterval time.Duration `yaml:"ping_interval"`
	// PingTimeout is the silence after which the server counts as dead,
	// and how long one write may take.
	PingTimeout time.Duration `yaml:"ping_timeout"`
	// Burst is how many lines may leave at once before pacing begins.
	Burst int `yaml:"burst"`
	// LineInterval is how long it takes until one more line may leave;
	// 0 turns pacing off.
	LineInterval time.Duration `yaml:"line_interval"`
	// QueueLines is how many outgoing lines may wait; more are refused.
	QueueLines int `yaml:"queue_lines"`
	// MaxLineBytes is the length of an incoming line, tags included, beyond
	// which its rest is dropped.
	MaxLineBytes int `yaml:"max_line_bytes"`
	// CAFile names a PEM file of authorities that are trusted in addition to
	// those of the system; empty for none.
	CAFile string `yaml:"ca_file"`

	authorities *authorities
}

// The least values that leave a connection usable. minLineBytes is what
// IRCv3 message-tags let a server send: 8191 bytes of tags and 512 of line.
const (
	minLineBytes = 8191 + 512
	maxLineBytes = 1 << 20
)

// DefaultConfig returns the configuration used where the administrator says
// nothing.
func DefaultConfig() Config {
	return Config{
		ConnectTimeout:      30 * time.Second,
		RegistrationTimeout: 60 * time.Second,
		PingInterval:        60 * time.Second,
		PingTimeout:         120 * time.Second,
		Burst:               10,
		LineInterval:        time.Second,
		QueueLines:          500,
		MaxLineBytes:        16384,
		authorities:         &authorities{},
	}
}

// Validate returns all faults of the configuration joined, or nil. It reads
// CAFile.
func (c Config) Validate() error {
	var faults []error
	positive := func(key string, value time.Duration) {
		if value <= 0 {
			faults = append(faults, fmt.Errorf("%s: must be more than 0, not %s", key, value))
		}
	}
	positive("connect_timeout", c.ConnectTimeout)
	positive("registration_timeout", c.RegistrationTimeout)
	positive("ping_interval", c.PingInterval)
	positive("ping_timeout", c.PingTimeout)
	if c.PingTimeout > 0 && c.PingTimeout <= c.PingInterval {
		faults = append(faults, fmt.Errorf("ping_timeout: must be more than ping_interval (%s), not %s", c.PingInterval, c.PingTimeout))
	}
	if c.LineInterval < 0 {
		faults = append(faults, fmt.Errorf("line_interval: must not be negative, not %s", c.LineInterval))
	}
	if c.Burst < 1 {
		faults = append(faults, fmt.Errorf("burst: must be at least 1, not %d", c.Burst))
	}
	if c.QueueLines < 1 {
		faults = append(faults, fmt.Errorf("queue_lines: must be at least 1, not %d", c.QueueLines))
	}
	if c.MaxLineBytes < minLineBytes || c.MaxLineBytes > maxLineBytes {
		faults = append(faults, fmt.Errorf("max_line_bytes: must be between %d and %d, not %d", minLineBytes, maxLineBytes, c.MaxLineBytes))
	}
	if _, err := c.roots(); err != nil {
		faults = append(faults, fmt.Errorf("ca_file: %w", err))
	}
	return errors.Join(faults...)
}
