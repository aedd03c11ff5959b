package ircconn

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

func TestParseSTS(t *testing.T) {
	tests := []struct {
		value       string
		port        int
		duration    time.Duration
		hasDuration bool
	}{
		{"port=6697", 6697, 0, false},
		{"duration=300", 0, 5 * time.Minute, true},
		{"unknown,duration=0,foo=bar,port=1", 1, 0, true},
		{"port=0", 0, 0, false},
		{"port=65536,duration=-1", 0, 0, false},
		{"port,duration", 0, 0, false},
		{"", 0, 0, false},
		{"duration=9223372036854775807", 0, maxSTSDuration, true},
		{"preload,PORT=6697", 0, 0, false},
	}
	for _, test := range tests {
		port, duration, hasDuration := parseSTS(test.value)
		if port != test.port || duration != test.duration || hasDuration != test.hasDuration {
			t.Errorf("%q: got %d, %v, %v", test.value, port, duration, hasDuration)
		}
	}
}

// upgradeTest is a server in the clear and one with TLS on the same host.
func upgradeTest(t *testing.T) (plain, secure *irctest.Server, options Options) {
	plain, secure = irctest.NewServer(t), irctest.NewTLSServer(t)
	options = testOptions(plain)
	options.TLS = secure.ClientTLS()
	return plain, secure, options
}

func TestSTSUpgrade(t *testing.T) {
	plain, secure, options := upgradeTest(t)
	options.Verify = AcceptAnyCertificate
	options.SASL = SASLOptions{Account: "jilles", Password: "sesame", AllowPlaintext: true}
	c, events := start(t, testConfig(), options)
	s := plain.Accept()
	s.SkipUntil("USER")
	s.Send("CAP * LS * :server-time sasl", fmt.Sprintf("CAP * LS :away-notify sts=port=%d,duration=300", secure.Port()))
	// Nothing else is said here.
	s.ExpectClosed()
	s = secure.Accept()
	s.SkipUntil("USER")
	s.Send(fmt.Sprintf("CAP * LS :sts=duration=3600,port=%d sasl=PLAIN", plain.Port()))
	s.ExpectLines("CAP REQ sasl")
	s.Send("CAP * ACK :sasl")
	s.ExpectLines("AUTHENTICATE PLAIN")
	s.Send("AUTHENTICATE +")
	s.Expect("AUTHENTICATE ")
	s.Send(successLine)
	s.ExpectLines("CAP END")
	welcomeJuliet(s)
	if got := waitFor[Registered](t, events, nil); !got.Secure || got.Address != secure.Addr() {
		t.Errorf("got %+v", got)
	}
	s.Send("CAP juliet NEW :sts=duration=7200")
	waitFor(t, events, func(e STSReceived) bool { return e.Duration == 2*time.Hour })
	s.Send("CAP juliet DEL :sts", "PING :x")
	s.ExpectLines("PONG x")
	want := []STSReceived{
		{Host: "127.0.0.1", Port: secure.Port()},
		{Host: "127.0.0.1", Port: secure.Port(), Duration: time.Hour, Secure: true},
		{Host: "127.0.0.1", Port: secure.Port(), Duration: 2 * time.Hour, Secure: true},
	}
	if got := eventsOf[STSReceived](events.all()); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	// The duration counts from the end of the connection.
	c.Close()
	if end := waitFor[Disconnected](t, events, nil); end.STS != want[2] {
		t.Errorf("got %+v", end)
	}
}

// There is no way back to the clear: not at the same address, nor at another of
// the same host.
func TestSTSUpgradeThatFails(t *testing.T) {
	plain, secure, options := upgradeTest(t)
	second := irctest.NewServer(t)
	options.Addresses = append(options.Addresses, testOptions(second).Addresses...)
	// Not even a wish for any certificate opens one.
	options.TLS, options.Verify = nil, AcceptAnyCertificate
	_, events := start(t, testConfig(), options)
	s := plain.Accept()
	s.SkipUntil("USER")
	s.Send(fmt.Sprintf("CAP * LS :sts=port=%d", secure.Port()))
	s.ExpectClosed()
	if err := secure.Handshake(); err == nil {
		t.Error("the client said something")
	}
	assertFailure(t, events, KindTLSFailed, 0, "not signed by an authority")
	for _, e := range eventsOf[Progress](events.all()) {
		if strings.Contains(e.Text, second.Addr()) {
			t.Errorf("got %q", e.Text)
		}
	}
}

// What is known from before is used at once.
func TestSTSKnown(t *testing.T) {
	plain, secure, options := upgradeTest(t)
	for _, policy := range []STSPolicy{{Port: secure.Port()}, {Port: secure.Port(), Host: "127.0.0.1"}} {
		options.STS = policy
		_, events := start(t, testConfig(), options)
		secure.Accept().Register(irctest.Registration{})
		if got := waitFor[Registered](t, events, nil); !got.Secure {
			t.Errorf("got %+v", got)
		}
	}
	options.STS = STSPolicy{Port: secure.Port(), Host: "irc.example"}
	_, events := start(t, testConfig(), options)
	plain.Accept().Register(irctest.Registration{})
	if got := waitFor[Registered](t, events, nil); got.Secure {
		t.Errorf("got %+v", got)
	}
}

func TestSTSKnownIsNotBypassed(t *testing.T) {
	_, secure, options := upgradeTest(t)
	options.STS = STSPolicy{Port: secure.Port()}
	options.TLS, options.Verify = nil, AcceptAnyCertificate
	_, events := start(t, testConfig(), options)
	if err := secure.Handshake(); err == nil {
		t.Error("the client said something")
	}
	assertFailure(t, events, KindTLSFailed, 0, "not signed by an authority")
}

// Each part counts on its own kind of connection only, and a policy of a server
// that nobody vouches for does not count at all.
func TestSTSIgnored(t *testing.T) {
	insecure, secure := irctest.NewServer(t), irctest.NewTLSServer(t)
	unverified := testOptions(secure)
	unverified.TLS, unverified.Verify = nil, AcceptAnyCertificate
	tests := []struct {
		name    string
		server  *irctest.Server
		options Options
		value   string
	}{
		{"duration in the clear", insecure, testOptions(insecure), "sts=duration=300"},
		{"no value", insecure, testOptions(insecure), "sts"},
		{"bad port", insecure, testOptions(insecure), "sts=port=x"},
		{"port with TLS", secure, testOptions(secure), "sts=port=1"},
		{"not verified", secure, unverified, "sts=duration=300"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, events, _ := connect(t, testConfig(), test.options, test.server, irctest.Registration{Caps: []string{test.value}})
			c.Close()
			end := waitFor[Disconnected](t, events, nil)
			if got := eventsOf[STSReceived](events.all()); len(got) > 0 || end.STS != (STSReceived{}) {
				t.Errorf("got %+v, %+v", got, end)
			}
		})
	}
}

// A server that begins to want TLS ends a connection that is registered; whoever
// made it begins again.
func TestSTSWhileRegistered(t *testing.T) {
	plain, secure, options := upgradeTest(t)
	_, events, s := connect(t, testConfig(), options, plain, irctest.Registration{Caps: []string{"cap-notify"}})
	s.Send(fmt.Sprintf("CAP juliet NEW :sts=port=%d", secure.Port()))
	s.ExpectClosed()
	assertFailure(t, events, KindServerClosed, 0, "wants TLS")
	if got := eventsOf[STSReceived](events.all()); len(got) != 1 || got[0].Port != secure.Port() {
		t.Errorf("got %+v", got)
	}
}
