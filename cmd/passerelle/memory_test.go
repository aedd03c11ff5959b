package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPaceOfCollections(t *testing.T) {
	for live, want := range map[uint64]int{0: 1100, 4 << 20: 1100, 8 << 20: 500, 24 << 20: 100, 40 << 20: 33, 64 << 20: 33, 1 << 30: 33} {
		if got := percentFor(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
	}
}

// gogc is the percentage in force.
func gogc() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}

func TestCollectionsArePaced(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	keepMemorySmall("100")()
	if got := gogc(); got != 100 {
		t.Errorf("GOGC=100 in the environment, and %d", got)
	}
	runtime.GC() // what lived when it was called last counts
	stop := keepMemorySmall("")
	few := gogc()
	if few <= garbagePercent {
		t.Errorf("%d %% in a small program", few)
	}
	many := make([][]byte, 100)
	for i := range many {
		many[i] = make([]byte, 1<<20)
	}
	// What a collection changes follows it a little later.
	for deadline := time.Now().Add(time.Minute); gogc() != garbagePercent; runtime.Gosched() {
		runtime.GC()
		if time.Now().After(deadline) {
			t.Fatalf("%d %% with 100 MiB in use, want %d", gogc(), garbagePercent)
		}
	}
	runtime.KeepAlive(many)
	stop()
}

func TestBurstsEnd(t *testing.T) {
	const mib = 1 << 20
	var b bursts
	for _, look := range []struct {
		allocated, live, spare uint64
		want                   bool
		what                   string
	}{
		{mib, mib, 0, false, "the start"},
		{mib, mib, 2 * mib, false, "too little to be worth it"},
		{60 * mib, mib, 30 * mib, false, "a burst"},
		{120 * mib, 10 * mib, 30 * mib, false, "and more of it"},
		{120*mib + 1000, 10 * mib, 30 * mib, true, "its end"},
		{120*mib + 2000, 10 * mib, 0, false, "nothing since"},
		{129 * mib, 40 * mib, 50 * mib, false, "a little"},
		{129*mib + 1, 40 * mib, 50 * mib, false, "less than a quarter of what lives"},
		{139 * mib, 40 * mib, 50 * mib, false, "more"},
		{139*mib + 1, 40 * mib, 50 * mib, true, "more than a quarter"},
		{200 * mib, 40 * mib, 10 * mib, false, "another burst"},
		{200 * mib, 40 * mib, 10 * mib, false, "quiet, with little to gain"},
		{200 * mib, 40 * mib, 10 * mib, false, "still quiet"},
		{200 * mib, 40 * mib, 10 * mib, false, "and"},
		{200 * mib, 40 * mib, 10 * mib, false, "for a while"},
		{200 * mib, 40 * mib, 10 * mib, true, "and long enough"},
	} {
		if got := b.over(memory{look.allocated, look.live, look.spare}); got != look.want {
			t.Errorf("%s: %v", look.what, got)
		}
	}
}
