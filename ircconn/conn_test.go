package ircconn

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

// modernCaps are what a modern server offers, with some that we do not take.
var modernCaps = append(slices.Clone(requestedCaps[:]), "sts=duration=300", "tls", "sasl=PLAIN", "draft/foo")

func TestRegistrationWithoutCapabilities(t *testing.T) {
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.Password = "s3cret word"
	c, events := start(t, testConfig(), options)
	client := server.Accept().Register(irctest.Registration{Nick: "jul", Host: "cloak", Support: []string{"NICKLEN=3", "NETWORK=Verona"}, Motd: []string{"hello"}})
	if client.Username != "jcapulet" || client.RealName != "Juliet Capulet" || client.Password != "s3cret word" {
		t.Errorf("the server got %+v", client)
	}
	got := waitFor[Registered](t, events, nil)
	if got.Nick != "jul" || got.Source != (Source{"jul", "jcapulet", "cloak"}) || got.Address != server.Addr() || got.Secure {
		t.Errorf("got %+v", got)
	}
	if got.Support.NickLen != 3 || got.Support.Network != "Verona" || !got.Caps.Equal(Caps{}) {
		t.Errorf("got %+v, %+v", got.Support, got.Caps)
	}
	if motd := waitFor[Motd](t, events, nil); !slices.Equal(motd.Lines, []string{"hello"}) {
		t.Errorf("got %+v", motd)
	}
	if progress := eventsOf[Progress](events.all()); len(progress) == 0 || !strings.Contains(progress[0].Text, "without TLS") {
		t.Errorf("got %+v", progress)
	}
	c.Close()
	if end := waitFor[Disconnected](t, events, nil); end.Err != nil || !end.WasRegistered {
		t.Errorf("got %+v", end)
	}
}

func TestRegistrationWithCapabilities(t *testing.T) {
	server := irctest.NewServer(t)
	_, events := start(t, testConfig(), testOptions(server))
	client := server.Accept().Register(irctest.Registration{Caps: modernCaps})
	for _, never := range []string{"sts", "tls", "sasl", "draft/foo"} {
		if slices.Contains(client.Requested, never) {
			t.Errorf("%s was requested", never)
		}
	}
	caps := waitFor[Registered](t, events, nil).Caps
	for _, name := range requestedCaps {
		if !caps.Has(name) {
			t.Errorf("%s is not in force", name)
		}
	}
}

// TestCapabilityTranscript plays what a helper cannot: lists in several lines, a
// refused batch, an answer in pieces, a dependency that is missing.
func TestCapabilityTranscript(t *testing.T) {
	server := irctest.NewServer(t)
	_, events := start(t, testConfig(), testOptions(server))
	s := server.Accept()
	s.ExpectLines("CAP LS 302", "NICK juliet", "USER jcapulet 0 * :Juliet Capulet")
	s.Send("CAP * LS * :away-notify chghost", "CAP * LS * :labeled-response sts=duration=300", "CAP * LS :server-time")
	s.ExpectLines("CAP REQ :away-notify chghost server-time")
	// Servers that cut the names short in NAK exist.
	s.Send(":irc.test CAP * NAK :away-not")
	s.ExpectLines("CAP REQ away-notify", "CAP REQ chghost", "CAP REQ server-time")
	s.Send("CAP * ACK :away-notify ", "CAP * NAK :chghost", "CAP * ACK :~server-time")
	s.ExpectLines("CAP END")
	s.Send(":irc.test 001 juliet :hi", ":irc.test 376 juliet :End")
	got := waitFor[Registered](t, events, nil)
	if !got.Caps.Equal(NewCaps("away-notify", "server-time")) {
		t.Fatalf("got %+v", got.Caps)
	}

	s.Send("CAP juliet NEW :batch=x labeled-response=max=2")
	s.ExpectLines("CAP REQ :batch labeled-response")
	s.Send("CAP juliet ACK :batch", "CAP juliet ACK :labeled-response")
	changed := waitFor(t, events, func(e CapsChanged) bool { return e.Caps.Has("labeled-response") })
	if changed.Caps.Value("batch") != "x" || changed.Caps.Value("labeled-response") != "max=2" {
		t.Errorf("got %+v", changed.Caps)
	}
	s.Send("CAP juliet DEL :away-notify")
	waitFor(t, events, func(e CapsChanged) bool { return !e.Caps.Has("away-notify") && e.Caps.Has("batch") })
	s.Send("CAP juliet ACK :-server-time")
	waitFor(t, events, func(e CapsChanged) bool { return !e.Caps.Has("server-time") })
}

func TestCapabilitiesAreEndedWithoutAny(t *testing.T) {
	for _, answer := range []string{"CAP * LS :", "CAP * LS :foo bar", ":irc.test 410 * LS :Invalid CAP subcommand"} {
		server := irctest.NewServer(t)
		_, events := start(t, testConfig(), testOptions(server))
		s := server.Accept()
		s.SkipUntil("USER")
		s.Send(answer)
		s.ExpectLines("CAP END")
		s.Send("001 juliet", "422 juliet")
		waitFor[Registered](t, events, nil)
	}
}

func TestServerThatKnowsNoCapabilities(t *testing.T) {
	for _, answer := range []string{":irc.test 451 * :You have not registered", ":irc.test 421 * CAP :Unknown command", ":irc.test NOTICE * :hi"} {
		server := irctest.NewServer(t)
		_, events := start(t, testConfig(), testOptions(server))
		s := server.Accept()
		s.SkipUntil("USER")
		s.Send(answer, "PING :cookie")
		s.ExpectLines("PONG cookie")
		s.Send("001 juliet", "422 juliet")
		waitFor[Registered](t, events, nil)
	}
}

func TestNickInUseAtRegistration(t *testing.T) {
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.AlternativeNicks = []string{"jul"}
	_, events := start(t, testConfig(), options)
	s := server.Accept()
	s.SkipUntil("USER")
	s.Send(":irc.test 421 * CAP :Unknown", ":irc.test 433 * juliet :Nickname is already in use")
	s.ExpectLines("NICK jul")
	s.Send(":irc.test 432 * jul :Erroneous nickname")
	s.ExpectLines("NICK juliet_")
	s.Send(":irc.test 436 * juliet_ :Collision")
	s.ExpectLines("NICK juliet__")
	s.Send(":irc.test 437 * juliet__ :Unavailable")
	s.ExpectLines("NICK juliet1")
	s.Send(":irc.test 001 juliet1 :Welcome", ":irc.test 422 juliet1 :No MOTD")
	if got := waitFor[Registered](t, events, nil); got.Nick != "juliet1" {
		t.Fatalf("got %+v", got)
	}
	progress := eventsOf[Progress](events.all())
	if len(progress) != 5 || !strings.Contains(progress[1].Text, "already in use") || !strings.Contains(progress[1].Text, "jul") {
		t.Errorf("got %+v", progress)
	}
}

func TestNicksExhausted(t *testing.T) {
	server := irctest.NewServer(t)
	_, events := start(t, testConfig(), testOptions(server))
	s := server.Accept()
	s.SkipUntil("USER")
	// In one piece: the client closes before it has read them all.
	s.Send(slices.Repeat([]string{":irc.test 433 * x :Nickname is already in use"}, maxNickAttempts)...)
	s.ExpectClosed()
	assertFailure(t, events, KindRefused, 433, "choose another nick")
}

// assertFailure checks the one Disconnected event of a connection.
func assertFailure(t *testing.T, events *recorder, kind ErrorKind, numeric int, text string) {
	t.Helper()
	end := waitFor[Disconnected](t, events, nil)
	var failure *Error
	if !errors.As(end.Err, &failure) || failure.Kind != kind || failure.Numeric != numeric || !strings.Contains(failure.Error(), text) {
		t.Fatalf("got %+v: %v", end, end.Err)
	}
	if all := eventsOf[Disconnected](events.all()); len(all) != 1 {
		t.Fatalf("%d Disconnected events", len(all))
	}
}

func TestRegistrationRefused(t *testing.T) {
	tests := []struct {
		name    string
		send    []string
		kind    ErrorKind
		numeric int
		text    string
	}{
		{"wrong password", []string{":irc.test 464 * :Password incorrect", "ERROR :Closing link"}, KindRefused, 464, "Password incorrect"},
		{"banned", []string{":irc.test 465 * :You are banned"}, KindRefused, 465, "You are banned"},
		{"error", []string{"ERROR :Closing link: too many connections"}, KindRefused, 0, "too many connections"},
		{"nothing", nil, KindServerClosed, 0, "before the registration was complete"},
		{"web server", []string{"HTTP/1.1 400 Bad Request"}, KindProtocol, 0, "does not speak IRC"},
		{"TLS port", []string{"\x15\x03\x01\x00\x02\x02\x46"}, KindProtocol, 0, "perhaps for TLS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := irctest.NewServer(t)
			_, events := start(t, testConfig(), testOptions(server))
			s := server.Accept()
			s.SkipUntil("USER")
			if len(test.send) > 0 {
				s.Send(test.send...)
			}
			s.Close()
			assertFailure(t, events, test.kind, test.numeric, test.text)
		})
	}
}

// TestImpossibleRegistration: what somebody configured cannot be sent.
func TestImpossibleRegistration(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"username":  func(o *Options) { o.Username = "j c" },
		"real name": func(o *Options) { o.RealName = "Juliet\r\nQUIT" },
		"password":  func(o *Options) { o.Password = "a\nb" },
		"nick":      func(o *Options) { o.Nick = strings.Repeat("n", 600) },
	} {
		t.Run(name, func(t *testing.T) {
			server := irctest.NewServer(t)
			options := testOptions(server)
			change(&options)
			_, events := start(t, testConfig(), options)
			assertFailure(t, events, KindLocal, 0, "cannot register")
		})
	}
}

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

func TestServerCloses(t *testing.T) {
	tests := []struct {
		name string
		end  func(*irctest.Conversation)
		text string
	}{
		{"with a reason", func(s *irctest.Conversation) {
			s.Send("ERROR :Closing link: (juliet@host) [Server going down]")
			s.Close()
		}, "Server going down"},
		{"without one", func(s *irctest.Conversation) { s.Close() }, "without a word"},
		{"broken", func(s *irctest.Conversation) { s.Reset() }, "connection reset"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := irctest.NewServer(t)
			_, events, s := connect(t, testConfig(), testOptions(server, server), server, irctest.Registration{})
			test.end(s)
			assertFailure(t, events, KindServerClosed, 0, test.text)
			if end := waitFor[Disconnected](t, events, nil); !end.WasRegistered {
				t.Error("WasRegistered is not set")
			}
		})
	}
}

func TestKilled(t *testing.T) {
	server := irctest.NewServer(t)
	_, events, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{})
	s.Send(":oper!o@h KILL juliet :spam", "ERROR :Killed (oper (spam))")
	assertFailure(t, events, KindServerClosed, 0, "Killed")
	all := events.all()
	if killed, ok := all[len(all)-2].(Killed); !ok || killed.Reason != "spam" || killed.Source.Nick != "oper" {
		t.Errorf("got %s", describe(all))
	}
}

// TestQueue: all lines of a call are queued, or none.
func TestQueue(t *testing.T) {
	server := irctest.NewServer(t)
	c, _, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{Caps: modernCaps})
	if err := send(c, Join("#c", ""), Privmsg("#c", "hello there").WithLabel("7")); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("JOIN #c", "@label=7 PRIVMSG #c :hello there")
	err := send(c, Privmsg("#c", "first"), Privmsg("#c", "second\nQUIT"))
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	if err := send(c, Privmsg("#c", "third")); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("PRIVMSG #c third")
	c.Close()
	if err := send(c, Join("#c", "")); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

// TestLineLenIsFollowed: the server's own limit holds, not always 512.
func TestLineLenIsFollowed(t *testing.T) {
	server := irctest.NewServer(t)
	c, _, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{Support: []string{"LINELEN=1024"}})
	long := strings.Repeat("a", 900)
	if err := send(c, Privmsg("#c", long)); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("PRIVMSG #c " + long)
	if err := send(c, Privmsg("#c", strings.Repeat("a", 1024))); err == nil {
		t.Fatal("a longer line was accepted")
	}
}

// TestQueueBeforeRegistration: lines wait, and go without what is not negotiated.
func TestQueueBeforeRegistration(t *testing.T) {
	server := irctest.NewServer(t)
	c, _ := start(t, testConfig(), testOptions(server))
	if err := send(c, Join("#c", "").WithLabel("1")); err != nil {
		t.Fatal(err)
	}
	s := server.Accept()
	s.Register(irctest.Registration{Caps: modernCaps})
	s.ExpectLines("JOIN #c")
}

func TestQuit(t *testing.T) {
	server := irctest.NewServer(t)
	config := testConfig()
	config.Burst, config.LineInterval = 1, time.Hour
	c, events, s := connect(t, config, testOptions(server), server, irctest.Registration{})
	if err := send(c, Privmsg("#c", "first"), Privmsg("#c", "second")); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("PRIVMSG #c first")
	c.Quit("good night")
	c.Quit("again")
	if err := send(c, Privmsg("#c", "third")); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	s.ExpectLines("QUIT :good night")
	s.Send(":juliet!j@h QUIT :Quit: good night", "ERROR :Closing link")
	s.ExpectClosed()
	if end := waitFor[Disconnected](t, events, nil); end.Err != nil || !end.WasRegistered {
		t.Fatalf("got %+v", end)
	}
	if quits := eventsOf[Quit](events.all()); len(quits) != 1 || !quits[0].Self {
		t.Errorf("got %+v", quits)
	}
}

func TestQuitWithAnImpossibleReason(t *testing.T) {
	server := irctest.NewServer(t)
	c, _, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{})
	c.Quit("a\r\nJOIN #c")
	s.ExpectLines("QUIT")
}

// TestCloseWhileConnecting: a server that accepts and says nothing, TLS or not.
func TestCloseWhileConnecting(t *testing.T) {
	for _, server := range []*irctest.Server{irctest.NewServer(t), irctest.NewTLSServer(t)} {
		for _, end := range []func(*Conn){(*Conn).Close, func(c *Conn) { c.Quit("") }} {
			r := newRecorder()
			c := Start(testConfig(), testOptions(server), r.sink, nil)
			conn := server.AcceptRaw()
			end(c)
			// A registering connection waits for the answer to its QUIT.
			_ = conn.Close()
			waitDone(t, c)
			if all := r.all(); len(eventsOf[Disconnected](all)) != 1 || all[len(all)-1].(Disconnected) != (Disconnected{}) {
				t.Fatalf("got %s", describe(all))
			}
		}
	}
}

// TestCloseReleasesTheSink: closing neither waits for a sink that waits nor
// loses the last event.
func TestCloseReleasesTheSink(t *testing.T) {
	server := irctest.NewServer(t)
	blocked, last := make(chan struct{}), make(chan Event, 1)
	var once sync.Once
	sink := func(done <-chan struct{}, _ *Conn, event Event) {
		switch event.(type) {
		case Registered:
			once.Do(func() { close(blocked) })
			<-done
		case Disconnected:
			last <- event
		}
	}
	c := Start(testConfig(), testOptions(server), sink, nil)
	s := server.Accept()
	s.Register(irctest.Registration{})
	s.Send(":a!b@c PRIVMSG #c :lost")
	<-blocked
	c.Close()
	waitDone(t, c)
	if got := (<-last).(Disconnected); got.Err != nil || !got.WasRegistered {
		t.Fatalf("got %+v", got)
	}
}

// TestPanicEndsOnlyTheConnection: a fault in the receiver, or here.
func TestPanicEndsOnlyTheConnection(t *testing.T) {
	server := irctest.NewServer(t)
	r := newRecorder()
	var log bytes.Buffer
	sink := func(done <-chan struct{}, c *Conn, event Event) {
		if _, ok := event.(Registered); ok {
			panic("a fault")
		}
		r.sink(done, c, event)
	}
	options := testOptions(server)
	options.Traffic = new(Traffic)
	c := Start(testConfig(), options, sink, slog.New(slog.NewTextHandler(&log, nil)))
	server.Accept().Register(irctest.Registration{})
	waitDone(t, c)
	assertFailure(t, r, KindLocal, 0, "internal error")
	if !strings.Contains(log.String(), "a fault") || !strings.Contains(log.String(), "stack") {
		t.Errorf("the log has %s", log.String())
	}
	if got := options.Traffic.Stats().Panics; got != 1 {
		t.Errorf("%d faults were counted", got)
	}
}

// TestFloodOfPings: a server that asks and does not read makes nothing grow.
func TestFloodOfPings(t *testing.T) {
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	r := newRecorder()
	c := newConn(testConfig(), testOptions(), r.sink, nil)
	c.writer.attach(ours, &newReader(c, ours, Address{}).in)
	for i := range 10 * maxUrgentLines {
		c.writer.urgent(newLine("PONG", fmt.Sprint(i)))
	}
	c.writer.mu.Lock()
	waiting := len(c.writer.first)
	c.writer.mu.Unlock()
	if waiting > maxUrgentLines {
		t.Errorf("%d lines wait", waiting)
	}
	_ = ours.Close()
	c.writer.detach()
	c.writer.wait()
}

// TestLinesOverTheLimit: the rest is dropped, the connection stays.
func TestLinesOverTheLimit(t *testing.T) {
	server := irctest.NewServer(t)
	config := testConfig()
	_, events, s := connect(t, config, testOptions(server), server, irctest.Registration{})
	head := ":a!b@c PRIVMSG #c :"
	s.Send(head+strings.Repeat("x", 3*config.MaxLineBytes), head+"after")
	waitFor(t, events, func(m Message) bool { return m.Text == "after" })
	if got := eventsOf[Message](events.all())[0]; len(got.Text) != config.MaxLineBytes-len(head) {
		t.Fatalf("%d bytes of text", len(got.Text))
	}
}

// TestNoGoroutinesAreLeft after connections have ended in all ways.
func TestNoGoroutinesAreLeft(t *testing.T) {
	server := irctest.NewServer(t)
	before := runtime.NumGoroutine()
	for _, end := range []func(*Conn, *irctest.Conversation){
		func(c *Conn, _ *irctest.Conversation) { c.Close() },
		func(c *Conn, s *irctest.Conversation) { c.Quit("bye"); s.SkipUntil("QUIT"); s.Close() },
		func(_ *Conn, s *irctest.Conversation) { s.Close() },
		func(_ *Conn, s *irctest.Conversation) { s.Reset() },
	} {
		r := newRecorder()
		config := testConfig()
		config.LineInterval = time.Hour
		c := Start(config, testOptions(server), r.sink, nil)
		s := server.Accept()
		s.Register(irctest.Registration{})
		waitFor[Registered](t, r, nil)
		if err := send(c, slices.Repeat([]Line{Privmsg("#c", "x")}, 50)...); err != nil {
			t.Fatal(err)
		}
		s.Expect("PRIVMSG")
		end(c, s)
		waitDone(t, c)
	}
	// What has ended may need a moment to be gone.
	deadline := time.Now().Add(patience)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	server := irctest.NewServer(t)
	c, _, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{Caps: modernCaps})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 50 {
				_ = send(c, Privmsg("#c", fmt.Sprint(i, j)).WithLabel("x").WithReceipt(uint64(j+1)))
			}
		})
	}
	for range 50 {
		s.Send("PING :x", ":irc.test 005 juliet NICKLEN=30 :are supported", ":a!b@c PRIVMSG #c :hi")
	}
	for range 50 {
		s.SkipUntil("PONG")
	}
	group.Wait()
	c.Quit("bye")
	s.SkipUntil("QUIT")
	c.Close()
	waitDone(t, c)
}
