package crew

import (
	"slices"
	"sync"
	"time"
)

// patience is how long work is queued while no goroutine comes to any, until each
// piece of it gets another goroutine.
const patience = time.Millisecond

// A Crew does work of one kind. Its methods may be called from every goroutine.
type Crew[T any] struct {
	do   func(T)
	size int

	mu     sync.Mutex
	wanted sync.Cond // there is work for somebody who rests
	queue  []T       // from first on
	first  int
	staff  int // goroutines
	rest   int // of those, who wait for work and are not called yet
	taken  int // pieces of work that were begun
	seen   int // taken, when the foreman looked
	// foreman looks whether the queue moves; nil until there was a queue.
	foreman *time.Timer
	watches bool // the foreman is to come
	closed  bool
}

// New returns a crew of so many goroutines beside those that are held up, which start
// when they are needed. It does each piece of work by do, whose panics are not caught.
func New[T any](size int, do func(T)) *Crew[T] {
	c := &Crew[T]{do: do, size: size}
	c.wanted.L = &c.mu
	return c
}

// Give has work done soon. It never waits.
func (c *Crew[T]) Give(work T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first > 0 && len(c.queue) == cap(c.queue) {
		c.queue, c.first = slices.Delete(c.queue, 0, c.first), 0
	}
	c.queue = append(c.queue, work)
	switch {
	case c.rest > 0:
		c.rest--
		c.wanted.Signal()
	case c.staff < c.size:
		c.staff++
		go c.stay()
	case !c.watches:
		c.watchLocked()
	}
}

// Close has the goroutines end that have nothing to do. What is given to the crew
// afterwards is still done.
func (c *Crew[T]) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.rest = 0
	c.wanted.Broadcast()
}

// stay is a goroutine of the crew. It ends when as many rest as are wanted.
func (c *Crew[T]) stay() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		c.workLocked()
		if c.closed || c.rest >= c.size {
			c.staff--
			return
		}
		c.rest++
		c.wanted.Wait()
	}
}

// workLocked does what is queued.
func (c *Crew[T]) workLocked() {
	for c.first < len(c.queue) {
		var none T
		work := c.queue[c.first]
		c.queue[c.first] = none
		c.first++
		c.taken++
		if c.first == len(c.queue) {
			c.emptiedLocked()
		}
		c.mu.Unlock()
		c.do(work)
		c.mu.Lock()
	}
}

// mostQueued is how large a queue is kept for the next time, in pieces of work.
const mostQueued = 1024

func (c *Crew[T]) emptiedLocked() {
	c.queue, c.first = c.queue[:0], 0
	if cap(c.queue) > mostQueued {
		c.queue = nil
	}
}

// watchLocked has the foreman come.
func (c *Crew[T]) watchLocked() {
	c.watches, c.seen = true, c.taken
	if c.foreman == nil {
		c.foreman = time.AfterFunc(patience, c.look)
		return
	}
	c.foreman.Reset(patience)
}

// look is the foreman: where nobody has come to any work since the last look, for all
// that is queued there are more goroutines.
func (c *Crew[T]) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watches = false
	queued := len(c.queue) - c.first
	if queued == 0 {
		return
	}
	if c.taken == c.seen {
		c.staff += queued
		for range queued {
			go c.stay()
		}
	}
	c.watchLocked()
}
