package store

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killedChild is the variable that names the data directory of a test process
// which writes until it is killed.
const killedChild = "PASSERELLE_STORE_TEST_CHILD"

const killedUser = "killed@example.org"

// writeUntilKilled writes settings and lines and says what it was told is safe.
func writeUntilKilled() {
	ctx := context.Background()
	p := quick()
	p.staged = 100
	s, err := openAt(Config{Directory: os.Getenv(killedChild)}, slog.New(slog.DiscardHandler), p)
	if err != nil {
		fmt.Println("fault", err)
		os.Exit(1)
	}
	start := os.Getpid()
	for i := 0; ; i++ {
		n := strconv.Itoa(start) + "." + strconv.Itoa(i)
		for part := range 20 {
			s.Append(Line{ID: n + "." + strconv.Itoa(part), User: killedUser, Server: "server", Channel: "#" + strconv.Itoa(part%7), At: time.Now(), Body: "line " + n})
		}
		if err := s.SaveSettings(ctx, Scope{User: killedUser, Server: n}, Settings{"a": {n}, "b": {n}}, map[string]bool{"b": true}); err != nil {
			fmt.Println("fault", err)
			os.Exit(1)
		}
		fmt.Println("setting", n)
		if i%5 == 4 {
			if err := s.Flushed(ctx); err != nil {
				fmt.Println("fault", err)
				os.Exit(1)
			}
			fmt.Println("line", n)
		}
	}
}

// kills is how often the process is killed: a few times, or as often as the
// environment says.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("PASSERELLE_TEST_KILLS")
	if text == "" {
		return 5
	}
	count, err := strconv.Atoi(text)
	check(t, err)
	return count
}

// A process that is killed at any moment leaves a whole database, in which
// everything is that it was told is there.
func TestKilledWhileWriting(t *testing.T) {
	directory := t.TempDir()
	var settings, lines []string
	for round := range kills(t) {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), killedChild+"="+directory)
		output, err := child.StdoutPipe()
		check(t, err)
		check(t, child.Start())
		told := bufio.NewScanner(output)
		for n := 0; told.Scan(); n++ {
			switch kind, value, _ := strings.Cut(told.Text(), " "); kind {
			case "setting":
				settings = append(settings, value)
			case "line":
				lines = append(lines, value)
			default:
				t.Errorf("the child says %q", told.Text())
			}
			if n == 30+17*(round%7) {
				check(t, child.Process.Kill())
			}
		}
		_ = child.Wait()
	}
	verifyKilled(t, directory, settings, lines)
}

func verifyKilled(t *testing.T, directory string, settings, lines []string) {
	t.Helper()
	s := openQuick(t, Config{Directory: directory})
	ctx := deadline(t)
	loaded, lost, err := s.LoadSettings(ctx, killedUser)
	check(t, err)
	if len(lost) > 0 {
		t.Errorf("lost secrets: %v", lost)
	}
	for _, n := range settings {
		got := loaded[Scope{User: killedUser, Server: n}]
		if len(got["a"]) != 1 || got["a"][0] != n || len(got["b"]) != 1 || got["b"][0] != n {
			t.Errorf("setting %s is %v after a kill", n, got)
		}
	}
	for _, n := range lines {
		for part := range 20 {
			page, err := s.Page(ctx, Query{User: killedUser, Server: "server", Channel: "#" + strconv.Itoa(part%7), IDs: []string{n + "." + strconv.Itoa(part)}, Max: 1})
			if err != nil || len(page.Lines) != 1 {
				t.Fatalf("line %s.%d after a kill: %v, %v", n, part, page, err)
			}
		}
	}
	db, err := sql.Open("sqlite", sqliteAddress(directory, nil))
	check(t, err)
	defer db.Close()
	var verdict string
	check(t, db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("the database is damaged: %s", verdict)
	}
	if _, err := db.Exec("INSERT INTO line_text (line_text) VALUES ('integrity-check')"); err != nil {
		t.Errorf("the text index is damaged: %v", err)
	}
	for _, text := range []string{
		"SELECT count(*) FROM line WHERE key NOT IN (SELECT rowid FROM line_text)",
		"SELECT count(*) FROM line_text WHERE rowid NOT IN (SELECT key FROM line)",
	} {
		var odd int
		check(t, db.QueryRow(text).Scan(&odd))
		if odd != 0 {
			t.Errorf("%s is %d", text, odd)
		}
	}
}
