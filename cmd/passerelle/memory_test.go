package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPaceOfCollections(t *testing.T) {
	for live, want := range map[uint64]int{4 << 20: 800, 8 << 20: 400, 32 << 20: 100, 64 << 20: 50, 97 << 20: 33, 1 << 30: 33} {
		if got := percentFor(live, leastGarbage); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
	}
}

// While users join, and until it is quiet or the second collection afterwards, the floor
// is lower.
func TestFloorWhileUsersJoin(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	var p pace
	t.Cleanup(p.end)
	runtime.GC() // what lived when it was called last counts
	live := max(leastHeap, readMemory().live)
	many, few := percentFor(live, leastGarbage), percentFor(live, growingFloor-live)
	for i, step := range []struct {
		do   func()
		want int
	}{
		{p.collected, many}, // the start
		{func() { p.grows(1 << 20) }, few},
		{func() { p.grows(2 << 20) }, few},
		{p.collected, few},
		{func() { p.grows(3 << 20) }, few},
		{p.collected, few},
		{p.collected, many},
		{func() { p.grows(2 << 20) }, few}, // one that was overtaken
		{p.collected, many},
		{func() { p.grows(4 << 20) }, few},
		{p.rests, many}, // it is quiet
		{p.collected, many},
	} {
		if step.do(); gogc() != step.want {
			t.Errorf("step %d: %d %%, want %d", i, gogc(), step.want)
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
	_, stop := keepMemorySmall("100")
	stop()
	if got := gogc(); got != 100 {
		t.Errorf("GOGC=100 in the environment, and %d", got)
	}
	runtime.GC() // what lived when it was called last counts
	_, stop = keepMemorySmall("")
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
	b := bursts{since: time.Hour}
	for _, look := range []struct {
		looks                  int
		allocated, live, spare uint64
		want                   bool // of the last look; all others say no
		what                   string
	}{
		{1, mib, mib, 0, false, "the start"},
		{1, mib, mib, 2 * mib, false, "too little to be worth it"},
		{1, 60 * mib, mib, 30 * mib, false, "a burst"},
		{1, 120 * mib, 10 * mib, 30 * mib, false, "and more of it"},
		{1, 120*mib + 1000, 10 * mib, 30 * mib, true, "its end"},
		{10, 120*mib + 2000, 10 * mib, 0, false, "nothing since"},
		{1, 129 * mib, 40 * mib, 50 * mib, false, "a little"},
		{1, 129*mib + 1, 40 * mib, 50 * mib, false, "less than a quarter of what lives"},
		{1, 139 * mib, 40 * mib, 50 * mib, false, "more"},
		{1, 139*mib + 1, 40 * mib, 50 * mib, true, "more than a quarter"},
		{1, 160 * mib, 40 * mib, 50 * mib, false, "a burst at once"},
		{8, 160 * mib, 40 * mib, 50 * mib, false, "its end, too soon after the last"},
		{1, 160 * mib, 40 * mib, 50 * mib, true, "and late enough"},
		{1, 200 * mib, 40 * mib, 10 * mib, false, "another burst"},
		{19, 200 * mib, 40 * mib, 10 * mib, false, "quiet, with a quarter to gain"},
		{1, 200 * mib, 40 * mib, 10 * mib, true, "for a second"},
		{1, 240 * mib, 40 * mib, 9 * mib, false, "one more burst"},
		{199, 240 * mib, 40 * mib, 9 * mib, false, "quiet, with little to gain"},
		{1, 240 * mib, 40 * mib, 9 * mib, true, "and long enough"},
	} {
		for i := range look.looks {
			if got := b.over(memory{look.allocated, look.live, look.spare, look.allocated}, lookEvery); got != (look.want && i == look.looks-1) {
				t.Errorf("%s, look %d: %v", look.what, i+1, got)
			}
		}
	}
}

// Memory is kept for a second after a burst in which nobody has joined since it was quiet.
func TestBurstsOfTalkEndLater(t *testing.T) {
	const mib = 1 << 20
	b := bursts{since: time.Hour}
	joined := memory{allocated: mib, live: mib, kept: mib}
	b.over(joined, lookEvery)
	if b.over(joined, lookEvery) {
		t.Fatal("a little is given back")
	}
	now := memory{allocated: 90 * mib, live: 10 * mib, spare: 30 * mib, kept: mib}
	looks := 1
	for b.over(now, lookEvery); !b.over(now, lookEvery); looks++ {
	}
	if passed := time.Duration(looks) * lookEvery; passed != shortQuiet {
		t.Errorf("given back after %v", passed)
	}
}

// While nothing happens there is little looking.
func TestLooksAreSeldomWhileQuiet(t *testing.T) {
	const mib = 1 << 20
	var b bursts
	looks := 0
	for passed := time.Duration(0); passed < time.Minute; looks++ {
		every := b.nextLook()
		passed += every
		b.over(memory{allocated: mib, live: mib}, every)
	}
	if looks > 100 {
		t.Errorf("%d looks in a minute", looks)
	}
	b.over(memory{allocated: 2 * mib, live: mib, spare: mib}, lookSeldom)
	if every := b.nextLook(); every != lookEvery {
		t.Errorf("the next look in a burst is after %v", every)
	}
	if b.quiet = time.Minute; b.over(memory{allocated: 2*mib + 20*quietBytes, live: mib, spare: mib}, lookSeldom) || b.quiet > 0 {
		t.Error("much in a second is quiet")
	}
}
