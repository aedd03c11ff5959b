//go:build e2e

package e2e

import (
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// The servers of a network of two.
const (
	ownName = "own.test"
	farName = "far.test"
)

// beginOnOwnNetwork starts a scenario with a passerelle and an IRC network of its own, for
// what would disturb others. The second server is not linked yet.
func beginOnOwnNetwork(t *testing.T) (*scenario, *harness.IRCServer) {
	t.Helper()
	own, far, err := shared.workspace.StartInspIRCdNetwork(t.Context(), ownName, farName)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		own.Stop()
		far.Stop()
	})
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Servers[ownName] = []string{"ircs://" + own.TLSAddress}
	})
	s.irc, s.network = own, ownName
	return s, far
}

func TestNetsplit(t *testing.T) {
	s, far := beginOnOwnNetwork(t)
	juliet, romeo := s.meeting()
	prince := s.operator("prince")
	prince.Send("CONNECT %s", farName)

	there := *s
	there.irc = far
	mercutio := there.member("mercutio")
	romeo.expectFrom(mercutio.Nick(), "JOIN", s.channel)
	juliet.expect(Presence().From(mercutio.occupant()).Type(""))

	prince.Send("SQUIT %s :parted", farName)
	gone := juliet.expect(Presence().From(mercutio.occupant()).Type("unavailable"))
	if status := gone.TextAt("status"); status == "" {
		t.Errorf("no word of the split: %s", gone)
	}
	prince.Send("CONNECT %s", farName)
	juliet.expect(Presence().From(mercutio.occupant()).Type(""))
}

// A server that takes a capability away, and gives it back, while users are connected
// (IRCv3 cap-notify).
func TestCapabilitiesComeAndGo(t *testing.T) {
	s, _ := beginOnOwnNetwork(t)
	juliet, romeo := s.meeting()
	admin := s.operator("admin")
	speaks := func(words string) {
		t.Helper()
		id := juliet.say(words)
		romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, words)
		juliet.expect(Message().From(juliet.occupant()).ID(id).Body(words))
	}
	speaks("with echo-message")
	admin.Send("UNLOADMODULE m_ircv3_echomessage.so")
	admin.expect("973")
	speaks("without")
	admin.Send("LOADMODULE m_ircv3_echomessage.so")
	admin.expect("975")
	speaks("and with it again")
	juliet.settle()
	juliet.refuteSeen(Message().From(juliet.occupant()).Type("groupchat"))
}
