package ircconn

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"passerelle/crew"
)

// A Poller waits for the servers of many connections at once, so that one whose
// server is silent needs neither a goroutine nor a timer: it is a place in a table.
// When something arrives, or a deadline passes, one of a few goroutines works on it.
//
// A nil Poller is none: each connection then waits on a goroutine of its own.
type Poller struct {
	file  *os.File // the system's queue of sockets that have something to read
	raw   syscall.RawConn
	began time.Time
	crew  *crew.Crew[duty]

	mu     sync.Mutex
	places []place // by file descriptor
	// next is when the goroutine looks at the deadlines, as time since began; 0
	// when no deadline is near enough to be waited for.
	next time.Duration

	// What follows belongs to the goroutine.
	arrivals arrivals
	look     func(fd uintptr) bool
}

// duty is what there is to do for a connection: something has come, or there is an
// error to act on.
type duty struct {
	reader *reader
	err    error
}

// crewSize is how many goroutines work on what arrives, for each processor. They
// share their processor with the users of the gateway.
const crewSize = 2

// place is one connection in the table of a Poller.
type place struct {
	reader   *reader       // nil for none
	deadline time.Duration // since the Poller began; 0 for none
	// waits says that no goroutine works for the connection, noticed that something
	// came while one did.
	waits, noticed bool
	// ends says that the socket has an end or an error to tell, perhaps after some
	// bytes.
	ends bool
}

// Deadlines that are farther away than farDeadline pass on a whole coarseTick, so
// that those of thousands of connections are looked at together.
const (
	farDeadline = 10 * time.Second
	coarseTick  = time.Second
)

// NewPoller returns a Poller, or nil where the system has no way to wait for many
// sockets at once.
func NewPoller() (*Poller, error) {
	p := &Poller{began: time.Now(), crew: newCrew()}
	if err := p.open(); err != nil || p.file == nil {
		return nil, err
	}
	raw, err := p.file.SyscallConn()
	if err != nil {
		_ = p.file.Close()
		return nil, err
	}
	p.raw, p.look = raw, p.collect
	go p.run()
	return p, nil
}

func newCrew() *crew.Crew[duty] {
	return crew.New(crewSize*runtime.GOMAXPROCS(0), func(d duty) { d.reader.resume(d.err) })
}

// Close ends the Poller. All its connections must have ended.
func (p *Poller) Close() {
	if p != nil {
		_ = p.file.Close()
		p.crew.Close()
	}
}

// run is the goroutine: it waits for what arrives, and for the next deadline.
func (p *Poller) run() {
	for {
		err := p.raw.Read(p.look)
		switch {
		case err == nil:
			p.arrived()
		case errors.Is(err, os.ErrDeadlineExceeded):
			p.expire()
		default:
			return
		}
	}
}

// arrived has goroutines work on what the goroutine has collected.
func (p *Poller) arrived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for fd, ends := range p.arrivals.all() {
		if fd < 0 || fd >= len(p.places) || p.places[fd].reader == nil {
			continue // it was closed meanwhile
		}
		at := &p.places[fd]
		at.ends = at.ends || ends
		if !at.waits {
			at.noticed = true
			continue
		}
		at.waits = false
		p.crew.Give(duty{reader: at.reader})
	}
}

// expire has goroutines work on deadlines that have passed.
func (p *Poller) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Since(p.began)
	p.next = 0
	nearest := time.Duration(0)
	for fd := range p.places {
		at := &p.places[fd]
		if !at.waits || at.deadline == 0 {
			continue
		}
		if at.deadline <= now {
			at.waits, at.deadline = false, 0
			p.crew.Give(duty{at.reader, errTimeout})
			continue
		}
		if nearest == 0 || at.deadline < nearest {
			nearest = at.deadline
		}
	}
	p.wakeAt(nearest)
}

// wakeAt has the goroutine look at the deadlines then, or earlier.
func (p *Poller) wakeAt(deadline time.Duration) {
	if deadline == 0 {
		if p.next == 0 {
			_ = p.file.SetReadDeadline(time.Time{})
		}
		return
	}
	if p.next != 0 && p.next <= deadline {
		return
	}
	p.next = deadline
	_ = p.file.SetReadDeadline(p.began.Add(deadline))
}

// add makes a place for a connection, whose socket raw is, and reports whether there
// is one.
func (p *Poller) add(r *reader, raw syscall.RawConn) (fd int, added bool) {
	fd = -1
	err := raw.Control(func(descriptor uintptr) {
		fd = int(descriptor)
		p.mu.Lock()
		defer p.mu.Unlock()
		for fd >= len(p.places) {
			p.places = append(p.places, place{})
		}
		p.places[fd] = place{reader: r}
		if added = p.watch(fd) == nil; !added {
			p.places[fd] = place{}
		}
	})
	return fd, added && err == nil
}

// remove gives up the place of a connection.
func (p *Poller) remove(r *reader, fd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.places[fd].reader == r {
		p.places[fd] = place{}
	}
}

// park says that no goroutine works for a connection any more, unless there is
// something to do: then goOn is true, and the error is errTimeout or nil.
func (p *Poller) park(r *reader, fd int) (goOn bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := &p.places[fd]
	if at.reader != r {
		return true, net.ErrClosed
	}
	switch {
	case at.passed(p):
		return true, errTimeout
	case at.noticed:
		at.noticed = false
		return true, nil
	}
	at.waits, at.ends = true, false
	p.wakeAt(at.deadline)
	return false, nil
}

// passed reports, once, whether the deadline of a connection has passed.
func (p *Poller) passed(r *reader, fd int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := &p.places[fd]
	return at.reader == r && at.passed(p)
}

func (at *place) passed(p *Poller) bool {
	if at.deadline == 0 || at.deadline > time.Since(p.began) {
		return false
	}
	at.deadline = 0
	return true
}

// interrupt has a goroutine work for a connection that is about to be closed.
func (p *Poller) interrupt(r *reader, fd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := &p.places[fd]
	if at.reader != r {
		return
	}
	at.noticed = true
	if at.waits {
		at.waits = false
		p.crew.Give(duty{r, net.ErrClosed})
	}
}

// setDeadline has a connection wait until then at most.
func (p *Poller) setDeadline(r *reader, fd int, deadline time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := &p.places[fd]
	if at.reader != r {
		return
	}
	now := time.Since(p.began)
	at.deadline = max(1, deadline.Sub(p.began))
	if at.deadline-now > farDeadline {
		at.deadline = (at.deadline + coarseTick - 1).Truncate(coarseTick)
	}
	if at.waits {
		p.wakeAt(at.deadline)
	}
}

// mayEnd reports whether the socket of a connection has an end or an error to tell.
func (p *Poller) mayEnd(r *reader, fd int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.places[fd].reader == r && p.places[fd].ends
}
