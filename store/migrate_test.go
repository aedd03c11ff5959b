package store

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func openError(cfg Config) string {
	s, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		s.Close()
		return ""
	}
	return err.Error()
}

func TestNewerSchemaIsRefused(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		check(t, s.SaveSettings(deadline(t), Scope{User: "a"}, Settings{"b": {"c"}}, nil))
		onWriter(t, s, "INSERT INTO schema_version (version) VALUES (99)")
		check(t, s.Close())
		for range 2 {
			if err := openError(cfg); !strings.Contains(err, "newer passerelle (schema 99") {
				t.Errorf("opening: %q", err)
			}
		}
	})
}

// A migration that cannot be finished leaves nothing behind.
func TestMigrationIsWhole(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		db, err := openDatabase(cfg)
		check(t, err)
		_, err = db.write.Exec("CREATE TABLE line_text (words TEXT)")
		check(t, err)
		check(t, db.close())
		if err := openError(cfg); !strings.Contains(err, "line_text") {
			t.Errorf("opening: %q", err)
		}
		db, err = openDatabase(cfg)
		check(t, err)
		defer db.close()
		for _, table := range []string{"schema_version", "setting"} {
			if _, err := db.write.Exec("SELECT * FROM " + table); err == nil {
				t.Errorf("the table %s is left", table)
			}
		}
	})
}

// Each step exists for both databases, under one number only.
func TestMigrationsAreNumbered(t *testing.T) {
	var counts []int
	for _, d := range []*dialect{{name: "sqlite"}, {name: "postgresql"}} {
		steps, err := d.migrations()
		check(t, err)
		for i, step := range steps {
			if step.version != i+1 {
				t.Errorf("%s: step %d has the number %d", d.name, i+1, step.version)
			}
		}
		counts = append(counts, len(steps))
	}
	if counts[0] != counts[1] || counts[0] == 0 {
		t.Errorf("steps: %v", counts)
	}
}

func TestOneGatewayPerDatabase(t *testing.T) {
	cfg := Config{Directory: t.TempDir(), Database: startedCluster(t).newDatabase(t)}
	s := openQuick(t, cfg)
	second := cfg
	second.Directory = t.TempDir()
	if err := openError(second); !strings.Contains(err, "in use by another gateway") {
		t.Errorf("a second gateway: %q", err)
	}
	check(t, s.Close())
	if err := openError(second); err != "" {
		t.Errorf("after the first closed: %s", err)
	}
}

func TestDatabasesThatCannotBeOpened(t *testing.T) {
	damaged := t.TempDir()
	check(t, os.WriteFile(filepath.Join(damaged, databaseFile), []byte(strings.Repeat("no database ", 1000)), 0o600))
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"damaged file":    {Config{Directory: damaged}, "opening the database: "},
		"damaged URL":     {Config{Directory: t.TempDir(), Database: "postgres://user:hunter2@[::1/x"}, "store.database: "},
		"unreachable":     {Config{Directory: t.TempDir(), Database: "postgres://user:hunter2@/x?host=/nonexistent"}, "opening the database: "},
		"key in no place": {Config{Directory: t.TempDir(), KeyFile: "/nonexistent/key"}, "key file"},
	}
	for name, test := range tests {
		err := openError(test.cfg)
		if !strings.Contains(err, test.want) || strings.Contains(err, "hunter2") {
			t.Errorf("%s: %q, want %q", name, err, test.want)
		}
		// What failed to open holds no lock.
		if again := openError(test.cfg); again != err {
			t.Errorf("%s, again: %q", name, again)
		}
	}
}

func TestDatabaseFileIsPrivate(t *testing.T) {
	cfg := Config{Directory: t.TempDir()}
	s := openQuick(t, cfg)
	appendAll(t, s, sampleLine(1))
	check(t, s.Flushed(deadline(t)))
	files, err := filepath.Glob(filepath.Join(cfg.Directory, "*"))
	check(t, err)
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}
