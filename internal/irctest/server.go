package irctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// patience is how long a script waits for the other side before the test fails.
const patience = 20 * time.Second

// Server listens on a loopback port until the end of the test.
type Server struct {
	t        testing.TB
	listener net.Listener
	accepted chan net.Conn
	tls      *tls.Config
	roots    *x509.CertPool
	caFile   string
}

// NewServer starts a server without TLS.
func NewServer(t testing.TB) *Server {
	t.Helper()
	return listen(t, &Server{t: t})
}

// NewTLSServer starts a server with TLS and a certificate of its own for the
// names, or for 127.0.0.1 and localhost without any. Roots and CAFile make
// clients trust it.
func NewTLSServer(t testing.TB, names ...string) *Server {
	t.Helper()
	now := time.Now()
	return NewTLSServerValid(t, now.Add(-time.Hour), now.Add(time.Hour), names...)
}

// NewTLSServerValid is NewTLSServer with a certificate valid between two times.
func NewTLSServerValid(t testing.TB, from, to time.Time, names ...string) *Server {
	t.Helper()
	if len(names) == 0 {
		names = []string{"127.0.0.1", "localhost"}
	}
	s := &Server{t: t}
	certificate, parsed := makeCertificate(t, from, to, names)
	s.tls = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(parsed)
	s.caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: parsed.Raw})
	if err := os.WriteFile(s.caFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return listen(t, s)
}

func listen(t testing.TB, s *Server) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = listener
	s.accepted = make(chan net.Conn, 16)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		defer close(s.accepted)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.accepted <- conn
		}
	}()
	return s
}

func makeCertificate(t testing.TB, from, to time.Time, names []string) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(from.UnixNano()),
		Subject:               pkix.Name{CommonName: "irctest"},
		NotBefore:             from,
		NotAfter:              to,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, parsed
}

// NewCertificate returns a certificate of its own, as a client has one.
func NewCertificate(t testing.TB) tls.Certificate {
	t.Helper()
	now := time.Now()
	certificate, _ := makeCertificate(t, now.Add(-time.Hour), now.Add(time.Hour), nil)
	return certificate
}

// Addr returns "host:port".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Host returns the host that the server listens on.
func (s *Server) Host() string { return "127.0.0.1" }

// Port returns the port that the server listens on.
func (s *Server) Port() int {
	_, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		s.t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		s.t.Fatal(err)
	}
	return number
}

// URL returns the address as "irc://host:port" or "ircs://host:port".
func (s *Server) URL() string {
	if s.tls != nil {
		return "ircs://" + s.Addr()
	}
	return "irc://" + s.Addr()
}

// Roots returns the authorities that make the server trusted, or nil.
func (s *Server) Roots() *x509.CertPool { return s.roots }

// CAFile returns a PEM file with the same.
func (s *Server) CAFile() string { return s.caFile }

// TLS returns the server's own configuration, or nil.
func (s *Server) TLS() *tls.Config { return s.tls }

// ClientTLS returns a client's configuration that trusts the server.
func (s *Server) ClientTLS() *tls.Config { return &tls.Config{RootCAs: s.roots} }

// Close stops listening: further clients are refused. Conversations go on.
func (s *Server) Close() { _ = s.listener.Close() }

// Accept waits for the next client. A client whose TLS handshake fails ends the
// test; see AcceptRaw.
func (s *Server) Accept() *Conversation {
	s.t.Helper()
	conn := s.AcceptRaw()
	if s.tls != nil {
		secured := tls.Server(conn, s.tls)
		_ = secured.SetDeadline(time.Now().Add(patience))
		if err := secured.Handshake(); err != nil {
			s.t.Fatalf("TLS handshake of the client: %v", err)
		}
		_ = secured.SetDeadline(time.Time{})
		return newConversation(s.t, conn, secured)
	}
	return newConversation(s.t, conn, conn)
}

// AcceptRaw waits for the next client and leaves everything else, TLS included,
// to the caller.
func (s *Server) AcceptRaw() net.Conn {
	s.t.Helper()
	select {
	case conn, open := <-s.accepted:
		if !open {
			s.t.Fatal("no client: the server is closed")
		}
		s.t.Cleanup(func() { _ = conn.Close() })
		return conn
	case <-time.After(patience):
		s.t.Fatal("no client came")
	}
	return nil
}

// Handshake lets a client's TLS handshake fail or succeed and returns how it
// ended on the server's side.
func (s *Server) Handshake() error {
	s.t.Helper()
	secured := tls.Server(s.AcceptRaw(), s.tls)
	_ = secured.SetDeadline(time.Now().Add(patience))
	if err := secured.Handshake(); err != nil {
		return err
	}
	// With TLS 1.3 a client that distrusts us says so after our part is done.
	_, err := secured.Read(make([]byte, 1))
	return err
}
