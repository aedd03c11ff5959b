package ircconn

// Reported as Received is what has come in these portions, whichever is full first.
const (
	receivedBytes = 64 << 10
	receivedLines = 256
)

// received counts what has come since it was last reported. Without it a server could
// have the gateway work for one user, at full speed and for ever, with lines that the
// user's goroutine never learns of: PING, half of a line, or what is skipped.
type received struct {
	bytes, lines, events int32
}

// silent is how many lines have made no event.
func (r received) silent() int { return max(0, int(r.lines-r.events)) }

// report emits what has come when there is enough of it.
func (r *received) report(s *session) {
	if r.bytes < receivedBytes && r.silent() < receivedLines {
		return
	}
	event := Received{Bytes: int(r.bytes), Lines: r.silent()}
	*r = received{}
	s.conn.emit(event)
}
