package component

import (
	"crypto/rand"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	// softLimit is how many bytes may wait for the socket before Send waits,
	// hardLimit before Offer refuses. What the writer has already taken in hand
	// is not counted.
	softLimit = 1 << 20
	hardLimit = 4 << 20
	// writeChunk is the most that one write call gets, so that its deadline is
	// about progress and not about how much was queued.
	writeChunk = 256 * 1024
	// writeTimeout is how long one write call may take.
	writeTimeout = 30 * time.Second
	// flushTimeout is how long writing what is queued may take at the end.
	flushTimeout = time.Second
	// keptBuffer is the largest buffer kept while little is sent, in bytes, and
	// keptWrites how many writes must have needed less than a quarter of a larger one
	// before that is let go: bursts come in rows, and growing it again is dear.
	keptBuffer = 256 * 1024
	keptWrites = 64
)

// Errors of [Conn.Send] and [Conn.Offer].
var (
	// ErrDisconnected says that there is no stream to the host server.
	ErrDisconnected = errors.New("not connected to the XMPP server")
	// ErrQueueFull says that more waits to be sent than is allowed.
	ErrQueueFull = errors.New("too much waits to be sent to the XMPP server")
	// ErrForeignFrom says that a stanza's sender is not in our domain.
	ErrForeignFrom = errors.New("stanza from outside of the component's domain")
)

// queue is what waits to be written to one connection: senders append to one
// buffer, the writer takes it whole and gives its own back. One queue serves one
// connection, so nothing of a lost stream can reach the next one.
type queue struct {
	mu sync.Mutex
	// filled wakes the writer, emptied the senders that wait.
	filled, emptied sync.Cond
	buf             []byte
	// closed refuses more; what is queued is still written.
	closed bool
	// abandoned stops the writer, whatever is queued.
	abandoned bool

	// us and server are the ends of a mark, markID begins its id (share.go).
	us, server JID
	markID     string
	// appended is how many bytes were ever queued, passed how many of them the
	// host server has worked on for certain.
	appended, passed uint64
	marks            []mark // unanswered, in order
	lastMark         uint64
	// said is where the last ends of what was queued, marks not counted. marked is when
	// the last mark was queued, confirmed when the last one that was answered was.
	said              uint64
	marked, confirmed time.Time
	// markEvery is how far apart marks are that nobody waits for.
	markEvery time.Duration
	// hears is whether the host server has ever answered a mark, deaf whether it
	// answers none now.
	hears, deaf bool
}

func newQueue(us, server string) *queue {
	q := &queue{us: JID{Domain: us}, server: JID{Domain: server}, markID: rand.Text() + "-", marked: time.Now(), markEvery: marksApart}
	q.filled.L, q.emptied.L = &q.mu, &q.mu
	return q
}

// send appends a copy of stanzas, after waiting for the queue to fall below the
// soft limit.
func (q *queue) send(stanzas []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.sendLocked(stanzas)
}

func (q *queue) sendLocked(stanzas []byte) error {
	for len(q.buf) >= softLimit && !q.closed {
		q.emptied.Wait()
	}
	return q.append(stanzas)
}

// offer appends a copy of stanzas if they fit below the hard limit.
func (q *queue) offer(stanzas []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.offerLocked(stanzas)
}

func (q *queue) offerLocked(stanzas []byte) error {
	if len(q.buf)+len(stanzas) > hardLimit && !q.closed {
		return ErrQueueFull
	}
	return q.append(stanzas)
}

func (q *queue) append(stanzas []byte) error {
	if q.closed {
		return ErrDisconnected
	}
	if len(q.buf) == 0 {
		q.filled.Signal()
	}
	q.buf = append(q.buf, stanzas...)
	q.appended += uint64(len(stanzas))
	q.said = q.appended
	return nil
}

// waiting is how many bytes the writer has not taken yet.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.buf)
}

// close refuses what comes from now on. A last word is written behind what is
// queued.
func (q *queue) close(last []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	q.forgetMarks()
	q.buf = append(q.buf, last...)
	q.filled.Signal()
	q.emptied.Broadcast()
}

// abandon ends the queue at once.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.abandoned = true, true
	q.forgetMarks()
	q.filled.Signal()
	q.emptied.Broadcast()
}

// take gives the writer what is queued, in exchange for an empty buffer. It
// waits for something to come and says false when nothing will.
func (q *queue) take(empty []byte) ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.buf) == 0 && !q.closed {
		q.filled.Wait()
	}
	if q.abandoned || len(q.buf) == 0 {
		return nil, false
	}
	q.markOften()
	full := q.buf
	q.buf = empty
	q.emptied.Broadcast()
	return full, true
}

// write writes what is queued to conn until the queue is closed and empty. After
// each write it calls wrote with the number of bytes. A write that fails, even in
// part, is the end of the stream.
func (q *queue) write(conn net.Conn, wrote func(n int)) error {
	var kept buffers
	var spare []byte
	for {
		full, more := q.take(spare)
		if !more {
			return nil
		}
		for rest := full; len(rest) > 0; {
			chunk := rest[:min(len(rest), writeChunk)]
			if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
				return err
			}
			n, err := conn.Write(chunk)
			wrote(n)
			if err != nil {
				return err
			}
			rest = rest[n:]
		}
		spare = kept.keep(full)
	}
}

// buffers decides which buffers are used again.
type buffers struct {
	// small is how many writes in a row needed little of a large buffer.
	small int
}

// keep returns the buffer, emptied, that was written, or nil when a smaller one will do.
func (b *buffers) keep(written []byte) []byte {
	if cap(written) <= keptBuffer || len(written) >= cap(written)/4 {
		b.small = 0
		return written[:0]
	}
	b.small++
	if b.small < keptWrites && cap(written) <= 2*softLimit {
		return written[:0]
	}
	b.small = 0
	return nil
}
