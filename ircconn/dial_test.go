package ircconn

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

func TestNextAddress(t *testing.T) {
	closed, throttled, good := irctest.NewServer(t), irctest.NewServer(t), irctest.NewServer(t)
	closed.Close()
	_, events := start(t, testConfig(), testOptions(closed, throttled, good))
	s := throttled.Accept()
	s.SkipUntil("USER")
	s.Send("ERROR :Throttled")
	s.ExpectClosed()
	good.Accept().Register(irctest.Registration{})
	if got := waitFor[Registered](t, events, nil); got.Address != good.Addr() {
		t.Fatalf("got %+v", got)
	}
	var texts []string
	for _, progress := range eventsOf[Progress](events.all()) {
		texts = append(texts, progress.Text)
	}
	want := []string{
		"Connecting to " + closed.Addr() + " without TLS…",
		"Could not connect to " + closed.Addr() + ": connection refused.",
		"Connecting to " + throttled.Addr() + " without TLS…",
		sentence(throttled.Addr() + " refused the registration: Throttled"),
		"Connecting to " + good.Addr() + " without TLS…",
	}
	if !slices.Equal(texts, want) {
		t.Fatalf("got  %q\nwant %q", texts, want)
	}
}

func TestDialFailures(t *testing.T) {
	closed := irctest.NewServer(t)
	closed.Close()
	_, events := start(t, testConfig(), testOptions(closed))
	assertFailure(t, events, KindConnect, 0, "connection refused")
	if end := waitFor[Disconnected](t, events, nil); !errors.Is(end.Err, syscall.ECONNREFUSED) {
		t.Errorf("the cause is lost: %v", end.Err)
	}

	_, events = start(t, testConfig(), Options{Nick: "juliet"})
	assertFailure(t, events, KindLocal, 0, "no address")

	notFound := dialError(Address{Host: "nowhere.invalid", Port: 6697}, &net.DNSError{Err: "no such host", IsNotFound: true})
	if notFound.Kind != KindResolve || !strings.Contains(notFound.Error(), "nowhere.invalid") {
		t.Errorf("got %+v", notFound)
	}
	late := dialError(Address{Host: "irc.test", Port: 6697}, &net.DNSError{Err: "timeout", IsTimeout: true})
	if late.Kind != KindTimeout {
		t.Errorf("got %+v", late)
	}
}

func TestTLS(t *testing.T) {
	server := irctest.NewTLSServer(t)
	options := testOptions(server)
	_, events, s := connect(t, testConfig(), options, server, irctest.Registration{})
	if got := waitFor[Registered](t, events, nil); !got.Secure {
		t.Errorf("got %+v", got)
	}
	// More than one record, and more than one buffer.
	long := strings.Repeat("a", 20000)
	s.Send(":a!b@c PRIVMSG #c :"+long, ":a!b@c PRIVMSG #c :next")
	waitFor(t, events, func(m Message) bool { return m.Text == "next" })
	// One byte at a time.
	for _, b := range ":a!b@c PRIVMSG #c :slow\r\n" {
		s.SendRaw(string(b))
	}
	waitFor(t, events, func(m Message) bool { return m.Text == "slow" })
}

func TestTLSByCAFile(t *testing.T) {
	server := irctest.NewTLSServer(t)
	config, options := testConfig(), testOptions(server)
	config.CAFile, options.TLS = server.CAFile(), nil
	connect(t, config, options, server, irctest.Registration{})
}

func TestTLSFailures(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name   string
		server *irctest.Server
		trust  bool
		text   string
	}{
		{"unknown authority", irctest.NewTLSServer(t), false, "not signed by an authority that is trusted here"},
		{"other host", irctest.NewTLSServer(t, "other.example"), true, "is not for 127.0.0.1 but for other.example"},
		{"expired", irctest.NewTLSServerValid(t, now.Add(-48*time.Hour), now.Add(-24*time.Hour)), true, "expired on"},
		{"not yet valid", irctest.NewTLSServerValid(t, now.Add(24*time.Hour), now.Add(48*time.Hour)), true, "not valid before"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			options := testOptions(test.server)
			if !test.trust {
				options.TLS = nil
			}
			_, events := start(t, testConfig(), options)
			if err := test.server.Handshake(); err == nil {
				t.Error("the handshake succeeded")
			}
			assertFailure(t, events, KindTLSFailed, 0, test.text)
		})
	}
	t.Run("old version", func(t *testing.T) {
		server := irctest.NewTLSServer(t)
		server.TLS().MinVersion, server.TLS().MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		_, events := start(t, testConfig(), testOptions(server))
		if err := server.Handshake(); err == nil {
			t.Error("the handshake succeeded")
		}
		assertFailure(t, events, KindTLSFailed, 0, "protocol version")
	})
	t.Run("no handshake", func(t *testing.T) {
		server := irctest.NewTLSServer(t)
		config := testConfig()
		config.ConnectTimeout = 50 * time.Millisecond
		_, events := start(t, config, testOptions(server))
		assertFailure(t, events, KindTimeout, 0, "perhaps this port is one without TLS")
	})
	t.Run("no authorities", func(t *testing.T) {
		server := irctest.NewTLSServer(t)
		config, options := testConfig(), testOptions(server)
		config.CAFile, options.TLS = "/does/not/exist", nil
		_, events := start(t, config, options)
		assertFailure(t, events, KindTLSFailed, 0, "additional authorities")
	})
	t.Run("plain port", func(t *testing.T) {
		server := irctest.NewServer(t)
		options := testOptions(server)
		options.Addresses[0].TLS = true
		_, events := start(t, testConfig(), options)
		s := server.Accept()
		s.Send(":irc.test NOTICE * :Looking up your host")
		assertFailure(t, events, KindTLSFailed, 0, "does not speak TLS")
		// Never in plain text instead.
		s.ExpectClosed()
	})
}
