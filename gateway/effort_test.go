package gateway

import (
	"testing"
	"time"

	"passerelle/crew"
	"passerelle/ircconn"
)

func TestEffort(t *testing.T) {
	var e effort
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		what   string
		passes time.Duration
		spends int
		pause  time.Duration
	}{
		{"what is allowed at once", 0, paceBurst, 0},
		{"more", 0, paceBytes / 4, time.Second / 4},
		{"the pause, in part", time.Second / 8, 0, time.Second / 8},
		{"the rest of the pause", time.Second / 8, 0, 0},
		{"very much", 0, 5 * paceBytes, longestPause},
		{"most of that", 4500 * time.Millisecond, 0, time.Second / 2},
		{"what has become allowed again", 2500 * time.Millisecond, 2 * paceBytes, 0},
		{"a long time", 24 * time.Hour, paceBurst, 0},
		{"a clock that is set back", -time.Hour, paceBytes / 2, time.Second / 2},
	} {
		now = now.Add(step.passes)
		if pause := e.spend(step.spends, now); pause != step.pause {
			t.Errorf("%s: a pause of %v, want %v", step.what, pause, step.pause)
		}
	}
}

// Who pauses holds no goroutine and starts none, and goes on with all that has come
// meanwhile.
func TestUserPauses(t *testing.T) {
	w := connected(t)
	starts, done := 0, 0
	w.g.crew = crew.New(0, func(*User) { t.Error("a user began without the test") })
	give := func() {
		w.u.in.postEvent(happening{do: func(*User) { done++ }}, never, func() { starts++ }, nil)
	}
	w.u.effort = effort{spent: paceBurst + paceBytes/2, at: w.clock}
	w.timers = nil
	give()
	w.u.run()
	if done != 1 || len(w.timers) != 1 {
		t.Fatalf("%d done, %d timers", done, len(w.timers))
	}
	pause := w.timers[0].at.Sub(w.clock)
	if pause < time.Second/2 || pause > time.Second {
		t.Errorf("a pause of %v", pause)
	}
	give()
	give()
	if starts != 0 || done != 1 {
		t.Errorf("%d goroutines were started and %d done within the pause", starts, done-1)
	}
	w.clock = w.clock.Add(2 * pause)
	w.u.run()
	if done != 3 || len(w.timers) != 1 {
		t.Errorf("%d done, %d timers", done, len(w.timers))
	}
	if give(); starts != 1 {
		t.Errorf("%d goroutines were started after the pause", starts)
	}
}

// Nobody pauses while the gateway goes down: where much waits for a user, the word of it
// waits too, and there are less than two seconds for it.
func TestNobodyPausesAtTheEnd(t *testing.T) {
	w := connected(t)
	w.g.closing = true
	w.timers = nil
	w.u.effort = effort{spent: paceBurst + paceBytes, at: w.clock}
	told := false
	tell := happening{do: func(*User) { told = true }}
	flood := happening{do: func(*User) { w.u.in.postEvent(tell, never, func() {}, nil) }}
	w.u.in.postEvent(flood, never, func() {}, nil)
	w.u.run()
	if !told || len(w.timers) > 0 {
		t.Errorf("told: %v, with %d pauses", told, len(w.timers))
	}
}

// What is done for a user counts, whether or not it shows.
func TestWhatEffortCounts(t *testing.T) {
	said := ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hark"}
	elsewhere := ircconn.Message{Source: source("romeo"), Target: "#elsewhere", Text: "hark"}
	for _, example := range []struct {
		what        string
		w           *world
		event       ircconn.Event
		sent, spent int
	}{
		{"a line that nobody sees", connected(t), elsewhere, 0, doneBytes},
		{"a message", connected(t), said, 1, doneBytes},
		{"lines that are answered without the user", connected(t), ircconn.Received{Bytes: 3000, Lines: 7}, 0, doneBytes + 3000 + 7*doneBytes},
		{"a message that is archived", withStore(t), said, 1, doneBytes + recordedBytes},
	} {
		w := example.w
		w.u.effort = effort{at: w.clock}
		n := w.network()
		w.u.in.postEvent(happening{do: func(*User) { n.handle(example.event) }}, never, func() {}, nil)
		w.u.run()
		sent := w.out.text.Len()
		if got := len(w.sent()); got != example.sent {
			t.Errorf("%s: %d stanzas", example.what, got)
		}
		if spent := w.u.effort.spent; spent != sent+example.spent {
			t.Errorf("%s: %d bytes were sent and %d counted, want %d beside what is sent", example.what, sent, spent, example.spent)
		}
	}
}
