//go:build e2e

package faults

import (
	"strings"
	"syscall"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// withOwnXMPP sets a stage beside a Prosody of its own, which it may break, with a proxy
// between that and the gateway.
func withOwnXMPP(t *testing.T) (*stage, *harness.Proxy) {
	t.Helper()
	t.Parallel()
	prosody, err := shared.workspace.StartProsody(t.Context(), hostnames()[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prosody.Stop() })
	wire, err := harness.NewProxy(strings.TrimPrefix(prosody.ComponentAddress, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wire.Close() })
	return set(t, prosody, hostnames()[0], func(o *harness.GatewayOptions) {
		o.ComponentAddress = "tcp://" + wire.Address()
		o.Settings["component"] = map[string]any{"ping_interval": "1s", "ping_timeout": "1s", "reconnect_min": "100ms"}
		o.Settings["gateway"]["linger"] = "2s"
	}), wire
}

// When the stream to the XMPP server is cut, or falls silent, IRC notices nothing, and the
// clients learn what has happened when it is back.
func TestStreamIsLost(t *testing.T) {
	for name, loss := range map[string]func(*harness.Proxy) (back func()){
		"cut": func(wire *harness.Proxy) func() {
			wire.Refuse()
			return wire.Allow
		},
		"silent": func(wire *harness.Proxy) func() {
			wire.Freeze()
			return func() {
				wire.Cut()
				wire.Thaw()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, wire := withOwnXMPP(t)
			juliet, romeo := s.meeting()
			juliet.expect(Presence().From(romeo.occupant()).Type(""))
			tybalt := s.member("tybalt")
			juliet.expect(Presence().From(tybalt.occupant()).Type(""))
			if err := romeo.Join(s.channel + "-b"); err != nil {
				t.Fatal(err)
			}
			back := loss(wire)
			s.awaitLog("the stream to the XMPP server is gone", 1)
			romeo.say("is anybody there?")
			romeo.Send("PRIVMSG %s :psst", juliet.account)
			romeo.Send("INVITE %s %s-b", juliet.account, s.channel)
			if err := tybalt.Quit("bored"); err != nil {
				t.Fatal(err)
			}
			romeo.expectFrom(tybalt.Nick(), "QUIT")
			back()
			juliet.expect(Presence().From(tybalt.occupant()).Type("unavailable"))
			juliet.expect(Message().From(romeo.occupant()).Body("is anybody there?").Has("delay"))
			juliet.expect(Message().Type("chat").Body("psst").Has("delay"))
			juliet.expect(Message().Has("{http://jabber.org/protocol/muc#user}x/invite").Has("delay"))
			juliet.say("I am")
			romeo.expectFrom(juliet.account, "PRIVMSG", s.channel, "I am")
			if quits := romeo.Seen("QUIT"); len(quits) != 0 {
				t.Errorf("IRC noticed: %v", quits)
			}
		})
	}
}

// The XMPP server is killed and started again: its clients are gone, and so, after a while,
// are those who do not come back from IRC.
func TestXMPPServerIsKilled(t *testing.T) {
	s, _ := withOwnXMPP(t)
	juliet, romeo := s.meeting()
	paris := s.user("paris")
	paris.join()
	romeo.expectFrom(paris.account, "JOIN", s.channel)
	if err := s.xmpp.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.xmpp.Exited()
	s.awaitLog("the stream to the XMPP server is gone", 1)
	romeo.say("is anybody there?")
	if err := s.xmpp.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.awaitLog("the XMPP server accepted us", 2)
	juliet.login()
	juliet.join()
	juliet.expect(Message().From(romeo.occupant()).Body("is anybody there?").Has("delay"))
	// paris does not come back.
	romeo.expectFrom(paris.account, "PART", s.channel)
	if seen := romeo.Seen("JOIN", s.channel); len(seen) != 0 {
		t.Errorf("IRC noticed that she came back: %v", seen)
	}
}

// A client that loses its connection is waited for; one that leaves the room is not.
func TestFlapOfAClient(t *testing.T) {
	s := begin(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["linger"] = "1h" })
	juliet, romeo := s.meeting()
	if err := juliet.Close(); err != nil {
		t.Fatal(err)
	}
	romeo.Send("WHOIS %s", juliet.account)
	juliet.login()
	juliet.join()
	juliet.say("back already")
	romeo.expectFrom(juliet.account, "PRIVMSG", s.channel, "back already")
	for _, command := range []string{"PART", "QUIT", "JOIN"} {
		if seen := romeo.Seen(command); len(seen) != 0 {
			t.Errorf("IRC noticed: %v", seen)
		}
	}
	juliet.Send("<presence type='unavailable' to='" + juliet.occupant() + "'/>")
	romeo.expectFrom(juliet.account, "PART", s.channel)
}
