package store

import (
	"context"
	"sync"
	"time"
)

const (
	// queueLines and queueBytes bound what waits for the writer.
	queueLines = 49152
	queueBytes = 16 << 20
	// shares is into how many parts the queue is divided once half of it is
	// full: a user who has one of them already gets no more, so that nobody fills
	// the queue for all others.
	shares = 4
	// batchLines is how many lines are written in one transaction at most.
	batchLines = 1000
)

// queue is what waits for the writer: lines that nobody waits for, and jobs that
// somebody waits for. It may be used from any goroutine.
type queue struct {
	// lineCame has a token when lines came into an empty queue, atOnce when the
	// writer should not wait for more of them.
	lineCame, atOnce chan struct{}

	mu       sync.Mutex
	lines    []Line
	bytes    int
	appended uint64 // lines accepted since the start
	handled  uint64 // of these, lines that were written or given up
	jobs     []job
	sessions map[Scope]*Session // that wait to be written, or, as nil, to be removed
	notes    []settingRow       // that wait to be written where nothing is
	closed   bool
	// users is what the lines that wait are to each user.
	users map[string]load
	// waiting has the archives with lines that are not in their place yet.
	waiting map[Scope]waiting

	// patience is how long a line waits for room, and room is closed when there may be
	// some; nil while nobody waits. stuck is set when somebody waited in vain, until
	// lines are taken again.
	patience time.Duration
	room     chan struct{}
	stuck    bool

	// marks are when some of the lines came that are not handled yet, the first
	// of them no later than the oldest of these.
	marks []mark

	written, lost uint64
	gap           map[string]int
	tellGap       func(users map[string]int, err error)
	err           error
}

// waiting is what of an archive is not in its place yet: how many lines, and how many
// lines had been appended, of all archives, when the last of them was.
type waiting struct {
	lines int
	last  uint64
}

// load is how much waits.
type load struct{ lines, bytes int }

// exceeds reports whether another line of so many bytes is more than a part of the
// queue: 1 for all of it.
func (l load) exceeds(size, part int) bool {
	return l.lines >= queueLines/part || l.bytes+size > queueBytes/part
}

// job is something that the writer does between transactions.
type job struct {
	run func(ctx context.Context, w *writer) error
	// insists keeps the job until all lines that were queued before it are
	// handled; other jobs are done after one attempt to write these.
	insists bool

	// asker ends when nobody waits for the job any more.
	asker context.Context
	after uint64
	done  chan error
}

func newQueue(patience time.Duration) *queue {
	return &queue{patience: patience, lineCame: make(chan struct{}, 1), atOnce: make(chan struct{}, 1), waiting: make(map[Scope]waiting), users: make(map[string]load)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (q *queue) append(line Line) bool {
	size := line.bytes()
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.awaitRoom(line.User, size) {
		q.lose(line.User)
		signal(q.lineCame) // somebody is to be told
		return false
	}
	q.mark()
	q.lines = append(q.lines, line)
	q.bytes += size
	own := q.users[line.User]
	q.users[line.User] = load{own.lines + 1, own.bytes + size}
	q.appended++
	scope := line.scope()
	q.waiting[scope] = waiting{q.waiting[scope].lines + 1, q.appended}
	switch len(q.lines) {
	case 1:
		signal(q.lineCame)
	case batchLines:
		signal(q.atOnce)
	}
	return true
}

// markEvery is for every how many lines it is noted when they came.
const markEvery = 256

// mark is when a line came, by how many came before it.
type mark struct {
	before uint64
	at     time.Time
}

// mark notes when the next line comes, for one in many. The caller holds the
// mutex.
func (q *queue) mark() {
	if q.appended != q.handled && q.appended%markEvery != 0 {
		return
	}
	q.marks = append(q.marks, mark{q.appended, time.Now()})
	q.trimMarks()
}

// trimMarks lets go of the marks that only handled lines are behind. The caller
// holds the mutex.
func (q *queue) trimMarks() {
	for len(q.marks) > 1 && q.marks[1].before <= q.handled {
		q.marks = q.marks[1:]
	}
}

// lose counts a lost line. The caller holds the mutex.
func (q *queue) lose(user string) {
	q.lost++
	if q.gap == nil {
		q.gap = make(map[string]int)
	}
	q.gap[user]++
}

// takeLines returns the next lines to write, and how many remain.
func (q *queue) takeLines() (lines []Line, remain int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.lines), batchLines)
	lines, q.lines = q.lines[:n:n], q.lines[n:]
	for i := range lines {
		q.took(lines[i].User, lines[i].bytes())
	}
	if len(q.lines) == 0 {
		q.lines = nil
	}
	q.stuck = false
	q.madeRoom()
	return lines, len(q.lines)
}

// length is how many lines wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.lines)
}

// crowded reports whether lines may be refused now.
func (q *queue) crowded() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return load{len(q.lines), q.bytes}.exceeds(0, 2)
}

// took counts a line that does not wait any more; the mutex is held.
func (q *queue) took(user string, size int) {
	q.bytes -= size
	own := q.users[user]
	if own.lines == 1 {
		delete(q.users, user)
		return
	}
	q.users[user] = load{own.lines - 1, own.bytes - size}
}

// takeJobs returns the jobs that wait, and whether the queue was closed.
func (q *queue) takeJobs() (jobs []job, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs, q.jobs = q.jobs, nil
	return jobs, q.closed
}

// do has a job done by the writer and waits for it. When the context ends before the
// writer has come to it, it is not done.
func (q *queue) do(ctx context.Context, j job) error {
	j.asker, j.done = ctx, make(chan error, 1)
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	j.after = q.appended
	q.jobs = append(q.jobs, j)
	q.mu.Unlock()
	signal(q.atOnce)
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.madeRoom()
	q.mu.Unlock()
	signal(q.atOnce)
}

func (q *queue) onGap(tell func(users map[string]int, err error)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tellGap = tell
}

func (q *queue) stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	stats := Stats{Written: q.written, Lost: q.lost, Queued: int(q.appended - q.handled), Err: q.err}
	if stats.Queued > 0 {
		stats.Lag = time.Since(q.marks[0].at)
	}
	return stats
}

// unwritten says whether an archive has lines that are not in the database yet.
func (q *queue) unwritten(scope Scope) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting[scope].last > q.handled
}

// unsettled says whether an archive has lines that are not in their place yet.
func (q *queue) unsettled(scope Scope) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting[scope].lines > 0
}

// settled counts lines of an archive that are in their place from now on, or that
// will never be.
func (q *queue) settled(scope Scope, lines int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leave(scope, lines)
}

// leave is settled while the mutex is held.
func (q *queue) leave(scope Scope, lines int) {
	left := q.waiting[scope]
	if left.lines -= lines; left.lines <= 0 {
		delete(q.waiting, scope)
		return
	}
	q.waiting[scope] = left
}

// expect counts lines of an archive that did not come through the queue and are
// not in their place yet.
func (q *queue) expect(scope Scope, lines int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	expected := q.waiting[scope]
	expected.lines += lines
	q.waiting[scope] = expected
}

// wrote notes the outcome of writing lines that were taken.
func (q *queue) wrote(lines, known int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handled += uint64(lines)
	q.trimMarks()
	q.written += uint64(lines - known)
	q.err = nil
}

func (q *queue) failed(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	q.madeRoom()
}

// giveUp counts taken lines as lost.
func (q *queue) giveUp(lines []Line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handled += uint64(len(lines))
	q.trimMarks()
	for i := range lines {
		q.lose(lines[i].User)
		q.leave(lines[i].scope(), 1)
	}
}

func (q *queue) handledLines() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.handled
}

// takeGap returns the lines that were lost since the last call.
func (q *queue) takeGap() (users map[string]int, tell func(map[string]int, error)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	users, q.gap = q.gap, nil
	return users, q.tellGap
}
