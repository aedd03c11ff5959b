package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"passerelle/internal/dnstest"
)

const (
	ourDomain = "irc.example.org"
	header    = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>"
	startTLS  = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
	unknown   = "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" +
		"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>never heard of it</text></stream:error></stream:stream>"
)

// remoteServer is what a server of the tests says to other servers.
type remoteServer struct {
	// greeting follows its stream header. With startTLS in it the connection goes on
	// encrypted.
	greeting string
	// raw, when not "", is all that it says.
	raw         string
	directTLS   bool
	certificate tls.Certificate
}

// listen answers every connection and returns the port.
func (r remoteServer) listen(t *testing.T) uint16 {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	return uint16(listener.Addr().(*net.TCPAddr).Port)
}

func (r remoteServer) serve(conn net.Conn) {
	defer conn.Close()
	if r.directTLS {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{r.certificate}})
	}
	reader := bufio.NewReader(conn)
	if asked, err := readUntil(reader, "version='1.0'>"); err != nil || !strings.Contains(asked, "to='"+ourDomain+"'") {
		return
	}
	if r.raw != "" {
		fmt.Fprint(conn, r.raw)
		return
	}
	fmt.Fprint(conn, header, r.greeting)
	if asked, err := readUntil(reader, "/>"); err != nil || !strings.Contains(asked, "<starttls") {
		return
	}
	fmt.Fprint(conn, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	// Whether the client likes it is the client's affair.
	_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{r.certificate}}).Handshake()
}

func readUntil(reader *bufio.Reader, end string) (string, error) {
	var text strings.Builder
	for !strings.HasSuffix(text.String(), end) {
		c, err := reader.ReadByte()
		if err != nil {
			return "", err
		}
		text.WriteByte(c)
	}
	return text.String(), nil
}

// certificateFor signs a certificate with itself.
func certificateFor(t *testing.T, left time.Duration, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names,
		NotBefore: time.Now().Add(-100 * 24 * time.Hour), NotAfter: time.Now().Add(left),
		IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, pool
}

// lookFrom reports on ourDomain with a DNS server of the test's. port is where a
// domain without SRV records is reached.
func lookFrom(t *testing.T, records dnstest.Records, roots *x509.CertPool, port uint16) *findings {
	t.Helper()
	dns, err := dnstest.Start(records)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dns.Close() })
	report := &findings{}
	f := &federation{
		resolver: newResolver(dns.Address()), probe: s2sProbe{domain: ourDomain, roots: roots},
		domain: ourDomain, serverDomain: "example.org", port: port, report: report,
	}
	f.look(t.Context())
	return report
}

const (
	plainSRV  = "_xmpp-server._tcp."
	directSRV = "_xmpps-server._tcp."
)

func atLoopback(service string, port uint16) dnstest.Records {
	return dnstest.Records{
		SRV:       map[string][]dnstest.SRV{service + ourDomain: {{Target: "xmpp.example.org", Port: port}}},
		Addresses: map[string][]string{"xmpp.example.org": {"127.0.0.1"}},
	}
}

func TestFederation(t *testing.T) {
	good, roots := certificateFor(t, 90*24*time.Hour, "example.org", ourDomain)
	other, otherRoots := certificateFor(t, 90*24*time.Hour, "example.org")
	short, shortRoots := certificateFor(t, 24*time.Hour, ourDomain)
	ended, endedRoots := certificateFor(t, -24*time.Hour, ourDomain)
	for _, test := range []struct {
		name     string
		server   remoteServer
		service  string
		roots    *x509.CertPool
		warnings int
		want     []string
	}{
		{"all is well", remoteServer{greeting: startTLS, certificate: good}, plainSRV, roots, 0,
			[]string{"ok     other servers are sent to xmpp.example.org:", "answers for " + ourDomain, "ok     its certificate is good for " + ourDomain}},
		{"TLS from the first byte", remoteServer{greeting: "<stream:features/>", directTLS: true, certificate: good}, directSRV, roots, 0,
			[]string{"(_xmpps-server._tcp of " + ourDomain + ")", "ok     its certificate is good for " + ourDomain}},
		{"a certificate of another name", remoteServer{greeting: startTLS, certificate: other}, plainSRV, otherRoots, 1,
			[]string{"its certificate is for example.org and not for " + ourDomain}},
		{"nobody trusts it", remoteServer{greeting: startTLS, certificate: good}, plainSRV, otherRoots, 1,
			[]string{"is not trusted by this machine"}},
		{"it ends tomorrow", remoteServer{greeting: startTLS, certificate: short}, plainSRV, shortRoots, 1,
			[]string{"warn   its certificate ends on "}},
		{"it has ended", remoteServer{greeting: startTLS, certificate: ended}, plainSRV, endedRoots, 1,
			[]string{"warn   its certificate ended on "}},
		{"the server does not know us", remoteServer{greeting: unknown}, plainSRV, roots, 1,
			[]string{`does not answer for irc.example.org: host-unknown ("never heard of it")`, "Is it the XMPP server that has the component"}},
		{"no encryption", remoteServer{greeting: "<stream:features/>"}, plainSRV, roots, 1, []string{"offers no encryption"}},
		{"another protocol", remoteServer{raw: "220 mail.example.org ESMTP\r\n"}, plainSRV, roots, 1,
			[]string{"does not answer as it should"}},
		{"a web page", remoteServer{raw: "<html>"}, plainSRV, roots, 1, []string{"it answers with <html>, which is not XMPP"}},
		{"no word", remoteServer{raw: " "}, plainSRV, roots, 1, []string{"it closed the connection without a word"}},
		{"TLS that is none", remoteServer{greeting: "<stream:features/>"}, directSRV, roots, 1, []string{"does not answer as it should"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			port := test.server.listen(t)
			report := lookFrom(t, atLoopback(test.service, port), test.roots, port)
			expectReport(t, report, test.warnings, test.want...)
		})
	}
}

func expectReport(t *testing.T, report *findings, warnings int, want ...string) {
	t.Helper()
	text := strings.Join(report.lines, "\n")
	if report.warnings != warnings {
		t.Errorf("%d warnings, want %d:\n%s", report.warnings, warnings, text)
	}
	for _, want := range want {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

func TestFederationWithoutRecords(t *testing.T) {
	good, roots := certificateFor(t, 90*24*time.Hour, ourDomain)
	port := remoteServer{greeting: startTLS, certificate: good}.listen(t)
	add := func(service string, port uint16, target string) string {
		return fmt.Sprintf("%sirc.example.org. 3600 IN SRV 0 5 %d %s.", service, port, target)
	}
	own := map[string][]dnstest.SRV{
		"_xmpp-server._tcp.example.org":  {{Target: "chat.example.net", Port: 5299}},
		"_xmpps-server._tcp.example.org": {{Target: "chat.example.net", Port: 5270}},
	}
	for name, test := range map[string]struct {
		records  dnstest.Records
		warnings int
		want     []string
	}{
		"no name at all": {dnstest.Records{}, 1,
			[]string{"has neither an SRV record nor an address", add(plainSRV, port, "example.org")}},
		"the server's own records are taken": {dnstest.Records{SRV: own}, 1,
			[]string{add(plainSRV, 5299, "chat.example.net"), add(directSRV, 5270, "chat.example.net")}},
		"an address": {dnstest.Records{Addresses: map[string][]string{ourDomain: {"127.0.0.1"}}}, 0,
			[]string{"has an address of its own", "its certificate is good"}},
		"decidedly not offered": {dnstest.Records{SRV: map[string][]dnstest.SRV{plainSRV + ourDomain: {{}}}}, 1,
			[]string{"has neither an SRV record nor an address"}},
		"a target without address": {dnstest.Records{SRV: map[string][]dnstest.SRV{plainSRV + ourDomain: {{Target: "gone.example.org", Port: 1}}}}, 1,
			[]string{"gone.example.org, where other servers are sent, has no address"}},
		"nobody listens": {atLoopback(plainSRV, 1), 1, []string{"let port 1 in?"}},
		"DNS is broken": {dnstest.Records{Broken: map[string]bool{plainSRV + ourDomain: true}}, 1,
			[]string{"DNS did not say where other servers reach irc.example.org", "--resolver"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectReport(t, lookFrom(t, test.records, roots, port), test.warnings, test.want...)
		})
	}
}

func TestFederationOfPrivateNames(t *testing.T) {
	for domain, private := range map[string]bool{
		"irc.localhost": true, "irc": true, "192.0.2.1": true, "[2001:db8::1]": true, "irc.home.arpa": true,
		"irc.example.org": false, "localhost.example.org": false, "mylocal": true, "irc.mylocal": false,
	} {
		if why := notInDNS(domain); (why != "") != private {
			t.Errorf("%s is private because it is %q", domain, why)
		}
	}
	cfg := defaultConfig()
	cfg.Component.Hostname = "irc.localhost"
	expectReport(t, lookAtFederation(t.Context(), cfg, ""), 0, "irc.localhost is a private name (.localhost)")
	cfg.Component.Hostname = strings.Repeat("a", 64) + ".org"
	expectReport(t, lookAtFederation(t.Context(), cfg, ""), 1, "is not a name that DNS can have")
}
