package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func (s *Store) mustCount(t *testing.T, text string) int {
	t.Helper()
	var count int
	check(t, s.db.read.QueryRow(text).Scan(&count))
	return count
}

func pass(t *testing.T, s *Store, maxAge time.Duration, maxLines int, now time.Time) {
	t.Helper()
	u := &upkeeper{store: s, maxAge: maxAge, maxLines: maxLines, pace: quick(), now: func() time.Time { return now }}
	check(t, u.pass(deadline(t)))
}

// inStep compares the lines with their words.
func inStep(t *testing.T, s *Store) {
	t.Helper()
	for _, text := range []string{
		"SELECT count(*) FROM line WHERE key NOT IN (SELECT rowid FROM line_text)",
		"SELECT count(*) FROM line_text WHERE rowid NOT IN (SELECT key FROM line)",
	} {
		if odd := s.mustCount(t, text); odd != 0 {
			t.Errorf("%s: %d", text, odd)
		}
	}
}

func TestOldLinesGo(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		lines := sampleLines(1300)
		elsewhere := sampleLine(1290)
		elsewhere.Channel = "#mantua"
		appendAll(t, s, append(lines, elsewhere)...)
		check(t, s.Flushed(ctx))
		pass(t, s, 10*time.Minute, 0, sampleLine(1210).At)
		page, err := s.Page(ctx, ask(Query{Max: 3, Index: 5, Count: true}))
		if err != nil || ids(page.Lines) != "1205 1206 1207" || page.Total != 100 || page.FirstIndex != 5 {
			t.Errorf("%s, %d, %d, %v", ids(page.Lines), page.Total, page.FirstIndex, err)
		}
		if page, err := s.Page(ctx, ask(Query{Max: 3, Text: "number 1199", Count: true})); err != nil || page.Total != 0 {
			t.Errorf("the words of a removed line are found: %+v, %v", page, err)
		}
		if _, err := s.Page(ctx, ask(Query{Max: 3, After: "id1199"})); !errors.Is(err, ErrUnknownID) {
			t.Errorf("the id of a removed line: %v", err)
		}
		inStep(t, s)
		// What is staged while lines are removed does not come back.
		appendAll(t, s, sampleLine(1300))
		if page, err := s.Page(ctx, ask(Query{})); err != nil || page.Total != 101 {
			t.Errorf("%+v, %v", page, err)
		}
		pass(t, s, time.Minute, 0, sampleLine(5000).At)
		appendAll(t, s, sampleLine(4999))
		if page, err := s.Page(ctx, ask(Query{Max: 9})); err != nil || ids(page.Lines) != "4999" || page.Total != 1 {
			t.Errorf("after all went: %+v, %v", page, err)
		}
		check(t, s.Close())
		s = openQuick(t, cfg)
		if page, err := s.Page(ctx, ask(Query{Max: 9})); err != nil || ids(page.Lines) != "4999" {
			t.Errorf("after a restart: %+v, %v", page, err)
		}
		inStep(t, s)
	})
}

// The oldest lines of a user go first, whatever their channels.
func TestTooManyLinesGo(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		for n := range 90 {
			line := sampleLine(n)
			line.Channel = fmt.Sprint("#", []int{0, 0, 1, 2, 2, 2}[n%6])
			appendAll(t, s, line)
		}
		few := sampleLine(0)
		few.User = "romeo@example.org"
		appendAll(t, s, few)
		check(t, s.Flushed(ctx))
		pass(t, s, 0, 20, epoch)
		left := 0
		for channel := range 3 {
			page, err := s.Page(ctx, Query{User: "juliet@example.org", Server: "irc.example.net", Channel: fmt.Sprint("#", channel), Max: 99})
			check(t, err)
			left += len(page.Lines)
			for _, line := range page.Lines {
				if line.At.Before(sampleLine(70).At) {
					t.Errorf("%s is older than what went", line.ID)
				}
			}
		}
		if left != 20 {
			t.Errorf("%d lines are left", left)
		}
		if page, err := s.Page(ctx, Query{User: few.User, Server: few.Server, Channel: few.Channel}); err != nil || page.Total != 1 {
			t.Errorf("another user has %d lines, %v", page.Total, err)
		}
		inStep(t, s)
	})
}

// The upkeep runs by itself.
func TestUpkeepRuns(t *testing.T) {
	cfg := Config{Directory: t.TempDir(), MaxLines: 3}
	p := quick()
	p.upkeep = time.Millisecond
	s := openWith(t, cfg, p)
	ctx := deadline(t)
	appendAll(t, s, sampleLines(10)...)
	for {
		page, err := s.Page(ctx, ask(Query{Max: 9}))
		check(t, err)
		if page.Total == 3 {
			break
		}
	}
}

// Removed lines give their space back to the file system.
func TestSpaceIsFreed(t *testing.T) {
	s := openQuick(t, Config{Directory: t.TempDir()})
	ctx := deadline(t)
	for n := range 6000 {
		line := sampleLine(n)
		line.Body = fmt.Sprint(strings.Repeat("many words ", 20), n, " w", n/3, " x", n/7)
		appendAll(t, s, line)
	}
	check(t, s.Flushed(ctx))
	_, err := s.Page(ctx, ask(Query{}))
	check(t, err)
	before := s.mustCount(t, "PRAGMA page_count")
	pass(t, s, time.Minute, 0, sampleLine(5990).At)
	after := s.mustCount(t, "PRAGMA page_count")
	if free := s.mustCount(t, "PRAGMA freelist_count"); free > 0 {
		t.Errorf("%d pages are free and not given back", free)
	}
	t.Logf("%d pages before, %d after", before, after)
	if after > before/5 {
		t.Errorf("%d pages before, %d after", before, after)
	}
}

func TestForgetUser(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		const user, other = "juliet@example.org", "romeo@example.org"
		fill := func(user string) {
			for n := range 20 {
				line := sampleLine(n)
				line.User, line.Channel = user, fmt.Sprint("#", n%3)
				appendAll(t, s, line)
			}
			check(t, s.SaveSettings(ctx, Scope{User: user, Server: "s"}, Settings{"a": {"b"}}, nil))
			check(t, s.AddContact(ctx, user, "gateway"))
		}
		has := func(user string) (lines, settings, contacts int) {
			for channel := range 3 {
				page, err := s.Page(ctx, Query{User: user, Server: "irc.example.net", Channel: fmt.Sprint("#", channel)})
				check(t, err)
				lines += page.Total
			}
			all, _, err := s.LoadSettings(ctx, user)
			check(t, err)
			list, err := s.Contacts(ctx, user)
			check(t, err)
			return lines, len(all), len(list)
		}
		fill(user)
		fill(other)
		check(t, s.ForgetUser(ctx, user))
		if lines, settings, contacts := has(user); lines+settings+contacts > 0 {
			t.Errorf("%d lines, %d settings, %d contacts are left", lines, settings, contacts)
		}
		fill(user)
		for _, user := range []string{user, other} {
			if lines, settings, contacts := has(user); lines != 20 || settings != 1 || contacts != 1 {
				t.Errorf("%s has %d lines, %d settings, %d contacts", user, lines, settings, contacts)
			}
		}
		check(t, s.ForgetUser(ctx, "nobody@example.org"))
		pass(t, s, 0, 0, epoch)
		if lines, archives := s.mustCount(t, "SELECT count(*) FROM line"), s.mustCount(t, "SELECT count(*) FROM archive"); lines != 40 || archives != 6 {
			t.Errorf("%d lines of %d archives in the database, want 40 of 6", lines, archives)
		}
		inStep(t, s)
	})
}

// Users may keep less than the instance does, and not more.
func TestOwnLimits(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		appendAll(t, s, sampleLines(1300)...)
		check(t, s.Flushed(ctx))
		day := sampleLine(0).At.Add(24 * time.Hour)
		choose := func(name, value string) {
			check(t, s.SaveSettings(ctx, Scope{User: sampleLine(0).User}, Settings{name: {value}}, nil))
		}
		total := func() int {
			page, err := s.Page(ctx, ask(Query{Count: true}))
			check(t, err)
			return page.Total
		}
		pass(t, s, 0, 0, day)
		if got := total(); got != 1300 {
			t.Errorf("without limits %d lines are left", got)
		}
		choose(SettingArchiveDays, "1")
		pass(t, s, 48*time.Hour, 0, day.Add(sampleLine(1200).At.Sub(sampleLine(0).At)))
		if got := total(); got != 100 {
			t.Errorf("of a day %d lines are left", got)
		}
		choose(SettingArchiveLines, "60")
		pass(t, s, 0, 80, day)
		if got := total(); got != 60 {
			t.Errorf("of 60 lines %d are left", got)
		}
		choose(SettingArchiveLines, "1000")
		pass(t, s, 0, 50, day)
		if got := total(); got != 50 {
			t.Errorf("more is kept than the instance does: %d", got)
		}
	})
}
