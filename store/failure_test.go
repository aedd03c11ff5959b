package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// damage is a way to make a database unusable, and to mend it again.
type damage struct {
	cfg         Config
	harm, mend  func(t *testing.T, s *Store)
	stillQuery  bool
	refuseWords string // a statement after which the line "poison" is refused
}

// onWriter runs statements on the writing connection.
func onWriter(t *testing.T, s *Store, texts ...string) {
	t.Helper()
	check(t, s.queue.do(deadline(t), job{run: func(ctx context.Context, w *writer) error {
		for _, text := range texts {
			if _, err := w.db.write.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	}}))
}

func damages(t *testing.T, run func(t *testing.T, d damage)) {
	t.Run("sqlite, disk full", func(t *testing.T) {
		run(t, damage{
			cfg: Config{Directory: t.TempDir()},
			// SQLite counts a limit lower than what there is as what there is.
			harm:        func(t *testing.T, s *Store) { onWriter(t, s, "PRAGMA max_page_count = 1") },
			mend:        func(t *testing.T, s *Store) { onWriter(t, s, "PRAGMA max_page_count = 1000000") },
			stillQuery:  true,
			refuseWords: "CREATE TRIGGER refuse BEFORE INSERT ON staged WHEN new.body = 'poison' BEGIN SELECT RAISE(ABORT, 'refused'); END",
		})
	})
	t.Run("postgresql, server gone", func(t *testing.T) {
		c := startedCluster(t)
		run(t, damage{
			cfg:  Config{Directory: t.TempDir(), Database: c.newDatabase(t)},
			harm: func(*testing.T, *Store) { c.stop() },
			mend: func(t *testing.T, _ *Store) { check(t, c.start()) },

			refuseWords: "ALTER TABLE staged ADD CHECK (body <> 'poison')",
		})
	})
}

type gapReport struct {
	users map[string]int
	err   error
}

// While the database cannot be written, lines are taken for as long as the queue
// has room, what is lost is counted and told once, and all that was taken is there
// when writing works again.
func TestGap(t *testing.T) {
	damages(t, func(t *testing.T, d damage) {
		log, said := recordingLog()
		s, err := openAt(d.cfg, log, quick())
		check(t, err)
		defer s.Close()
		ctx := deadline(t)
		gaps := make(chan gapReport, 100)
		s.OnGap(func(users map[string]int, err error) {
			if left := s.queue.length(); left > 0 {
				t.Errorf("told while %d lines wait, which may have kept others out", left)
			}
			gaps <- gapReport{users, err}
		})
		appendAll(t, s, sampleLines(10)...)
		if page, err := s.Page(ctx, ask(Query{})); err != nil || page.Total != 10 {
			t.Fatalf("%+v, %v", page, err)
		}

		d.harm(t, s)
		taken, lost := 10, map[string]int{}
		for n := 10; len(lost) < 2 || lost["juliet@example.org"] < 7; n++ {
			line := sampleLine(n)
			if n%3 == 0 {
				line.User = "romeo@example.org"
			}
			line.Body = strings.Repeat("x", 3000)
			switch {
			case !s.Append(line):
				lost[line.User]++
			case line.User == "juliet@example.org":
				taken++
			}
		}
		if stats := s.Stats(); stats.Lost == 0 || stats.Queued == 0 {
			t.Errorf("stats in the gap: %+v", stats)
		}
		if page, err := s.Page(ctx, ask(Query{Max: 10})); d.stillQuery && (err != nil || len(page.Lines) != 10) || !d.stillQuery && err == nil {
			t.Errorf("querying in the gap: %d lines, %v", len(page.Lines), err)
		}
		large := Settings{"large": {strings.Repeat("x", 100_000)}}
		if err := s.SaveSettings(ctx, Scope{User: "juliet@example.org"}, large, nil); err == nil {
			t.Error("settings are saved in the gap")
		}
		select {
		case gap := <-gaps:
			t.Errorf("told before the gap ended: %v", gap)
		default:
		}

		d.mend(t, s)
		gap := <-gaps
		check(t, s.Flushed(ctx))
		if !maps.Equal(gap.users, lost) || gap.err == nil || errors.Is(gap.err, errQueueFull) {
			t.Errorf("told of %v, want %v", gap, lost)
		}
		if page, err := s.Page(ctx, ask(Query{})); err != nil || page.Total != taken {
			t.Errorf("after the gap %d lines, %v; want %d", page.Total, err, taken)
		}
		check(t, s.SaveSettings(ctx, Scope{User: "juliet@example.org"}, large, nil))
		appendAll(t, s, sampleLine(1_000_000))
		check(t, s.Flushed(ctx))
		if len(gaps) > 0 {
			t.Errorf("told twice: %v", <-gaps)
		}
		if stats := s.Stats(); stats.Err != nil || stats.Queued != 0 || int(stats.Lost) != lost["juliet@example.org"]+lost["romeo@example.org"] {
			t.Errorf("stats after the gap: %+v", stats)
		}
		for _, text := range []string{"cannot be written", "written again", "has a gap"} {
			if strings.Count(said(), text) != 1 {
				t.Errorf("the log says %q %d times:\n%s", text, strings.Count(said(), text), said())
			}
		}
		if strings.Contains(said(), "xxx") {
			t.Error("the log has what people said")
		}
	})
}

// Where nobody talks, sessions that cannot be written are tried again and again, and it is
// said once that they cannot, and once that they can.
func TestSessionsInTheGap(t *testing.T) {
	damages(t, func(t *testing.T, d damage) {
		log, said := recordingLog()
		s, err := openAt(d.cfg, log, quick())
		check(t, err)
		defer s.Close()
		ctx := deadline(t)
		d.harm(t, s)
		scope := Scope{User: "j@x", Server: "irc"}
		s.KeepSession(Session{Scope: scope, State: strings.Repeat("x", 100_000)})
		failures := make(map[time.Time]bool)
		for len(failures) < 5 {
			check(t, s.queue.do(ctx, job{run: func(_ context.Context, w *writer) error {
				if !w.failedAt.IsZero() {
					failures[w.failedAt] = true
				}
				return nil
			}}))
		}
		if stats := s.Stats(); stats.Err == nil {
			t.Error("the store says that nothing is wrong")
		}
		d.mend(t, s)
		check(t, s.Flushed(ctx))
		for s.Stats().Err != nil {
			check(t, s.queue.do(ctx, job{run: func(context.Context, *writer) error { return nil }}))
		}
		if got := sessionsOf(t, s); len(got) != 1 || len(got[0].State) != 100_000 {
			t.Errorf("%d sessions are kept", len(got))
		}
		for _, text := range []string{"cannot be written", "written again"} {
			if strings.Count(said(), text) != 1 {
				t.Errorf("the log says %q %d times:\n%s", text, strings.Count(said(), text), said())
			}
		}
	})
}

// The writer keeps no job for those who have given up waiting for it.
func TestGivingUpInTheGap(t *testing.T) {
	damages(t, func(t *testing.T, d damage) {
		s := openQuick(t, d.cfg)
		ctx := deadline(t)
		d.harm(t, s)
		line := sampleLine(0)
		line.Body = strings.Repeat("x", 3000)
		appendAll(t, s, line)
		given, giveUp := context.WithCancel(ctx)
		giveUp()
		for range 5 {
			if err := s.Flushed(given); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		check(t, s.queue.do(ctx, job{run: func(_ context.Context, w *writer) error {
			if len(w.kept) > 0 {
				t.Errorf("%d are kept", len(w.kept))
			}
			return nil
		}}))
		d.mend(t, s)
	})
}

// A store that is closed while it cannot write tells what is lost.
func TestCloseInTheGap(t *testing.T) {
	damages(t, func(t *testing.T, d damage) {
		s := openQuick(t, d.cfg)
		gaps := make(chan gapReport, 1)
		s.OnGap(func(users map[string]int, err error) { gaps <- gapReport{users, err} })
		d.harm(t, s)
		for n := range 40 {
			line := sampleLine(n)
			line.Body = strings.Repeat("x", 3000)
			appendAll(t, s, line)
		}
		check(t, s.Close())
		if gap := <-gaps; gap.users["juliet@example.org"] != 40 || gap.err == nil {
			t.Errorf("told of %v", gap)
		}
		if d.cfg.Database != "" {
			d.mend(t, s)
		}
	})
}

// A line that the database refuses for itself is lost alone.
func TestRefusedLine(t *testing.T) {
	damages(t, func(t *testing.T, d damage) {
		s := openQuick(t, d.cfg)
		ctx := deadline(t)
		gaps := make(chan gapReport, 1)
		s.OnGap(func(users map[string]int, err error) { gaps <- gapReport{users, err} })
		onWriter(t, s, d.refuseWords)
		lines := sampleLines(5)
		lines[2].Body = "poison"
		appendAll(t, s, lines...)
		page, err := s.Page(ctx, ask(Query{Max: 9}))
		if err != nil || ids(page.Lines) != "0 1 3 4" || page.Total != 4 {
			t.Errorf("%s, %d, %v", ids(page.Lines), page.Total, err)
		}
		if gap := <-gaps; gap.users["juliet@example.org"] != 1 || gap.err == nil {
			t.Errorf("told of %v", gap)
		}
	})
}

// A database that works and is too slow has a gap as well.
func TestQueueIsBounded(t *testing.T) {
	s := openQuick(t, Config{Directory: t.TempDir()})
	ctx := deadline(t)
	gaps := make(chan gapReport, 100)
	s.OnGap(func(users map[string]int, err error) { gaps <- gapReport{users, err} })
	large := sampleLine(1)
	large.Body = strings.Repeat("x", queueBytes)
	if s.Append(large) {
		t.Error("a line larger than the queue is taken")
	}
	if gap := <-gaps; gap.users["juliet@example.org"] != 1 || !errors.Is(gap.err, errQueueFull) {
		t.Errorf("told of %v", gap)
	}
	leave := holdWriter(t, s)
	fill := func(user string) (taken int) {
		for line := sampleLine(0); ; taken++ {
			line.User, line.ID = user, fmt.Sprint(user, taken)
			if !s.Append(line) {
				return taken
			}
		}
	}
	// One user gets half of the queue at most, and leaves room for others.
	for _, user := range []struct {
		name string
		want int
	}{{"juliet@example.org", queueLines / 2}, {"romeo@example.org", queueLines / shares}, {"nurse@example.org", queueLines / shares}, {"paris@example.org", 0}} {
		if taken := fill(user.name); taken != user.want {
			t.Errorf("%d lines of %s are taken, want %d", taken, user.name, user.want)
		}
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Flushed(short); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with an ended context: %v", err)
	}
	leave()
	check(t, s.Flushed(ctx))
	if gap := <-gaps; len(gap.users) != 4 || gap.users["juliet@example.org"] != 1 || !errors.Is(gap.err, errQueueFull) {
		t.Errorf("told of %v", gap)
	}
	if len(s.queue.users) > 0 || s.queue.bytes != 0 {
		t.Errorf("an empty queue has %d bytes of %v", s.queue.bytes, s.queue.users)
	}
	check(t, s.Close())
	if s.Append(sampleLine(1)) {
		t.Error("a closed store takes lines")
	}
	if err := s.Flushed(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("waiting for a closed store: %v", err)
	}
}

// A gap that came while the database was slow ends when there is room again, and not
// before.
func TestGapOfASlowDatabase(t *testing.T) {
	c := startedCluster(t)
	cfg := Config{Directory: t.TempDir(), Database: c.newDatabase(t)}
	s := openQuick(t, cfg)
	ctx := deadline(t)
	gaps := make(chan gapReport, 100)
	s.OnGap(func(users map[string]int, err error) {
		if left := s.queue.length(); left > 0 {
			t.Errorf("told while %d lines wait, which may have kept others out", left)
		}
		gaps <- gapReport{users, err}
	})
	other, err := pgx.Connect(ctx, cfg.Database)
	check(t, err)
	for _, text := range []string{"BEGIN", "LOCK TABLE staged IN ACCESS EXCLUSIVE MODE"} {
		_, err := other.Exec(ctx, text)
		check(t, err)
	}
	appendAll(t, s, sampleLine(0))
	for s.queue.length() > 0 {
		check(t, ctx.Err())
		time.Sleep(time.Millisecond)
	}
	line := sampleLine(1)
	line.Body = strings.Repeat("x", queueBytes/10)
	for n := 2; s.Append(line); n++ {
		line.ID = sampleLine(n).ID
	}
	check(t, other.Close(ctx))
	if gap := <-gaps; len(gap.users) != 1 || gap.users[line.User] != 1 || !errors.Is(gap.err, errQueueFull) {
		t.Errorf("told of %v", gap)
	}
	appendAll(t, s, sampleLine(100))
	check(t, s.Flushed(ctx))
	if len(gaps) > 0 {
		t.Errorf("told twice: %v", <-gaps)
	}
}

// A server that the network was cut off from does not keep the lock for the connection
// that was lost.
func TestLostConnectionIsNoticedByTheServer(t *testing.T) {
	c := startedCluster(t)
	address := c.newDatabase(t)
	over, err := url.Parse(address)
	check(t, err)
	over.Host, over.RawQuery = fmt.Sprintf("127.0.0.1:%d", c.port), ""
	s := openQuick(t, Config{Directory: t.TempDir(), Database: over.String()})
	check(t, s.queue.do(deadline(t), job{run: func(ctx context.Context, w *writer) error {
		for name, want := range map[string]string{"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3", "tcp_user_timeout": "60000"} {
			var got string
			if err := w.db.write.QueryRowContext(ctx, "SHOW "+name).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %s, %v", name, got, err)
			}
		}
		return nil
	}}))
}

// Many goroutines at once, for the race detector, and each sees its own lines.
func TestConcurrentUse(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		p := quick()
		p.staged = 50
		s := openWith(t, cfg, p)
		ctx := deadline(t)
		done := make(chan error)
		for user := range 8 {
			go func() {
				done <- func() error {
					for n := range 40 {
						line := sampleLine(n)
						line.User = fmt.Sprint("user", user)
						if !s.Append(line) {
							return errors.New("refused")
						}
						page, err := s.Page(ctx, Query{User: line.User, Server: line.Server, Channel: line.Channel, Max: 100})
						if err != nil || len(page.Lines) != n+1 || page.Lines[n].ID != line.ID {
							return fmt.Errorf("line %d: %d lines, %w", n, len(page.Lines), err)
						}
						if n%20 == 0 {
							if err := s.SaveSettings(ctx, Scope{User: line.User}, Settings{"n": {fmt.Sprint(n)}}, nil); err != nil {
								return err
							}
						}
					}
					return nil
				}()
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A server that was restarted while nothing happened is not noticed.
func TestServerRestart(t *testing.T) {
	c := startedCluster(t)
	s := openQuick(t, Config{Directory: t.TempDir(), Database: c.newDatabase(t)})
	ctx := deadline(t)
	here := Scope{User: "juliet@example.org"}
	appendAll(t, s, sampleLine(1))
	for range 3 {
		// Several reading connections at once.
		done := make(chan error)
		for range 2 * readers {
			go func() {
				page, err := s.Page(ctx, ask(Query{Max: 5, IDs: []string{"id1"}}))
				if err == nil && len(page.Lines) != 1 {
					err = fmt.Errorf("%d lines", len(page.Lines))
				}
				done <- err
			}()
		}
		for range 2 * readers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		c.stop()
		check(t, c.start())
		check(t, s.SaveSettings(ctx, here, Settings{"a": {"b"}}, nil))
		if loaded, _, err := s.LoadSettings(ctx, here.User); err != nil || len(loaded) != 1 {
			t.Errorf("%v, %v", loaded, err)
		}
	}
}
