//go:build e2e

package e2e

import (
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// On a network whose services do not say who somebody is (900), joining waits for another host
// name (396), or else for a while.
func TestJoiningWaitsForTheServices(t *testing.T) {
	s := begin(t)
	services := s.operator("services")
	services.join(s.channel)
	services.Send("MODE %s +i", s.channel)
	services.expectFrom(services.Nick(), "MODE", s.channel, "+i")
	juliet, nurse := s.user("juliet"), s.user("nurse")
	for _, u := range []*user{juliet, nurse} {
		u.tell("set " + s.network + " after_connect_commands PRIVMSG " + services.Nick() + " :let me in")
		u.sendJoin(s.room(), u.nick, "")
	}
	// Whoever did not wait would be refused: the invitations come later.
	for _, u := range []*user{juliet, nurse} {
		services.expectFrom(u.nick, "PRIVMSG", services.Nick(), "let me in")
		services.Send("INVITE %s %s", u.nick, s.channel)
		services.expect("341")
	}
	services.Send("CHGHOST %s balcony.verona", juliet.nick)
	joined := services.expect("JOIN", s.channel)
	if joined.Nick() != juliet.nick || !contains(joined.Source, "@balcony.verona") {
		t.Errorf("the first to join is %s", joined.Source)
	}
	juliet.expect(selfPresence(juliet.occupant()))
	services.expectFrom(nurse.nick, "JOIN", s.channel)
	nurse.expect(selfPresence(nurse.occupant()))
}

func TestCommandsNameAccountAndPassword(t *testing.T) {
	s := withServices(t)
	account := "capulet" + shared.number()
	s.register(account)
	romeo := s.member("romeo")
	juliet := s.user("juliet")
	juliet.configure(s.server(), map[string]string{
		"sasl_account": account, "sasl_password": password[:6],
		"after_connect_commands": "PRIVMSG " + romeo.Nick() + " :{nick} is {account}, who says {password}",
	})
	juliet.join()
	romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), juliet.nick+" is "+account+", who says "+password[:6])
	// To whom it may be shown, it is shown as it was written.
	if form := juliet.command(s.server(), "configure", "", nil); contains(form.String(), "says "+password[:6]) {
		t.Errorf("the form has the password: %s", form)
	}
	romeo.expectFrom(juliet.nick, "JOIN", s.channel)
	juliet.expect(Message().From(s.server()).BodyContains("You are logged in to " + s.network + " as " + account))
}
