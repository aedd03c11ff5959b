package harness

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority is a certificate authority that lives as long as its workspace.
type Authority struct {
	// File is the authority's certificate in PEM form.
	File string

	directory   string
	certificate *x509.Certificate
	key         crypto.Signer
}

// KeyPair names the PEM files of a server's certificate and key.
type KeyPair struct {
	CertificateFile string
	KeyFile         string
}

func newAuthority(directory string) (*Authority, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, fmt.Errorf("making the certificate folder: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "passerelle test authority"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(30 * 24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the authority's certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	a := &Authority{File: filepath.Join(directory, "authority.pem"), directory: directory, certificate: certificate, key: key}
	return a, writePEM(a.File, "CERTIFICATE", raw)
}

// Issue writes a certificate for host names, and for 127.0.0.1, signed by the authority.
func (a *Authority) Issue(hostNames ...string) (KeyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, fmt.Errorf("making the key of %s: %w", hostNames[0], err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return KeyPair{}, fmt.Errorf("choosing the serial number of %s: %w", hostNames[0], err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: hostNames[0]},
		DNSNames:     hostNames,
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    a.certificate.NotBefore,
		NotAfter:     a.certificate.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("signing the certificate of %s: %w", hostNames[0], err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("encoding the key of %s: %w", hostNames[0], err)
	}
	pair := KeyPair{
		CertificateFile: filepath.Join(a.directory, serial.String()+".pem"),
		KeyFile:         filepath.Join(a.directory, serial.String()+".key"),
	}
	if err := writePEM(pair.CertificateFile, "CERTIFICATE", raw); err != nil {
		return KeyPair{}, err
	}
	return pair, writePEM(pair.KeyFile, "PRIVATE KEY", rawKey)
}

// Pool is a certificate pool that trusts this authority only.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// ServerConfig is the TLS configuration of a server of this process with the key pair.
func (p KeyPair) ServerConfig() (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(p.CertificateFile, p.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("loading a key pair: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}}, nil
}

func writePEM(path, kind string, raw []byte) error {
	// ngIRCd reads its key as the user nobody; the key is worth nothing outside of the tests.
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o644); err != nil {
		return fmt.Errorf("writing a certificate file: %w", err)
	}
	return nil
}
