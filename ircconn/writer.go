package ircconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// maxUrgentLines bounds the answers that wait for a server which asks but
	// does not read; further ones are dropped.
	maxUrgentLines = 100
	// maxWriteBytes is how much goes to the socket at once at most.
	maxWriteBytes = 64 << 10
	// readRest is how long we go on reading after a write failed: the server's
	// reason may be on its way.
	readRest = time.Second
)

// outgoing is one line on its way: the bytes for the socket, of which so many have
// left, the number of its Written event, or 0, and what it is about.
type outgoing struct {
	data    []byte
	receipt uint64
	left    int32
	kind    LineKind
}

// rest is what has not left.
func (o *outgoing) rest() []byte { return o.data[o.left:] }

func (line Line) outgoing(data []byte) outgoing {
	return outgoing{data: data, receipt: line.Receipt, kind: kindOfCommand(line.Command)}
}

// writer queues lines and writes them at the pace of its bucket. Its goroutine
// lives only while lines wait.
type writer struct {
	conn *Conn

	mu         sync.Mutex
	stream     net.Conn // nil while there is no connection
	in         *input   // of the same connection
	generation int      // of stream, so that the goroutine of an old one knows
	draining   bool
	wake       chan struct{} // closed to wake the goroutine that waits for the bucket; nil otherwise
	registered bool          // lines of the queue may leave
	closed     bool          // nothing may be queued any more
	failure    error         // of a write to stream
	bucket     bucket
	limits     lineLimits
	first      []outgoing // PONG, QUIT, registration: neither paced nor counted
	queue      []outgoing
	early      int // lines at the head of queue that need not wait for registered

	goroutines sync.WaitGroup
}

func (w *writer) init(c *Conn) {
	w.conn = c
	w.bucket = bucket{burst: c.config.Burst, interval: c.config.LineInterval}
	if pace := c.options.Pace; pace != nil {
		w.bucket = bucket{burst: max(1, pace.Burst), interval: pace.LineInterval}
	}
	w.limits = w.firstLimits()
}

// firstLimits are those of a server that has said nothing yet.
func (w *writer) firstLimits() lineLimits {
	return lineLimits{bytes: DefaultSupport().LineLen, encode: w.conn.encode}
}

// attach begins to write to a new connection.
func (w *writer) attach(stream net.Conn, in *input) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stream, w.in = stream, in
	w.first = nil
	w.failure = nil
	w.bucket.fill()
}

// detach stops writing; what waits in the queue stays for the next connection.
func (w *writer) detach() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.generation++
	w.stream, w.in = nil, nil
	w.registered = false
	w.draining = false
	w.first = nil
	w.setQueueLocked(w.queue[w.early:])
	w.early = 0
	w.limits = w.firstLimits()
	w.wakeLocked()
}

// precede puts lines before all that wait and lets them leave at the next flush, paced,
// before the others may. The errors are of lines that cannot be sent.
func (w *writer) precede(lines []Line) (faults []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(lines) == 0 {
		return nil
	}
	var ready []outgoing
	for _, line := range lines {
		data, err := line.bytes(w.limits)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		ready = append(ready, line.outgoing(data))
	}
	w.setQueueLocked(append(ready, w.queue...))
	w.early = len(ready)
	return faults
}

// release lets the lines of the queue leave from the next flush on: the server has
// accepted us.
func (w *writer) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.registered = true
}

func (w *writer) setLimits(limits lineLimits) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limits = limits
}

func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.clearLocked()
	w.first = nil
	w.wakeLocked()
}

// wait returns when no goroutine writes any more; the stream must be closed.
func (w *writer) wait() { w.goroutines.Wait() }

// failed returns why writing failed, or nil.
func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

func (w *writer) queueLines(lines []Line) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	if len(w.queue)-w.early+len(lines) > w.conn.config.QueueLines {
		return ErrQueueFull
	}
	queue := w.queue
	for _, line := range lines {
		data, err := line.bytes(w.limits)
		if err != nil {
			return err
		}
		queue = append(queue, line.outgoing(data))
	}
	w.setQueueLocked(queue)
	return nil
}

// urgent queues a line of our own making ahead of all others, to leave at the next flush.
func (w *writer) urgent(line Line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.urgentLocked(line)
}

func (w *writer) urgentLocked(line Line) {
	if w.closed || w.stream == nil {
		return
	}
	if len(w.first) >= maxUrgentLines {
		w.conn.log.Debug("answer dropped: the server does not read", "command", line.Command)
		return
	}
	data, err := line.bytes(w.limits)
	if err != nil {
		// Mostly what the server itself wrote: a PING may be longer than a line.
		w.conn.log.Debug("line not sent", "command", line.Command, "error", err)
		return
	}
	w.first = append(w.first, line.outgoing(data))
}

// quit queues QUIT as the last line. A reason that cannot be sent is left out.
func (w *writer) quit(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	line := withOptional("QUIT", reason)
	if _, err := line.bytes(w.limits); err != nil {
		w.conn.log.Debug("quit reason left out", "error", err)
		line = newLine("QUIT")
	}
	w.clearLocked()
	w.first = w.first[:min(len(w.first), maxUrgentLines-1)]
	w.urgentLocked(line)
	w.closed = true
	w.drainLocked()
}

// drainLocked sees to it that a goroutine writes what may leave.
func (w *writer) drainLocked() {
	if w.draining {
		if len(w.first) > 0 {
			w.wakeLocked()
		}
		return
	}
	if w.stream == nil || w.failure != nil || len(w.first) == 0 && w.releasedLocked() == 0 {
		return
	}
	w.drainFromLocked(nil)
}

// drainFromLocked has a goroutine write some lines, and then what may leave.
func (w *writer) drainFromLocked(batch []outgoing) {
	w.draining = true
	generation, stream := w.generation, w.stream
	w.goroutines.Go(func() {
		if failure := w.conn.guard(func() { w.drain(generation, stream, batch) }); failure != nil {
			w.fail(generation, failure)
		}
	})
}

// releasedLocked is how many lines of the queue may leave.
func (w *writer) releasedLocked() int {
	if w.registered {
		return len(w.queue)
	}
	return w.early
}

func (w *writer) clearLocked() {
	w.setQueueLocked(nil)
	w.early = 0
}

func (w *writer) setQueueLocked(queue []outgoing) {
	w.conn.traffic.queued(len(queue) - len(w.queue))
	w.queue = queue
}

func (w *writer) wakeLocked() {
	if w.wake != nil {
		close(w.wake)
		w.wake = nil
	}
}

// drain writes a batch, and goes on until nothing may leave any more.
func (w *writer) drain(generation int, stream net.Conn, batch []outgoing) {
	for {
		if len(batch) > 0 {
			if err := w.write(stream, batch); err != nil {
				w.fail(generation, err)
				return
			}
		}
		w.mu.Lock()
		if w.generation != generation {
			w.mu.Unlock()
			return
		}
		var wait time.Duration
		batch, wait = w.take(time.Now())
		if len(batch) == 0 && wait == 0 {
			w.draining = false
			w.mu.Unlock()
			return
		}
		var wake chan struct{}
		if len(batch) == 0 {
			wake = make(chan struct{})
			w.wake = wake
		}
		w.mu.Unlock()

		if wake != nil {
			w.pause(wait, wake)
		}
	}
}

// pause waits for the bucket, or until wake is closed.
func (w *writer) pause(wait time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	}
	w.mu.Lock()
	w.wake = nil
	w.mu.Unlock()
}

// take removes what may leave now from the queues. With nothing to write, wait
// is how long the bucket needs, or 0 when no line waits.
func (w *writer) take(now time.Time) (batch []outgoing, wait time.Duration) {
	if len(w.first) > 0 {
		batch, w.first = w.first, nil
		return batch, 0
	}
	released := w.releasedLocked()
	size, count := 0, 0
	for count < released && size < maxWriteBytes {
		if wait = w.bucket.take(now); wait > 0 {
			break
		}
		size += len(w.queue[count].data)
		count++
	}
	batch = w.queue[:count:count]
	w.setQueueLocked(w.queue[count:])
	w.early = max(0, w.early-count)
	if len(w.queue) == 0 {
		w.queue = nil
	}
	if count > 0 {
		wait = 0
	}
	return batch, wait
}

// write puts lines on the socket and says so.
func (w *writer) write(stream net.Conn, batch []outgoing) error {
	trace(w.conn.log, "out", batch)
	_ = stream.SetWriteDeadline(time.Now().Add(w.conn.config.PingTimeout))
	for _, data := range chunks(stream, batch) {
		if _, err := stream.Write(data); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
	w.conn.traffic.didSend(batch)
	said := false
	for _, line := range batch {
		if line.receipt != 0 {
			w.conn.emit(Written{Receipt: line.receipt})
			said = true
		}
	}
	if said { // otherwise a sink that waits must not keep the next answer from leaving
		w.conn.beginLater()
	}
	return nil
}

// chunks is what goes to the socket at once: all lines, or over TLS each line.
//
// COMPAT: ngIRCd 26 with OpenSSL leaves the rest of a TLS record that does not
// fit its read buffer unread until more bytes arrive.
func chunks(stream net.Conn, batch []outgoing) [][]byte {
	if _, encrypted := stream.(*tls.Conn); !encrypted {
		return [][]byte{joined(batch)}
	}
	lines := make([][]byte, len(batch))
	for i := range batch {
		lines[i] = batch[i].rest()
	}
	return lines
}

// fail notes that stream cannot be written to, and has the reader notice.
func (w *writer) fail(generation int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.generation == generation {
		w.failLocked(err)
	}
}

func (w *writer) failLocked(err error) {
	w.failure = err
	w.draining = false
	w.clearLocked()
	w.first = nil
	rest := readRest
	if errors.Is(err, os.ErrDeadlineExceeded) {
		rest = 0
	}
	w.in.setDeadline(time.Now().Add(rest))
}
