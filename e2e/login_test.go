//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

const servicesName = "accounts.test"

// withServices starts an IRC server with services, and a passerelle that knows it.
func withServices(t *testing.T) *scenario {
	t.Helper()
	s, _ := withServicesApart(t)
	return s
}

// withServicesApart is withServices for scenarios that stop the services and start them again.
func withServicesApart(t *testing.T) (*scenario, *harness.Services) {
	t.Helper()
	return withServicesAnd(t, func(*harness.GatewayOptions) {})
}

// withServicesAnd is withServicesApart with a passerelle whose options the scenario may change.
func withServicesAnd(t *testing.T, change func(*harness.GatewayOptions)) (*scenario, *harness.Services) {
	t.Helper()
	var server *harness.IRCServer
	var services *harness.Services
	s := beginAlone(t, func(options *harness.GatewayOptions) {
		var err error
		if server, services, err = shared.workspace.StartInspIRCdWithServices(t.Context(), servicesName); err != nil {
			t.Fatal(err)
		}
		options.Servers[servicesName] = []string{"ircs://" + server.TLSAddress}
		change(options)
	})
	s.irc, s.network = server, servicesName
	return s, services
}

// register makes an account with NickServ, in the manner of a person who is on IRC with the
// nick already.
func (s *scenario) register(account string) {
	s.Helper()
	s.registerWith(account, password[:6])
}

// registerWith is register with a password of one's own.
func (s *scenario) registerWith(account, password string) {
	s.Helper()
	p := s.personNamed(account)
	for {
		p.Send("PRIVMSG NickServ :REGISTER %s %s@example.org", password, account)
		answer, err := p.ExpectOneOf([]string{"NOTICE", "401"})
		if err != nil {
			s.Fatal(err)
		}
		if answer.Command == "NOTICE" && contains(answer.Last(), "registered") {
			break
		}
	}
	if err := p.Quit("registered"); err != nil {
		s.Fatal(err)
	}
}

func TestLoginBySASL(t *testing.T) {
	s := withServices(t)
	juliet := s.user("juliet")
	account := "capulet" + shared.number()
	s.register(account)

	juliet.tell("set " + s.network + " sasl_account " + account)
	juliet.tell("set " + s.network + " sasl_password wrong")
	juliet.joinFails(s.channel, "not-authorized")

	juliet.tell("set " + s.network + " sasl_required false")
	juliet.join()
	juliet.expect(Message().From(s.server()).BodyContains("without a login"))
	juliet.tell("set " + s.network + " sasl_required")
	juliet.tell("disconnect-from-irc-server " + s.network)
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable"))

	juliet.tell("set " + s.network + " sasl_password " + password[:6])
	juliet.join()
	juliet.expect(Message().From(s.server()).BodyContains("You are logged in to " + s.network + " as " + account))

	// A certificate that NickServ knows is enough.
	juliet.certify()
	juliet.tell("disconnect-from-irc-server " + s.network)
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable"))
	juliet.join()
	juliet.expect(Message().From(s.server()).BodyContains("You are logged in to " + s.network + " as " + account))
}

// certify makes a certificate, which NickServ is told of, take the place of the password. The
// user is logged in.
func (u *user) certify() {
	u.s.Helper()
	answer := u.tell("certificate " + u.s.network + " generate")
	_, fingerprint, _ := strings.Cut(answer, "SHA-256 ")
	fingerprint, _, _ = strings.Cut(fingerprint, "\n")
	u.chat(u.s.private("NickServ"), "CERT ADD "+fingerprint)
	u.expect(Message().From(u.s.private("NickServ")).BodyContains("Added fingerprint"))
	u.tell("set " + u.s.network + " sasl_password")
}

func TestLoginByCommandsBeforeJoining(t *testing.T) {
	s := withServices(t)
	juliet := s.user("juliet")
	s.register(juliet.nick)
	juliet.tell("set " + s.network + " after_connect_commands PRIVMSG NickServ :IDENTIFY {nick} " + password[:6])
	romeo := s.member("romeo", "extended-join")
	juliet.join()
	if joined := romeo.expectFrom(juliet.nick, "JOIN", s.channel); joined.Param(1) != juliet.nick {
		t.Errorf("juliet joined as %v", joined)
	}
}
