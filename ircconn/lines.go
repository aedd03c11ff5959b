package ircconn

import "bytes"

func isLineEnd(b byte) bool { return b == '\n' || b == '\r' }

// lineSplitter cuts what arrives into lines. CR, LF or both end a line; empty
// lines do not count. It holds the beginning of a line that is not complete.
type lineSplitter struct {
	limit   int // of a line in bytes; its rest is dropped
	partial []byte
}

// split calls receive for each line that chunk completes, without its end, until
// stop says so. A line is valid only during the call, which may change it.
func (l *lineSplitter) split(chunk []byte, receive func([]byte), stop func() bool) {
	for len(chunk) > 0 && !stop() {
		end := bytes.IndexAny(chunk, "\r\n")
		if end < 0 {
			l.keep(chunk)
			return
		}
		line := chunk[:end]
		chunk = chunk[end+1:]
		if l.partial != nil {
			l.keep(line)
			line, l.partial = l.partial, nil
		}
		if len(line) > l.limit {
			line = line[:l.limit]
		}
		if len(line) > 0 {
			receive(line)
		}
	}
}

func (l *lineSplitter) keep(part []byte) {
	part = part[:min(len(part), max(0, l.limit-len(l.partial)))]
	l.partial = append(l.partial, part...)
}
