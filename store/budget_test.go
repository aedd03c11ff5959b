package store

import (
	"fmt"
	"testing"
)

// What is done for each line and each page allocates no more than this, the writer's
// work and that of SQLite's driver included; times are for benchmarks.
func TestAllocations(t *testing.T) {
	s := openWith(t, Config{Directory: t.TempDir()}, defaultPace())
	ctx := deadline(t)
	within := func(name string, budget float64, do func()) {
		t.Helper()
		if got := testing.AllocsPerRun(10, do); got > budget {
			t.Errorf("%s: %v allocations, at most %v are allowed", name, got, budget)
		}
	}
	page := func(q Query) func() {
		return func() {
			page, err := s.Page(ctx, ask(q))
			if err != nil || len(page.Lines) != q.Max {
				t.Fatalf("%d lines, %v", len(page.Lines), err)
			}
		}
	}
	said := 0
	say := func() {
		for range 500 {
			line := sampleLine(said)
			line.ID = fmt.Sprintf("%032d", said)
			said++
			appendAll(t, s, line)
		}
		check(t, s.Flushed(ctx))
	}
	say()
	within("500 lines to the archive", 500*45, say)
	after := Query{Max: 100, After: fmt.Sprintf("%032d", 500), Count: true}
	within("a page of 100 staged lines", 120, page(after))
	merge(t, s)
	within("a page of 100 lines", 150, page(after))
	within("the last 100 lines", 120, page(Query{Max: 100, Backward: true}))
	within("a count", 60, page(Query{}))
}
