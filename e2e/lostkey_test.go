//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// Whoever loses the store's key loses the secrets, is told which, and nothing else.
func TestLostKeyLosesSecretsOnly(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Settings["store"] = map[string]any{"key": strings.Repeat("0123456789abcdef", 4)}
	})
	juliet, romeo := s.meeting()
	nick := "Capulet" + shared.number()
	juliet.configure(s.server(), map[string]string{
		"sasl_account": "capulet", "nick": nick, "sasl_password": "hush", "after_connect_commands": "AWAY :one\nAWAY :two",
	})
	juliet.tell("set persistent true")
	romeo.say("for ever")
	juliet.expect(Message().From(romeo.occupant()).Body("for ever"))
	juliet.awaitArchived("for ever")

	s.change(func(sections map[string]map[string]any) {
		sections["store"]["key"] = strings.Repeat("fedcba9876543210", 4)
	})
	s.restart()
	// The gateway has put her back into the room, for which it has read her settings.
	for _, name := range []string{"sasl_password", "after_connect_commands"} {
		juliet.expect(Message().From(s.gateway.Hostname).
			Body("The gateway's key was changed, so your setting " + name + " for " + s.network + " is lost; set it again."))
	}
	answer := juliet.tell("show " + s.network)
	if !contains(answer, "sasl_account = capulet") || !contains(answer, "nick = "+nick) || contains(answer, "sasl_password = (set)") {
		t.Errorf("what is left is %q", answer)
	}
	if answer := juliet.tell("show"); !contains(answer, "persistent = true") {
		t.Errorf("what is left for all networks is %q", answer)
	}
	if got := bodiesOf(juliet.archive(s.room(), "")); !slices.Contains(got, "for ever") {
		t.Errorf("the archive has %v", got)
	}
	// What was set again is read with the new key.
	juliet.tell("set " + s.network + " sasl_password whisper")
	juliet.tell("set " + s.network + " after_connect_commands")
	lost := Message().From(s.gateway.Hostname).BodyContains("is lost")
	s.restart()
	juliet.reachable(t.Context())
	if answer := juliet.tell("show " + s.network); !contains(answer, "sasl_password = (set)") {
		t.Errorf("what was set again is %q", answer)
	}
	juliet.refuteSeen(lost)
}
