//go:build e2e

package e2e

import (
	"testing"

	"passerelle/internal/harness/ircclient"
	. "passerelle/internal/harness/xmppclient"
)

// accountOf is the account that IRC shows for a nick, or "" for none.
func (p *person) accountOf(nick string) string {
	p.s.Helper()
	p.Send("WHOIS %s", nick)
	p.expect("318", ircclient.Any, nick)
	if lines := p.Seen("330", ircclient.Any, nick); len(lines) > 0 {
		return lines[len(lines)-1].Param(2)
	}
	return ""
}

// Services that return with other mechanisms have the server withdraw SASL and offer it again:
// who is not logged in is then.
func TestLoginWhenServicesReturn(t *testing.T) {
	s, services := withServicesApart(t)
	account := "capulet" + shared.number()
	s.register(account)
	juliet, romeo := s.user("juliet"), s.member("romeo", "cap-notify")
	juliet.tell("set " + s.network + " sasl_account " + account)
	juliet.tell("set " + s.network + " sasl_password " + password[:6])
	loggedIn := Message().From(s.server()).BodyContains("You are logged in to " + s.network + " as " + account)
	juliet.join()
	juliet.expect(loggedIn)
	if got := romeo.accountOf(juliet.nick); got != account {
		t.Fatalf("juliet's account is %q", got)
	}
	juliet.chat(s.private("NickServ"), "LOGOUT")
	juliet.expect(Message().From(s.server()).BodyContains("not logged in to " + s.network + " any more"))

	services.Stop()
	if err := services.Start("saslserv/authcookie"); err != nil {
		t.Fatal(err)
	}
	romeo.expect("CAP", ircclient.Any, "DEL", "sasl")
	romeo.expect("CAP", ircclient.Any, "NEW")
	juliet.expect(loggedIn)
	witness := s.person("witness")
	if got := witness.accountOf(juliet.nick); got != account {
		t.Errorf("juliet's account is %q", got)
	}
	juliet.refuteSeen(Presence().From(juliet.occupant()).Type("unavailable"))
}

// A server that comes back before its services offers no SASL: who would log in with a
// password is not let in as a stranger, but tried for until the services are there too.
func TestLoginWhenServicesComeLater(t *testing.T) {
	s, services := withServicesApart(t)
	account := "capulet" + shared.number()
	s.register(account)
	juliet := s.user("juliet")
	juliet.tell("set " + s.network + " sasl_account " + account)
	juliet.tell("set " + s.network + " sasl_password " + password[:6])
	loggedIn := Message().From(s.server()).BodyContains("You are logged in to " + s.network + " as " + account)
	juliet.join()
	juliet.expect(loggedIn)

	services.Stop()
	if err := s.irc.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.awaitLog("could not be reached again", "offers no SASL")
	if err := services.Start(); err != nil {
		t.Fatal(err)
	}
	juliet.expect(Message().From(s.room()).Body("Connected again."))
	juliet.expect(loggedIn)
	romeo := s.member("romeo")
	if got := romeo.accountOf(juliet.nick); got != account {
		t.Errorf("juliet's account is %q", got)
	}
	juliet.refuteSeen(Presence().From(juliet.occupant()).Type("unavailable"))
}
