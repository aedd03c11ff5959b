package ircconn

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"passerelle/internal/irctest"
)

func TestWEBIRC(t *testing.T) {
	tests := []struct {
		name   string
		secure bool
		webirc WEBIRC
		line   string
	}{
		{"IPv4", false, WEBIRC{"hunter2", "passerelle", "juliet.example", netip.MustParseAddr("192.0.2.7"), false}, "WEBIRC hunter2 passerelle juliet.example 192.0.2.7"},
		{"with TLS", true, WEBIRC{"hunter2", "passerelle", "juliet.example", netip.MustParseAddr("192.0.2.7"), false}, "WEBIRC hunter2 passerelle juliet.example 192.0.2.7 secure"},
		{"no host", false, WEBIRC{"hunter2", "passerelle", "", netip.MustParseAddr("192.0.2.7"), false}, "WEBIRC hunter2 passerelle 192.0.2.7 192.0.2.7"},
		{"IPv6", false, WEBIRC{"hunter2", "passerelle", "", netip.MustParseAddr("2001:db8::1"), false}, "WEBIRC hunter2 passerelle 2001:db8::1 2001:db8::1"},
		{"colon", true, WEBIRC{"hunter2", "passerelle", "", netip.MustParseAddr("::1"), false}, "WEBIRC hunter2 passerelle 0::1 0::1 secure"},
		{"mapped", false, WEBIRC{"hunter2", "passerelle", "", netip.MustParseAddr("::ffff:192.0.2.7"), false}, "WEBIRC hunter2 passerelle 192.0.2.7 192.0.2.7"},
		{"TLS only", true, WEBIRC{"hunter2", "passerelle", "", netip.MustParseAddr("192.0.2.7"), true}, "WEBIRC hunter2 passerelle 192.0.2.7 192.0.2.7 secure"},
		{"zone", false, WEBIRC{"hunter2", "passerelle", "", netip.MustParseAddr("fe80::1%eth0"), false}, "WEBIRC hunter2 passerelle fe80::1 fe80::1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := irctest.NewServer(t)
			if test.secure {
				server = irctest.NewTLSServer(t)
			}
			options := testOptions(server)
			options.WEBIRC = &test.webirc
			options.Password = "s3cret"
			start(t, testConfig(), options)
			server.Accept().ExpectLines(test.line, "CAP LS 302", "PASS s3cret")
		})
	}
}

// A password that is for TLS only is not read along on the way.
func TestWEBIRCIsKeptFromPlainText(t *testing.T) {
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.WEBIRC = &WEBIRC{Password: "p", Gateway: "g", Address: netip.MustParseAddr("192.0.2.1"), TLSOnly: true}
	start(t, testConfig(), options)
	server.Accept().ExpectLines("CAP LS 302")
}

func TestWEBIRCWithCertificate(t *testing.T) {
	server := irctest.NewTLSServer(t)
	options := testOptions(server)
	options.WEBIRC = &WEBIRC{Password: "p", Gateway: "g", Address: netip.MustParseAddr("192.0.2.1")}
	certificate := irctest.NewCertificate(t)
	options.Certificate = &certificate
	start(t, testConfig(), options)
	digest := sha256.Sum256(certificate.Certificate[0])
	server.Accept().ExpectLines("WEBIRC p g 192.0.2.1 192.0.2.1 :secure certfp-sha-256=" + hex.EncodeToString(digest[:]))
}

// Each connection has an address of its own.
func TestWEBIRCOfTwoUsers(t *testing.T) {
	server := irctest.NewServer(t)
	for _, address := range []string{"192.0.2.1", "192.0.2.2"} {
		options := testOptions(server)
		options.WEBIRC = &WEBIRC{Password: "p", Gateway: "g", Address: netip.MustParseAddr(address)}
		start(t, testConfig(), options)
		server.Accept().ExpectLines("WEBIRC p g " + address + " " + address)
	}
}

func TestWEBIRCThatCannotBeSaid(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.1")
	for _, test := range []struct {
		webirc WEBIRC
		text   string
	}{
		{WEBIRC{Password: "p", Gateway: "g"}, "address of the user"},
		{WEBIRC{Password: "two words", Gateway: "g", Address: address}, "WEBIRC: a parameter"},
		{WEBIRC{Password: "p", Gateway: "g", Host: ":x", Address: address}, "WEBIRC: a parameter"},
		{WEBIRC{Password: "p\r\nQUIT", Gateway: "g", Address: address}, "line break"},
	} {
		server := irctest.NewServer(t)
		options := testOptions(server)
		options.WEBIRC = &test.webirc
		_, events := start(t, testConfig(), options)
		s := server.Accept()
		s.ExpectClosed()
		assertFailure(t, events, KindLocal, 0, test.text)
	}
}

func TestWEBIRCRefused(t *testing.T) {
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.WEBIRC = &WEBIRC{Password: "p", Gateway: "g", Address: netip.MustParseAddr("192.0.2.1")}
	_, events := start(t, testConfig(), options)
	s := server.Accept()
	s.Expect("WEBIRC")
	s.Send("ERROR :Invalid WEBIRC password")
	assertFailure(t, events, KindRefused, 0, "Invalid WEBIRC password")
}

func TestSourceAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the whole of 127.0.0.0/8")
	}
	for _, source := range []string{"127.0.0.5", "127.0.0.6"} {
		server := irctest.NewServer(t)
		options := testOptions(server)
		options.SourceAddress = netip.MustParseAddr(source)
		start(t, testConfig(), options)
		if got := server.Accept().RemoteAddr().Addr().String(); got != source {
			t.Errorf("got %s, not %s", got, source)
		}
	}
}

func TestSourceAddressOfTheOtherFamily(t *testing.T) {
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.SourceAddress = netip.MustParseAddr("2001:db8::1")
	_, events := start(t, testConfig(), options)
	assertFailure(t, events, KindConnect, 0, "cannot be reached from 2001:db8::1")
}

// socksProxy is a SOCKS5 proxy that takes a name and password, or none, and
// connects everybody to one server, or refuses with a reply code.
type socksProxy struct {
	listener       net.Listener
	server         string
	user, password string
	reply          byte
	targets        chan string
}

// startProxy starts a proxy whose fields are set.
func startProxy(t *testing.T, server *irctest.Server, p *socksProxy) *socksProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p.listener, p.server, p.targets = listener, server.Addr(), make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = p.serve(conn)
			}()
		}
	}()
	return p
}

func (p *socksProxy) serve(conn net.Conn) error {
	r := bufio.NewReader(conn)
	next := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(r, b)
		return b
	}
	next(int(next(2)[1]))
	if p.user == "" {
		_, _ = conn.Write([]byte{5, 0})
	} else {
		_, _ = conn.Write([]byte{5, 2})
		user := string(next(int(next(2)[1])))
		password := string(next(int(next(1)[0])))
		if user != p.user || password != p.password {
			_, err := conn.Write([]byte{1, 1})
			return err
		}
		_, _ = conn.Write([]byte{1, 0})
	}
	var host string
	switch next(4)[3] {
	case 1:
		host = net.IP(next(4)).String()
	case 3:
		host = string(next(int(next(1)[0])))
	default:
		return errors.New("address type")
	}
	port := binary.BigEndian.Uint16(next(2))
	p.targets <- net.JoinHostPort(host, strconv.Itoa(int(port)))
	if _, err := conn.Write([]byte{5, p.reply, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil || p.reply != 0 {
		return err
	}
	onward, err := net.Dial("tcp", p.server)
	if err != nil {
		return err
	}
	defer onward.Close()
	go func() { _, _ = io.Copy(onward, r) }()
	_, err = io.Copy(conn, onward)
	return err
}

func (p *socksProxy) url() string {
	user := ""
	if p.user != "" {
		user = url.UserPassword(p.user, p.password).String() + "@"
	}
	return "socks5://" + user + p.listener.Addr().String()
}

// The proxy gets the name of the host, and TLS goes through it to the end.
func TestProxy(t *testing.T) {
	for _, user := range []string{"", "romeo"} {
		server := irctest.NewTLSServer(t, "irc.invalid")
		options := testOptions(server)
		options.Addresses = []Address{{Host: "irc.invalid", Port: 6697, TLS: true}}
		p := startProxy(t, server, &socksProxy{user: user, password: "p@ss"})
		options.Proxy = p.url()
		_, events, s := connect(t, testConfig(), options, server, irctest.Registration{})
		if target := <-p.targets; target != "irc.invalid:6697" {
			t.Errorf("the proxy was asked for %s", target)
		}
		// The socket is waited for like any other.
		s.Send(":romeo!r@h PRIVMSG juliet :hi")
		waitFor[Message](t, events, nil)
	}
}

func TestProxySocketIsRaw(t *testing.T) {
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.Proxy = startProxy(t, server, &socksProxy{}).url()
	c := newConn(new(testConfig()), options, nil, nil)
	socket, _, failure := c.dial(options.Addresses[0])
	if failure != nil {
		t.Fatal(failure)
	}
	defer socket.Close()
	if _, ok := socket.(*net.TCPConn); !ok {
		t.Errorf("got %T", socket)
	}
}

func TestProxyFailures(t *testing.T) {
	server := irctest.NewServer(t)
	refusing := startProxy(t, server, &socksProxy{reply: 4})
	closed := startProxy(t, server, &socksProxy{})
	_ = closed.listener.Close()
	guarded := startProxy(t, server, &socksProxy{user: "romeo", password: "right"})
	tests := []struct {
		name, proxy string
		kind        ErrorKind
		text        string
	}{
		{"refused by the proxy", refusing.url(), KindConnect, "did not connect: host unreachable"},
		{"no proxy", closed.url(), KindConnect, "cannot be reached: connection refused"},
		{"wrong password", "socks5://romeo:topsecret@" + guarded.listener.Addr().String(), KindConnect, "username/password authentication failed"},
		{"no such scheme", "http://romeo:topsecret@host:1", KindLocal, "socks5://"},
		{"no port", "socks5://romeo:topsecret@host", KindLocal, "host and a port"},
		{"path", "socks5://romeo:topsecret@host:1/x", KindLocal, "host and a port"},
		{"no address", "socks5://romeo:topsecret@[::1", KindLocal, "not an address"},
		{"long password", "socks5://romeo:" + strings.Repeat("topsecret", 40) + "@host:1", KindLocal, "255 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			options := testOptions(server)
			options.Proxy = test.proxy
			_, events := start(t, testConfig(), options)
			assertFailure(t, events, test.kind, 0, test.text)
			if end := waitFor[Disconnected](t, events, nil); strings.Contains(end.Err.Error(), "topsecret") {
				t.Errorf("the password is in %q", end.Err)
			}
		})
	}
}
