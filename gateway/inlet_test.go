package gateway

import (
	"testing"

	"passerelle/component"
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
		if !in.postEvent(nil, nil, start) {
			t.Fatal("an event was refused")
		}
	}
	closed := make(chan struct{})
	close(closed)
	if in.postEvent(nil, closed, start) {
		t.Error("an event too many was taken")
	}
	if starts != 1 {
		t.Errorf("%d goroutines were started", starts)
	}
	waited := make(chan bool)
	go func() { waited <- in.postEvent(nil, nil, start) }()
	stanzas, events := in.take(nil, nil, false)
	if len(stanzas) != inletStanzas || len(events) != inletEvents {
		t.Errorf("took %d and %d", len(stanzas), len(events))
	}
	if !<-waited {
		t.Error("an event was refused although there is room")
	}
	if _, events := in.take(stanzas, events, false); len(events) != 1 {
		t.Errorf("took %d", len(events))
	}
	if !in.postStanza(&component.Stanza{}, start) || starts != 1 {
		t.Errorf("%d goroutines were started", starts)
	}
}

func TestInletStartsAgain(t *testing.T) {
	var in inlet
	starts := 0
	start := func() { starts++ }
	in.postEvent(nil, nil, start)
	stanzas, events := in.take(nil, nil, true)
	if stanzas, events = in.take(stanzas, events, true); len(stanzas)+len(events) != 0 {
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
		in.postEvent(nil, nil, start)
		in.take(nil, nil, idle)
		if in.endIfIdle() {
			t.Error("it ended while its goroutine works")
		}
		in.take(nil, nil, idle)
		if in.endIfIdle() != idle {
			t.Errorf("idle %v", idle)
		}
		if in.postStanza(&component.Stanza{}, start) == idle || in.postEvent(nil, nil, start) == idle {
			t.Errorf("idle %v: wrong after the end", idle)
		}
	}
}

func TestEndFreesWhoWaits(t *testing.T) {
	var in inlet
	in.postStanza(&component.Stanza{}, func() {})
	for range inletEvents {
		in.postEvent(nil, nil, func() {})
	}
	waited := make(chan bool)
	for range 3 {
		go func() { waited <- in.postEvent(nil, nil, func() {}) }()
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
