package ircconn

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/irctest"
)

// TestSASLObstacles: where a login is required and cannot be, the connection ends
// with a reason, and does not wait.
func TestSASLObstacles(t *testing.T) {
	plain := SASLOptions{Account: "jilles", Password: "sesame"}
	tests := []struct {
		name   string
		sasl   SASLOptions
		secure bool
		answer []string // to CAP LS
		text   string
	}{
		{"no SASL", plain, true, []string{"CAP * LS :server-time", "CAP * ACK :server-time"}, "offers no SASL"},
		{"no capabilities", plain, true, []string{"CAP * LS :"}, "offers no SASL"},
		{"no CAP", plain, true, []string{":irc.test 421 * CAP :Unknown command"}, "offers no SASL"},
		{"no CAP LS", plain, true, []string{":irc.test 410 * LS :Invalid CAP subcommand"}, "offers no SASL"},
		{"CAP left out", plain, true, []string{":irc.test 001 juliet :Welcome"}, "offers no SASL"},
		{"refused", plain, true, []string{"CAP * LS :sasl", "CAP * NAK :sasl"}, "no SASL"},
		{"others only", plain, true, []string{"CAP * LS :sasl=EXTERNAL,FOO"}, "offers EXTERNAL,FOO and none of SCRAM-SHA-256, PLAIN"},
		{"in the clear", plain, false, []string{"CAP * LS :sasl=PLAIN"}, "without TLS"},
		{"EXTERNAL without certificate", SASLOptions{Mechanisms: []string{"EXTERNAL"}}, true, []string{"CAP * LS :sasl"}, "needs a client certificate"},
		{"EXTERNAL in the clear", SASLOptions{Mechanisms: []string{"EXTERNAL"}}, false, []string{"CAP * LS :sasl"}, "only with TLS"},
		{"no password", SASLOptions{Mechanisms: []string{"PLAIN"}, Account: "jilles"}, true, []string{"CAP * LS :sasl"}, "PLAIN needs an account and a password"},
		{"unknown mechanism", SASLOptions{Mechanisms: []string{"FOO"}}, true, []string{"CAP * LS :sasl"}, "FOO is not a mechanism"},
		{"NUL", SASLOptions{Account: "a", Password: "b\x00c"}, true, []string{"CAP * LS :sasl"}, "NUL"},
		{"welcomed at once", plain, true, []string{"CAP * LS :sasl", "CAP * ACK :sasl", ":irc.test 001 juliet :Welcome"}, "went on without waiting"},
		{"withdrawn", plain, true, []string{"CAP * LS :sasl", "CAP * ACK :sasl", "CAP * DEL :sasl"}, "have gone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := irctest.NewServer(t)
			if test.secure {
				server = irctest.NewTLSServer(t)
			}
			options := testOptions(server)
			options.SASL = test.sasl
			_, events := start(t, testConfig(), options)
			s := server.Accept()
			s.SkipUntil("USER")
			s.Send(test.answer...)
			s.ExpectClosed()
			assertFailure(t, events, KindLogin, 0, test.text)
			if len(eventsOf[Registered](events.all())) > 0 {
				t.Error("registered")
			}
		})
	}
}

// TestSASLOptional: the same obstacles do not stop a registration.
func TestSASLOptional(t *testing.T) {
	tests := []struct {
		name   string
		answer []string
		expect []string
		after  []string
		end    []string
	}{
		{"no SASL", []string{"CAP * LS :"}, []string{"CAP END"}, nil, nil},
		{"no CAP", []string{":irc.test 421 * CAP :Unknown command"}, nil, nil, nil},
		{"no CAP LS", []string{":irc.test 410 * LS :Invalid CAP subcommand"}, []string{"CAP END"}, nil, nil},
		{"refused capability", []string{"CAP * LS :sasl", "CAP * NAK :sasl"}, []string{"CAP REQ sasl", "CAP END"}, nil, nil},
		{
			"refused", []string{"CAP * LS :sasl=PLAIN", "CAP * ACK :sasl"},
			[]string{"CAP REQ sasl", "AUTHENTICATE PLAIN"},
			[]string{refusedLine},
			[]string{"CAP END"},
		},
		{
			"aborted by us", []string{"CAP * LS :sasl=PLAIN", "CAP * ACK :sasl"},
			[]string{"CAP REQ sasl", "AUTHENTICATE PLAIN"},
			[]string{"AUTHENTICATE ????", ":irc.test 906 juliet :SASL authentication aborted"},
			[]string{"AUTHENTICATE *", "CAP END"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := irctest.NewTLSServer(t)
			options := saslOptions(server)
			options.SASL.Policy = SASLOptional
			_, events := start(t, testConfig(), options)
			s := server.Accept()
			s.SkipUntil("USER")
			s.Send(test.answer...)
			s.ExpectLines(test.expect...)
			if len(test.after) > 0 {
				s.Send(test.after...)
			}
			s.ExpectLines(test.end...)
			welcomeJuliet(s)
			waitFor[Registered](t, events, nil)
			waitFor(t, events, func(e Progress) bool { return strings.Contains(e.Text, "without a login") })
			if refused := eventsOf[Refused](events.all()); len(refused) > 0 {
				t.Errorf("got %+v", refused)
			}
		})
	}
}

func TestSASLAllowPlaintext(t *testing.T) {
	server := irctest.NewServer(t)
	options := saslOptions(server)
	options.SASL.AllowPlaintext = true
	start(t, testConfig(), options)
	s := server.Accept()
	negotiate(s, "sasl=PLAIN")
	s.ExpectLines("AUTHENTICATE PLAIN")
}

// A certificate alone asks for no SASL: many networks do without.
func TestCertificateWithoutSASL(t *testing.T) {
	for _, offer := range []string{"", "sasl=PLAIN"} {
		server := irctest.NewTLSServer(t)
		options := testOptions(server)
		certificate := irctest.NewCertificate(t)
		options.Certificate = &certificate
		_, events := start(t, testConfig(), options)
		s := server.Accept()
		s.SkipUntil("USER")
		s.Send("CAP * LS :" + offer)
		s.ExpectLines("CAP END")
		welcomeJuliet(s)
		waitFor[Registered](t, events, nil)
		if progress := eventsOf[Progress](events.all()); len(progress) != 1 {
			t.Errorf("got %+v", progress)
		}
	}
}

// A certificate that the services do not know yet is no reason to stay out.
func TestCertificateUnknownToTheServices(t *testing.T) {
	server := irctest.NewTLSServer(t)
	options := testOptions(server)
	certificate := irctest.NewCertificate(t)
	options.Certificate = &certificate
	_, events := start(t, testConfig(), options)
	s := server.Accept()
	negotiate(s, "sasl")
	s.ExpectLines("AUTHENTICATE EXTERNAL")
	s.Send(refusedLine)
	s.ExpectLines("CAP END")
	welcomeJuliet(s)
	waitFor[Registered](t, events, nil)
}

// An earlier refusal does not explain what happens after a login that worked.
func TestSASLSuccessForgetsRefusal(t *testing.T) {
	server := irctest.NewTLSServer(t)
	_, events := start(t, testConfig(), saslOptions(server))
	s := server.Accept()
	negotiate(s, "sasl")
	s.ExpectLines("AUTHENTICATE SCRAM-SHA-256")
	s.Send(refusedLine)
	s.ExpectLines("AUTHENTICATE PLAIN")
	s.Send(":irc.test 907 juliet :You have already authenticated")
	s.ExpectLines("CAP END")
	s.Send("ERROR :Closing link: too many connections")
	assertFailure(t, events, KindRefused, 0, "too many connections")
}

func TestSASLAgainWhenOffered(t *testing.T) {
	server := irctest.NewTLSServer(t)
	options := saslOptions(server)
	options.SASL.Policy = SASLOptional
	_, events, s := connect(t, testConfig(), options, server, irctest.Registration{Caps: []string{"cap-notify"}})
	s.Send("CAP juliet NEW :sasl=PLAIN")
	s.ExpectLines("CAP REQ sasl")
	s.Send("CAP juliet ACK :sasl")
	s.ExpectLines("AUTHENTICATE PLAIN")
	s.Send("AUTHENTICATE +")
	s.Expect("AUTHENTICATE ")
	s.Send(refusedLine)
	// The connection goes on, and the refusal is shown.
	waitFor(t, events, func(e Refused) bool { return e.Numeric == 904 })

	// It was not taken away before, and is not asked for again.
	s.Send("CAP juliet NEW :sasl=PLAIN")
	s.ExpectLines("AUTHENTICATE PLAIN")
	s.Send("CAP juliet DEL :sasl", "CAP juliet NEW :sasl=PLAIN")
	s.ExpectLines("CAP REQ sasl")
	s.Send("CAP juliet ACK :sasl")
	s.ExpectLines("AUTHENTICATE PLAIN")
	s.Send("AUTHENTICATE +")
	s.Expect("AUTHENTICATE ")
	s.Send(loggedInLine, successLine)
	waitFor[LoggedIn](t, events, nil)

	// Logged in, there is nothing to do.
	s.Send("CAP juliet DEL :sasl", "CAP juliet NEW :sasl=PLAIN", "PING :x")
	s.ExpectLines("PONG x")
}

// TestSASLLoggedInByPassword: a server that takes PASS for a login as well leaves nothing to do,
// whether it says so before or after SASL was asked for.
func TestSASLLoggedInByPassword(t *testing.T) {
	for name, negotiates := range map[string]func(*irctest.Conversation){
		"before": func(s *irctest.Conversation) { s.Send(loggedInLine, successLine, "CAP * LS :sasl=PLAIN") },
		"after": func(s *irctest.Conversation) {
			s.Send("CAP * LS :sasl=PLAIN")
			s.ExpectLines("CAP REQ sasl")
			s.Send(loggedInLine, successLine, "CAP * ACK :sasl")
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := irctest.NewTLSServer(t)
			options := saslOptions(server)
			options.Password = "jilles:sesame"
			_, events := start(t, testConfig(), options)
			s := server.Accept()
			s.SkipUntil("USER")
			negotiates(s)
			s.ExpectLines("CAP END")
			welcomeJuliet(s)
			waitFor[Registered](t, events, nil)
			if got := eventsOf[LoggedIn](events.all()); len(got) != 1 || got[0].Account != "jilles" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestSASLNumericsWithoutLogin(t *testing.T) {
	r := newRecorder()
	s := newTestSession(r.sink)
	for _, line := range []string{"AUTHENTICATE +", "903 juliet :x", "904 juliet :x", "907 juliet :x", "908 juliet PLAIN :x"} {
		s.receive([]byte(line))
	}
	if got := eventsOf[Refused](r.all()); len(got) != 2 || got[0].Numeric != 904 || got[1].Numeric != 907 {
		t.Errorf("got %+v", got)
	}
	if got := eventsOf[Reply](r.all()); len(got) != 2 {
		t.Errorf("got %+v", got)
	}
}

// inLoginPipe is inPipe with something to log in with.
func inLoginPipe(t *testing.T, policy SASLPolicy, test func(*pipeTest)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipeTest{t: t, events: newRecorder(), began: time.Now()}
		options := testOptions()
		options.SASL = SASLOptions{Account: "jilles", Password: "sesame", AllowPlaintext: true, Policy: policy}
		p.conn, p.theirs = pipeConn(new(testConfig()), options, p.events.sink)
		p.server = irctest.Converse(t, p.theirs)
		test(p)
		p.conn.Close()
		_ = p.theirs.Close()
		<-p.conn.Done()
	})
}

func TestSASLWithoutAnswer(t *testing.T) {
	inLoginPipe(t, SASLRequired, func(p *pipeTest) {
		negotiate(p.server, "sasl=PLAIN")
		p.server.ExpectLines("AUTHENTICATE PLAIN")
		p.expectEnd(60*time.Second, KindLogin)
	})
	inLoginPipe(t, SASLOptional, func(p *pipeTest) {
		negotiate(p.server, "sasl=PLAIN")
		p.server.ExpectLines("AUTHENTICATE PLAIN")
		p.expectAfter(60*time.Second, "AUTHENTICATE *")
		p.expectAfter(60*time.Second, "CAP END")
		welcomeJuliet(p.server)
		waitFor[Registered](t, p.events, nil)
		// That it is broken off is no news; what comes of a user's own is.
		p.server.Send(":irc.test 906 juliet :SASL authentication aborted", ":irc.test 906 juliet :again")
		if refused := waitFor[Refused](t, p.events, nil); refused.Text != "again" {
			t.Errorf("told is %+v", refused)
		}
	})
	// The server gets as long as ever for the rest.
	inLoginPipe(t, SASLOptional, func(p *pipeTest) {
		negotiate(p.server, "sasl=PLAIN")
		p.server.ExpectLines("AUTHENTICATE PLAIN")
		p.expectAfter(60*time.Second, "AUTHENTICATE *")
		p.expectAfter(60*time.Second, "CAP END")
		p.expectEnd(120*time.Second, KindTimeout)
	})
}

// Neither password nor challenge gets into the trace.
func TestSASLTrace(t *testing.T) {
	var log bytes.Buffer
	server := irctest.NewTLSServer(t)
	options := saslOptions(server)
	options.WEBIRC = &WEBIRC{Password: "webircsecret", Gateway: "passerelle", Address: netip.MustParseAddr("192.0.2.1")}
	options.SASL.Mechanisms = []string{"PLAIN"}
	r := newRecorder()
	c := Start(new(testConfig()), options, r.sink, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: LevelTrace})))
	s := server.Accept()
	negotiate(s, "sasl")
	s.ExpectLines("AUTHENTICATE PLAIN")
	s.Send("AUTHENTICATE +")
	secret := strings.TrimPrefix(s.Expect("AUTHENTICATE "), "AUTHENTICATE ")
	s.Send(refusedLine)
	s.ExpectClosed()
	waitDone(t, c)
	for _, text := range []string{"sesame", secret, "webircsecret"} {
		if strings.Contains(log.String(), text) {
			t.Errorf("%q is in the log:\n%s", text, &log)
		}
	}
	if !strings.Contains(log.String(), "AUTHENTICATE ***") {
		t.Errorf("no trace:\n%s", &log)
	}
}

func FuzzSASLChallenge(f *testing.F) {
	f.Add("r=abcd,s=c2FsdA==,i=4096")
	f.Add("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
	f.Add(",,=,r==")
	f.Fuzz(func(t *testing.T, challenge string) {
		s := newScram("user", "pencil")
		s.nonce = "abc"
		if _, err := s.respond(nil); err != nil {
			t.Fatal(err)
		}
		if p, err := parseScramFirst(challenge); err == nil && (p.iterations < minScramIterations || p.iterations > maxScramIterations || len(p.salt) == 0) {
			t.Fatalf("got %+v", p)
		}
		s.step, s.signature = scramVerify, []byte{1}
		if _, err := s.respond([]byte(challenge)); err == nil && !strings.HasPrefix(challenge, "v=AQ==") {
			t.Fatalf("%q was taken for a proof", challenge)
		}
		// The whole of a session: whatever comes, it goes on or ends with a reason.
		session := newTestSession(func(*Conn, Event) {})
		session.sasl = &loginSettings{SASLOptions: SASLOptions{Account: "jilles", Password: "sesame"}}
		session.caps = NewCaps(saslCap)
		session.capLists.read(saslCap)
		session.logIn()
		for _, line := range strings.Split(challenge, ",") {
			session.receive([]byte("AUTHENTICATE +"))
			session.receive([]byte("AUTHENTICATE " + line))
		}
	})
}
