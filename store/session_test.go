package store

import (
	"database/sql"
	"strings"
	"testing"
)

func sessionsOf(t *testing.T, s *Store) []Session {
	t.Helper()
	sessions, err := s.Sessions(deadline(t))
	check(t, err)
	return sessions
}

// What users have is kept through a restart, as it last was.
func TestSessions(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		network, channel := Scope{User: "j@x", Server: "irc"}, Scope{User: "j@x", Server: "irc", Channel: "#c"}
		other := Scope{User: "a@x", Server: "irc"}
		s.KeepSession(Session{Scope: network, State: "old"})
		s.KeepSession(Session{Scope: network, State: "new"})
		s.KeepSession(Session{Scope: channel, State: "c", Secret: "sesame"})
		s.KeepSession(Session{Scope: other, State: "gone"})
		s.DropSession(other)
		s.KeepSession(Session{Scope: Scope{User: "bad"}, State: "\xff"})
		check(t, s.Close())
		s = openQuick(t, cfg)
		got := sessionsOf(t, s)
		want := []Session{{Scope: network, State: "new"}, {Scope: channel, State: "c", Secret: "sesame"}}
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("sessions %+v", got)
		}
		check(t, s.ForgetUser(deadline(t), "j@x"))
		if left := sessionsOf(t, s); len(left) != 0 {
			t.Errorf("of a forgotten user remain %+v", left)
		}
	})
}

// The keys of channels cannot be read in the file, nor with another key.
func TestSecretsOfSessions(t *testing.T) {
	cfg := Config{Directory: t.TempDir()}
	s := openQuick(t, cfg)
	s.KeepSession(Session{Scope: Scope{User: "j@x", Server: "irc", Channel: "#c"}, State: "c", Secret: "sesame"})
	check(t, s.Close())
	db, err := sql.Open("sqlite", cfg.Directory+"/passerelle.db")
	check(t, err)
	var secret string
	check(t, db.QueryRow("SELECT secret FROM session").Scan(&secret))
	check(t, db.Close())
	if secret == "" || strings.Contains(secret, "sesame") {
		t.Errorf("the key is kept as %q", secret)
	}
	cfg.Secret = strings.Repeat("ab", 32)
	s = openQuick(t, cfg)
	if got := sessionsOf(t, s); len(got) != 1 || got[0].State != "c" || got[0].Secret != "" {
		t.Errorf("with another key: %+v", got)
	}
}

// While the database is in trouble sessions wait, and the newest counts.
func TestSessionsWaitForTheDatabase(t *testing.T) {
	q := newQueue(0)
	scope := Scope{User: "j@x", Server: "irc"}
	q.keep(scope, &Session{Scope: scope, State: "first"})
	taken, _ := q.takeSessions()
	q.putBack(taken, nil)
	if again, _ := q.takeSessions(); again[scope] == nil || again[scope].State != "first" {
		t.Errorf("after a failure waits %v", again)
	}
	q.keep(scope, &Session{Scope: scope, State: "second"})
	q.putBack(taken, nil)
	if again, _ := q.takeSessions(); again[scope].State != "second" {
		t.Errorf("an old state wins: %v", again[scope])
	}
	q.keep(scope, nil)
	q.putBack(map[Scope]*Session{scope: {State: "old"}}, nil)
	if again, _ := q.takeSessions(); again[scope] != nil {
		t.Error("what was dropped is kept")
	}
}

// A setting that is noted is there after a restart, unless there was one, and only
// those are asked for in the database who have something there.
func TestNotedSettings(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		scope := Scope{User: "j@x"}
		s.NoteSetting(scope, "seen", "first")
		check(t, s.Flushed(ctx))
		s.NoteSetting(scope, "seen", "second")
		check(t, s.AddContact(ctx, "a@x", "gateway"))
		check(t, s.Close())
		s = openQuick(t, cfg)
		loaded, _, err := s.LoadSettings(ctx, "j@x")
		check(t, err)
		if got := loaded[scope]["seen"]; len(got) != 1 || got[0] != "first" {
			t.Errorf("noted %v", got)
		}
		if !s.owners.has("j@x") || s.owners.has("a@x") || s.followers.has("j@x") || !s.followers.has("a@x") {
			t.Errorf("those who have something are %v and %v", s.owners.known, s.followers.known)
		}
		check(t, s.SaveSettings(ctx, Scope{User: "nobody@x"}, Settings{"nick": {"n"}}, nil))
		if loaded, _, err := s.LoadSettings(ctx, "nobody@x"); err != nil || len(loaded) != 1 {
			t.Errorf("of a new user: %v, %v", loaded, err)
		}
	})
}
