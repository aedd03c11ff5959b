package store

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, directory string) *Store {
	t.Helper()
	s, err := Open(Config{Directory: directory}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func key(t *testing.T, s *Store, purpose string) []byte {
	t.Helper()
	k, err := s.Key(purpose)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysSurviveAndDiffer(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "data")
	s := open(t, directory)
	first, other := key(t, s, "one"), key(t, s, "two")
	s.Close()
	s = open(t, directory)
	defer s.Close()
	if !bytes.Equal(first, key(t, s, "one")) {
		t.Error("a key changed with a restart")
	}
	if bytes.Equal(first, other) {
		t.Error("two purposes share one key")
	}
	info, err := os.Stat(filepath.Join(directory, "key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v; want mode 0600", info, err)
	}
}

func TestOneGatewayPerDirectory(t *testing.T) {
	directory := t.TempDir()
	s := open(t, directory)
	if _, err := Open(Config{Directory: directory}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second Open: %v; want «in use»", err)
	}
	s.Close()
	open(t, directory).Close()
}

func TestBadKeyFiles(t *testing.T) {
	tests := map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"damaged":  {"abc", 0o600, "damaged"},
		"short":    {"abcd", 0o600, "damaged"},
		"readable": {strings.Repeat("ab", keyBytes), 0o644, "chmod 600"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			if err := os.WriteFile(filepath.Join(directory, "key"), []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(Config{Directory: directory}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v; want «%s»", err, test.want)
			}
		})
	}
}

func TestConfigFaults(t *testing.T) {
	all := Config{Database: "mysql://localhost/x", MaxAge: -1, MaxLines: -1}.Validate()
	if all == nil {
		t.Fatal("a configuration full of faults passes")
	}
	for _, want := range []string{"store.directory", "store.database", "store.max_age", "store.max_lines"} {
		if !strings.Contains(all.Error(), want) {
			t.Errorf("%v\nlacks %s", all, want)
		}
	}
	for _, good := range []Config{
		DefaultConfig(),
		{Directory: "x", Database: "postgres://localhost/x", MaxAge: 1, MaxLines: 1},
		{Directory: "x", Database: "postgresql:///x?host=/run/postgresql"},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
}

// Directories may have any name.
func TestDirectoryNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"data", "a b", "été?x=1&_pragma=y#z%20", "a:b", "./c/d"} {
		s := openQuick(t, Config{Directory: name})
		check(t, s.AddContact(deadline(t), "a", "b"))
		check(t, s.Close())
		if info, err := os.Stat(filepath.Join(name, databaseFile)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		check(t, s.Answers(t.Context()))
		check(t, s.Close())
		if err := s.Answers(t.Context()); err == nil {
			t.Error("a store that is closed answers")
		}
	})
}

func TestFailuresAreCounted(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		query := Query{User: "juliet@example.org", Server: "irc.example", Channel: "#balcony", Max: 1}
		s.Append(Line{ID: "1", User: query.User, Server: query.Server, Channel: query.Channel, At: time.Now(), Body: "hello"})
		check(t, s.Flushed(deadline(t)))
		_, err := s.Page(t.Context(), query)
		check(t, err)
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Page(cancelled, query); err == nil {
			t.Error("a query that nobody waits for was answered")
		}
		if got := s.Stats().Failures; got != 0 {
			t.Errorf("%d failures where there was none", got)
		}
		check(t, s.Close())
		if _, err := s.Page(t.Context(), query); err == nil || s.Stats().Failures == 0 {
			t.Errorf("%d failures, and the error %v, of a store that is closed", s.Stats().Failures, err)
		}
	})
}
