package gateway

import (
	"testing"

	"passerelle/component"
	"passerelle/ircconn"
)

func TestInletIsBounded(t *testing.T) {
	var in inlet
	starts := 0
	start := func() { starts++ }
	for i := range inletStanzas + 1 {
		if got := in.postStanza(&component.Stanza{}, start); got != (i < inletStanzas) {
			t.Fatalf("stanza %d: %v", i, got)
		}
	}
	// Events have room of their own, and wait when it is full.
	for range inletEvents {
		if !in.postEvent(happening{}, never, start, nil) {
			t.Fatal("an event was refused")
		}
	}
	closed := make(chan struct{})
	close(closed)
	if in.postEvent(happening{}, func() <-chan struct{} { return closed }, start, nil) {
		t.Error("an event too many was taken")
	}
	if starts != 1 {
		t.Errorf("%d goroutines were started", starts)
	}
	waited := make(chan bool)
	go func() { waited <- in.postEvent(happening{}, never, start, nil) }()
	if taken := in.take(false); len(taken.stanzas) != inletStanzas || len(taken.events) != inletEvents {
		t.Errorf("took %d and %d", len(taken.stanzas), len(taken.events))
	}
	if !<-waited {
		t.Error("an event was refused although there is room")
	}
	if taken := in.take(false); len(taken.events) != 1 {
		t.Errorf("took %d", len(taken.events))
	}
	if !in.postStanza(&component.Stanza{}, start) || starts != 1 {
		t.Errorf("%d goroutines were started", starts)
	}
}

// Lines from IRC leave room for what comes once: that a connection has ended must be
// learned of, however much another server sends, and what a timer is for.
func TestInletHasRoomBesideLines(t *testing.T) {
	var in inlet
	start := func() {}
	closed := make(chan struct{})
	close(closed)
	over := func() <-chan struct{} { return closed }
	for range inletEvents {
		in.postEvent(happening{line: ircconn.Message{}}, never, start, nil)
	}
	if in.postEvent(happening{line: ircconn.Message{}}, over, start, nil) {
		t.Error("a line too many was taken")
	}
	if !in.postEvent(happening{line: ircconn.Disconnected{}}, over, start, nil) {
		t.Error("the end of a connection was refused")
	}
	for range inletOthers - 1 {
		if !in.postEvent(happening{do: func(*User) {}}, over, start, nil) {
			t.Fatal("a timer was refused")
		}
	}
	if in.postEvent(happening{do: func(*User) {}}, over, start, nil) {
		t.Error("an event too many was taken")
	}
}

func TestInletStartsAgain(t *testing.T) {
	var in inlet
	starts := 0
	start := func() { starts++ }
	in.postEvent(happening{}, never, start, nil)
	in.take(true)
	if taken := in.take(true); taken != nil {
		t.Fatal("something came of nothing")
	}
	in.postStanza(&component.Stanza{}, start)
	if starts != 2 {
		t.Errorf("%d goroutines were started", starts)
	}
	if in.endIfIdle() {
		t.Error("an inlet with work ended")
	}
}

// An inlet is given up only if nothing came since its goroutine stopped, with
// nothing to keep.
func TestEndIfIdle(t *testing.T) {
	start := func() {}
	for _, idle := range []bool{true, false} {
		var in inlet
		in.postEvent(happening{}, never, start, nil)
		in.take(idle)
		if in.endIfIdle() {
			t.Error("it ended while its goroutine works")
		}
		in.take(idle)
		if in.endIfIdle() != idle {
			t.Errorf("idle %v", idle)
		}
		if in.postStanza(&component.Stanza{}, start) == idle || in.postEvent(happening{}, never, start, nil) == idle {
			t.Errorf("idle %v: wrong after the end", idle)
		}
	}
}

func TestEndFreesWhoWaits(t *testing.T) {
	var in inlet
	in.postStanza(&component.Stanza{}, func() {})
	for range inletEvents {
		in.postEvent(happening{}, never, func() {}, nil)
	}
	waited := make(chan bool)
	for range 3 {
		go func() { waited <- in.postEvent(happening{}, never, func() {}, nil) }()
	}
	in.end()
	for range 3 {
		if <-waited {
			t.Error("an event was taken after the end")
		}
	}
	if left := in.drain(); len(left) != 1 {
		t.Errorf("%d stanzas are left", len(left))
	}
	if left := in.drain(); len(left) != 0 {
		t.Errorf("%d stanzas are left twice", len(left))
	}
}

// A connection that has lines for an idle user is the user's goroutine when it has
// given them all; when more waits than may, another begins.
func TestGoroutineOfAConnection(t *testing.T) {
	var in inlet
	starts, promises := 0, 0
	start, later := func() { starts++ }, func() { promises++ }
	for range 3 {
		in.postEvent(happening{}, never, start, later)
	}
	in.postStanza(&component.Stanza{}, start)
	if starts != 0 || promises != 1 {
		t.Errorf("%d goroutines were started, %d promised", starts, promises)
	}
	if !in.startPending() || in.startPending() {
		t.Error("the promise was not kept once")
	}
	in.take(false)
	in.take(false)

	for range inletEvents {
		in.postEvent(happening{}, never, start, later)
	}
	closed := make(chan struct{})
	close(closed)
	if in.postEvent(happening{}, func() <-chan struct{} { return closed }, start, later) {
		t.Error("more was taken than may wait")
	}
	if starts != 1 || in.startPending() {
		t.Errorf("%d goroutines were started for an inlet that is full", starts)
	}
}

// never is the patience of who waits however long it takes.
func never() <-chan struct{} { return nil }
