//go:build e2e

package e2e

import (
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

func TestConnectionFailureAnswersTheJoin(t *testing.T) {
	s := begin(t)
	s.network = closedName
	juliet := s.user("juliet")
	refused := juliet.sendJoinAndExpectError(s.room())
	if refused.TextAt("error/text") == "" {
		t.Errorf("no word of why: %s", refused)
	}
	if !Presence().Error("remote-server-timeout").Matches(refused) && !Presence().Error("remote-server-not-found").Matches(refused) {
		t.Errorf("got %s", refused)
	}
}

// A server that is listed with TLS only is never talked to in plain text.
func TestPlainTextIsNoFallback(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Settings["irc"]["connect_timeout"] = "2s" })
	s.network = encryptedOnlyName
	s.user("juliet").sendJoinAndExpectError(s.room())
}

func TestCertificateIsVerified(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Settings["irc"]["ca_file"] = ""
	})
	refused := s.user("juliet").sendJoinAndExpectError(s.room())
	if !contains(refused.TextAt("error/text"), "certificate") {
		t.Errorf("the error does not name the certificate: %s", refused)
	}
}

func TestAddressesAreTriedInOrder(t *testing.T) {
	s := begin(t)
	romeo := s.member("romeo")
	s.network = secondChoiceName
	juliet := s.user("juliet")
	juliet.join()
	romeo.expectFrom(juliet.nick, "JOIN", s.channel)
}

func TestPlainTextWhereConfigured(t *testing.T) {
	s := begin(t)
	romeo := s.member("romeo")
	s.network = plainName
	juliet := s.user("juliet")
	juliet.join()
	romeo.expectFrom(juliet.nick, "JOIN", s.channel)
}

func TestConnectionProgressIsTold(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, _ := s.meeting()
		juliet.expect(Message().From(s.server()).Has("body"))
		// What the gateway asks the server by itself is not told.
		juliet.settle()
		juliet.refuteSeen(Message().From(s.server()).BodyContains(s.channel))
	})
}

// joinThrough starts a scenario whose IRC connection passes a proxy.
// The rooms end with it, rather than wait for the next one: that is proved in faults.
func joinThrough(t *testing.T, settings map[string]any) (s *scenario, juliet *user, proxy *harness.Proxy) {
	t.Helper()
	proxy, err := harness.NewProxy(shared.inspircd.TLSAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	s = beginAlone(t, func(o *harness.GatewayOptions) {
		o.Servers[inspircdName] = []string{"ircs://" + proxy.Address()}
		o.Settings["gateway"]["outage_limit"] = "0s"
		for key, value := range settings {
			o.Settings["irc"][key] = value
		}
	})
	juliet = s.user("juliet")
	juliet.join()
	return s, juliet, proxy
}

func TestLostIRCConnectionEndsTheRooms(t *testing.T) {
	_, juliet, proxy := joinThrough(t, nil)
	proxy.Refuse()
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110"))
	// She can come back.
	proxy.Allow()
	juliet.join()
}

func TestDeadIRCServerIsDetected(t *testing.T) {
	_, juliet, proxy := joinThrough(t, map[string]any{"ping_interval": "1s", "ping_timeout": "2s"})
	proxy.Freeze()
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110"))
}

// Pacing (measured in the tests of ircconn) delays lines and neither loses nor reorders any.
func TestPacedLinesArriveInOrder(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Settings["irc"] = map[string]any{"burst": 2, "line_interval": "200ms", "ca_file": shared.workspace.Authority.File, "servers": []map[string]any{
			{"name": inspircdName, "addresses": []string{"ircs://" + shared.inspircd.TLSAddress}},
		}}
	})
	juliet, romeo := s.meeting()
	lines := []string{"one", "two", "three", "four", "five", "six"}
	for _, line := range lines {
		juliet.say(line)
	}
	for _, line := range lines {
		romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, line)
	}
}
