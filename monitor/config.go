package monitor

import (
	"errors"
	"fmt"
	"net"
)

// Config says where to listen, and what is shown there.
type Config struct {
	// Listen is the host:port of the listener; empty for none.
	Listen string `yaml:"listen"`
	// Profiles serves the profiles of net/http/pprof.
	Profiles bool `yaml:"profiles"`
}

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	if c.Listen == "" {
		if c.Profiles {
			faults = append(faults, errors.New("http.profiles is on, but http.listen is empty, so nobody can ask for them"))
		}
		return errors.Join(faults...)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		faults = append(faults, fmt.Errorf("http.listen %q must be host:port, such as 127.0.0.1:8080", c.Listen))
	}
	return errors.Join(faults...)
}
