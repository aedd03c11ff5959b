//go:build e2e

package loadtest

import (
	"io"
	"strings"
	"testing"
	"time"
)

// TestStage goes through what scenarios do, with few users: a change of the gateway that
// they would wait for in vain is noticed here.
func TestStage(t *testing.T) {
	b, err := New(t.Context(), "", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, set := range []settings{{}, {encrypted: true}} {
		err := b.on(t.Context(), set, func(s *stage) error { return goThrough(t, s) })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func goThrough(t *testing.T, s *stage) error {
	if s.startup <= 0 {
		t.Errorf("the start took %s", s.startup)
	}
	came, err := s.enter(0, "#room", 300)
	if err != nil {
		return err
	}
	if came.self <= 0 || came.subject < came.self || came.cpu <= 0 {
		t.Errorf("an entrance that took %+v", came)
	}
	if _, err := s.join(1, 4, func(int) string { return "#room" }); err != nil {
		return err
	}
	if _, _, err := s.flood(4, "#room", 60); err != nil {
		return err
	}
	delays, _, err := s.talk(4, "#room", 200, time.Second/2, func(stanza) {})
	if err != nil {
		return err
	}
	if len(delays) != 100 {
		t.Errorf("%d of 100 messages were timed", len(delays))
	}
	resume := s.xmpp.holdUp()
	time.AfterFunc(time.Second/10, resume)
	toXMPP, toIRC, err := s.converse(4, "#room", 200, time.Second/2)
	if err != nil {
		return err
	}
	if len(toXMPP) != 100 || len(toIRC) != 100 {
		t.Errorf("%d of 100 messages to XMPP and %d of 100 to IRC were timed", len(toXMPP), len(toIRC))
	}
	answer, err := s.page("#room", "<before/>")
	if err != nil {
		return err
	}
	if !strings.Contains(answer, "<last>") {
		t.Errorf("the archive answers %s", answer)
	}
	if pause, err := s.gcPause(); err != nil || pause < 0 {
		t.Errorf("pauses of %s, %v", pause, err)
	}
	resident, err := s.process.resident()
	if resident < 1e6 {
		t.Errorf("%v bytes of memory", resident)
	}
	return err
}
