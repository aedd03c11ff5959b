package store

import (
	"context"
	"testing"
)

// merge puts all lines in their place.
func merge(t testing.TB, s *Store) {
	t.Helper()
	check(t, s.queue.do(deadline(t), job{insists: true, run: func(ctx context.Context, w *writer) error { return w.mergeAll(ctx) }}))
}

// Reading an archive page by page changes nothing in the database; looking for
// something in it puts its lines in their place.
func TestPagesLeaveLinesStaged(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		appendAll(t, s, sampleLines(20)...)
		for _, q := range []Query{{Max: 5}, {Max: 5, Backward: true, Count: true}, {Max: 5, After: "id7", Before: "id18"}, {Max: 9, BeforeID: "id8"}, {}} {
			_, err := s.Page(ctx, ask(q))
			check(t, err)
		}
		scope := scopeOf(sampleLine(0))
		if staged := s.stage.look(scope); staged.merged != 0 || staged.span().lines() != 20 {
			t.Errorf("after pages: %+v", staged)
		}
		page, err := s.Page(ctx, ask(Query{Max: 5, Text: "17"}))
		check(t, err)
		if staged := s.stage.look(scope); ids(page.Lines) != "17" || staged.span().lines() != 0 {
			t.Errorf("after a search for %s: %+v", ids(page.Lines), staged)
		}
	})
}

// A query that has looked where lines are finds them when they are put in their place
// before it reads them, and others are staged where they were.
func TestLinesMoveUnderAQuery(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		lines := sampleLines(30)
		appendAll(t, s, lines[:10]...)
		check(t, s.Flushed(ctx))
		merge(t, s)
		appendAll(t, s, lines[10:20]...)
		check(t, s.Flushed(ctx))
		archive, whole, err := s.findArchive(ctx, ask(Query{}))
		check(t, err)
		if fresh := archive.staged.span(); fresh.lines() != 10 || whole.lines() != 20 {
			t.Fatalf("%d lines, of which %d are staged", whole.lines(), fresh.lines())
		}
		merge(t, s)
		for _, line := range sampleLines(20) {
			line.Channel = "#mantua"
			appendAll(t, s, line)
		}
		appendAll(t, s, lines[20:]...)
		check(t, s.Flushed(ctx))
		for _, part := range []span{whole, {whole.low + 12, whole.low + 14}, {whole.low + 3, whole.low + 11}} {
			got, _, err := s.readSpan(ctx, archive, part)
			check(t, err)
			want := lines[part.low-whole.low : part.high-whole.low+1]
			if ids(got) != ids(want) {
				t.Errorf("lines %s, want %s", ids(got), ids(want))
			}
		}
	})
}

// What waits for one archive does not keep those waiting who ask for another.
func TestOnlyOwnLinesAreAwaited(t *testing.T) {
	q := newQueue(0)
	other := sampleLine(1)
	other.Channel = "#mantua"
	if !q.append(sampleLine(1)) || !q.append(other) || !q.append(sampleLine(2)) {
		t.Fatal("a line is refused")
	}
	if !q.unwritten(scopeOf(other)) || !q.unwritten(scopeOf(sampleLine(1))) {
		t.Error("what waits is not awaited")
	}
	lines, _ := q.takeLines()
	q.wrote(2, 0)
	if q.unwritten(scopeOf(other)) || !q.unwritten(scopeOf(sampleLine(1))) || !q.unsettled(scopeOf(other)) {
		t.Error("two of three lines are written, and one archive's last is not")
	}
	q.giveUp(lines[2:])
	if q.unwritten(scopeOf(sampleLine(1))) || !q.unsettled(scopeOf(sampleLine(1))) {
		t.Error("a line that was given up is awaited, or a written one is not")
	}
}

func scopeOf(line Line) Scope { return line.scope() }
