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
	// inletOthers is for how many events there is room beside lines from IRC. A server
	// can send those without an end, and whoever reads them is always there when there is
	// room: nothing else would come in while the user pauses between them.
	inletOthers = 64
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

// limit is how many events may wait before this one: most for those which come once, as
// timers and the end of a connection do.
func (h *happening) limit() int {
	if _, last := h.line.(ircconn.Disconnected); last || h.do != nil {
		return inletEvents + inletOthers
	}
	return inletEvents
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
	*work                 // nil while there is none
	bytes   int           // of the stanzas
	room    chan struct{} // closed when events were taken; nil while nobody waits
	over    chan struct{} // closed when the inlet ends; nil while nobody waits for that
	running bool
	// pending says that the goroutine which is to run is that of a connection, when
	// it has given all its lines.
	pending bool
	ended   bool
	idle    bool // nothing came since the goroutine stopped with nothing to keep
}

// work is what waits in an inlet, or has been taken from it.
type work struct {
	stanzas []*component.Stanza
	events  []happening
}

// works lends what work waits in, which most users need for a moment only.
var works = sync.Pool{New: func() any { return new(work) }}

// finish gives w back, if there is one; what waited in it is done.
func (w *work) finish() {
	if w == nil {
		return
	}
	clear(w.stanzas)
	clear(w.events)
	w.stanzas, w.events = w.stanzas[:0], w.events[:0]
	works.Put(w)
}

// len is how much work there is; none for nil.
func (w *work) len() int {
	if w == nil {
		return 0
	}
	return len(w.stanzas) + len(w.events)
}

// postStanza queues a stanza and reports whether there was room. start is called
// when no goroutine is at work.
func (in *inlet) postStanza(s *component.Stanza, start func()) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended {
		return false
	}
	in.need()
	if len(in.stanzas) >= inletStanzas || in.bytes > 0 && in.bytes+s.Size > inletBytes {
		return false
	}
	in.stanzas = append(in.stanzas, s)
	in.bytes += s.Size
	in.wake(start)
	return true
}

// postEvent queues an event. It waits while too many wait before it, until what
// patience returns is closed, and reports whether the event was queued. start is
// called when no goroutine is at work; with later it is called only when so much waits
// that it cannot, and otherwise later is, which is to call startPending.
func (in *inlet) postEvent(ev happening, patience func() <-chan struct{}, start, later func()) bool {
	for {
		in.mu.Lock()
		if in.ended {
			in.mu.Unlock()
			return false
		}
		in.need()
		if len(in.events) < ev.limit() {
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
		case <-patience():
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

// need sees to it that there is something for work to wait in; in.mu is held.
func (in *inlet) need() {
	if in.work == nil {
		in.work = works.Get().(*work)
	}
}

// take returns all that waits, and nil when the goroutine has nothing left to do; it
// then counts as stopped. idle is whether the user has nothing to keep.
func (in *inlet) take(idle bool) *work {
	in.mu.Lock()
	defer in.mu.Unlock()
	taken := in.work
	in.work, in.bytes = nil, 0
	if taken.len() == 0 {
		taken.finish()
		in.running = false
		in.idle = idle
		return nil
	}
	if in.room != nil {
		close(in.room)
		in.room = nil
	}
	return taken
}

// waiting is how much waits.
func (in *inlet) waiting() (stanzas, events int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.work == nil {
		return 0, 0
	}
	return len(in.stanzas), len(in.events)
}

// drain returns the stanzas that wait in an inlet that has ended.
func (in *inlet) drain() []*component.Stanza {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.work == nil {
		return nil
	}
	left := in.stanzas
	in.work, in.bytes = nil, 0
	return left
}

// end refuses all that comes from now on and frees whoever waits. It comes once.
func (in *inlet) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	if in.room != nil {
		close(in.room)
		in.room = nil
	}
	if in.over != nil {
		close(in.over)
	}
}

// hasEnded returns what is closed when the inlet ends.
func (in *inlet) hasEnded() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.over == nil {
		in.over = make(chan struct{})
		if in.ended {
			close(in.over)
		}
	}
	return in.over
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
