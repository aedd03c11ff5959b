package component

import "sync/atomic"

// Stats are counts since the Conn was made.
type Stats struct {
	// StanzasIn counts stanzas that were received for us, by Kind.
	StanzasIn [Kinds]uint64
	// StanzasOut counts the calls of Send and Offer that were accepted: the
	// stanzas in one call are not told apart, because that would mean to parse
	// them.
	StanzasOut uint64
	// BytesIn and BytesOut are what went over the sockets behind the handshakes.
	BytesIn, BytesOut uint64
	// Skipped counts stanzas beyond the limits.
	Skipped uint64
	// Reconnects counts streams opened after the first one.
	Reconnects uint64
	// QueuedBytes is how much waits for the writer now; 0 without a stream.
	QueuedBytes int
}

type counters struct {
	stanzasIn                                          [Kinds]atomic.Uint64
	stanzasOut, bytesIn, bytesOut, skipped, reconnects atomic.Uint64
}

// Stats gives the counts; it may be called from any goroutine.
func (c *Conn) Stats() Stats {
	stats := Stats{
		StanzasOut: c.stats.stanzasOut.Load(),
		BytesIn:    c.stats.bytesIn.Load(),
		BytesOut:   c.stats.bytesOut.Load(),
		Skipped:    c.stats.skipped.Load(),
		Reconnects: c.stats.reconnects.Load(),
	}
	for kind := range Kinds {
		stats.StanzasIn[kind] = c.stats.stanzasIn[kind].Load()
	}
	if q := c.queue.Load(); q != nil {
		stats.QueuedBytes = q.waiting()
	}
	return stats
}
