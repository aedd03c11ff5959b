//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"passerelle/internal/harness"
)

// What a user chose in the server's form is their pace, whatever the admin's is: nurse is held up
// by none, and juliet writes a line a second, between which others come.
func TestThrottleOfOnesOwn(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		// At which nobody gets through a scenario.
		o.Settings["irc"]["burst"], o.Settings["irc"]["line_interval"] = 1, "10m"
	})
	juliet, nurse := s.user("juliet"), s.user("nurse")
	juliet.configure(s.server(), map[string]string{"throttle_limit": "1"})
	nurse.configure(s.server(), map[string]string{"throttle_limit": "-1"})
	romeo := s.member("romeo")
	nurse.join()
	juliet.join()
	var lines []string
	for number := range 8 {
		lines = append(lines, fmt.Sprint("line ", number))
	}
	for _, line := range lines {
		nurse.say(line)
	}
	for _, line := range lines {
		romeo.expectFrom(nurse.nick, "PRIVMSG", s.channel, line)
	}

	for _, line := range lines {
		juliet.say(line)
	}
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, lines[0])
	nurse.say("and I?")
	romeo.expectFrom(nurse.nick, "PRIVMSG", s.channel, "and I?")
	romeo.refuteSeen("PRIVMSG", s.channel, lines[len(lines)-1])
	for _, line := range lines[1:] {
		romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, line)
	}
}
