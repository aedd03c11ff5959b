//go:build e2e

package e2e

import (
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

func TestChannelsAreJoinedAtLogin(t *testing.T) {
	everywhere(t, func(s *scenario) {
		romeo := s.member("romeo")
		juliet := s.user("juliet")
		juliet.ask("get", juliet.account+"@"+s.xmpp.Domain, "<query xmlns='jabber:iq:roster'/>") // Prosody tells of subscriptions only who has asked for the roster
		juliet.sendf("<presence type='subscribe' to='%s'/>", s.gateway.Hostname)
		juliet.expect(Presence().From(s.gateway.Hostname).Type("subscribed"))
		juliet.sendf("<presence type='subscribed' to='%s'/>", s.gateway.Hostname)
		juliet.tell("set " + s.network + " auto_join " + s.channel)
		juliet.Send("<presence type='unavailable'/>")
		desk := juliet.otherResource()
		romeo.expectFrom(juliet.nick, "JOIN", s.channel)
		// One of two clients that goes offline takes nobody from IRC.
		phone := juliet.otherResource()
		phone.tell("help")
		phone.Send("<presence type='unavailable'/>")
		phone.tell("help") // which comes after that
		romeo.Send("WHOIS %s", juliet.nick)
		romeo.expect("311", romeo.Nick(), juliet.nick)
		desk.Send("<presence type='unavailable'/>")
		romeo.expectFrom(juliet.nick, "QUIT")
	})
}
