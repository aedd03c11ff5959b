package gateway

import (
	"sync"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

// How much may wait for one user.
const (
	inletStanzas = 256
	inletEvents  = 64
	// inletBytes is how much memory the stanzas may take together. One stanza
	// alone may take more.
	inletBytes = 1 << 20
)

// event is something for the user's goroutine to do that came neither from the
// component nor from IRC: a timer, a shutdown.
type event func(u *User)

// happening is an event, or a line that came from IRC.
type happening struct {
	do    event // nil for a line
	from  *wire
	line  ircconn.Event
	heard time.Time // when the line was read
}

// wire is one connection to IRC, as the origin of lines.
type wire struct {
	u          *User
	network    string
	generation int
}

// inlet is where a user's work waits: stanzas, which are refused when too many
// wait, and events, whose senders wait. It starts the user's goroutine when the
// first thing arrives.
type inlet struct {
	mu      sync.Mutex
	stanzas []*component.Stanza
	bytes   int // of stanzas
	events  []happening
	running bool
	// pending says that the goroutine which is to run is that of a connection, when
	// it has given all its lines.
	pending bool
	ended   bool
	idle    bool          // nothing came since the goroutine stopped with nothing to keep
	room    chan struct{} // closed when events were taken; nil while nobody waits
}

// postStanza queues a stanza and reports whether there was room. start is called
// when no goroutine is at work.
func (in *inlet) postStanza(s *component.Stanza, start func()) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended || len(in.stanzas) >= inletStanzas || in.bytes > 0 && in.bytes+s.Size > inletBytes {
		return false
	}
	in.stanzas = append(in.stanzas, s)
	in.bytes += s.Size
	in.wake(start)
	return true
}

// postEvent queues an event. It waits while too many wait before it, until done
// is closed, and reports whether the event was queued. start is called when no
// goroutine is at work; with later it is called only when so much waits that it
// cannot, and otherwise later is, which is to call startPending.
func (in *inlet) postEvent(ev happening, done <-chan struct{}, start, later func()) bool {
	for {
		in.mu.Lock()
		if in.ended {
			in.mu.Unlock()
			return false
		}
		if len(in.events) < inletEvents {
			in.events = append(in.events, ev)
			if !in.running && later != nil {
				in.pending, start = true, later
			}
			in.wake(start)
			in.mu.Unlock()
			return true
		}
		if in.pending {
			in.pending = false
			start()
		}
		if in.room == nil {
			in.room = make(chan struct{})
		}
		room := in.room
		in.mu.Unlock()
		select {
		case <-room:
		case <-done:
			return false
		}
	}
}

// wake starts the goroutine unless it runs; in.mu is held.
func (in *inlet) wake(start func()) {
	in.idle = false
	if in.running {
		return
	}
	in.running = true
	start()
}

// startPending reports whether the goroutine of a connection is to be the user's now.
func (in *inlet) startPending() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	pending := in.pending
	in.pending = false
	return pending
}

// take returns all that waits, and nothing when the goroutine has nothing left
// to do; it then counts as stopped. idle is whether the user has nothing to
// keep. The slices given are reused for what comes next.
func (in *inlet) take(stanzas []*component.Stanza, events []happening, idle bool) ([]*component.Stanza, []happening) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.stanzas) == 0 && len(in.events) == 0 {
		in.running = false
		in.idle = idle
		in.stanzas, in.events = nil, nil
		return nil, nil
	}
	clear(stanzas[:cap(stanzas)])
	clear(events[:cap(events)])
	takenStanzas, takenEvents := in.stanzas, in.events
	in.stanzas, in.events, in.bytes = stanzas[:0], events[:0], 0
	if in.room != nil {
		close(in.room)
		in.room = nil
	}
	return takenStanzas, takenEvents
}

// waiting is how much waits.
func (in *inlet) waiting() (stanzas, events int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.stanzas), len(in.events)
}

// drain returns the stanzas that wait in an inlet that has ended.
func (in *inlet) drain() []*component.Stanza {
	in.mu.Lock()
	defer in.mu.Unlock()
	left := in.stanzas
	in.stanzas, in.events, in.bytes = nil, nil, 0
	return left
}

// end refuses all that comes from now on and frees whoever waits.
func (in *inlet) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	if in.room != nil {
		close(in.room)
		in.room = nil
	}
}

// endIfIdle ends the inlet when the goroutine stopped with nothing to keep and
// nothing has come since, and reports whether it did.
func (in *inlet) endIfIdle() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.idle {
		in.ended = true
	}
	return in.idle
}
