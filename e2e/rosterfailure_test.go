//go:build e2e

package e2e

import (
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// subscribeTo puts an address of the gateway into the user's roster.
func (u *user) subscribeTo(address string) {
	u.s.Helper()
	u.ask("get", u.account+"@"+u.s.xmpp.Domain, "<query xmlns='jabber:iq:roster'/>") // Prosody tells of subscriptions only who has asked for the roster
	u.sendf("<presence type='subscribe' to='%s'/>", address)
	u.expect(Presence().From(address).Type("subscribed"))
	u.expect(Presence().From(address).Type("subscribe"))
	u.sendf("<presence type='subscribed' to='%s'/>", address)
}

// Who has a network in the roster sees there that logging in failed (XEP-0100 §4.4.2).
func TestFailedLoginIsShownInTheRoster(t *testing.T) {
	s := withServices(t)
	account := "capulet" + shared.number()
	s.register(account)
	juliet := s.user("juliet")
	juliet.subscribeTo(s.server())
	juliet.tell("set " + s.network + " sasl_account " + account)
	juliet.tell("set " + s.network + " sasl_password wrong")
	juliet.joinFails(s.channel, "not-authorized")
	juliet.expect(Presence().From(s.server()).Error("not-authorized"))

	juliet.tell("set " + s.network + " sasl_password " + password[:6])
	juliet.join()
	juliet.expect(Presence().From(s.server()).Type(""))
}

// So does who comes online, and did not ask for a room.
func TestFailedConnectionIsShownInTheRoster(t *testing.T) {
	everywhere(t, func(s *scenario) {
		closed := s.at(closedName)
		juliet := s.user("juliet")
		juliet.subscribeTo(closed.server())
		juliet.tell("set " + closedName + " auto_join " + s.channel)
		juliet.Send("<presence type='unavailable'/>")
		phone := juliet.otherResource()
		failure := phone.expect(Presence().From(closed.server()).Error("remote-server-timeout"))
		if text := failure.TextAt("error/{urn:ietf:params:xml:ns:xmpp-stanzas}text"); !contains(text, "could not connect to "+closedAddress) {
			s.Errorf("the failure says %q", text)
		}
	})
}
