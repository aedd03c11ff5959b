package ircconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// quitGrace is how long the server may take to close after our QUIT.
	quitGrace = 2 * time.Second
	// lastEventGrace is how long the sink may take for the Disconnected event.
	lastEventGrace = 5 * time.Second
)

// Options are what one connection has of its own.
type Options struct {
	// Addresses are tried in order until one accepts us.
	Addresses []Address
	Nick      string
	// AlternativeNicks are tried in order when the server refuses Nick at
	// registration; after them come nicks made from Nick.
	AlternativeNicks []string
	Username         string
	RealName         string
	Password         string // of the server (PASS); empty for none
	// TLS is the base configuration, or nil; the server name and the least
	// version are set for each address.
	TLS *tls.Config
	// Decode turns a line that is not valid UTF-8 into one that is; nil
	// replaces the invalid bytes by U+FFFD. Message tags are not part of what
	// it gets. It may change its argument but not keep it.
	Decode func(line []byte) []byte
}

// A Sink receives the events of one connection, one at a time and in order, on
// the connection's goroutines. It may wait, and must return when done is
// closed: the connection has been closed, or has waited long enough for its
// Disconnected event to be taken.
type Sink func(done <-chan struct{}, c *Conn, event Event)

// Conn is one IRC connection, from the first dial to its end. Its methods may
// be called from every goroutine and never wait.
type Conn struct {
	config  Config
	options Options
	log     *slog.Logger
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
	writer  writer

	sinkMu sync.Mutex
	sink   Sink
	ended  bool // Disconnected was sent: nothing may follow

	mu        sync.Mutex
	socket    net.Conn // without TLS around it; nil while there is none
	quitting  bool
	quitTimer *time.Timer

	registered bool // a server has accepted us; of the reading goroutine
}

// Start begins to connect and returns at once; progress and result arrive at
// the sink. A nil log discards everything.
func Start(config Config, options Options, sink Sink, log *slog.Logger) *Conn {
	c := newConn(config, options, sink, log)
	go c.run()
	return c
}

func newConn(config Config, options Options, sink Sink, log *slog.Logger) *Conn {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Conn{config: config, options: options, sink: sink, log: log, done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.writer.init(c)
	return c
}

// Send queues lines for the server. They leave together, in order and with no
// other line of the queue between them, at the pace that Config sets. Either
// all are queued or none: the error is ErrQueueFull, ErrClosed or an *Error
// about a line that cannot be sent. Lines queued before Registered wait for it,
// and go without tags and label.
func (c *Conn) Send(lines ...Line) error { return c.writer.send(lines) }

// Quit says goodbye with a reason: QUIT leaves ahead of the lines that wait,
// which are dropped. The socket is closed when the server closes it, and at the
// latest two seconds later. Events go on until then.
func (c *Conn) Quit(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quitting || c.ctx.Err() != nil {
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
	c.cancel()
	c.writer.close()
	if c.socket != nil {
		// Only the socket: closing TLS politely waits for a peer that does
		// not read.
		_ = c.socket.Close()
	}
}

// Done is closed when the connection has ended and Disconnected has been
// delivered or given up.
func (c *Conn) Done() <-chan struct{} { return c.done }

// run is the connection's goroutine.
func (c *Conn) run() {
	defer close(c.done)
	var failure *Error
	if len(c.options.Addresses) == 0 {
		failure = localError("no address is configured for this IRC server")
	}
	for i, address := range c.options.Addresses {
		failure = c.try(address)
		if c.isEnding() || c.registered {
			break
		}
		c.log.Info("address failed", "address", address.String(), "error", failure)
		if i < len(c.options.Addresses)-1 {
			c.emit(Progress{Text: sentence(failure.Error())})
		}
	}
	c.finish(failure)
}

// isEnding reports whether we ourselves asked for the end.
func (c *Conn) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quitting || c.ctx.Err() != nil
}

// finish delivers Disconnected and lets go of everything.
func (c *Conn) finish(failure *Error) {
	event := Disconnected{WasRegistered: c.registered}
	if !c.isEnding() && failure != nil {
		event.Err = failure
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
	c.ended = true
	c.guard(func() { c.sink(given, c, event) })
}

// emit hands one event to the sink, unless the connection has been closed.
func (c *Conn) emit(event Event) {
	c.sinkMu.Lock()
	defer c.sinkMu.Unlock()
	if c.ended || c.ctx.Err() != nil {
		return
	}
	c.sink(c.ctx.Done(), c, event)
}

// guard runs f and turns a panic into an error: one connection's fault must
// not end the others.
func (c *Conn) guard(f func()) (failure *Error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			c.log.Error("panic in an IRC connection", "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
			failure = localError("an internal error ended the connection; the log of the gateway has the details")
		}
	}()
	f()
	return nil
}

// try connects to one address and serves it until the end of that connection.
func (c *Conn) try(address Address) (failure *Error) {
	c.emit(Progress{Text: connectingText(address)})
	socket, stream, failure := c.dial(address)
	if failure != nil {
		return failure
	}
	return c.serve(socket, stream, address)
}

// serve registers on an open connection and reads until it ends. stream is
// socket itself or TLS around it.
func (c *Conn) serve(socket, stream net.Conn, address Address) (failure *Error) {
	defer func() { _ = socket.Close() }()
	c.mu.Lock()
	if c.quitting || c.ctx.Err() != nil {
		c.mu.Unlock()
		return localError("the connection was closed")
	}
	c.socket = socket
	c.mu.Unlock()
	defer func() {
		c.writer.detach()
		c.mu.Lock()
		c.socket = nil
		c.mu.Unlock()
	}()

	c.writer.attach(stream)
	panicked := c.guard(func() { failure = c.converse(stream, address) })
	if panicked != nil {
		return panicked
	}
	return failure
}

// converse is the loop of the reading goroutine over one connection.
func (c *Conn) converse(stream net.Conn, address Address) *Error {
	session := newSession(c, address)
	watch := newWatch(c.config, stream)
	in := newInput(stream)
	var lines lineSplitter
	lines.limit = c.config.MaxLineBytes
	session.begin()
	for {
		watch.follow(session.phase)
		chunk, err := in.next()
		if err == nil {
			lines.split(chunk, session.receive, session.isOver)
			in.release()
			watch.heard()
		} else if errors.Is(err, errTimeout) {
			c.expired(session, watch)
		} else {
			return session.closedBy(err)
		}
		if session.failure != nil {
			return session.failure
		}
	}
}

// expired acts on a read deadline that has passed.
func (c *Conn) expired(session *session, watch *watch) {
	if err := c.writer.failed(); err != nil {
		session.failure = session.closedBy(err)
		return
	}
	switch watch.expired(session.phase) {
	case actionPing:
		c.writer.urgent(newLine("PING", pingToken))
	case actionWelcome:
		session.welcome()
	case actionRegistrationTimeout:
		session.fail(&Error{Kind: KindTimeout, Text: "it accepted the connection but not the registration"})
	case actionDead:
		session.fail(&Error{Kind: KindPingTimeout})
	}
}
