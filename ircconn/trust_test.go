package ircconn

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

// withColons writes a digest as OpenSSL shows it.
func withColons(digest []byte) string {
	pairs := make([]string, len(digest))
	for i, b := range digest {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}

// A certificate that nobody vouches for, that is for another name and expired.
func distrustedServer(t *testing.T) *irctest.Server {
	return irctest.NewTLSServerValid(t, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour), "other.example")
}

func TestFingerprints(t *testing.T) {
	server := distrustedServer(t)
	raw := server.TLS().Certificates[0].Certificate[0]
	strong, weak := sha256.Sum256(raw), sha1.Sum(raw)
	other := sha256.Sum256([]byte("another"))
	tests := []struct {
		name         string
		fingerprints []string
		verify       Verification
		kind         ErrorKind
		failure      string // empty: trusted
	}{
		{"SHA-256", []string{hex.EncodeToString(strong[:])}, VerifyCertificate, 0, ""},
		{"SHA-256 with colons", []string{withColons(strong[:])}, VerifyCertificate, 0, ""},
		{"SHA-1", []string{hex.EncodeToString(weak[:])}, VerifyCertificate, 0, ""},
		{"one of several", []string{hex.EncodeToString(other[:]), withColons(weak[:])}, VerifyCertificate, 0, ""},
		{"another", []string{hex.EncodeToString(other[:])}, VerifyCertificate, KindTLSFailed, hex.EncodeToString(strong[:])},
		{"another where any would do", []string{hex.EncodeToString(other[:])}, AcceptAnyCertificate, KindTLSFailed, hex.EncodeToString(strong[:])},
		{"malformed", []string{"abc"}, VerifyCertificate, KindTLSFailed, `"abc" is not one`},
		{"of another length", []string{strings.Repeat("ab", 16)}, VerifyCertificate, KindTLSFailed, "is not one"},
		{"any", nil, AcceptAnyCertificate, 0, ""},
		{"none", nil, VerifyCertificate, KindTLSFailed, "certificate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			options := testOptions(server)
			options.TLS = nil
			options.Fingerprints, options.Verify = test.fingerprints, test.verify
			if test.failure == "" {
				connect(t, testConfig(), options, server, irctest.Registration{})
				return
			}
			_, events := start(t, testConfig(), options)
			if err := server.Handshake(); err == nil {
				t.Error("the client said something")
			}
			assertFailure(t, events, test.kind, 0, test.failure)
		})
	}
}

// A fingerprint that does not match is refused, whatever the authorities say.
func TestFingerprintOverAuthorities(t *testing.T) {
	server := irctest.NewTLSServer(t)
	options := testOptions(server)
	options.Fingerprints = []string{strings.Repeat("00", sha256.Size)}
	_, events := start(t, testConfig(), options)
	if err := server.Handshake(); err == nil {
		t.Error("the client said something")
	}
	assertFailure(t, events, KindTLSFailed, 0, "another than the one trusted")
}

// The configuration that the caller shares stays as it is.
func TestTLSConfigIsNotChanged(t *testing.T) {
	shared := &tls.Config{}
	options := Options{TLS: shared, Verify: AcceptAnyCertificate, Fingerprints: []string{strings.Repeat("00", sha256.Size)}}
	certificate := irctest.NewCertificate(t)
	options.Certificate = &certificate
	c := newConn(new(testConfig()), options, nil, nil)
	config, err := c.tlsConfig(Address{Host: "irc.test", Port: 6697, TLS: true})
	if err != nil || !config.InsecureSkipVerify || config.VerifyConnection == nil || config.GetClientCertificate == nil {
		t.Fatalf("got %+v, %v", config, err)
	}
	if shared.InsecureSkipVerify || shared.VerifyConnection != nil || shared.GetClientCertificate != nil || shared.ServerName != "" {
		t.Errorf("got %+v", shared)
	}
}

// Connections that want nothing of their own share a configuration for each host.
func TestSharedTLSConfig(t *testing.T) {
	shared := testConfig()
	certificate := irctest.NewCertificate(t)
	of := func(host string, options Options) *tls.Config {
		t.Helper()
		config, err := newConn(&shared, options, nil, nil).tlsConfig(Address{Host: host, Port: 6697, TLS: true})
		if err != nil || config.ServerName != host {
			t.Fatalf("%s: got %+v, %v", host, config, err)
		}
		return config
	}
	first := of("irc.test", Options{})
	for name, test := range map[string]struct {
		config *tls.Config
		shared bool
	}{
		"the same host":    {of("irc.test", Options{}), true},
		"another host":     {of("other.test", Options{}), false},
		"a certificate":    {of("irc.test", Options{Certificate: &certificate}), false},
		"a fingerprint":    {of("irc.test", Options{Fingerprints: []string{strings.Repeat("00", sha256.Size)}}), false},
		"any certificate":  {of("irc.test", Options{Verify: AcceptAnyCertificate}), false},
		"a base of theirs": {of("irc.test", Options{TLS: &tls.Config{}}), false},
	} {
		if got := test.config == first; got != test.shared {
			t.Errorf("%s: shared: %v", name, got)
		}
	}
	if again := of("irc.test", Options{}); again != first || again.InsecureSkipVerify || again.GetClientCertificate != nil {
		t.Errorf("the shared configuration has changed: %+v", again)
	}
	for i := range 2 * mostPlain {
		of(fmt.Sprintf("host%d.test", i), Options{})
	}
	if kept := len(shared.authorities.plain); kept > mostPlain {
		t.Errorf("%d configurations are kept", kept)
	}
	other := testConfig()
	if config, err := newConn(&other, Options{}, nil, nil).tlsConfig(Address{Host: "irc.test", Port: 6697, TLS: true}); err != nil || config == first {
		t.Errorf("shared with another configuration, or %v", err)
	}
}
