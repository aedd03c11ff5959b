package ircconn

import "bytes"

func isLineEnd(b byte) bool { return b == '\n' || b == '\r' }

// lineSplitter cuts what arrives into lines. CR, LF or both end a line; empty
// lines do not count. It holds the beginning of a line that is not complete.
type lineSplitter struct {
	partial []byte
}

// split calls receive for each line that chunk completes, without its end, until
// stop says so. The rest of a line beyond limit, in bytes, is dropped. A line is valid
// only during the call, which may change it.
func (l *lineSplitter) split(chunk []byte, limit int, receive func([]byte), stop func() bool) {
	for len(chunk) > 0 && !stop() {
		end := lineEnd(chunk)
		if end < 0 {
			l.keep(chunk, limit)
			return
		}
		line := chunk[:end]
		chunk = chunk[end+1:]
		if l.partial != nil {
			l.keep(line, limit)
			line, l.partial = l.partial, nil
		}
		line = line[:min(len(line), limit)]
		if len(line) > 0 {
			receive(line)
		}
	}
}

// lineEnd returns where the first line of chunk ends, or -1.
func lineEnd(chunk []byte) int {
	feed := bytes.IndexByte(chunk, '\n')
	if feed < 0 {
		return bytes.IndexByte(chunk, '\r')
	}
	if before := bytes.IndexByte(chunk[:feed], '\r'); before >= 0 {
		return before
	}
	return feed
}

func (l *lineSplitter) keep(part []byte, limit int) {
	part = part[:min(len(part), max(0, limit-len(l.partial)))]
	l.partial = append(l.partial, part...)
}
