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
	// Token is the password for what names users; empty shows that to nobody.
	Token string `yaml:"token"`
	// TokenFile is a file with the token, for those who keep it apart.
	TokenFile string `yaml:"token_file"`
}

// shortestToken is how short a token may be, in bytes.
const shortestToken = 16

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	if c.Token != "" && len(c.Token) < shortestToken {
		faults = append(faults, fmt.Errorf("http.token is shorter than %d characters, and could be guessed; make one with: openssl rand -hex 16", shortestToken))
	}
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
