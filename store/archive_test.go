package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sampleLine is line n of an archive: one each minute, by three people in turn.
func sampleLine(n int) Line {
	nicks := []string{"juliet", "Romeo", "[nurse]"}
	return Line{
		ID: "id" + strconv.Itoa(n), User: "juliet@example.org", Server: "irc.example.net", Channel: "#verona",
		At: epoch.Add(time.Duration(n) * time.Minute), MessageID: "m" + strconv.Itoa(n), Nick: nicks[n%3],
		Occupant: "o" + strconv.Itoa(n%3), Body: "line number " + strconv.Itoa(n), Payload: fmt.Appendf(nil, "<body>%d</body>", n),
	}
}

func appendAll(t testing.TB, s *Store, lines ...Line) {
	t.Helper()
	for _, line := range lines {
		if !s.Append(line) {
			t.Fatalf("line %s is refused", line.ID)
		}
	}
}

func sampleLines(n int) []Line {
	lines := make([]Line, n)
	for i := range lines {
		lines[i] = sampleLine(i)
	}
	return lines
}

func ask(q Query) Query {
	q.User, q.Server, q.Channel = "juliet@example.org", "irc.example.net", "#verona"
	return q
}

func ids(lines []Line) string {
	var names []string
	for _, line := range lines {
		names = append(names, strings.TrimPrefix(line.ID, "id"))
	}
	return strings.Join(names, " ")
}

// Lines come back as they were, at once, whatever else happens to be staged.
func TestLinesComeBack(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		odd := Line{ID: "it's \"odd\" ? $1", User: "a@b", Server: "s", Channel: "#c", At: time.Unix(1, 5_000_000), Body: "'; DROP TABLE line; -- \U0001f600"}
		full := sampleLine(1)
		other := full
		other.User = "romeo@example.org"
		raw := Line{
			ID: "\x1f\x1e|1", User: "raw@b", Server: "s", Channel: "#c", At: time.Unix(-99999999, 0), MessageID: "\x01\n", Nick: "ñ\x1f", Occupant: " ",
			Payload: []byte("\x00\xff\x00\x00 1\x00"),
		}
		appendAll(t, s, odd, full, other, raw)
		for range 3 {
			for _, want := range []Line{odd, full, other, raw} {
				page, err := s.Page(ctx, Query{User: want.User, Server: want.Server, Channel: want.Channel, Max: 5})
				check(t, err)
				if len(page.Lines) != 1 || !page.Complete || page.Total != 1 || page.FirstIndex != 0 {
					t.Fatalf("page: %+v", page)
				}
				got := page.Lines[0]
				if !got.At.Equal(want.At) {
					t.Errorf("at %v, want %v", got.At, want.At)
				}
				got.At = want.At
				if len(got.Payload) == 0 {
					got.Payload = nil
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v\nwant %+v", got, want)
				}
			}
			check(t, s.Close())
			s = openQuick(t, cfg)
		}
	})
}

func TestTextsThatDatabasesRefuse(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		line := sampleLine(1)
		line.Body, line.Nick, line.ID = "a\x00b\xffc", "\x00", "id\x00"
		appendAll(t, s, line)
		page, err := s.Page(deadline(t), ask(Query{Max: 1, IDs: []string{"id\x00"}}))
		check(t, err)
		if len(page.Lines) != 1 || page.Lines[0].Body != "ab\ufffdc" {
			t.Errorf("got %+v", page)
		}
	})
}

// The pages of 20 lines, by every filter and every way of paging, are the same
// while the lines are staged, side by side or among others, when they are in their
// place, and half and half.
func TestPages(t *testing.T) {
	at := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }
	tests := map[string]struct {
		q        Query
		want     string
		complete bool
		total    int
		first    int
	}{
		"all":                {Query{Max: 50}, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19", true, 20, 0},
		"exactly all":        {Query{Max: 20}, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19", true, 20, 0},
		"first page":         {Query{Max: 3}, "0 1 2", false, 20, 0},
		"next page":          {Query{Max: 3, After: "id2"}, "3 4 5", false, 20, 3},
		"last page":          {Query{Max: 3, Backward: true}, "17 18 19", false, 20, 17},
		"page before":        {Query{Max: 3, Backward: true, Before: "id17"}, "14 15 16", false, 20, 14},
		"first of all back":  {Query{Max: 3, Backward: true, Before: "id3"}, "0 1 2", true, 20, 0},
		"before, forward":    {Query{Max: 3, Before: "id17"}, "0 1 2", false, 20, 0},
		"between":            {Query{Max: 9, After: "id3", Before: "id6"}, "4 5", true, 20, 4},
		"between neighbours": {Query{Max: 9, After: "id3", Before: "id4"}, "", true, 20, -1},
		"after the last":     {Query{Max: 3, After: "id19"}, "", true, 20, -1},
		"index":              {Query{Max: 2, Index: 5}, "5 6", false, 20, 5},
		"index, backward":    {Query{Max: 2, Index: 5, Backward: true}, "18 19", false, 20, 18},
		"index below":        {Query{Max: 2, Index: -5}, "0 1", false, 20, 0},
		"index beyond":       {Query{Max: 2, Index: 50}, "", true, 20, -1},
		"only count":         {Query{}, "", false, 20, -1},
		"start":              {Query{Max: 50, Start: at(17)}, "17 18 19", true, 3, 0},
		"start between":      {Query{Max: 50, Start: at(17).Add(time.Nanosecond)}, "18 19", true, 2, 0},
		"end":                {Query{Max: 50, End: at(2)}, "0 1 2", true, 3, 0},
		"end between":        {Query{Max: 50, End: at(2).Add(-time.Nanosecond)}, "0 1", true, 2, 0},
		"start and end":      {Query{Max: 2, Start: at(5), End: at(9)}, "5 6", false, 5, 0},
		"start, end, back":   {Query{Max: 2, Start: at(5), End: at(9), Backward: true}, "8 9", false, 5, 3},
		"start, end, index":  {Query{Max: 2, Start: at(5), End: at(9), Index: 1}, "6 7", false, 5, 1},
		"paging beyond":      {Query{Max: 9, Start: at(5), End: at(9), After: "id1"}, "5 6 7 8 9", true, 5, 0},
		"end before all":     {Query{Max: 9, End: at(-1)}, "", true, 0, -1},
		"start after all":    {Query{Max: 9, Start: at(99)}, "", true, 0, -1},
		"end before start":   {Query{Max: 9, Start: at(9), End: at(5)}, "", true, 0, -1},
		"count of nothing":   {Query{Start: at(99)}, "", true, 0, -1},
		"before-id":          {Query{Max: 2, BeforeID: "id4", Backward: true}, "2 3", false, 4, 2},
		"after-id":           {Query{Max: 2, AfterID: "id4"}, "5 6", false, 15, 0},
		"both ids":           {Query{Max: 9, AfterID: "id4", BeforeID: "id7"}, "5 6", true, 2, 0},
		"ids":                {Query{Max: 9, IDs: []string{"id7", "id3", "id3"}}, "3 7", true, -1, -1},
		"ids, count":         {Query{Max: 1, IDs: []string{"id7", "id3"}, After: "id3", Count: true}, "7", true, 2, 1},
		"no ids":             {Query{Max: 9, IDs: []string{}}, "", true, -1, -1},
		"nick":               {Query{Max: 2, Nick: "Romeo"}, "1 4", false, -1, -1},
		"nick, count, back":  {Query{Max: 2, Nick: "[nurse]", Backward: true, Count: true}, "14 17", false, 6, 4},
		"nick is exact":      {Query{Max: 2, Nick: "romeo"}, "", true, -1, -1},
		"nick, index":        {Query{Max: 2, Nick: "Romeo", Index: 2, Count: true}, "7 10", false, 7, 2},
		"nick, only count":   {Query{Nick: "Romeo"}, "", false, 7, -1},
		"nick, after, start": {Query{Max: 2, Nick: "Romeo", Start: at(3), After: "id7", Count: true}, "10 13", false, 6, 2},
		"text":               {Query{Max: 9, Text: "17"}, "17", true, -1, -1},
		"text, two words":    {Query{Max: 3, Text: "LINE, Number!", Count: true}, "0 1 2", false, 20, 0},
		"text, nowhere":      {Query{Max: 3, Text: "line nowhere", Count: true}, "", true, 0, -1},
		"text without words": {Query{Max: 3, Text: "?!"}, "", true, 0, -1},
		"text, back":         {Query{Max: 2, Text: "number", Backward: true, Before: "id12"}, "10 11", false, -1, -1},
		"text and nick":      {Query{Max: 9, Text: "4", Nick: "Romeo"}, "4", true, -1, -1},
	}
	stages := map[string]func(t *testing.T, s *Store){
		"staged": func(t *testing.T, s *Store) { appendAll(t, s, sampleLines(20)...) },
		"in place": func(t *testing.T, s *Store) {
			appendAll(t, s, sampleLines(20)...)
			check(t, s.queue.do(deadline(t), job{insists: true, run: func(ctx context.Context, w *writer) error { return w.mergeAll(ctx) }}))
		},
		"half": func(t *testing.T, s *Store) {
			appendAll(t, s, sampleLines(11)...)
			check(t, s.settle(deadline(t), scopeOf(sampleLine(0))))
			appendAll(t, s, sampleLines(20)[11:]...)
		},
		"scattered": func(t *testing.T, s *Store) {
			for i, line := range sampleLines(20) {
				appendAll(t, s, line)
				for range 9 {
					line.ID += "-"
					line.Channel = "#" + strconv.Itoa(i%3)
					appendAll(t, s, line)
				}
			}
		},
	}
	backends(t, func(t *testing.T, cfg Config) {
		for stage, fill := range stages {
			cfg := cfg
			cfg.Directory = t.TempDir()
			if cfg.Database != "" {
				cfg.Database = startedCluster(t).newDatabase(t)
			}
			s := openQuick(t, cfg)
			// Lines of others that must not show.
			other := sampleLine(3)
			other.User = "romeo@example.org"
			appendAll(t, s, other)
			fill(t, s)
			other.User, other.Channel = "juliet@example.org", "#mantua"
			appendAll(t, s, other)
			for name, test := range tests {
				page, err := s.Page(deadline(t), ask(test.q))
				if err != nil {
					t.Errorf("%s, %s: %v", stage, name, err)
					continue
				}
				if got := ids(page.Lines); got != test.want || page.Complete != test.complete || page.Total != test.total || page.FirstIndex != test.first {
					t.Errorf("%s, %s: %s, complete %v, total %d, first %d\nwant %s, %v, %d, %d", stage, name,
						got, page.Complete, page.Total, page.FirstIndex, test.want, test.complete, test.total, test.first)
				}
			}
			check(t, s.Close())
		}
	})
}

func TestUnknownIDs(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		other := sampleLine(9)
		other.Channel = "#mantua"
		appendAll(t, s, append(sampleLines(3), other)...)
		for name, q := range map[string]Query{
			"before": {Before: "id9"}, "after": {After: "id9"}, "before-id": {BeforeID: "id9"}, "after-id": {AfterID: "id9"},
			"ids": {IDs: []string{"id1", "id9"}}, "no archive": {Channel: "#nowhere", After: "id1"},
		} {
			channel := q.Channel
			q = ask(q)
			if channel != "" {
				q.Channel = channel
			}
			q.Max = 1
			if _, err := s.Page(deadline(t), q); !errors.Is(err, ErrUnknownID) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.Page(deadline(t), ask(Query{IDs: make([]string, maxIDs+1)})); err == nil || errors.Is(err, ErrUnknownID) {
			t.Errorf("too many ids: %v", err)
		}
		if page, err := s.Page(deadline(t), Query{User: "nobody@example.org", Max: 5}); err != nil || !page.Complete || page.Total != 0 {
			t.Errorf("no archive: %+v, %v", page, err)
		}
	})
}

// Times that go back, as with servers whose clocks differ, lose no line.
func TestLinesOutOfTime(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		var lines []Line
		for i, minute := range []int{0, 10, 5, 6, 20, 1, 30, 29, 40} {
			line := sampleLine(i)
			line.At = epoch.Add(time.Duration(minute) * time.Minute)
			lines = append(lines, line)
		}
		appendAll(t, s, lines...)
		for start := -1; start <= 41; start += 3 {
			for end := start; end <= 41; end += 4 {
				from, to := epoch.Add(time.Duration(start)*time.Minute), epoch.Add(time.Duration(end)*time.Minute)
				fits := slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.At.Before(from) || l.At.After(to) })
				page, err := s.Page(deadline(t), ask(Query{Start: from, End: to, Max: 50, Count: true}))
				check(t, err)
				if ids(page.Lines) != ids(fits) || page.Total != len(fits) {
					t.Errorf("minutes %d to %d: %s, total %d; want %s", start, end, ids(page.Lines), page.Total, ids(fits))
				}
			}
		}
	})
}

func TestEnds(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		if _, _, ok, err := s.Ends(ctx, "juliet@example.org", "irc.example.net", "#verona"); ok || err != nil {
			t.Errorf("an empty archive: %v, %v", ok, err)
		}
		appendAll(t, s, sampleLines(5)...)
		first, last, ok, err := s.Ends(ctx, "juliet@example.org", "irc.example.net", "#verona")
		if err != nil || !ok || first.ID != "id0" || last.ID != "id4" || !last.At.Equal(sampleLine(4).At) {
			t.Errorf("%v, %v, %v, %v", first, last, ok, err)
		}
	})
}

// A line that the archive knows is not archived again: in one batch, staged, in its
// place, after a restart.
func TestKnownLines(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		appendAll(t, s, sampleLine(1), sampleLine(2), sampleLine(1))
		check(t, s.Flushed(ctx))
		for range 3 {
			appendAll(t, s, sampleLine(2), sampleLine(1))
			page, err := s.Page(ctx, ask(Query{Max: 9}))
			check(t, err)
			if ids(page.Lines) != "1 2" {
				t.Errorf("lines %s", ids(page.Lines))
			}
			check(t, s.Close())
			s = openQuick(t, cfg)
		}
		appendAll(t, s, sampleLine(3))
		if page, err := s.Page(ctx, ask(Query{Max: 9})); err != nil || ids(page.Lines) != "1 2 3" {
			t.Errorf("%v, %v", page, err)
		}
	})
}

// More lines than are staged at once come back in order, for many archives.
func TestManyBatches(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		p := quick()
		p.staged = 700
		s := openWith(t, cfg, p)
		ctx := deadline(t)
		for n := range 5000 {
			line := sampleLine(n / 5)
			line.Channel = "#" + strconv.Itoa(n%5)
			for !s.Append(line) {
				check(t, s.Flushed(ctx))
			}
			if n%1234 == 0 {
				_, err := s.Page(ctx, Query{User: line.User, Server: line.Server, Channel: "#1"})
				check(t, err)
			}
		}
		for channel := range 5 {
			page, err := s.Page(ctx, Query{User: "juliet@example.org", Server: "irc.example.net", Channel: "#" + strconv.Itoa(channel), Max: 2000, Text: "line"})
			check(t, err)
			if ids(page.Lines) != ids(sampleLines(1000)) {
				t.Errorf("channel %d: %d lines %s", channel, len(page.Lines), ids(page.Lines))
			}
		}
		if stats := s.Stats(); stats.Written != 5000 || stats.Lost != 0 || stats.Queued != 0 || stats.Err != nil {
			t.Errorf("stats: %+v", stats)
		}
	})
}
