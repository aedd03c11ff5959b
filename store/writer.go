package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// pace is how often things are done; tests are in more of a hurry.
type pace struct {
	commit time.Duration // how long lines gather before they are written
	retry  time.Duration // how long to wait after a failure
	upkeep time.Duration // how often old lines are looked for
	staged int           // how many lines gather before they are put in their place
	room   time.Duration // how long a line waits for room in the queue
}

func defaultPace() pace {
	return pace{commit: 100 * time.Millisecond, retry: time.Second, upkeep: 10 * time.Minute, staged: 32768, room: 2 * time.Second}
}

// writer is the only one who writes to the database. Everything in it belongs to
// the goroutine of run.
type writer struct {
	db    *database
	queue *queue
	log   *slog.Logger
	pace  pace
	// archivists learn of everybody who gets an archive.
	archivists *owners

	// held are lines that were taken out of the queue and could not be written.
	held      []Line
	remain    int
	failedAt  time.Time
	failure   error
	lastCause error
	kept      []job

	stage *stage
}

func newWriter(db *database, q *queue, log *slog.Logger, pace pace) *writer {
	return &writer{db: db, queue: q, log: log, pace: pace, stage: newStage()}
}

// begin puts in their place the lines that an earlier run left staged.
func (w *writer) begin(ctx context.Context) {
	if err := w.mergeAll(ctx); err != nil {
		w.fail(err)
	}
}

// run writes until the queue is closed and empty, or the context ends.
func (w *writer) run(ctx context.Context) {
	for {
		w.rest(ctx)
		jobs, closed := w.queue.takeJobs()
		jobs = append(w.kept, jobs...)
		w.kept = nil
		w.writeLines(ctx, jobs, closed)
		w.writeSessions(ctx)
		for _, j := range jobs {
			if j.asker.Err() != nil {
				continue
			}
			if j.insists && w.queue.handledLines() < j.after {
				w.kept = append(w.kept, j)
				continue
			}
			j.done <- j.run(ctx, w)
		}
		if ctx.Err() != nil || closed {
			w.end()
			return
		}
	}
}

// changeFor has the writer change something for somebody who is told whether that was
// done, see writer.changeFor.
func (s *Store) changeFor(asker context.Context, change func(context.Context, transaction) error) error {
	return s.queue.do(asker, job{run: func(ctx context.Context, w *writer) error { return w.changeFor(ctx, asker, change) }})
}

// changeFor changes something durably for somebody who waits. When they give up before
// it is done nothing is changed; only the commit itself they can miss.
func (w *writer) changeFor(ctx, asker context.Context, change func(context.Context, transaction) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(asker, cancel)()
	return w.db.changeDurably(ctx, func(ctx context.Context, tx transaction) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		return asker.Err()
	})
}

// rest waits until there is something to do, and then a little for more lines to
// come: many lines in one transaction cost little more than one.
func (w *writer) rest(ctx context.Context) {
	pause := w.pace.commit
	switch {
	case w.failure != nil:
		pause = max(0, time.Until(w.failedAt.Add(w.pace.retry)))
	case w.remain >= batchLines:
		return
	case w.remain == 0:
		select {
		case <-w.queue.lineCame:
		case <-w.queue.atOnce:
			return
		case <-ctx.Done():
			return
		}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.queue.atOnce:
	case <-ctx.Done():
	}
}

// writeLines writes a batch of lines, and as many more as the jobs wait for. After
// a failure it tries again when it is time to.
func (w *writer) writeLines(ctx context.Context, jobs []job, closed bool) {
	if w.failure != nil && !closed && time.Since(w.failedAt) < w.pace.retry {
		return
	}
	var target uint64
	for _, j := range jobs {
		target = max(target, j.after)
	}
	for w.writeBatch(ctx) && w.failure == nil && (closed || w.queue.handledLines() < target) {
	}
	if w.queue.crowded() {
		// They came while a database that is slow was writing, and keep others out.
		w.remain = w.queue.length()
	}
	if w.failure == nil && w.remain == 0 {
		w.tellGap()
	}
}

// writeBatch writes the next lines; it is false when there are none.
func (w *writer) writeBatch(ctx context.Context) bool {
	if len(w.held) == 0 {
		w.held, w.remain = w.queue.takeLines()
	}
	if len(w.held) == 0 && w.failure == nil && !w.stage.full(w.pace.staged) {
		return false
	}
	if err := w.tryBatch(ctx); err != nil {
		w.fail(err)
		return true
	}
	w.held = nil
	w.recover()
	return true
}

func (w *writer) tryBatch(ctx context.Context) error {
	if err := w.makeRoom(ctx); err != nil {
		return err
	}
	if len(w.held) == 0 {
		// What failed before may have been sessions, and no line shows whether they
		// can be written again.
		err := w.trySessions(ctx)
		if err == nil {
			w.queue.wrote(0, 0)
		}
		return err
	}
	known, err := w.stageLines(ctx, w.held)
	if err == nil {
		w.queue.wrote(len(w.held), known)
		return nil
	}
	if w.db.passing(err) || ctx.Err() != nil {
		return err
	}
	return w.stageSingly(ctx)
}

// stageSingly writes the lines one by one, and gives up those that cannot be
// written: one of them must not keep the others waiting for ever.
func (w *writer) stageSingly(ctx context.Context) error {
	for len(w.held) > 0 {
		line := w.held[:1]
		known, err := w.stageLines(ctx, line)
		switch {
		case err == nil:
			w.queue.wrote(1, known)
		case w.db.passing(err) || ctx.Err() != nil:
			return err
		default:
			w.log.Error("a line cannot be archived", "user", line[0].User, "server", line[0].Server, "channel", line[0].Channel, "err", err)
			w.lastCause = err
			w.queue.giveUp(line)
		}
		w.held = w.held[1:]
	}
	return nil
}

func (w *writer) fail(err error) {
	if w.failure == nil {
		w.log.Error("the archive cannot be written; what is said now may be missing from it", "err", err)
	}
	w.failure, w.lastCause, w.failedAt = err, err, time.Now()
	w.queue.failed(err)
}

func (w *writer) recover() {
	if w.failure == nil {
		return
	}
	w.log.Info("the archive is written again")
	w.failure = nil
	// The gap goes on until what came in the meantime has left the queue.
	w.remain = w.queue.length()
}

// tellGap tells of lost lines.
func (w *writer) tellGap() {
	users, tell := w.queue.takeGap()
	cause := w.lastCause
	w.lastCause = nil
	if len(users) == 0 {
		return
	}
	if cause == nil {
		cause = errQueueFull
	}
	lines := 0
	for _, lost := range users {
		lines += lost
	}
	w.log.Error("the archive has a gap", "lines", lines, "users", len(users), "err", cause)
	if tell != nil {
		tell(users, cause)
	}
}

// end gives up what could not be written and refuses the jobs that wait.
func (w *writer) end() {
	for {
		w.queue.giveUp(w.held)
		if w.held, _ = w.queue.takeLines(); len(w.held) == 0 {
			break
		}
	}
	if w.lastCause == nil {
		w.lastCause = ErrClosed
	}
	w.tellGap()
	jobs, _ := w.queue.takeJobs()
	for _, j := range append(w.kept, jobs...) {
		j.done <- ErrClosed
	}
}

// doing names an operation in its error.
func doing(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
