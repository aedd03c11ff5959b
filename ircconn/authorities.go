package ircconn

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
)

// authorities remembers the certificates of one CAFile. A pool with the
// system's certificates takes tens of kilobytes, so connections share it.
type authorities struct {
	mu   sync.Mutex
	file string
	pool *x509.CertPool
	// plain are the configurations of connections that have nothing of their own, by
	// host: one takes half a kilobyte, and thousands go to the same server.
	plain map[string]*tls.Config
}

// mostPlain is how many configurations are shared; users may name any host.
const mostPlain = 256

// share returns a configuration equal to config that others of the same host may have
// too. Both are only read from now on.
func (a *authorities) share(config *tls.Config) *tls.Config {
	if a == nil {
		return config
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if shared := a.plain[config.ServerName]; shared != nil && shared.RootCAs == config.RootCAs {
		return shared
	}
	if a.plain == nil || len(a.plain) >= mostPlain {
		a.plain = make(map[string]*tls.Config)
	}
	a.plain[config.ServerName] = config
	return config
}

// roots returns the trusted authorities: nil, which stands for those of the
// system, or these and the ones of CAFile.
func (c Config) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	if c.authorities == nil {
		return loadAuthorities(c.CAFile)
	}
	c.authorities.mu.Lock()
	defer c.authorities.mu.Unlock()
	if c.authorities.pool != nil && c.authorities.file == c.CAFile {
		return c.authorities.pool, nil
	}
	pool, err := loadAuthorities(c.CAFile)
	if err != nil {
		return nil, err
	}
	c.authorities.file, c.authorities.pool = c.CAFile, pool
	return pool, nil
}

func loadAuthorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the additional authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the authorities of the system: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in PEM form in %s", file)
	}
	return pool, nil
}
