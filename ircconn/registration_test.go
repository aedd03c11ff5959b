package ircconn

import (
	"slices"
	"strings"
	"testing"

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

func TestRegistrationRefused(t *testing.T) {
	tests := []struct {
		name    string
		send    []string
		kind    ErrorKind
		numeric int
		text    string
	}{
		{"wrong password", []string{":irc.test 464 * :Password incorrect", "ERROR :Closing link"}, KindRefused, 464, "Password incorrect"},
		{"no password, as ngIRCd says it", []string{"ERROR :Access denied: Bad password?"}, KindPassword, 0, "Bad password?: set the right server password"},
		{"no password, as InspIRCd says it", []string{"ERROR :Closing link: (j@192.0.2.1) [Access denied by configuration]"}, KindPassword, 0, "set the right server password"},
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
