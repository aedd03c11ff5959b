package ircconn

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// quitGrace is how long the server may take to close after our QUIT.
	quitGrace = 2 * time.Second
	// lastEventGrace is how long the sink may take for the Disconnected event.
	lastEventGrace = 5 * time.Second
)

// A Sink receives the events of one connection, one at a time and in order, on
// the connection's goroutines. It may wait, and must return when Patience is closed.
type Sink func(c *Conn, event Event)

// Deliver gives a sink an event as a connection does, with that patience, and has done
// what the sink wants done afterwards. It is for those who stand in for a connection.
func (s Sink) Deliver(patience <-chan struct{}, event Event) {
	c := &Conn{lastPatience: patience}
	s(c, event)
	c.beginLater()
}

// Conn is one IRC connection, from the first dial to its end. Its methods may
// be called from every goroutine and never wait.
type Conn struct {
	config  *Config  // shared with other connections
	options *Options // let go of when we are registered
	identd  *Identd
	traffic *Traffic
	encode  func(string) []byte // nil for UTF-8
	log     *slog.Logger
	writer  writer
	closed  atomic.Bool // by Close

	sinkMu sync.Mutex
	sink   Sink
	ended  bool      // Disconnected was sent: nothing may follow
	heard  time.Time // when the socket last gave something, or the wait for it ended
	later  func()    // what the sink wants done afterwards
	// lastPatience is that for the last event; nil before.
	lastPatience <-chan struct{}

	mu        sync.Mutex
	stop      context.CancelFunc // ends the dialling under way; nil while there is none
	socket    net.Conn           // without TLS around it; nil while there is none
	reader    *reader            // of socket
	quitting  bool
	closing   signal // Close was called
	ending    signal // the very end
	quitTimer *time.Timer

	// What follows belongs to the connection's goroutine.
	address    int          // index of the next address to try
	failure    *Error       // of the last address
	registered bool         // a server has accepted us
	refused    bool         // for a reason that other addresses share
	upgrades   []STSPolicy  // what servers without TLS told us
	sts        *STSReceived // of the last connection
}

// Start begins to connect and returns at once; progress and result arrive at
// the sink. config may be shared by many connections, and must not change. A nil log
// discards everything.
func Start(config *Config, options Options, sink Sink, log *slog.Logger) *Conn {
	c := newConn(config, options, sink, log)
	go c.run()
	return c
}

func newConn(config *Config, options Options, sink Sink, log *slog.Logger) *Conn {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Conn{
		config: config, options: &options, identd: options.Identd, traffic: options.Traffic, encode: options.Encode, sink: sink, log: log,
	}
	if options.Proxy != "" {
		c.identd = nil
	}
	if c.identd != nil {
		if err := checkIdent(options.Ident); err != nil {
			c.log.Warn("identd will not know the connection", "error", err)
			c.identd = nil
		}
	}
	c.writer.init(c)
	return c
}

// Queue queues lines for the server, which leave at the next Flush, or earlier. They
// leave together, in order and with no other line of the queue between them, at the
// pace that Config sets. Either all are queued or none: the error is ErrQueueFull,
// ErrClosed or an *Error about a line that cannot be sent. Lines queued before
// Registered wait for it, and go without tags and label.
func (c *Conn) Queue(lines ...Line) error { return c.writer.queueLines(lines) }

// Flush has the lines of Queue leave. Those that the socket takes at once have left
// when it returns; written is then called for each of them that has a receipt, and no
// Written event follows. The other lines leave when the socket and the pace let them,
// with a Written event for each that has a receipt.
func (c *Conn) Flush(written func(receipt uint64)) { c.writer.flush(written) }

// Quit says goodbye with a reason: QUIT leaves ahead of the lines that wait,
// which are dropped. The socket is closed when the server closes it, and at the
// latest two seconds later. Events go on until then.
func (c *Conn) Quit(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quitting || c.closing.happened {
		return
	}
	c.quitting = true
	if c.socket == nil {
		c.closeLocked()
		return
	}
	c.writer.quit(reason)
	c.quitTimer = time.AfterFunc(quitGrace, c.Close)
}

// Close ends the connection at once. The only event after it is Disconnected.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked()
}

func (c *Conn) closeLocked() {
	if c.closing.happened {
		return
	}
	c.closed.Store(true)
	c.closing.give()
	c.writer.close()
	if c.stop != nil {
		c.stop()
	}
	if c.socket != nil {
		c.reader.in.interrupt()
		// Only the socket: closing TLS politely waits for a peer that does
		// not read.
		_ = c.socket.Close()
	}
}

// Heard returns when that was read from the socket which the event at hand comes
// from. Only a Sink may ask, while it is given an event.
func (c *Conn) Heard() time.Time { return c.heard }

// hear notes when something was read.
func (c *Conn) hear(now time.Time) {
	c.sinkMu.Lock()
	defer c.sinkMu.Unlock()
	c.heard = now
}

// Afterwards has work done when all that has arrived was given to the sink, by a
// goroutine that has nothing else to do then: it may wait. The last work counts. Only
// a Sink may ask, while it is given an event.
func (c *Conn) Afterwards(work func()) { c.later = work }

// takeLater returns what is to be done afterwards, or nil.
func (c *Conn) takeLater() func() {
	c.sinkMu.Lock()
	defer c.sinkMu.Unlock()
	work := c.later
	c.later = nil
	return work
}

// beginLater begins at once what is to be done afterwards.
func (c *Conn) beginLater() {
	if work := c.takeLater(); work != nil {
		go work()
	}
}

// Patience returns what is closed when a Sink must not wait any longer: the connection
// has been closed, or has waited long enough for its Disconnected event to be taken.
// Only a Sink may ask, while it is given an event.
func (c *Conn) Patience() <-chan struct{} {
	if c.lastPatience != nil {
		return c.lastPatience
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing.wait()
}

// Done returns what is closed when the connection has ended and Disconnected has been
// delivered or given up.
func (c *Conn) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending.wait()
}

// A connection is the work of one goroutine at a time: one waits for the server,
// works on what has come, and ends when it has had a new one wait. In this way an
// idle connection keeps the smallest stack there is, whatever the work before has
// needed.

// run is the first of these goroutines.
func (c *Conn) run() { c.advance(c.next()) }

// advance begins to speak to a server, or ends where there is none.
func (c *Conn) advance(r *reader) {
	if r == nil {
		c.finish()
		c.end()
		return
	}
	c.proceed(r, r.session.begin)
}

// end says that it is the very end, and does what is left to do.
func (c *Conn) end() {
	c.mu.Lock()
	c.ending.give()
	c.mu.Unlock()
	if work := c.takeLater(); work != nil {
		work()
	}
}

// proceed does some work and has a goroutine wait for more.
func (c *Conn) proceed(r *reader, work func()) {
	panicked := c.guard(work)
	c.answer(r)
	if panicked == nil && !r.session.isOver() {
		c.rest(r)
		if work := c.takeLater(); work != nil {
			work()
		}
		return
	}
	c.beginLater()
	c.leave(r, panicked)
	c.advance(c.next())
}

// answer has the lines leave that the session has for the server so far.
func (c *Conn) answer(r *reader) {
	if !r.session.unsent {
		return
	}
	r.session.unsent = false
	c.writer.flush(func(receipt uint64) { c.emit(Written{Receipt: receipt}) })
}

// rest has nothing, or another goroutine, wait for more.
func (c *Conn) rest(r *reader) {
	if !r.in.parks() {
		go c.wait(r)
		return
	}
	if goOn, err := r.in.park(); goOn {
		r.in.place.crew.Give(duty{r, err})
	}
}

// wait waits for the server, beneath few and small frames, and goes on when it has
// spoken.
func (c *Conn) wait(r *reader) {
	err := r.in.wait()
	c.proceed(r, func() { r.arrived(err) })
}

// next connects to the next address that answers. It returns nil when there is
// none, and when the connection is to end.
func (c *Conn) next() *reader {
	for !c.registered && !c.refused && !c.isEnding() {
		address, found := c.nextAddress()
		if !found {
			return nil
		}
		var r *reader
		panicked := c.guard(func() { r, c.failure = c.connect(address) })
		if panicked != nil {
			c.failure = panicked
		}
		if c.failure == nil {
			return r
		}
		c.log.Info("address failed", "address", address.String(), "error", c.failure)
	}
	return nil
}

// nextAddress returns the next address as the policies of its host want it,
// unless that was tried already.
func (c *Conn) nextAddress() (Address, bool) {
	addresses := c.options.Addresses
	if len(addresses) == 0 {
		c.failure = localError("no address is configured for this IRC server")
	}
	for c.address < len(addresses) {
		address := c.strict(addresses[c.address])
		tried := slices.ContainsFunc(addresses[:c.address], func(a Address) bool { return c.strict(a) == address })
		c.address++
		if !tried {
			return address, true
		}
	}
	return Address{}, false
}

// connect dials and says what it does, and why another address is tried.
func (c *Conn) connect(address Address) (*reader, *Error) {
	if c.failure != nil {
		c.emit(Progress{Text: sentence(c.failure.Error())})
	}
	c.emit(Progress{Text: connectingText(address)})
	c.beginLater()
	socket, stream, failure := c.dial(address)
	if failure != nil {
		return nil, failure
	}
	return c.open(socket, stream, address)
}

// open begins to speak on a new connection. stream is socket itself or TLS
// around it.
func (c *Conn) open(socket, stream net.Conn, address Address) (*reader, *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quitting || c.closing.happened {
		c.closeSocket(socket)
		return nil, localError("the connection was closed")
	}
	r := newReader(c, stream, address)
	c.socket, c.reader = socket, r
	c.writer.attach(stream, &r.in)
	return r, nil
}

// peer is the address of the server; the zero value when that is not known. It may
// be called until the options are let go of.
func (c *Conn) peer() netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket == nil || c.options.Proxy != "" {
		return netip.Addr{}
	}
	remote, err := netip.ParseAddrPort(c.socket.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return remote.Addr().Unmap()
}

// leave lets go of a connection that has come to its end.
func (c *Conn) leave(r *reader, panicked *Error) {
	c.failure = r.session.failure
	if panicked != nil {
		c.failure = panicked
	}
	c.refused = r.session.hopeless
	c.sts = r.session.sts
	c.upgrade(r.session.upgrade)
	c.writer.detach()
	c.mu.Lock()
	defer c.mu.Unlock()
	r.in.end()
	c.closeSocket(c.socket)
	c.socket, c.reader = nil, nil
}

// isEnding reports whether we ourselves asked for the end.
func (c *Conn) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quitting || c.closing.happened
}

// wasClosed reports whether Close was called.
func (c *Conn) wasClosed() bool { return c.closed.Load() }

// finish delivers Disconnected and lets go of everything.
func (c *Conn) finish() {
	event := Disconnected{WasRegistered: c.registered}
	if !c.isEnding() && c.failure != nil {
		event.Err = c.failure
	}
	if c.sts != nil {
		event.STS = *c.sts
	}
	c.Close()
	c.writer.wait()
	c.mu.Lock()
	if c.quitTimer != nil {
		c.quitTimer.Stop()
	}
	c.mu.Unlock()

	given := make(chan struct{})
	timer := time.AfterFunc(lastEventGrace, func() { close(given) })
	defer timer.Stop()
	c.sinkMu.Lock()
	defer c.sinkMu.Unlock()
	c.ended, c.lastPatience = true, given
	c.guard(func() { c.sink(c, event) })
}

// emit hands one event to the sink, unless the connection has been closed.
func (c *Conn) emit(event Event) {
	c.sinkMu.Lock()
	defer c.sinkMu.Unlock()
	if c.ended || c.wasClosed() {
		return
	}
	c.sink(c, event)
}

// guard runs f and turns a panic into an error: one connection's fault must
// not end the others.
func (c *Conn) guard(f func()) (failure *Error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			c.traffic.panicked()
			c.log.Error("panic in an IRC connection", "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
			failure = localError("an internal error ended the connection; the log of the gateway has the details")
		}
	}()
	f()
	return nil
}
