package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// maxIDs is how many ids one query may name.
const maxIDs = 1000

// Query asks for lines of one archive (XEP-0313, with the paging of XEP-0059). The
// order is that in which the lines were archived. All filters that are given must
// fit.
type Query struct {
	User, Server, Channel string

	// Start and End are inclusive; zero is open.
	Start, End time.Time
	// Nick is compared exactly.
	Nick string
	// BeforeID and AfterID are exclusive (urn:xmpp:mam:2#extended).
	BeforeID, AfterID string
	// IDs, if not nil, are the only lines wanted; at most 1,000.
	IDs []string
	// Text is words that must all be in the body, whatever their case and accents.
	Text string

	// Before and After are exclusive and belong to the paging: they do not change
	// Total and FirstIndex.
	Before, After string
	// Backward wants the last lines that fit rather than the first; they come in
	// chronological order all the same.
	Backward bool
	// Index is how many lines of the result to skip, forward only; 0 is none.
	Index int
	// Max is how many lines are wanted at most; 0 is only Total.
	Max int
	// Count says that Total and FirstIndex are wanted, whatever they cost.
	Count bool
}

// Page is a part of a query's result.
type Page struct {
	Lines []Line
	// Complete says that nothing follows the page, or precedes it when Backward.
	Complete bool
	// Total is how many lines the query's result has, without the paging, and
	// FirstIndex the place of the first line of the page in it. Without the filters
	// Nick, Text and IDs both are known from the lines' numbers, and with them
	// each line of the result is visited. They are -1 when that was not asked for;
	// FirstIndex also when the page is empty.
	Total, FirstIndex int
}

// span is lines of one archive from a key to another, both included.
type span struct{ low, high int64 }

func (r span) lines() int { return max(0, int(r.high-r.low+1)) }

// Page answers a query. It is ErrUnknownID when the query names an id that is not
// in the archive.
func (s *Store) Page(ctx context.Context, q Query) (Page, error) {
	page, err := s.page(ctx, q)
	if err != nil {
		return Page{}, fmt.Errorf("reading the archive: %w", err)
	}
	return page, nil
}

func (s *Store) page(ctx context.Context, q Query) (Page, error) {
	if len(q.IDs) > maxIDs {
		return Page{}, fmt.Errorf("a query may name %d ids at most", maxIDs)
	}
	q.Index = max(q.Index, 0)
	// The queries that follow see the database at different moments. In between only
	// lines at the end can come and lines at the beginning go, which makes the page
	// shorter and never wrong.
	archive, whole, err := s.findArchive(ctx, q)
	if err != nil {
		return Page{}, err
	}
	result, err := s.filter(ctx, archive, whole, q)
	if err != nil {
		return Page{}, err
	}
	paged, err := s.turn(ctx, archive, result.span, q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Total: -1, FirstIndex: -1}
	if result.exact() {
		page.Total = result.lines()
		if !q.Backward {
			paged.low += int64(q.Index)
		}
		q.Index = 0
	} else if q.Count || q.Max <= 0 {
		if page.Total, err = s.count(ctx, result, result.span); err != nil {
			return Page{}, err
		}
	}
	if q.Max <= 0 {
		page.Complete = page.Total == 0
		return page, nil
	}
	first, err := s.fill(ctx, archive, &page, result, paged, q)
	if err != nil || len(page.Lines) == 0 {
		return page, err
	}
	before := span{result.low, first - 1}
	if result.exact() {
		page.FirstIndex = before.lines()
	} else if q.Count {
		page.FirstIndex, err = s.count(ctx, result, before)
	}
	return page, err
}

// archiveRow is an archive as queries see it.
type archiveRow struct {
	id, lag int64
	// staged are its lines that a query finds there and not in their place.
	staged stagedLines
	// place is where the query's paging begins, looked up at once with the archive: the
	// key of the line with the id placeID, or 0.
	placeID string
	place   int64
}

// Filters says whether a query looks at the lines themselves, for which they must be
// in their place.
func (q *Query) Filters() bool {
	return !q.Start.IsZero() || !q.End.IsZero() || q.Nick != "" || q.Text != "" || q.IDs != nil
}

// findArchive returns an archive and the keys of all its lines. The span is empty
// when there is no such archive.
func (s *Store) findArchive(ctx context.Context, q Query) (archiveRow, span, error) {
	scope := Scope{storable(q.User), storable(q.Server), storable(q.Channel)}
	archive := archiveRow{placeID: storable(cmp.Or(q.After, q.Before))}
	whole := span{0, -1}
	prepare := s.written
	if q.Filters() {
		prepare = s.settle
	}
	if err := prepare(ctx, scope); err != nil {
		return archive, whole, err
	}
	if !s.archivists.has(scope.User) {
		return archive, whole, nil
	}
	staged := s.stage.look(scope)
	_, err := s.db.scan(ctx, `SELECT id, lag,
			coalesce((SELECT key FROM line WHERE key BETWEEN archive.id * 4294967296 AND archive.id * 4294967296 + 4294967295 ORDER BY key LIMIT 1), 0),
			coalesce((SELECT key FROM line WHERE key BETWEEN archive.id * 4294967296 AND archive.id * 4294967296 + 4294967295 ORDER BY key DESC LIMIT 1), -1),
			coalesce((SELECT key FROM line WHERE id_hash = archive.id * 4294967296 + ? AND line.id = ?), 0)
		FROM archive WHERE owner = ? AND server = ? AND channel = ?`,
		[]any{idHash(archive.placeID), archive.placeID, scope.User, scope.Server, scope.Channel},
		&archive.id, &archive.lag, &whole.low, &whole.high, &archive.place)
	if q.Filters() || staged.archive != archive.id {
		return archive, whole, err
	}
	// What was put in its place between the two looks is found there.
	if fresh := staged.span(); fresh.lines() > 0 && fresh.low > whole.high {
		archive.staged = staged
		if whole.lines() == 0 {
			whole.low = fresh.low
		}
		whole.high = fresh.high
	}
	return archive, whole, err
}

// filtered is a query's result: the lines of a span that meet the conditions.
type filtered struct {
	span
	words      []any  // the argument of the text index's condition, if any
	conditions string // on the lines themselves
	arguments  []any
	once       bool // the text will not come again
}

func (f *filtered) exact() bool { return f.conditions == "" && f.words == nil }

func (f *filtered) where(condition string, arguments ...any) {
	f.conditions += " AND " + condition
	f.arguments = append(f.arguments, arguments...)
}

// filter turns the filters of a query into a span and, where that is not enough,
// conditions.
func (s *Store) filter(ctx context.Context, archive archiveRow, whole span, q Query) (filtered, error) {
	f := filtered{span: whole}
	if err := s.within(ctx, archive, &f.span, q.BeforeID, q.AfterID); err != nil {
		return f, err
	}
	if err := s.filterTime(ctx, archive, &f, q); err != nil {
		return f, err
	}
	var words []string
	if q.Text != "" {
		if words = newWordReader().read(q.Text); len(words) == 0 {
			f.span = span{0, -1}
		}
	}
	if q.Nick != "" {
		words = append(words, nickWord(q.Nick))
		f.where("nick = ?", storable(q.Nick))
	}
	if len(words) > 0 {
		f.words = []any{s.db.textQuery(archive.id, words)}
	}
	if q.IDs != nil {
		keys := make([]int64, 0, len(q.IDs))
		for _, id := range q.IDs {
			key, err := s.keyOf(ctx, archive, id)
			if err != nil {
				return f, err
			}
			keys = append(keys, key)
		}
		if len(keys) == 0 {
			f.span = span{0, -1}
		}
		f.where("line.key IN (" + numbers(keys) + ")")
		f.once = true
	}
	return f, nil
}

// filterTime narrows a span to a time. Times may go back from one line to the next,
// by no more than the archive's lag, so that lines at the span's ends must be
// looked at unless there is none.
func (s *Store) filterTime(ctx context.Context, archive archiveRow, f *filtered, q Query) (err error) {
	if !q.Start.IsZero() {
		start := q.Start.UnixMilli()
		if q.Start.After(time.UnixMilli(start)) {
			start++
		}
		if f.low, err = s.reached(ctx, f.span, start); err != nil {
			return err
		}
		if archive.lag > 0 {
			f.where("at >= ?", start)
		}
	}
	if !q.End.IsZero() {
		end := q.End.UnixMilli()
		beyond, err := s.reached(ctx, f.span, end+archive.lag+1)
		if err != nil {
			return err
		}
		f.high = beyond - 1
		if archive.lag > 0 {
			f.where("at <= ?", end)
		}
	}
	return nil
}

// reached returns the first key of a span whose line, or one before it, is as new
// as a time in milliseconds; high+1 when there is none. The lines of an archive
// are numbered without gaps, so halving finds it.
func (s *Store) reached(ctx context.Context, r span, at int64) (int64, error) {
	if r.lines() == 0 {
		return r.high + 1, nil
	}
	low := r.low
	_, err := s.db.scan(ctx, `WITH RECURSIVE search (low, high) AS (
			SELECT CAST(? AS BIGINT), CAST(? AS BIGINT)
			UNION ALL
			SELECT CASE WHEN at + behind >= ? THEN low ELSE key + 1 END, CASE WHEN at + behind >= ? THEN key ELSE high END
			FROM search JOIN line ON line.key = low + (high - low) / 2
			WHERE low < high
		) SELECT low FROM search WHERE low >= high`, []any{r.low, r.high + 1, at, at}, &low)
	return low, err
}

// within narrows a span to what is before and after the lines with these ids.
func (s *Store) within(ctx context.Context, archive archiveRow, r *span, before, after string) error {
	if before != "" {
		key, err := s.keyOf(ctx, archive, before)
		if err != nil {
			return err
		}
		r.high = min(r.high, key-1)
	}
	if after != "" {
		key, err := s.keyOf(ctx, archive, after)
		if err != nil {
			return err
		}
		r.low = max(r.low, key+1)
	}
	return nil
}

// turn narrows a span to what the paging wants.
func (s *Store) turn(ctx context.Context, archive archiveRow, r span, q Query) (span, error) {
	err := s.within(ctx, archive, &r, q.Before, q.After)
	return r, err
}

func (s *Store) keyOf(ctx context.Context, archive archiveRow, id string) (int64, error) {
	id = storable(id)
	if key, staged := s.stage.keyOf(archive.id, id); staged {
		return key, nil
	}
	if id == archive.placeID && archive.place != 0 {
		return archive.place, nil
	}
	var key int64
	found, err := s.db.scan(ctx, "SELECT key FROM line WHERE id_hash = ? AND id = ?", []any{lineIDHash(archive.id, id), id}, &key)
	if err == nil && !found {
		err = ErrUnknownID
	}
	return key, err
}

func (s *Store) count(ctx context.Context, f filtered, r span) (int, error) {
	if r.lines() == 0 {
		return 0, nil
	}
	count := 0
	rows, err := s.run(ctx, "SELECT count(*)", s.selected(f, r, ""))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&count); err != nil {
			return 0, err
		}
	}
	return count, rows.Err()
}

// fill reads the lines of a page and returns the key of the first.
func (s *Store) fill(ctx context.Context, archive archiveRow, page *Page, f filtered, r span, q Query) (first int64, err error) {
	page.Complete = true
	if r.lines() == 0 {
		return 0, nil
	}
	var keys []int64
	if f.exact() {
		page.Complete = r.lines() <= q.Max
		page.Lines, keys, err = s.readSpan(ctx, archive, r.part(q))
	} else {
		page.Lines, keys, err = s.readMatches(ctx, f, r, q)
		if len(keys) > q.Max {
			page.Complete = false
			surplus := len(keys) - q.Max
			if q.Backward {
				keys, page.Lines = keys[surplus:], page.Lines[surplus:]
			} else {
				keys, page.Lines = keys[:q.Max], page.Lines[:q.Max]
			}
		}
	}
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	for i := range page.Lines {
		line := &page.Lines[i]
		line.User, line.Server, line.Channel = q.User, q.Server, q.Channel
	}
	return keys[0], nil
}

// part is the first or last lines of a span that a query wants. The lines of an
// archive are numbered without gaps.
func (r span) part(q Query) span {
	switch {
	case r.lines() <= q.Max:
		return r
	case q.Backward:
		return span{r.high - int64(q.Max) + 1, r.high}
	}
	return span{r.low, r.low + int64(q.Max) - 1}
}

// readMatches reads the lines of a span that meet the conditions, in their order, and
// one more than the query wants, if there is one.
func (s *Store) readMatches(ctx context.Context, f filtered, r span, q Query) ([]Line, []int64, error) {
	if !q.Backward {
		return s.readLines(ctx, s.selected(f, r, " LIMIT ? OFFSET ?", q.Max+1, q.Index))
	}
	lines, keys, err := s.readLines(ctx, s.selected(f, r, " DESC LIMIT ? OFFSET ?", q.Max+1, 0))
	slices.Reverse(lines)
	slices.Reverse(keys)
	return lines, keys, err
}

// Ends returns the first and the last line of an archive (XEP-0313 metadata); ok is
// false when it is empty.
func (s *Store) Ends(ctx context.Context, user, server, channel string) (first, last Line, ok bool, err error) {
	q := Query{User: user, Server: server, Channel: channel, Max: 1}
	page, err := s.Page(ctx, q)
	if err != nil || len(page.Lines) == 0 {
		return Line{}, Line{}, false, err
	}
	q.Backward = true
	end, err := s.Page(ctx, q)
	if err != nil || len(end.Lines) == 0 {
		return Line{}, Line{}, false, err
	}
	return page.Lines[0], end.Lines[0], true, nil
}
