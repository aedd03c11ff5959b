package ircconn

import "time"

// flush writes what may leave and the socket takes at once, on the goroutine of who
// asks: for a line or two that is less work than to start another. What is left over
// is for that other goroutine, as is all that goes over TLS, where a write may wait.
func (w *writer) flush(written func(receipt uint64)) {
	for _, line := range w.flushNow() {
		if line.receipt != 0 {
			written(line.receipt)
		}
	}
}

// flushNow returns the lines that have left.
func (w *writer) flushNow() (gone []outgoing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.drainLocked()
	if w.draining || w.in == nil || !w.in.canWriteNow() {
		return nil
	}
	for w.failure == nil && len(w.first)+w.releasedLocked() > 0 {
		batch, _ := w.take(time.Now())
		left := w.writeLocked(batch)
		if gone == nil {
			gone = batch[:left]
		} else {
			gone = append(gone, batch[:left]...)
		}
		if len(batch) == 0 || left < len(batch) {
			break
		}
	}
	return gone
}

// writeLocked writes what the socket takes at once of some lines, and returns how many
// have left. The rest is for another goroutine.
func (w *writer) writeLocked(batch []outgoing) (left int) {
	if len(batch) == 0 {
		return 0
	}
	n, err := w.in.writeNow(joined(batch))
	left = leftBy(batch, n)
	trace(w.conn.log, "out", batch[:left])
	w.conn.traffic.didSend(batch[:left])
	if err != nil {
		w.failLocked(err)
		return left
	}
	if left < len(batch) {
		// The rest of a line leaves before anything else. It does not wait with our
		// answers, of which there may be only so many.
		rest := append([]outgoing(nil), batch[left:]...)
		for i := range batch[:left] {
			n -= len(batch[i].rest())
		}
		rest[0].left += int32(n)
		w.drainFromLocked(rest)
	}
	return left
}

// joined is the bytes of lines.
func joined(batch []outgoing) []byte {
	if len(batch) == 1 {
		return batch[0].rest()
	}
	size := 0
	for i := range batch {
		size += len(batch[i].rest())
	}
	data := make([]byte, 0, size)
	for i := range batch {
		data = append(data, batch[i].rest()...)
	}
	return data
}

// leftBy is how many lines have left whole with so many bytes.
func leftBy(batch []outgoing, bytes int) int {
	for i := range batch {
		if bytes -= len(batch[i].rest()); bytes < 0 {
			return i
		}
	}
	return len(batch)
}
