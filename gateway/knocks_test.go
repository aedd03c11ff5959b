package gateway

import (
	"fmt"
	"testing"
	"time"
)

// All who lost a server together do not knock at once.
func TestUsersTakeTurns(t *testing.T) {
	var k knocks
	now := time.Now()
	for i := range 10 {
		if at := k.turn("irc.test", now, time.Second); at != now.Add(time.Duration(i)*time.Second) {
			t.Errorf("turn %d is at %v", i, at.Sub(now))
		}
	}
	if at := k.turn("other.test", now, time.Second); at != now {
		t.Error("another network has a queue of its own")
	}
	for i := range 3 * knocksKept {
		k.turn(fmt.Sprint(i), now.Add(time.Duration(i)*time.Minute), time.Second)
	}
	if len(k.next) > knocksKept+1 {
		t.Errorf("%d networks are remembered", len(k.next))
	}
}

func TestTurnsAreWaitedFor(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	for range 5 * 60 * 10 { // others, for the next ten minutes
		w.g.knocks.turn("irc.test", w.clock.Add(5*time.Second), 200*time.Millisecond)
	}
	before := w.clock
	w.redialled()
	if waited := w.clock.Sub(before); waited < 9*time.Minute {
		t.Errorf("waited %v", waited)
	}
}
