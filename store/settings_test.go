package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		global := Scope{User: "juliet@example.org"}
		server := Scope{User: "juliet@example.org", Server: "irc.example.net"}
		channel := Scope{User: "juliet@example.org", Server: "irc.example.net", Channel: "#été"}
		secret := map[string]bool{"password": true}
		steps := []struct {
			scope  Scope
			change Settings
		}{
			{global, Settings{"nick": {"juliet"}, "unset": {"x"}, "commands": {"c", "a", "", "b"}}},
			{server, Settings{"password": {"first"}, "nick": {"capulet"}}},
			{server, Settings{"password": {"hunter2", "second"}}},
			{channel, Settings{"nick": {"jü"}}},
			{global, Settings{"unset": nil, "never": {}}},
			{Scope{User: "romeo@example.org"}, Settings{"nick": {"romeo"}}},
		}
		for _, step := range steps {
			check(t, s.SaveSettings(ctx, step.scope, step.change, secret))
		}
		want := map[Scope]Settings{
			global:  {"nick": {"juliet"}, "commands": {"c", "a", "", "b"}},
			server:  {"password": {"hunter2", "second"}, "nick": {"capulet"}},
			channel: {"nick": {"jü"}},
		}
		for range 2 {
			got, lost, err := s.LoadSettings(ctx, "juliet@example.org")
			if err != nil || len(lost) > 0 || !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, %v, %v; want %v", got, lost, err, want)
			}
			check(t, s.Close())
			s = openQuick(t, cfg)
		}
	})
}

// Who has given up waiting is told that nothing was changed, and then nothing is.
func TestChangesOfThoseWhoHaveGivenUp(t *testing.T) {
	const user = "juliet@example.org"
	changes := map[string]func(context.Context, *Store) error{
		"settings": func(ctx context.Context, s *Store) error {
			return s.SaveSettings(ctx, Scope{User: user}, Settings{"nick": {"romeo"}}, nil)
		},
		"contact": func(ctx context.Context, s *Store) error { return s.AddContact(ctx, user, "tybalt%irc@example.net") },
		"block":   func(ctx context.Context, s *Store) error { return s.AddBlock(ctx, Block{Kind: "user", Pattern: user}) },
		"removal": func(ctx context.Context, s *Store) error { return s.ForgetUser(ctx, user) },
	}
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		check(t, s.SaveSettings(ctx, Scope{User: user}, Settings{"nick": {"juliet"}}, nil))
		check(t, s.AddContact(ctx, user, "nurse%irc@example.net"))
		for name, change := range changes {
			leave := holdWriter(t, s)
			short, giveUp := context.WithCancel(ctx)
			giveUp()
			if err := change(short, s); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			leave()
		}
		// Who gives up while it is being done.
		short, giveUp := context.WithCancel(ctx)
		err := s.changeFor(short, func(ctx context.Context, tx transaction) error {
			giveUp()
			return replaceSettings(context.WithoutCancel(ctx), tx, Scope{User: user}, Settings{"nick": nil}, nil)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		settings, _, err := s.LoadSettings(ctx, user)
		if want := (Settings{"nick": {"juliet"}}); err != nil || !reflect.DeepEqual(settings[Scope{User: user}], want) {
			t.Errorf("the settings are %v, %v", settings, err)
		}
		if contacts, err := s.Contacts(ctx, user); err != nil || len(contacts) != 1 {
			t.Errorf("the contacts are %v, %v", contacts, err)
		}
		if blocks, err := s.Blocks(ctx); err != nil || len(blocks) > 0 {
			t.Errorf("the blocks are %v, %v", blocks, err)
		}
	})
}

func TestSettingsRefused(t *testing.T) {
	s := openQuick(t, Config{Directory: t.TempDir()})
	ctx := deadline(t)
	user := Scope{User: "juliet@example.org"}
	for name, err := range map[string]error{
		"no user":       s.SaveSettings(ctx, Scope{}, Settings{"a": {"b"}}, nil),
		"not UTF-8":     s.SaveSettings(ctx, user, Settings{"ok": {"b"}, "a": {"\xff"}}, nil),
		"NUL character": s.SaveSettings(ctx, user, Settings{"a": {"a\x00"}}, nil),
	} {
		if err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if got, _, err := s.LoadSettings(ctx, user.User); err != nil || len(got) > 0 {
		t.Errorf("a refused change left %v, %v", got, err)
	}
	check(t, s.SaveSettings(ctx, user, Settings{"a": {"b"}}, nil))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := s.LoadSettings(ended, user.User); !errors.Is(err, context.Canceled) {
		t.Errorf("loading with an ended context: %v", err)
	}
	check(t, s.Close())
	if err := s.SaveSettings(ctx, user, Settings{"a": {"b"}}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("saving in a closed store: %v", err)
	}
}

// What is on the disk shows no secret, and a secret that was moved cannot be read.
func TestSecretsAreEncrypted(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		here := Scope{User: "juliet@example.org", Server: "irc.example.net"}
		check(t, s.SaveSettings(ctx, here, Settings{"password": {"correct horse"}, "nick": {"juliet"}}, map[string]bool{"password": true}))
		var stored string
		check(t, s.db.read.QueryRow("SELECT value FROM setting WHERE name = 'password'").Scan(&stored))
		if strings.Contains(stored, "horse") {
			t.Errorf("stored as %q", stored)
		}
		moved := []string{
			"UPDATE setting SET server = 'irc.evil.example' WHERE name = 'password'",
			"UPDATE setting SET name = 'note' WHERE name = 'password'",
			"UPDATE setting SET ordinal = 3 WHERE name = 'note'",
			"UPDATE setting SET value = 'AAAA' WHERE name = 'note'",
			"UPDATE setting SET value = '%' WHERE name = 'note'",
		}
		for _, text := range moved {
			_, err := s.db.write.Exec(text)
			check(t, err)
			got, lost, err := s.LoadSettings(ctx, "juliet@example.org")
			check(t, err)
			if len(lost) != 1 || got[here]["nick"][0] != "juliet" {
				t.Errorf("after %s: %v, lost %v", text, got, lost)
			}
		}
	})
}

func TestLostKey(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		cfg.KeyFile = filepath.Join(t.TempDir(), "elsewhere")
		s := openQuick(t, cfg)
		ctx := deadline(t)
		here := Scope{User: "juliet@example.org", Server: "irc.example.net"}
		check(t, s.SaveSettings(ctx, here, Settings{"password": {"a", "b"}, "nick": {"juliet"}}, map[string]bool{"password": true}))
		check(t, s.Close())
		key, err := os.ReadFile(cfg.KeyFile)
		check(t, err)
		check(t, os.Remove(cfg.KeyFile))

		log, said := recordingLog()
		s, err = openAt(cfg, log, quick())
		check(t, err)
		got, lost, err := s.LoadSettings(ctx, here.User)
		check(t, err)
		if want := []LostSecret{{here, "password"}}; !slices.Equal(lost, want) {
			t.Errorf("lost %v, want %v", lost, want)
		}
		if want := (map[Scope]Settings{here: {"nick": {"juliet"}}}); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if !strings.Contains(said(), "key file is another one") {
			t.Errorf("the log says %q", said())
		}
		check(t, s.Close())

		check(t, os.WriteFile(cfg.KeyFile, key, 0o600))
		s = openQuick(t, cfg)
		if got, lost, err := s.LoadSettings(ctx, here.User); err != nil || len(lost) > 0 || len(got[here]["password"]) != 2 {
			t.Errorf("with the old key again: %v, %v, %v", got, lost, err)
		}
	})
}

func TestContacts(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		for _, contact := range []string{"b@gateway", "a@gateway", "b@gateway", "É@gateway", "gateway"} {
			check(t, s.AddContact(ctx, "juliet@example.org", contact))
		}
		check(t, s.AddContact(ctx, "romeo@example.org", "gateway"))
		check(t, s.RemoveContact(ctx, "juliet@example.org", "a@gateway"))
		check(t, s.RemoveContact(ctx, "juliet@example.org", "never@gateway"))
		want := []string{"b@gateway", "gateway", "É@gateway"}
		if got, err := s.Contacts(ctx, "juliet@example.org"); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
		all, err := s.AllContacts(ctx)
		if err != nil || !reflect.DeepEqual(all, map[string][]string{"juliet@example.org": want, "romeo@example.org": {"gateway"}}) {
			t.Errorf("all: %v, %v", all, err)
		}
	})
}

// The key can stand in the configuration; then there is no file of it.
func TestKeyOfTheConfiguration(t *testing.T) {
	cfg := Config{Directory: t.TempDir(), Secret: strings.Repeat("ab", keyBytes)}
	ctx := deadline(t)
	s := openQuick(t, cfg)
	check(t, s.SaveSettings(ctx, Scope{User: "a@b"}, Settings{"pass": {"sesame"}}, map[string]bool{"pass": true}))
	check(t, s.Close())
	if _, err := os.Stat(filepath.Join(cfg.Directory, "key")); !os.IsNotExist(err) {
		t.Errorf("there is a key file: %v", err)
	}
	s = openQuick(t, cfg)
	settings, lost, err := s.LoadSettings(ctx, "a@b")
	if err != nil || len(lost) > 0 || settings[Scope{User: "a@b"}]["pass"][0] != "sesame" {
		t.Errorf("%v, %v, %v", settings, lost, err)
	}
	for _, bad := range []Config{{Directory: "x", Secret: "abc"}, {Directory: "x", Secret: cfg.Secret, KeyFile: "key"}} {
		if bad.Validate() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
