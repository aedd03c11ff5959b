package component

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// errPeerDead says that the host server did not answer a ping.
var errPeerDead = errors.New("the XMPP server does not answer")

// watch keeps a stream alive and finds out when it is dead: XEP-0114 has no other
// way to learn that the peer is gone. It sends a space when nothing was sent for
// an interval (RFC 6120 §4.6.1), and a ping (XEP-0199) to the host server when
// nothing was received for one.
type watch struct {
	interval, timeout time.Duration
	us, server        JID
	queue             *queue
	begin             time.Time
	// lastRead and lastWrite are times since begin.
	lastRead, lastWrite atomic.Int64
	// ping is the id of the last ping.
	ping atomic.Pointer[string]
	done chan struct{}
}

func (w *watch) init(cfg Config, q *queue) {
	w.interval, w.timeout = cfg.PingInterval, cfg.PingTimeout
	w.us, w.server = JID{Domain: cfg.Hostname}, JID{Domain: cfg.ServerDomain}
	w.queue = q
	w.begin = time.Now()
	w.done = make(chan struct{})
}

func (w *watch) didRead() { w.lastRead.Store(int64(time.Since(w.begin))) }
func (w *watch) wrote()   { w.lastWrite.Store(int64(time.Since(w.begin))) }

// heard is when something was last received.
func (w *watch) heard() time.Time { return w.begin.Add(time.Duration(w.lastRead.Load())) }

func (w *watch) stop() { close(w.done) }

// run returns nil after stop, and errPeerDead when the peer is.
func (w *watch) run() error {
	var pinged time.Duration
	timer := time.NewTimer(w.interval)
	defer timer.Stop()
	for {
		select {
		case <-w.done:
			return nil
		case <-timer.C:
		}
		now := time.Since(w.begin)
		read, wrote := time.Duration(w.lastRead.Load()), time.Duration(w.lastWrite.Load())
		if pinged > 0 && read >= pinged {
			pinged = 0
		}
		switch {
		case pinged > 0 && now >= pinged+w.timeout:
			return errPeerDead
		case pinged == 0 && now >= read+w.interval:
			pinged = now
			w.sendPing()
		case now >= wrote+w.interval:
			_ = w.queue.offer([]byte{' '})
			wrote = now
		}
		timer.Reset(w.wakeIn(now, read, wrote, pinged))
	}
}

// wakeIn is how long there is nothing to do. It is never more than an interval,
// because what is read and written meanwhile does not wake the watch.
func (w *watch) wakeIn(now, read, wrote, pinged time.Duration) time.Duration {
	due := now + w.interval
	if pinged > 0 {
		due = min(due, pinged+w.timeout)
	} else {
		due = min(due, read+w.interval)
	}
	if idle := wrote + w.interval; idle > now {
		due = min(due, idle)
	}
	return max(due-now, time.Millisecond)
}

// sendPing queues a ping. A queue that is full needs none: the writer's deadline
// judges then.
func (w *watch) sendPing() {
	id := rand.Text()
	w.ping.Store(&id)
	var e Encoder
	e.Stanza(IQ, w.us, w.server, "get", id)
	e.Leaf("ping", nsPing, "")
	e.Close()
	_ = w.queue.offer(e.Bytes())
}

// isPong reports whether s answers our last ping, with a result or an error.
func (w *watch) isPong(s *Stanza) bool {
	if s.Kind != IQ || s.Type != "result" && s.Type != "error" || s.From != w.server {
		return false
	}
	id := w.ping.Load()
	return id != nil && *id == s.ID
}

// failure keeps the first error that it is given.
type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
