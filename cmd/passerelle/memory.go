package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// Go collects garbage when there is as much of it as of what lives (GOGC=100). Here
// that is too soon for a few hundred users, whose 5 MB would be collected dozens of
// times a second when they are talked to, and later than need be for thousands:
// docs/performance.md has what was measured.
const (
	// leastGarbage is how many bytes of garbage may gather before it is collected, or
	// garbagePercent of what lives where that is more.
	leastGarbage   = 32 << 20
	garbagePercent = 33
	// growingFloor is up to how many bytes the whole heap grows before it is collected
	// while what is kept for users grows, as it does when they join: what lives for long
	// then lies between all the garbage that their joins have made, and keeps its pages.
	growingFloor = 14 << 20
	// leastHeap is what the runtime takes for the least that lives.
	leastHeap = 4 << 20
)

// A burst, such as thousands of joins, leaves garbage and free memory. Both are given
// back to the system when it is over, unless too little was allocated to be worth it: at
// once when users have just joined and that is more than what lives, for finding it costs
// as much time as that lives, and the less it is the later. After a burst of talk the next
// may come at any moment, and would have to fetch each page again. Bursts in a row are
// one.
const (
	lookEvery  = 50 * time.Millisecond
	lookSeldom = time.Second      // while it is quiet
	quietBytes = 32 << 10         // allocated in 50 ms
	joinsOver  = 2 * lookEvery    // of quiet: nobody joins any more
	shortQuiet = time.Second      // where a quarter of what lives can be given back
	longQuiet  = 10 * time.Second // where it is less
	restTime   = 500 * time.Millisecond
	worthBytes = 8 << 20 // allocated since memory was given back; or a quarter of what lives
)

// keepMemorySmall paces collections, unless GOGC says how, and gives memory back after
// bursts, until it is told to stop. GOMEMLIMIT counts as ever.
func keepMemorySmall(gogc string) (p *pace, stop func()) {
	stopped := make(chan struct{})
	p = &pace{ended: gogc != ""}
	p.collected()
	go p.giveBack(stopped)
	return p, func() {
		p.end()
		close(stopped)
	}
}

// pace is how often garbage is collected.
type pace struct {
	mu     sync.Mutex
	ended  bool
	grew   bool   // since the last collection, or before that
	kept   uint64 // bytes for users, as far as is known
	before uint64 // what that was at the last collection
}

// garbage is an object that nobody holds: it is gone with the next collection. Large
// objects are swept first, and an old pace should not last.
type garbage [40 << 10]byte

// collected sets how much garbage may gather until the next collection, and after that
// again. The runtime has no setting for a floor, only a percentage.
func (p *pace) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.grew, p.before = p.kept > p.before, p.kept
	p.setLocked()
	runtime.AddCleanup(new(garbage), (*pace).collected, p)
}

// grows is called when more has come to be kept for users, with how many bytes that
// were so far. From the first of many joins on, the heap has its lower floor.
func (p *pace) grows(kept uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = max(p.kept, kept)
	if !p.ended && !p.grew {
		p.grew = true
		p.setLocked()
	}
}

// rests is called when it is quiet: nobody joins any more.
func (p *pace) rests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = p.kept
	if !p.ended && p.grew {
		p.grew = false
		p.setLocked()
	}
}

func (p *pace) setLocked() {
	live := max(leastHeap, readMemory().live)
	garbage := uint64(leastGarbage)
	if p.grew {
		garbage = max(growingFloor, live) - live
	}
	debug.SetGCPercent(percentFor(live, garbage))
}

// look is what the runtime says now, and what is kept for users.
func (p *pace) look() memory {
	now := readMemory()
	p.mu.Lock()
	defer p.mu.Unlock()
	now.kept = p.kept
	return now
}

func (p *pace) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}

// percentFor is how much garbage may gather beside so many bytes that live: some bytes
// at least.
func percentFor(live, garbage uint64) int { return max(garbagePercent, int(garbage*100/live)) }

// giveBack gives memory back after bursts.
func (p *pace) giveBack(stopped <-chan struct{}) {
	every := lookEvery
	timer := time.NewTimer(every)
	defer timer.Stop()
	bursts := bursts{since: restTime}
	for {
		select {
		case <-stopped:
			return
		case <-timer.C:
		}
		if bursts.over(p.look(), every) {
			debug.FreeOSMemory()
		}
		if bursts.quiet >= joinsOver {
			p.rests()
		}
		every = bursts.nextLook()
		timer.Reset(every)
	}
}

// bursts notices when much was allocated and now nothing is.
type bursts struct {
	seen, given uint64
	kept        uint64        // for users, when it was quiet last
	quiet       time.Duration // for how long it has been
	since       time.Duration // the last time that memory was given back
}

// nextLook is how long it is until the next look.
func (b *bursts) nextLook() time.Duration {
	if b.quiet > shortQuiet {
		return lookSeldom
	}
	return lookEvery
}

// over is called at every look, with the time since the last one.
func (b *bursts) over(now memory, passed time.Duration) bool {
	calm := now.allocated-b.seen < quietBytes*uint64(passed/lookEvery)
	b.seen = now.allocated
	b.since += passed
	if !calm {
		b.quiet = 0
		return false
	}
	b.quiet += passed
	if b.since < restTime {
		return false
	}
	joinsEnded := now.kept > b.kept
	b.kept = now.kept
	switch {
	case now.allocated-b.given < max(worthBytes, now.live/4):
		return false
	case joinsEnded && now.spare >= now.live:
	case b.quiet < quietFor(now):
		return false
	}
	b.given, b.since = now.allocated, 0
	return true
}

// quietFor is for how long it must have been quiet until what there is to give back is
// worth a collection.
func quietFor(now memory) time.Duration {
	if now.spare >= now.live/4 {
		return shortQuiet
	}
	return longQuiet
}

// memory is what the runtime says of the heap, in bytes.
type memory struct {
	// allocated is all there ever was, live what the last collection found in use,
	// stacks and globals included, for they count as that in the pace of collections.
	allocated, live uint64
	// spare is what came since, of which some is in use, and what the heap has free.
	spare uint64
	// kept is what is kept for users, as far as is known.
	kept uint64
}

func readMemory() memory {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	return memory{allocated: value(0), live: value(1) + value(2) + value(3), spare: max(value(4), value(1)) - value(1) + value(5)}
}
