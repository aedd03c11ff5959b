package store

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Line is one archived message of a channel, in the archive of one user.
type Line struct {
	// ID is the archive id (XEP-0359 stanza-id), unique in the user's archive of
	// the channel: a second line with the same one is not archived.
	ID string
	// User is a bare JID. The three are opaque here, folded by the caller.
	User, Server, Channel string
	// At is when it was said; milliseconds are kept.
	At time.Time
	// MessageID is the message's id attribute.
	MessageID string
	Nick      string
	// Occupant is the occupant id (XEP-0421).
	Occupant string
	// Body is plain text, for searching and for the limits of a history.
	Body string
	// Payload is the message's children as encoded XML. The store keeps the slice
	// it is given.
	Payload []byte
}

// ErrUnknownID is the error of a query that names an archive id which is not there.
var ErrUnknownID = errors.New("no line of the archive has this id")

// ErrClosed is the error of everything that is asked of a closed store.
var ErrClosed = errors.New("the store is closed")

// errQueueFull is the cause of a gap when the database works, but too slowly.
var errQueueFull = errors.New("more lines came than could be written")

// lineOverhead is about what a queued line takes besides its texts, in bytes.
const lineOverhead = 200

func (l *Line) bytes() int {
	return lineOverhead + len(l.ID) + len(l.User) + len(l.Server) + len(l.Channel) + len(l.MessageID) +
		len(l.Nick) + len(l.Occupant) + len(l.Body) + len(l.Payload)
}

// clean makes the texts of a line ones that both databases take.
func (l *Line) clean() {
	for _, text := range []*string{&l.ID, &l.User, &l.Server, &l.Channel, &l.MessageID, &l.Nick, &l.Occupant, &l.Body} {
		*text = storable(*text)
	}
}

// storable leaves out what PostgreSQL does not take in a text.
func storable(text string) string {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "")
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

func (l *Line) scope() Scope { return Scope{l.User, l.Server, l.Channel} }

// Append archives a line soon, in the order of the calls. It waits only for users of whom
// so much waits already that there is no room for more, for at most two seconds, and not
// while the database is in trouble. It is false when the line is lost, because there
// still is no room, the line alone is larger than the queue, or the store is closed.
// Lost lines are counted and told to OnGap's function.
func (s *Store) Append(line Line) bool {
	line.clean()
	return s.queue.append(line)
}

// Flushed waits until all lines that were appended before are in the database. It
// fails when the context or the store ends first.
func (s *Store) Flushed(ctx context.Context) error {
	return s.queue.do(ctx, job{insists: true, run: func(context.Context, *writer) error { return nil }})
}

// OnGap sets the function that is told when archived lines were lost: how many of
// each user, by bare JID, and why. It is called on the writer's goroutine, once
// for each gap, when lines are written again or the store is closed; it must not
// wait for the store.
func (s *Store) OnGap(tell func(users map[string]int, err error)) { s.queue.onGap(tell) }

// Stats says how the archive is doing.
type Stats struct {
	// Written and Lost count lines since the store was opened.
	Written, Lost uint64
	// Queued is how many lines wait to be written, and Lag for how long the
	// first of them has; 0 when none waits.
	Queued int
	Lag    time.Duration
	// Failures counts what the database was asked for and did not do.
	Failures uint64
	// Err is why the last attempt to write did not work, or nil when it did.
	Err error
}

// Stats returns the figures of this moment.
func (s *Store) Stats() Stats {
	stats := s.queue.stats()
	stats.Failures = s.db.failures.Load()
	return stats
}

// written waits until the lines of one archive are in the database, for one attempt
// to write them: while that does not work, queries find what was written before.
func (s *Store) written(ctx context.Context, scope Scope) error {
	if !s.queue.unwritten(scope) {
		return nil
	}
	return s.queue.do(ctx, job{run: func(context.Context, *writer) error { return nil }})
}

// settle puts the lines of one archive in their place, as written waits for them.
func (s *Store) settle(ctx context.Context, scope Scope) error {
	if !s.queue.unsettled(scope) {
		return nil
	}
	return s.queue.do(ctx, job{run: func(ctx context.Context, w *writer) error {
		w.mergeScope(ctx, scope)
		return nil
	}})
}
