package ircconn

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mellium.im/sasl"

	"passerelle/internal/irctest"
)

func saslOptions(server *irctest.Server) Options {
	options := testOptions(server)
	options.SASL = SASLOptions{Account: "jilles", Password: "sesame"}
	return options
}

// negotiate plays a registration up to the point where the client may
// authenticate.
func negotiate(s *irctest.Conversation, offer string) {
	s.SkipUntil("USER")
	s.Send("CAP * LS :" + offer)
	s.ExpectLines("CAP REQ sasl")
	s.Send("CAP * ACK :sasl")
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

const (
	loggedInLine = ":irc.test 900 juliet juliet!u@h jilles :You are now logged in as jilles"
	successLine  = ":irc.test 903 juliet :SASL authentication successful"
	refusedLine  = ":irc.test 904 juliet :SASL authentication failed"
)

func welcomeJuliet(s *irctest.Conversation) {
	s.Send(":irc.test 001 juliet :Welcome", ":irc.test 422 juliet :No message of the day")
}

func TestSASLPlain(t *testing.T) {
	for _, offer := range []string{"sasl", "sasl=PLAIN,EXTERNAL", "sasl=plain", "sasl=DH-AES,PLAIN,FOO"} {
		server := irctest.NewTLSServer(t)
		options := saslOptions(server)
		options.SASL.Mechanisms = []string{"PLAIN"}
		_, events := start(t, testConfig(), options)
		s := server.Accept()
		negotiate(s, offer)
		s.ExpectLines("AUTHENTICATE PLAIN")
		s.Send(":irc2.test AUTHENTICATE +")
		s.ExpectLines("AUTHENTICATE " + encoded("\x00jilles\x00sesame"))
		s.Send(loggedInLine, successLine)
		s.ExpectLines("CAP END")
		welcomeJuliet(s)
		waitFor[Registered](t, events, nil)
		if got := eventsOf[LoggedIn](events.all()); len(got) != 1 || got[0].Account != "jilles" {
			t.Errorf("%s: got %+v", offer, got)
		}
		s.Send(":irc.test 901 juliet juliet!u@h :You are now logged out")
		waitFor[LoggedOut](t, events, nil)
	}
}

// TestSASLPieces is about responses of more than 400 bytes, and of exactly so
// many, which an empty one must follow.
func TestSASLPieces(t *testing.T) {
	for _, length := range []int{10, 300 - len("\x00jilles\x00"), 600 - len("\x00jilles\x00"), 700} {
		server := irctest.NewTLSServer(t)
		options := saslOptions(server)
		options.SASL.Mechanisms = []string{"PLAIN"}
		options.SASL.Password = strings.Repeat("x", length)
		_, _ = start(t, testConfig(), options)
		s := server.Accept()
		negotiate(s, "sasl")
		s.ExpectLines("AUTHENTICATE PLAIN")
		s.Send("AUTHENTICATE +")
		rest := encoded("\x00jilles\x00" + options.SASL.Password)
		for len(rest) >= 400 {
			s.ExpectLines("AUTHENTICATE " + rest[:400])
			rest = rest[400:]
		}
		if rest == "" {
			rest = "+"
		}
		s.ExpectLines("AUTHENTICATE " + rest)
		s.Send(successLine)
		s.ExpectLines("CAP END")
	}
}

func TestSASLExternal(t *testing.T) {
	server := irctest.NewTLSServer(t)
	server.TLS().ClientAuth = tls.RequireAnyClientCert
	options := saslOptions(server)
	certificate := irctest.NewCertificate(t)
	options.Certificate = &certificate
	_, events := start(t, testConfig(), options)
	s := server.Accept()
	if !slices.Equal(s.ClientCertificate().Raw, certificate.Certificate[0]) {
		t.Error("the certificate was not shown")
	}
	negotiate(s, "sasl=PLAIN,EXTERNAL")
	s.ExpectLines("AUTHENTICATE EXTERNAL")
	s.Send("AUTHENTICATE +")
	s.ExpectLines("AUTHENTICATE +")
	s.Send(loggedInLine, successLine)
	s.ExpectLines("CAP END")
	welcomeJuliet(s)
	waitFor[Registered](t, events, nil)
}

// A server that asks for certificates of certain authorities still gets ours.
func TestCertificateWhateverTheServerAsksFor(t *testing.T) {
	server := irctest.NewTLSServer(t)
	server.TLS().ClientAuth = tls.RequestClientCert
	server.TLS().ClientCAs = server.Roots()
	options := testOptions(server)
	certificate := irctest.NewCertificate(t)
	options.Certificate = &certificate
	start(t, testConfig(), options)
	if got := server.Accept().ClientCertificate(); got == nil || !slices.Equal(got.Raw, certificate.Certificate[0]) {
		t.Error("the certificate was not shown")
	}
}

// scramServer is an implementation that is not ours.
func scramServer(password string) *sasl.Negotiator {
	salt := []byte("a salt of bytes")
	salted, err := pbkdf2.Key(sha256.New, password, salt, 4096, sha256.Size)
	if err != nil {
		panic(err)
	}
	return sasl.NewServer(sasl.ScramSha256, func(*sasl.Negotiator) bool { return true },
		sasl.SaltedCredentials(func(user, _ []byte, _ string) ([]byte, []byte, int64, error) {
			if string(user) != "jilles" {
				return nil, nil, 0, sasl.ErrAuthn
			}
			return salt, salted, 4096, nil
		}))
}

// readResponse reads one response of the client in pieces.
func readResponse(t *testing.T, s *irctest.Conversation) []byte {
	t.Helper()
	var text string
	for {
		piece := strings.TrimPrefix(s.Expect("AUTHENTICATE "), "AUTHENTICATE ")
		if piece != "+" {
			text += piece
		}
		if len(piece) < 400 {
			break
		}
	}
	response, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestSASLScram(t *testing.T) {
	server := irctest.NewTLSServer(t)
	_, events := start(t, testConfig(), saslOptions(server))
	s := server.Accept()
	negotiate(s, "sasl=PLAIN,SCRAM-SHA-256")
	s.ExpectLines("AUTHENTICATE SCRAM-SHA-256")
	scram := scramServer("sesame")
	s.Send("AUTHENTICATE +")
	for range 2 {
		_, challenge, err := scram.Step(readResponse(t, s))
		if err != nil {
			t.Fatal(err)
		}
		s.Send("AUTHENTICATE " + base64.StdEncoding.EncodeToString(challenge))
	}
	s.ExpectLines("AUTHENTICATE +")
	s.Send(loggedInLine, successLine)
	s.ExpectLines("CAP END")
	welcomeJuliet(s)
	waitFor[Registered](t, events, nil)
}

// A server that does not know the password cannot make us believe that it does,
// and does not get it by offering PLAIN.
func TestSASLScramServerMustProve(t *testing.T) {
	tests := map[string]struct {
		last []string
		text string
	}{
		"wrong signature": {[]string{"AUTHENTICATE " + encoded("v="+encoded("no such signature, this is long"))}, "did not prove"},
		"an error":        {[]string{"AUTHENTICATE " + encoded("e=invalid-proof")}, "invalid-proof"},
		"no signature":    {[]string{successLine}, "did not prove"},
		"not base64":      {[]string{"AUTHENTICATE ?"}, "malformed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := irctest.NewTLSServer(t)
			_, events := start(t, testConfig(), saslOptions(server))
			s := server.Accept()
			negotiate(s, "sasl=PLAIN,SCRAM-SHA-256")
			s.ExpectLines("AUTHENTICATE SCRAM-SHA-256")
			s.Send("AUTHENTICATE +")
			first := string(readResponse(t, s))
			_, nonce, _ := strings.Cut(first, ",r=")
			s.Send("AUTHENTICATE " + encoded("r="+nonce+"more,s="+encoded("salt")+",i=4096"))
			readResponse(t, s)
			s.Send(test.last...)
			s.ExpectClosed()
			assertFailure(t, events, KindLogin, 0, test.text)
		})
	}
}

// TestScramVector is the example of RFC 7677 §3.
func TestScramVector(t *testing.T) {
	s := newScram("user", "pencil")
	s.nonce = "rOprNGfwEbeRWgbNEkqO"
	exchange := []struct{ challenge, response string }{
		{"", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"},
		{
			"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		},
		{"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", ""},
	}
	for _, step := range exchange {
		if s.proven() {
			t.Error("too early")
		}
		response, err := s.respond([]byte(step.challenge))
		if err != nil || string(response) != step.response {
			t.Fatalf("%q: got %q, %v", step.challenge, response, err)
		}
	}
	if !s.proven() {
		t.Error("not proven")
	}
	if _, err := s.respond(nil); !errors.Is(err, errUnexpectedChallenge) {
		t.Errorf("got %v", err)
	}
}

func TestScramRefusals(t *testing.T) {
	for _, challenge := range []string{
		"", "r=abc", "r=abcd,s=,i=4096", "r=abcd,s=?,i=4096", "r=abcd,s=c2FsdA==,i=", "r=abcd,s=c2FsdA==,i=4095",
		"r=abcd,s=c2FsdA==,i=1000001", "r=abc,s=c2FsdA==,i=4096", "r=xbcd,s=c2FsdA==,i=4096",
		"m=x,r=abcd,s=c2FsdA==,i=4096", "s=c2FsdA==,r=abcd,i=4096", ",,,", "r=abcd,s=c2FsdA==,i=4096000000000000000000000",
	} {
		s := newScram("user", "pencil")
		s.nonce = "abc"
		if _, err := s.respond(nil); err != nil {
			t.Fatal(err)
		}
		if response, err := s.respond([]byte(challenge)); err == nil {
			t.Errorf("%q: got %q", challenge, response)
		}
	}
	if _, err := newScram("user", "pencil").respond([]byte("x")); err == nil {
		t.Error("a challenge before ours was taken")
	}
}

// TestSASLPrepare has the examples of RFC 4013 §3 that are not refusals.
func TestSASLPrepare(t *testing.T) {
	for text, want := range map[string]string{
		"I\u00adX": "IX", "user": "user", "USER": "USER", "\u00aa": "a", "\u2168": "IX", "a\u00a0b": "a b", "e\u0301": "é", "a\u200db\ufe0f": "ab",
	} {
		if got := saslPrepare(text); got != want {
			t.Errorf("%q: got %q, not %q", text, got, want)
		}
	}
	if got := newScram("a,b=c", "x"); got.account != "a,b=c" {
		t.Errorf("got %q", got.account)
	}
	first, err := newScram("a,b=c", "x").respond(nil)
	if err != nil || !strings.HasPrefix(string(first), "n,,n=a=2Cb=3Dc,r=") {
		t.Errorf("got %q, %v", first, err)
	}
}

// TestSASLRefused: the numeric, what it ends with and what it advises.
func TestSASLRefused(t *testing.T) {
	tests := []struct {
		line    string
		numeric int
		text    string
	}{
		{refusedLine, 904, "check the account"},
		{":irc.test 902 juliet :You must use a nick assigned to you", 902, "ask the services"},
		{":irc.test 905 juliet :SASL message too long", 905, "shorter password"},
		{":irc.test 906 juliet :SASL authentication aborted", 906, "check the account"},
		{":irc.test 421 juliet AUTHENTICATE :Unknown command", 421, "Unknown command"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.numeric), func(t *testing.T) {
			server, second := irctest.NewTLSServer(t), irctest.NewTLSServer(t)
			options := saslOptions(server)
			options.Addresses = append(options.Addresses, testOptions(second).Addresses...)
			options.SASL.Mechanisms = []string{"PLAIN"}
			_, events := start(t, testConfig(), options)
			s := server.Accept()
			negotiate(s, "sasl=PLAIN")
			s.ExpectLines("AUTHENTICATE PLAIN")
			s.Send("AUTHENTICATE +")
			s.Expect("AUTHENTICATE ")
			s.Send(test.line)
			s.ExpectClosed()
			assertFailure(t, events, KindRefused, test.numeric, test.text)
		})
	}
}

// One mechanism after the other, but none for an account that is locked.
func TestSASLNextMechanism(t *testing.T) {
	server := irctest.NewTLSServer(t)
	_, events := start(t, testConfig(), saslOptions(server))
	s := server.Accept()
	negotiate(s, "sasl")
	s.ExpectLines("AUTHENTICATE SCRAM-SHA-256")
	s.Send(":irc.test 908 juliet PLAIN,EXTERNAL :are available SASL mechanisms", refusedLine)
	s.ExpectLines("AUTHENTICATE PLAIN")
	s.Send("AUTHENTICATE +")
	s.Expect("AUTHENTICATE ")
	s.Send(successLine)
	s.ExpectLines("CAP END")
	welcomeJuliet(s)
	waitFor[Registered](t, events, nil)
	waitFor(t, events, func(e Progress) bool { return strings.Contains(e.Text, "trying PLAIN") })
}

func TestSASLMechanismsOfTheServer(t *testing.T) {
	server := irctest.NewTLSServer(t)
	options := saslOptions(server)
	options.SASL.Policy = SASLOptional
	_, events := start(t, testConfig(), options)
	s := server.Accept()
	negotiate(s, "sasl")
	s.ExpectLines("AUTHENTICATE SCRAM-SHA-256")
	s.Send(":irc.test 908 juliet EXTERNAL :are available SASL mechanisms", refusedLine)
	s.ExpectLines("CAP END")
	welcomeJuliet(s)
	waitFor[Registered](t, events, nil)
}
