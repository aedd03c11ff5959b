//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// loggedIn is what the user is told who is logged in.
func (s *scenario) loggedIn(account string) Pattern {
	return Message().From(s.server()).BodyContains("You are logged in to " + s.network + " as " + account)
}

// logsInWith has the user log in to an account with a password from now on.
func (u *user) logsInWith(account, password string) {
	u.s.Helper()
	u.configure(u.s.server(), map[string]string{"sasl_account": account, "sasl_password": password})
}

// A password whose PLAIN response is longer than a line of AUTHENTICATE goes in pieces of 400
// bytes; a response of exactly 400 is ended by an empty piece. Ergo takes passwords of up to 300
// bytes.
func TestPasswordInPieces(t *testing.T) {
	s, _ := withErgo(t)
	// Of the responses, which are four bytes in base64 for three, two are of exactly 400.
	for _, length := range []int{297, 298, 300, 301, 310} {
		account := "capulet" + shared.number()
		secret := strings.Repeat("p", length-len("\x00"+account+"\x00"))
		s.registerOnErgo(account, secret)
		juliet := s.user("juliet")
		juliet.nick = account // Ergo lets nobody have another
		juliet.configure(s.server(), map[string]string{"sasl_account": account, "sasl_password": secret, "sasl_mechanism": "PLAIN"})
		juliet.join()
		juliet.expect(s.loggedIn(account))
	}
}

// Atheme takes passwords of up to 255 bytes, and says no to pieces that hold a longer one.
func TestPasswordsOfAllLengths(t *testing.T) {
	s := withServices(t)
	account, secret := "capulet"+shared.number(), strings.Repeat("p", 255)
	s.registerWith(account, secret)
	juliet := s.user("juliet")
	for _, longer := range []int{300 - len("\x00"+account+"\x00"), 400, 480} {
		juliet.logsInWith(account, strings.Repeat("p", longer))
		if refusal := juliet.joinFails(s.channel, "not-authorized"); !contains(refusal.TextAt("error/text"), "check the account, the password") {
			t.Errorf("with a password of %d: %s", longer, refusal)
		}
	}
	juliet.logsInWith(account, secret)
	juliet.join()
	juliet.expect(s.loggedIn(account))
}

// The services refuse a certificate that they do not know (904): the password is tried then.
func TestLoginGoesOnWithTheNextMechanism(t *testing.T) {
	s := withServices(t)
	account := "capulet" + shared.number()
	s.register(account)
	juliet := s.user("juliet")
	juliet.logsInWith(account, password[:6])
	juliet.tell("certificate " + s.network + " generate")
	juliet.join()
	juliet.expect(Message().From(s.server()).BodyContains("EXTERNAL was refused").BodyContains("trying PLAIN"))
	juliet.expect(s.loggedIn(account))
}

// Services that do not answer hold nobody up for ever: the login is broken off, and the server
// says so (906). Who wants no connection without it is told why there is none.
func TestServicesThatDoNotAnswer(t *testing.T) {
	s, services := withServicesAnd(t, func(o *harness.GatewayOptions) {
		o.Settings["irc"]["registration_timeout"] = "8s"
		o.Settings["log"]["level"] = "trace"
	})
	account := "capulet" + shared.number()
	s.register(account)
	juliet := s.user("juliet")
	juliet.logsInWith(account, password[:6])
	if err := services.Suspend(); err != nil {
		t.Fatal(err)
	}
	refusal := juliet.joinFails(s.channel, "not-authorized")
	if text := refusal.TextAt("error/text"); !contains(text, "no answer in time: the services of the network may be away") {
		t.Errorf("the error says %q", text)
	}
	juliet.tell("set " + s.network + " sasl_required false")
	juliet.join()
	juliet.expect(Message().From(s.server()).BodyContains("without a login"))
	s.awaitLog("msg=wire", "direction=in", " 906 ")
	juliet.settle()
	juliet.refuteSeen(Message().From(s.server()).BodyContains("aborted"))

	if err := services.Resume(); err != nil {
		t.Fatal(err)
	}
	juliet.reconnect()
	juliet.expect(s.loggedIn(account))
}

// What the server answers to what users write by hand is told to them: 904 with 908, which lists
// the mechanisms, 905 and 906.
func TestLoginByHand(t *testing.T) {
	s := withServices(t)
	account := "capulet" + shared.number()
	s.register(account)
	juliet := s.user("juliet")
	juliet.logsInWith(account, password[:6])
	juliet.join()
	juliet.expect(s.loggedIn(account))
	answers := func(line string, parts ...string) {
		t.Helper()
		juliet.chat(s.server(), line)
		for _, part := range parts {
			juliet.expect(Message().From(s.server()).BodyContains(part))
		}
	}
	answers("AUTHENTICATE NOSUCH", "are available SASL mechanisms", "SASL authentication failed")
	answers("AUTHENTICATE "+strings.Repeat("x", 401), "SASL message too long")
	answers("AUTHENTICATE PLAIN")
	// The services have begun when they answer what was asked for after it.
	juliet.chat(s.private("NickServ"), "ACC "+juliet.nick)
	juliet.expect(Message().From(s.private("NickServ")))
	answers("AUTHENTICATE *", "SASL authentication aborted")
}

// Whom the server logs in by PASS already, as Ergo does with a server password of the form
// account:password, comes in without SASL, although that has its settings too.
func TestLoggedInAlready(t *testing.T) {
	s, _ := withErgo(t)
	account := "capulet" + shared.number()
	s.registerOnErgo(account, password[:6])
	juliet := s.user("juliet")
	juliet.nick = account
	juliet.configure(s.server(), map[string]string{"pass": account + ":" + password[:6], "sasl_account": account, "sasl_password": password[:6]})
	juliet.join()
	juliet.expect(s.loggedIn(account))
	// 907 is what Ergo says to a second login.
	juliet.chat(s.server(), "AUTHENTICATE PLAIN")
	juliet.expect(Message().From(s.server()).BodyContains("already logged into an account"))
}
