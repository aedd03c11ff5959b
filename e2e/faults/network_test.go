//go:build e2e && linux

package faults

import (
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// isolated puts a proxy for a server at the end of a cable.
func isolated(t *testing.T, target string) *harness.Isolated {
	t.Helper()
	if err := harness.CanIsolate(); err != nil {
		t.Skip(err)
	}
	proxy, err := harness.NewIsolatedProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return proxy
}

// unplugged pulls a cable, and returns what puts it back.
func unplugged(t *testing.T, cable *harness.Isolated) (plug func()) {
	t.Helper()
	if err := cable.Unplug(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := cable.Plug(); err != nil {
			t.Fatal(err)
		}
	}
}

// The cable to the IRC server is pulled: nobody says that the connection has ended.
func TestCableToTheIRCServer(t *testing.T) {
	var cable *harness.Isolated
	s := beginWith(t, func(s *stage, o *harness.GatewayOptions) {
		cable = isolated(t, s.irc.PlainAddress)
		o.Servers[ircName] = []string{"irc://" + cable.Address()}
		o.Settings["irc"]["connect_timeout"] = "1s"
	})
	juliet, _ := s.meeting()
	plug := unplugged(t, cable)
	lost := juliet.expect(Message().From(juliet.room()).BodyContains("is lost"))
	if !strings.Contains(lost.TextAt("body"), "fallen silent") {
		t.Errorf("the reason is not told: %s", lost)
	}
	unsent := juliet.say("hello?")
	juliet.expect(Message().ID(unsent).Type("error"))
	plug()
	juliet.expect(Message().From(juliet.room()).Body("Connected again."))
	s.talkWorks(juliet)
}

// The cable to the XMPP server is pulled: IRC notices nothing.
func TestCableToTheXMPPServer(t *testing.T) {
	var cable *harness.Isolated
	s := beginWith(t, func(s *stage, o *harness.GatewayOptions) {
		cable = isolated(t, strings.TrimPrefix(s.xmpp.ComponentAddress, "tcp://"))
		o.ComponentAddress = "tcp://" + cable.Address()
		o.Settings["component"] = map[string]any{"ping_interval": "1s", "ping_timeout": "1s", "reconnect_min": "100ms"}
	})
	juliet, romeo := s.meeting()
	plug := unplugged(t, cable)
	s.awaitLog("the stream to the XMPP server is gone", 1)
	romeo.say("is anybody there?")
	plug()
	juliet.expect(Message().From(romeo.occupant()).Body("is anybody there?").Has("delay"))
	juliet.say("I am")
	romeo.expectFrom(juliet.account, "PRIVMSG", s.channel, "I am")
	if quits := romeo.Seen("QUIT"); len(quits) != 0 {
		t.Errorf("IRC noticed: %v", quits)
	}
}
