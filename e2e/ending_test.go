//go:build e2e

package e2e

import (
	"os"
	"syscall"
	"testing"
	"time"

	. "passerelle/internal/harness/xmppclient"
)

// shutdownLimit is how long passerelle may take to end. A busy machine is given as much
// again.
const shutdownLimit = 2 * 3 * time.Second

func TestShutdownEndsEverythingInOrder(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			s := beginAlone(t, nil)
			juliet, romeo := s.meeting()
			if err := s.gateway.Signal(signal); err != nil {
				t.Fatal(err)
			}
			juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110", "332"))
			quit := romeo.expectFrom(juliet.nick, "QUIT")
			if !contains(quit.Last(), "gateway") {
				t.Errorf("the reason that IRC sees is %q", quit.Last())
			}
			if code, err := s.gateway.Wait(shutdownLimit); err != nil || code != 0 {
				t.Errorf("got exit code %d, %v\n%s", code, err, s.gateway.Output())
			}
		})
	}
}

// A server that takes nothing any more does not hold the end up for long.
func TestShutdownDoesNotWaitForADeadServer(t *testing.T) {
	s, _, proxy := joinThrough(t, nil)
	proxy.Freeze()
	if err := s.gateway.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := s.gateway.Wait(shutdownLimit); err != nil || code != 0 {
		t.Errorf("got exit code %d, %v\n%s", code, err, s.gateway.Output())
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	s, _, proxy := joinThrough(t, nil)
	proxy.Freeze()
	for range 2 {
		if err := s.gateway.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.gateway.Wait(shutdownLimit); err != nil {
		t.Error(err)
	}
}
