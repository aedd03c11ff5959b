package ircconn

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// tlsConfig is how to speak TLS to one address and what to trust.
func (c *Conn) tlsConfig(address Address) (*tls.Config, error) {
	config := &tls.Config{}
	if c.options.TLS != nil {
		config = c.options.TLS.Clone()
	}
	config.ServerName = address.Host
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if certificate := c.options.Certificate; certificate != nil {
		// Whatever authorities the server asks for: services know the
		// certificate by its fingerprint.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return certificate, nil
		}
	}
	if len(c.options.Fingerprints) > 0 {
		trusted, err := parseFingerprints(c.options.Fingerprints)
		if err != nil {
			return nil, err
		}
		config.InsecureSkipVerify = true
		config.VerifyConnection = trusted.verify
		return config, nil
	}
	if !c.verifies(address) {
		config.InsecureSkipVerify = true
		return config, nil
	}
	if config.RootCAs == nil {
		roots, err := c.config.roots()
		if err != nil {
			return nil, err
		}
		config.RootCAs = roots
	}
	if c.options.TLS == nil && c.options.Certificate == nil {
		return c.config.authorities.share(config), nil
	}
	return config, nil
}

// verifies reports whether a connection to the address is known to lead there.
func (c *Conn) verifies(address Address) bool {
	return address.TLS && (c.options.Verify == VerifyCertificate ||
		len(c.options.Fingerprints) > 0 || c.policyFor(address.Host).Port != 0)
}

// fingerprints are the trusted digests of a certificate, SHA-256 and SHA-1,
// told apart by their length.
type fingerprints [][]byte

// parseFingerprints reads hexadecimal digits, with or without colons or spaces.
func parseFingerprints(texts []string) (fingerprints, error) {
	var parsed fingerprints
	for _, text := range texts {
		digest, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(text))
		if err != nil || len(digest) != sha256.Size && len(digest) != sha1.Size {
			return nil, fmt.Errorf("the fingerprint %q is not one: 64 hexadecimal digits of SHA-256 or 40 of SHA-1", text)
		}
		parsed = append(parsed, digest)
	}
	return parsed, nil
}

// verify accepts a certificate that one fingerprint matches.
func (f fingerprints) verify(state tls.ConnectionState) error {
	raw := state.PeerCertificates[0].Raw
	strong, weak := sha256.Sum256(raw), sha1.Sum(raw)
	for _, digest := range f {
		if bytes.Equal(digest, strong[:]) || bytes.Equal(digest, weak[:]) {
			return nil
		}
	}
	return &fingerprintError{hex.EncodeToString(strong[:])}
}

// fingerprintError is a certificate that no fingerprint matches.
type fingerprintError struct{ sha256 string }

func (e *fingerprintError) Error() string {
	return "its certificate is another than the one trusted; the SHA-256 fingerprint is " + e.sha256
}

func handshakeError(address Address, err error) *Error {
	failure := &Error{Kind: KindTLSFailed, Address: address.HostPort(), Err: err}
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		record    tls.RecordHeaderError
		pinned    *fingerprintError
	)
	switch {
	case errors.As(err, &pinned):
		failure.Text = pinned.Error()
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		failure.Text = expiryText(invalid)
	case errors.As(err, &authority):
		failure.Text = "its certificate is not signed by an authority that is trusted here"
	case errors.As(err, &host):
		failure.Text = fmt.Sprintf("its certificate is not for %s", address.Host) + otherNames(host.Certificate)
	case errors.As(err, &record):
		failure.Text = "it does not speak TLS on this port"
	case isTimeout(err):
		failure.Kind = KindTimeout
		failure.Text = "no TLS handshake; perhaps this port is one without TLS"
	default:
		failure.Text = strings.ReplaceAll(systemText(err), "tls: ", "")
	}
	return failure
}

func expiryText(invalid x509.CertificateInvalidError) string {
	if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
		return "its certificate is not valid before " + invalid.Cert.NotBefore.UTC().Format(time.DateOnly)
	}
	if invalid.Cert != nil {
		return "its certificate expired on " + invalid.Cert.NotAfter.UTC().Format(time.DateOnly)
	}
	return "its certificate has expired"
}

// otherNames says which names a certificate is for, as far as they are few.
func otherNames(certificate *x509.Certificate) string {
	if certificate == nil || len(certificate.DNSNames) == 0 || len(certificate.DNSNames) > 5 {
		return ""
	}
	return " but for " + strings.Join(certificate.DNSNames, ", ")
}
