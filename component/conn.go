package component

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// streamEnd closes our side of the stream.
const streamEnd = "</stream:stream>"

// Handler is told what happens on the stream. All methods are called on one
// goroutine, that of [Conn.Run]; they must not block, because nothing is read
// meanwhile.
type Handler interface {
	// HandleStanza gets each stanza that was sent to our domain. The receiver
	// keeps it: it is never written again.
	HandleStanza(*Stanza)
	// StreamUp says that a stream is open: Send works from now on. What other
	// entities know about us has to be taken for forgotten.
	StreamUp()
	// StreamDown says that the stream of the last StreamUp is lost, and why. Until
	// heard the host is known to have worked on what it was sent, as far as it answers
	// pings: whatever was sent since then, or queued and not yet written, may be gone.
	StreamDown(err error, heard time.Time)
}

// Conn is the component's stream to its host server, reconnected whenever it is
// lost. Send, Offer and Stats may be called from any goroutine.
type Conn struct {
	cfg Config
	h   Handler
	log *slog.Logger
	// queue is of the current stream, nil while there is none.
	queue atomic.Pointer[queue]
	stats counters
	// tried is closed when the first attempt to connect has ended well, or in a way
	// that is tried again.
	tried chan struct{}
	// pause waits between two attempts to connect; tests have their own.
	pause func(ctx context.Context, d time.Duration)
	// markEvery is that of the queues; tests have their own.
	markEvery time.Duration
}

// New makes a connection that is opened by [Conn.Run]. The configuration has to
// be valid; fields left at zero get their defaults.
func New(cfg Config, h Handler, log *slog.Logger) *Conn {
	return &Conn{cfg: cfg.withDefaults(), h: h, log: log, tried: make(chan struct{}), pause: pause, markEvery: marksApart}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Tried is closed once Run's first attempt has ended without the refusal that makes
// Run return: a stream was open, or could not be opened yet.
func (c *Conn) Tried() <-chan struct{} { return c.tried }

// Run connects and stays connected until ctx ends. Then it stops reading, writes
// what was queued within a second, closes the stream, and returns nil. Send and
// Offer refuse from the moment ctx ends.
//
// It must be called once only.
//
// As long as no stream was ever opened, a refusal that trying again does not
// remove (wrong secret, unknown host, conflict, a certificate that is not
// trusted) makes it return a *[StartError]. Everything else, such as a host
// server that does not listen yet, is tried again after a pause, for ever.
func (c *Conn) Run(ctx context.Context) error {
	var (
		delay  = backoff{min: c.cfg.ReconnectMin, max: c.cfg.ReconnectMax}
		first  = sync.OnceFunc(func() { close(c.tried) })
		opened bool
		target string
		lost   time.Time // when the last stream was
	)
	for ctx.Err() == nil {
		stream, err := c.connect(ctx, target)
		if err == nil {
			if opened {
				c.stats.reconnects.Add(1)
			}
			opened = true
			delay.reset()
			first()
			err = c.serve(ctx, stream)
			if lost = time.Now(); isConflict(err) {
				lost = time.Time{} // somebody else has our place
			}
		} else if start, final := asStartError(err); final && !opened && ctx.Err() == nil {
			return start
		}
		if ctx.Err() != nil {
			break
		}
		elsewhere := seeOtherHost(err)
		if elsewhere != "" && target == "" {
			target = elsewhere
			c.log.Warn("sent to another host by the XMPP server", "target", target)
			continue
		}
		first()
		target = ""
		wait := c.waitAfter(err, &delay, lost)
		c.pause(ctx, wait)
	}
	return nil
}

const (
	// ghostTime is how long the host may take to notice that a stream is gone
	// which we have lost. Until then it answers a new one with a conflict.
	ghostTime = 5 * time.Minute
	// ghostRetry is how long to wait for that between attempts.
	ghostRetry = 3 * time.Second
)

// waitAfter says how long to wait after an attempt that did not work, or a stream
// that was lost, and logs it.
func (c *Conn) waitAfter(err error, delay *backoff, lost time.Time) time.Duration {
	switch {
	case !isConflict(err):
		wait := delay.next()
		c.log.Warn("no stream to the XMPP server", "address", c.cfg.Address, "retry_in", wait, "error", err)
		return wait
	case !lost.IsZero() && time.Since(lost) < ghostTime:
		c.log.Warn("the XMPP server has not noticed yet that our last stream is gone", "retry_in", ghostRetry, "error", err)
		return ghostRetry
	}
	delay.exhaust()
	wait := delay.next()
	c.log.Error("another component uses our hostname on the XMPP server: only one of the two can be connected",
		"hostname", c.cfg.Hostname, "retry_in", wait, "error", err)
	return wait
}

// Check opens a stream, calls during and closes it again, to find out whether the
// configuration works. The error says in plain words what does not.
func (c *Conn) Check(ctx context.Context, during func()) error {
	stream, err := c.connect(ctx, "")
	if target := seeOtherHost(err); target != "" {
		stream, err = c.connect(ctx, target)
	}
	if start, final := asStartError(err); final {
		return start
	}
	if err != nil {
		return &StartError{Reason: "no stream to the XMPP server at " + c.cfg.Address, Err: err}
	}
	during()
	_ = stream.SetWriteDeadline(time.Now().Add(flushTimeout))
	_, _ = stream.Write([]byte(streamEnd))
	return stream.Close()
}

// connect opens a connection and does the handshake.
func (c *Conn) connect(ctx context.Context, target string) (*link, error) {
	conn, err := c.dial(ctx, target)
	if err != nil {
		return nil, err
	}
	stream, err := c.handshake(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return stream, nil
}

// Send queues a copy of stanzas: whole ones, encoded, from our domain. It waits
// while more than 1 MiB is queued, and must not be called on the reader's
// goroutine. That it returns nil does not mean that the stanzas arrive: those
// that are queued when the stream is lost are gone, and their senders learn it by
// [Handler.StreamDown] only.
//
// Errors are ErrDisconnected and ErrForeignFrom.
func (c *Conn) Send(stanzas []byte) error {
	q, err := c.admit(stanzas)
	if q == nil {
		return err
	}
	if err := q.send(stanzas); err != nil {
		return err
	}
	c.stats.stanzasOut.Add(1)
	return nil
}

// SendAs is Send for one of several, who each wait when too much of their own is
// under way, and not for each other (see [Sender]).
func (c *Conn) SendAs(sender *Sender, stanzas []byte) error {
	q, err := c.admit(stanzas)
	if q == nil {
		return err
	}
	if err := q.sendAs(sender, stanzas); err != nil {
		return err
	}
	c.stats.stanzasOut.Add(1)
	return nil
}

// Offer is Send for those who cannot wait, such as the reader's goroutine: beyond
// 4 MiB it refuses with ErrQueueFull.
func (c *Conn) Offer(stanzas []byte) error {
	q, err := c.admit(stanzas)
	if q == nil {
		return err
	}
	if err := q.offer(stanzas); err != nil {
		return err
	}
	c.stats.stanzasOut.Add(1)
	return nil
}

// OfferAs is Offer for one of several: it refuses with ErrQueueFull when too much of
// the sender's own is under way, too.
func (c *Conn) OfferAs(sender *Sender, stanzas []byte) error {
	q, err := c.admit(stanzas)
	if q == nil {
		return err
	}
	if err := q.offerAs(sender, stanzas); err != nil {
		return err
	}
	c.stats.stanzasOut.Add(1)
	return nil
}

// admit checks what is to be sent and finds its queue. Without error and queue
// there is nothing to do.
func (c *Conn) admit(stanzas []byte) (*queue, error) {
	if len(stanzas) == 0 {
		return nil, nil
	}
	if !fromDomain(stanzas, c.cfg.Hostname) {
		c.log.Error("stanza from outside of our domain not sent", "hostname", c.cfg.Hostname, "bytes", len(stanzas))
		return nil, ErrForeignFrom
	}
	q := c.queue.Load()
	if q == nil {
		return nil, ErrDisconnected
	}
	return q, nil
}

func isConflict(err error) bool {
	var e *StreamError
	return errors.As(err, &e) && e.Condition == "conflict"
}

// seeOtherHost is the host:port to which the host server sends us, or "".
func seeOtherHost(err error) string {
	var e *StreamError
	if !errors.As(err, &e) || !e.Received || e.Condition != "see-other-host" {
		return ""
	}
	return withDefaultPort(e.Payload)
}

// backoff gives the pauses between attempts: doubled each time up to the
// longest, and shortened at random by up to half, so that many components do not
// come back at the same moment.
type backoff struct {
	min, max, last time.Duration
}

func (b *backoff) reset()   { b.last = 0 }
func (b *backoff) exhaust() { b.last = b.max }

func (b *backoff) next() time.Duration {
	b.last = min(max(b.min, 2*b.last), b.max)
	return b.last/2 + rand.N(b.last/2+1)
}
