package store

import (
	"context"
	"strconv"
	"time"
)

const (
	// removedLines is how many lines one transaction removes.
	removedLines = 500
	// busyLines is how many queued lines make the upkeep wait.
	busyLines = batchLines / 2
	// busyPause is how long it then waits.
	busyPause = 200 * time.Millisecond
)

// upkeeper removes lines that are too old or too many, and those of users who are
// gone. It reads by itself and has the writer do each small change.
type upkeeper struct {
	store    *Store
	maxAge   time.Duration
	maxLines int
	pace     pace
	now      func() time.Time
}

func (u *upkeeper) run(ctx context.Context) {
	ticker := time.NewTicker(u.pace.upkeep)
	defer ticker.Stop()
	for {
		if err := u.pass(ctx); err != nil && ctx.Err() == nil {
			u.store.log.Warn("old lines cannot be removed now", "err", err)
		}
		select {
		case <-ticker.C:
		case <-u.store.keepUp:
		case <-ctx.Done():
			return
		}
	}
}

// pass removes all there is to remove now.
func (u *upkeeper) pass(ctx context.Context) error {
	removed, err := u.removeForgotten(ctx)
	if err != nil {
		return err
	}
	own, err := u.ownLimits(ctx)
	if err != nil {
		return err
	}
	if u.maxAge > 0 || u.maxLines > 0 || len(own) > 0 {
		// Staged lines count as well.
		if err := u.offPeak(ctx, func(ctx context.Context, w *writer) error { return w.mergeAll(ctx) }); err != nil {
			return err
		}
	}
	if u.maxAge > 0 || len(own) > 0 {
		old, err := u.removeOld(ctx, own)
		removed += old
		if err != nil {
			return err
		}
	}
	if u.maxLines > 0 || len(own) > 0 {
		many, err := u.removeExcess(ctx, own)
		removed += many
		if err != nil {
			return err
		}
	}
	if removed == 0 {
		return nil
	}
	u.store.log.Info("archived lines removed", "lines", removed)
	return u.freeSpace(ctx)
}

// The settings by which a user limits their own archive, for all networks: whole
// days, and lines. They count where they are stricter than the instance's.
const (
	SettingArchiveDays  = "archive_days"
	SettingArchiveLines = "archive_lines"
)

// limit is how much of an archive is kept; zero is all.
type limit struct {
	age   time.Duration
	lines int
}

// ownLimits reads the limits that users chose for themselves.
func (u *upkeeper) ownLimits(ctx context.Context) (map[string]limit, error) {
	rows, err := u.store.db.query(ctx, "SELECT owner, name, value FROM setting WHERE server = '' AND channel = '' AND secret = 0 AND name IN (?, ?)",
		SettingArchiveDays, SettingArchiveLines)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	own := make(map[string]limit)
	for rows.Next() {
		var user, name, value string
		if err := rows.Scan(&user, &name, &value); err != nil {
			return nil, err
		}
		number, err := strconv.Atoi(value)
		if err != nil || number <= 0 {
			continue
		}
		chosen := own[user]
		if name == SettingArchiveDays {
			chosen.age = time.Duration(number) * 24 * time.Hour
		} else {
			chosen.lines = number
		}
		own[user] = chosen
	}
	return own, rows.Err()
}

// limitOf is what counts for a user: the stricter of their own and the instance's.
func (u *upkeeper) limitOf(user string, own map[string]limit) limit {
	counts := limit{u.maxAge, u.maxLines}
	if chosen := own[user]; chosen.age > 0 && (counts.age == 0 || chosen.age < counts.age) {
		counts.age = chosen.age
	}
	if chosen := own[user]; chosen.lines > 0 && (counts.lines == 0 || chosen.lines < counts.lines) {
		counts.lines = chosen.lines
	}
	return counts
}

// keptArchive is an archive with its lines and the time of the first.
type keptArchive struct {
	archiveRow
	span
	user  string
	first int64
}

const selectKept = `SELECT id, lag, coalesce(owner, ''),
		coalesce((SELECT key FROM line WHERE key BETWEEN archive.id * 4294967296 AND archive.id * 4294967296 + 4294967295 ORDER BY key LIMIT 1), 0),
		coalesce((SELECT key FROM line WHERE key BETWEEN archive.id * 4294967296 AND archive.id * 4294967296 + 4294967295 ORDER BY key DESC LIMIT 1), -1),
		coalesce((SELECT at FROM line WHERE key BETWEEN archive.id * 4294967296 AND archive.id * 4294967296 + 4294967295 ORDER BY key LIMIT 1), 0)
	FROM archive WHERE `

// archives reads the archives that meet a condition.
func (u *upkeeper) archives(ctx context.Context, condition string, arguments ...any) ([]keptArchive, error) {
	rows, err := u.store.db.query(ctx, selectKept+condition, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var archives []keptArchive
	for rows.Next() {
		var a keptArchive
		if err := rows.Scan(&a.id, &a.lag, &a.user, &a.low, &a.high, &a.first); err != nil {
			return nil, err
		}
		archives = append(archives, a)
	}
	return archives, rows.Err()
}

func (u *upkeeper) removeForgotten(ctx context.Context) (removed int, err error) {
	archives, err := u.archives(ctx, "owner IS NULL")
	if err != nil {
		return 0, err
	}
	for _, archive := range archives {
		lines, err := u.remove(ctx, archive.span)
		removed += lines
		if err != nil {
			return removed, err
		}
		if err := u.change(ctx, archive.id, func(ctx context.Context, tx transaction) error {
			return tx.exec(ctx, "DELETE FROM archive WHERE id = ?", archive.id)
		}); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// removeOld removes the lines at the beginning of each archive that are older than
// its user keeps them. A line that came late stays until those before it go: the numbers of an
// archive's lines must have no gaps.
func (u *upkeeper) removeOld(ctx context.Context, own map[string]limit) (removed int, err error) {
	archives, err := u.archives(ctx, "owner IS NOT NULL")
	if err != nil {
		return 0, err
	}
	for _, archive := range archives {
		age := u.limitOf(archive.user, own).age
		before := u.now().Add(-age)
		if age == 0 || archive.lines() == 0 || archive.first >= before.UnixMilli() {
			continue
		}
		kept, err := u.store.reached(ctx, archive.span, before.UnixMilli())
		if err != nil {
			return removed, err
		}
		lines, err := u.remove(ctx, span{archive.low, kept - 1})
		removed += lines
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// removeExcess removes the oldest lines of each user who has too many.
func (u *upkeeper) removeExcess(ctx context.Context, own map[string]limit) (removed int, err error) {
	archives, err := u.archives(ctx, "owner IS NOT NULL ORDER BY owner")
	if err != nil {
		return 0, err
	}
	for len(archives) > 0 {
		user, total, n := archives[0].user, 0, 0
		for n < len(archives) && archives[n].user == user {
			total += archives[n].lines()
			n++
		}
		if most := u.limitOf(user, own).lines; most > 0 {
			lines, err := u.removeOldest(ctx, archives[:n], total-most)
			removed += lines
			if err != nil {
				return removed, err
			}
		}
		archives = archives[n:]
	}
	return removed, nil
}

// removeOldest removes a number of lines of one user: always from the archive whose
// first line is the oldest, up to the time when that is true of another.
func (u *upkeeper) removeOldest(ctx context.Context, archives []keptArchive, excess int) (removed int, err error) {
	for removed < excess {
		var oldest, next *keptArchive
		for i := range archives {
			a := &archives[i]
			switch {
			case a.lines() == 0:
			case oldest == nil || a.first < oldest.first:
				oldest, next = a, oldest
			case next == nil || a.first < next.first:
				next = a
			}
		}
		if oldest == nil {
			return removed, nil
		}
		end := oldest.high + 1
		if next != nil {
			if end, err = u.store.reached(ctx, oldest.span, next.first+1); err != nil {
				return removed, err
			}
		}
		end = min(max(end, oldest.low+1), oldest.low+int64(excess-removed))
		lines, err := u.remove(ctx, span{oldest.low, end - 1})
		removed += lines
		if err != nil {
			return removed, err
		}
		oldest.low = end
		if oldest.lines() > 0 {
			if _, err := u.store.db.scan(ctx, "SELECT at FROM line WHERE key = ?", []any{end}, &oldest.first); err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// remove removes the lines of a span, a few at a time.
func (u *upkeeper) remove(ctx context.Context, r span) (removed int, err error) {
	for low := r.low; low <= r.high; low += removedLines {
		high := min(r.high, low+removedLines-1)
		err := u.change(ctx, low>>sequenceBits, func(ctx context.Context, tx transaction) error {
			if err := tx.exec(ctx, "DELETE FROM line_text WHERE rowid IN (SELECT key FROM line WHERE key BETWEEN ? AND ?)", low, high); err != nil {
				return err
			}
			return tx.exec(ctx, "DELETE FROM line WHERE key BETWEEN ? AND ?", low, high)
		})
		if err != nil {
			return removed, err
		}
		removed += int(high - low + 1)
	}
	return removed, nil
}

// change has the writer change an archive while it has little else to do. Lines of
// it that are staged are put in their place before: removed ones would come back
// otherwise.
func (u *upkeeper) change(ctx context.Context, archive int64, run func(context.Context, transaction) error) error {
	return u.offPeak(ctx, func(ctx context.Context, w *writer) error {
		if w.stage.holds(archive) {
			if err := w.mergeAll(ctx); err != nil {
				return err
			}
		}
		return w.db.change(ctx, run)
	})
}

func (u *upkeeper) freeSpace(ctx context.Context) error {
	for more := true; more; {
		err := u.offPeak(ctx, func(ctx context.Context, w *writer) (err error) {
			more, err = w.db.freeSpace(ctx, w.db.write)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// offPeak has the writer do something when few lines wait.
func (u *upkeeper) offPeak(ctx context.Context, run func(context.Context, *writer) error) error {
	for u.store.queue.stats().Queued > busyLines {
		timer := time.NewTimer(busyPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return u.store.queue.do(ctx, job{run: run})
}
