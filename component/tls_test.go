package component

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"passerelle/internal/xmpptest"
)

// certificate makes a self-signed one for localhost, and a file to trust it by.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotAfter:              time.Now().Add(time.Hour),
		DNSNames:              []string{"localhost"},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func TestTLS(t *testing.T) {
	pair, trusted := certificate(t)
	_, other := certificate(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, host, caFile string
		ok                 bool
	}{
		{"trusted", "localhost", trusted, true},
		{"system's certificates only", "localhost", "", false},
		{"another authority", "localhost", other, false},
		{"another name", "127.0.0.1", trusted, false},
		{"no certificate in the file", "localhost", empty, false},
		{"no file", "localhost", empty + "x", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
			if err != nil {
				t.Fatal(err)
			}
			server := xmpptest.NewServerOn(t, listener, "irc.localhost", "secret")
			_, port, _ := net.SplitHostPort(server.Addr())
			cfg := testConfig("tls://" + net.JoinHostPort(test.host, port))
			cfg.CAFile = test.caFile
			if !test.ok {
				var refused *StartError
				if err := receive(t, run(t, cfg).ended, "end"); !errors.As(err, &refused) {
					t.Errorf("Run ended with %v", err)
				}
				return
			}
			if err := New(cfg, newRecorder(), slog.New(slog.DiscardHandler)).Check(t.Context(), func() {}); err != nil {
				t.Fatal(err)
			}
			server.Accept()
			c := run(t, cfg)
			server.Accept()
			receive(t, c.h.up, "stream")
			server.Send("<presence from='a@b' to='irc.localhost'/>")
			receive(t, c.h.stanzas, "presence")
		})
	}
}
