package component

import (
	"strconv"
	"strings"
	"time"
)

const (
	// shareBytes is how much one Sender may have under way: queued, in the sockets'
	// buffers of both sides, or not yet worked on by the host server.
	shareBytes = 16 << 10
	// offerShareBytes is the same for those who do not wait and are refused.
	offerShareBytes = 64 << 10
	// firstMarkTimeout is how long the host server may take to answer the first mark
	// of a stream; after that it is taken for one that answers none, until it does.
	// One that has answered before, and is only held up, has longer.
	firstMarkTimeout = 2 * time.Second
	markTimeout      = 30 * time.Second
	// marksApart is how far apart marks are that nobody waits for.
	marksApart = time.Second
)

// Sender is one of those who share a stream. Whoever sends more than the host server
// works on waits for it, and nobody else does: the stream is a single queue, and
// without that one of them could fill it, and the buffers of the sockets, with
// seconds of work before the stanzas of all others. The zero value is ready; it is
// for one goroutine at a time.
type Sender struct {
	queue *queue
	// ahead is how much was sent since the host server was last known to have
	// worked on all of it; end is where that ends in the stream.
	ahead int
	end   uint64
}

// mark is a ping in the stream (XEP-0199): when it is answered, the host server has
// worked on everything before it.
type mark struct {
	number uint64
	offset uint64
	at     time.Time
	timer  *time.Timer
}

// sendAs is send for one of several. It waits while too much of theirs is under way.
func (q *queue) sendAs(s *Sender, stanzas []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.settle(q); s.ahead >= shareBytes {
		q.mark(s.end)
		for s.end > q.passed && !q.deaf && !q.closed {
			q.emptied.Wait()
		}
		s.ahead = 0
	}
	if err := q.sendLocked(stanzas); err != nil {
		return err
	}
	if s.sent(q, len(stanzas)); s.ahead >= shareBytes && !q.deaf {
		// By the time of the next stanzas it may have been answered.
		q.mark(s.end)
	}
	return nil
}

// offerAs is offer for one of several. It refuses while too much of theirs is under
// way.
func (q *queue) offerAs(s *Sender, stanzas []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.settle(q); s.ahead >= offerShareBytes {
		q.mark(s.end)
		return ErrQueueFull
	}
	if err := q.offerLocked(stanzas); err != nil {
		return err
	}
	s.sent(q, len(stanzas))
	return nil
}

// settle takes note of what the host server has worked on.
func (s *Sender) settle(q *queue) {
	if s.queue != q {
		s.queue, s.ahead, s.end = q, 0, 0
	}
	if s.end <= q.passed || q.deaf {
		s.ahead = 0
	}
}

func (s *Sender) sent(q *queue, length int) {
	s.ahead += length
	s.end = q.appended
}

// mark sees to it that there is a mark behind an offset.
func (q *queue) mark(offset uint64) {
	if q.closed || len(q.marks) > 0 && q.marks[len(q.marks)-1].offset >= offset {
		return
	}
	q.lastMark++
	m := mark{number: q.lastMark, offset: q.appended, at: time.Now()}
	var e Encoder
	e.Stanza(IQ, q.us, q.server, "get", q.markID+strconv.FormatUint(m.number, 10))
	e.Leaf("ping", nsPing, "")
	e.Close()
	said := q.said
	if q.append(e.Bytes()) != nil {
		return
	}
	q.said, q.marked = said, m.at
	patience := firstMarkTimeout
	if q.hears {
		patience = markTimeout
	}
	m.timer = time.AfterFunc(patience, func() { q.unanswered(m.number) })
	q.marks = append(q.marks, m)
}

// markOften marks what is about to be written, unless that was done a moment ago. When
// the stream is lost, that the host server has sent something since does not say that it
// has read what it was sent: it may be seconds behind.
func (q *queue) markOften() {
	if !q.deaf && len(q.marks) == 0 && q.said > q.passed && time.Since(q.marked) >= q.markEvery {
		q.mark(q.said)
	}
}

// heard is until when the host server has worked on all that was queued: until it was
// last read from, or where something was not confirmed since, until what was.
func (q *queue) heard(read time.Time) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.confirmed.IsZero() || q.said <= q.passed || q.confirmed.After(read) {
		return read
	}
	return q.confirmed
}

// answered takes the answer to a mark, a result or an error, and reports whether s is
// one.
func (q *queue) answered(s *Stanza) bool {
	if s.Kind != IQ || s.Type != "result" && s.Type != "error" || s.From != q.server {
		return false
	}
	text, ours := strings.CutPrefix(s.ID, q.markID)
	number, err := strconv.ParseUint(text, 10, 64)
	if !ours || err != nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hears, q.deaf = true, false
	for len(q.marks) > 0 && q.marks[0].number <= number {
		q.marks[0].timer.Stop()
		q.passed, q.confirmed = q.marks[0].offset, q.marks[0].at
		q.marks = q.marks[1:]
	}
	q.emptied.Broadcast()
	return true
}

// unanswered is a mark whose time is over. Nobody waits for marks any more, but
// everybody for the socket, until one is answered.
func (q *queue) unanswered(number uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.marks) > 0 && q.marks[0].number <= number {
		q.deaf = true
		q.emptied.Broadcast()
	}
}

// forgetMarks stops the timers of a queue that ends.
func (q *queue) forgetMarks() {
	for _, m := range q.marks {
		m.timer.Stop()
	}
	q.marks = nil
}
