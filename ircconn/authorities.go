package ircconn

import (
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
