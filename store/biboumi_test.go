package store

import (
	"database/sql"
	_ "embed"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// biboumi9 is the schema that biboumi 9 makes in SQLite.
//
//go:embed testdata/biboumi/schema9.sql
var biboumi9 string

// biboumi5 is what remains of a database of biboumi 5 when no later one ran.
const biboumi5 = `
CREATE TABLE muclogline_ (id_ INTEGER PRIMARY KEY,type_ TEXT,uuid_ TEXT,owner_ TEXT,ircChanName_ TEXT,ircServerName_ TEXT,date_ TEXT,body_ TEXT,nick_ TEXT);
CREATE TABLE IrcServerOptions_ (id_ INTEGER PRIMARY KEY,type_ TEXT,owner_ TEXT,server_ TEXT,pass_ TEXT,afterConnectionCommand_ TEXT,tlsPorts_ TEXT,ports_ TEXT,verifyCert_ INTEGER);
INSERT INTO IrcServerOptions_ VALUES (1,'x','juliet@example.org','irc.example.org','','PRIVMSG NickServ :identify me','6697;6670','6667',1);
INSERT INTO muclogline_ VALUES (1,'x','u1','juliet@example.org','#verona','irc.example.org','1700000000','hello','romeo');
`

const biboumiRows = `
INSERT INTO globaloptions_ (owner_,maxhistorylength_,recordhistory_,persistent_) VALUES ('juliet@example.org',7,0,1);
INSERT INTO globaloptions_ (owner_,maxhistorylength_) VALUES ('nurse@example.org',NULL);
INSERT INTO ircserveroptions_ (owner_,server_,pass_,tlsports_,ports_,nick_,throttlelimit_,verifycert_) VALUES ('juliet@example.org','irc.example.org','','6697;','6667;','Juliet',-1,1);
INSERT INTO ircserveroptions_ (owner_,server_) VALUES ('nurse@example.org','irc.example.org');
INSERT INTO ircchanneloptions_ (owner_,server_,channel_,recordhistory_) VALUES ('juliet@example.org','irc.example.org','#verona',-1);
INSERT INTO after_connection_commands_ (fk_,afterconnectioncommand_) VALUES (1,'MODE Juliet +i');
INSERT INTO after_connection_commands_ (fk_,afterconnectioncommand_) VALUES (1,'AWAY :balcony');
INSERT INTO roster VALUES ('irc.example.net','juliet@example.org');
INSERT INTO muclogline_ (uuid_,owner_,ircchanname_,ircservername_,date_,body_,nick_) VALUES ('u1','juliet@example.org','#verona','irc.example.org',1700000100,'who is there','Juliet');
INSERT INTO muclogline_ (uuid_,owner_,ircchanname_,ircservername_,date_,body_,nick_) VALUES ('u2','juliet@example.org','#verona','irc.example.org',1700000050,'earlier, but later','romeo');
INSERT INTO muclogline_ (uuid_,owner_,ircchanname_,ircservername_,date_,body_,nick_) VALUES (NULL,'nurse@example.org','#verona','irc.example.org',1700000200,'madam?','');
`

// biboumiBackends runs a test on each database with the schema and rows given.
func biboumiBackends(t *testing.T, text string, run func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { run(t, biboumiFile(t, text)) })
	t.Run("postgresql", func(t *testing.T) {
		address := startedCluster(t).newDatabase(t)
		execute(t, "pgx", address, strings.ReplaceAll(text, "INTEGER PRIMARY KEY AUTOINCREMENT", "SERIAL"))
		run(t, address)
	})
}

func biboumiFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a folder?", "biboumi.sqlite")
	check(t, os.Mkdir(filepath.Dir(file), 0o700))
	execute(t, "sqlite", "file:"+strings.NewReplacer(" ", "%20", "?", "%3f").Replace(file), text)
	return file
}

func execute(t *testing.T, driver, address, text string) {
	t.Helper()
	db, err := sql.Open(driver, address)
	check(t, err)
	defer db.Close()
	_, err = db.Exec(text)
	check(t, err)
}

func openBiboumi(t *testing.T, address string) *Biboumi {
	t.Helper()
	b, err := OpenBiboumi(deadline(t), address)
	check(t, err)
	t.Cleanup(func() { b.Close() })
	return b
}

func biboumiLinesOf(t *testing.T, b *Biboumi) []Line {
	t.Helper()
	var lines []Line
	for line, err := range b.Lines(deadline(t)) {
		check(t, err)
		lines = append(lines, line)
	}
	return lines
}

func TestBiboumiIsRead(t *testing.T) {
	biboumiBackends(t, biboumi9+biboumiRows, func(t *testing.T, address string) {
		b := openBiboumi(t, address)
		if len(b.Missing())+len(b.Unknown()) > 0 {
			t.Errorf("missing %q, unknown %q", b.Missing(), b.Unknown())
		}
		options, err := b.Options(deadline(t))
		check(t, err)
		juliet, nurse := "juliet@example.org", "nurse@example.org"
		want := BiboumiOptions{
			Global: []BiboumiRow{
				{Owner: juliet, Values: map[string]string{"maxhistorylength_": "7", "recordhistory_": "0", "persistent_": "1"}},
				{Owner: nurse, Values: map[string]string{}},
			},
			Servers: []BiboumiRow{
				{Owner: juliet, Server: "irc.example.org", Values: map[string]string{"tlsports_": "6697;", "ports_": "6667;", "nick_": "Juliet", "throttlelimit_": "-1", "verifycert_": "1"},
					Commands: []string{"MODE Juliet +i", "AWAY :balcony"}},
				{Owner: nurse, Server: "irc.example.org", Values: map[string]string{}},
			},
			Channels: []BiboumiRow{{Owner: juliet, Server: "irc.example.org", Channel: "#verona", Values: map[string]string{"recordhistory_": "-1"}}},
		}
		if !reflect.DeepEqual(options, want) {
			t.Errorf("got %+v\nwant %+v", options, want)
		}
		contacts, err := b.Contacts(deadline(t))
		check(t, err)
		if want := []BiboumiContact{{juliet, "irc.example.net"}}; !slices.Equal(contacts, want) {
			t.Errorf("got contacts %v", contacts)
		}
		archives, err := b.Archives(deadline(t))
		check(t, err)
		if want := []BiboumiArchive{{juliet, "irc.example.org", "#verona", 2}, {nurse, "irc.example.org", "#verona", 1}}; !slices.Equal(archives, want) {
			t.Errorf("got archives %v", archives)
		}
		lines := biboumiLinesOf(t, b)
		if len(lines) != 3 {
			t.Fatalf("got %d lines", len(lines))
		}
		first := Line{ID: "u1", MessageID: "u1", User: juliet, Server: "irc.example.org", Channel: "#verona", At: time.Unix(1700000100, 0), Nick: "Juliet", Body: "who is there"}
		if !reflect.DeepEqual(lines[0], first) {
			t.Errorf("got %+v\nwant %+v", lines[0], first)
		}
		if lines[1].ID != "u2" {
			t.Errorf("the second line is %q: the order is not that of id_", lines[1].ID)
		}
		if again := biboumiLinesOf(t, b); len(lines[2].ID) != 32 || again[2].ID != lines[2].ID {
			t.Errorf("a line without a uuid has the ids %q and %q", lines[2].ID, again[2].ID)
		}
	})
}

func TestBiboumiLinesAreReadOnlyAsLongAsWanted(t *testing.T) {
	b := openBiboumi(t, biboumiFile(t, biboumi9+biboumiRows))
	for range b.Lines(deadline(t)) {
		break
	}
	if got := len(biboumiLinesOf(t, b)); got != 3 {
		t.Errorf("got %d lines after a reading that was broken off", got)
	}
}

func TestOlderBiboumi(t *testing.T) {
	b := openBiboumi(t, biboumiFile(t, biboumi5))
	for _, want := range []string{"table globaloptions_", "table roster", "table after_connection_commands_", "column address_ of ircserveroptions_"} {
		if !slices.Contains(b.Missing(), want) {
			t.Errorf("%q is not named among %q", want, b.Missing())
		}
	}
	options, err := b.Options(deadline(t))
	check(t, err)
	if len(options.Servers) != 1 || !slices.Equal(options.Servers[0].Commands, []string{"PRIVMSG NickServ :identify me"}) {
		t.Errorf("got %+v", options)
	}
	if lines := biboumiLinesOf(t, b); len(lines) != 1 || lines[0].At.Unix() != 1700000000 {
		t.Errorf("got %+v", lines)
	}
	contacts, err := b.Contacts(deadline(t))
	check(t, err)
	if len(contacts) != 0 {
		t.Errorf("got contacts %v", contacts)
	}
}

func TestNewerBiboumi(t *testing.T) {
	b := openBiboumi(t, biboumiFile(t, biboumi9+"ALTER TABLE ircserveroptions_ ADD proxy_ TEXT; CREATE TABLE other (a TEXT);"))
	if want := []string{"column proxy_ of ircserveroptions_"}; !slices.Equal(b.Unknown(), want) {
		t.Errorf("got %q, want %q", b.Unknown(), want)
	}
}

func TestBiboumiIsNotWritten(t *testing.T) {
	biboumiBackends(t, biboumi9, func(t *testing.T, address string) {
		b := openBiboumi(t, address)
		if _, err := b.db.Exec("DELETE FROM roster"); err == nil {
			t.Error("a statement that writes works")
		}
	})
}

func TestWhatIsNoBiboumiIsRefused(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	check(t, os.WriteFile(text, []byte(strings.Repeat("not a database ", 100)), 0o600))
	tests := map[string]struct{ address, want string }{
		"no file":         {filepath.Join(t.TempDir(), "none.sqlite"), "there is no file"},
		"a folder":        {t.TempDir(), "is not a file"},
		"a text":          {text, "not a SQLite database"},
		"another program": {biboumiFile(t, "CREATE TABLE roster (a TEXT)"), "none of biboumi's tables"},
		"no column":       {biboumiFile(t, strings.ReplaceAll(biboumi9, ",body_ TEXT", "")), "muclogline_ has no column body_"},
		"no server":       {"postgresql://127.0.0.1:1/biboumi?connect_timeout=5", "opening biboumi's database"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := OpenBiboumi(deadline(t), test.address)
			if err == nil {
				b.Close()
				t.Fatal("it is opened")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v; want «%s»", err, test.want)
			}
		})
	}
}

func TestBiboumiLineWithoutADate(t *testing.T) {
	b := openBiboumi(t, biboumiFile(t, biboumi9+"INSERT INTO muclogline_ (uuid_,date_) VALUES ('u1','yesterday');"))
	for _, err := range b.Lines(deadline(t)) {
		if err == nil || !strings.Contains(err.Error(), "id_ 1 has no date") {
			t.Errorf("got %v", err)
		}
	}
}

// A file of which a part was overwritten is an error, never a part of the archive
// that passes for the whole.
func TestDamagedBiboumi(t *testing.T) {
	file := biboumiFile(t, biboumi9+`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000)
		INSERT INTO muclogline_ (uuid_,owner_,ircchanname_,ircservername_,date_,body_,nick_)
		SELECT 'u' || i, 'juliet@example.org', '#verona', 'irc.example.org', 1700000000 + i, 'hello', 'romeo' FROM n;`)
	content, err := os.ReadFile(file)
	check(t, err)
	middle := len(content) / 2 / 4096 * 4096
	copy(content[middle:middle+4096*8], make([]byte, 4096*8))
	check(t, os.WriteFile(file, content, 0o600))
	b, err := OpenBiboumi(deadline(t), file)
	check(t, err)
	defer b.Close()
	for _, e := range b.Lines(deadline(t)) {
		err = e
	}
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
}

// A journal that a crash left would have to be played back, which is writing.
func TestBiboumiThatDidNotEndWell(t *testing.T) {
	file := biboumiFile(t, biboumi9+biboumiRows)
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer(" ", "%20", "?", "%3f").Replace(file)+"?_pragma=cache_size(1)&_pragma=synchronous(full)")
	check(t, err)
	defer db.Close()
	tx, err := db.Begin()
	check(t, err)
	defer tx.Rollback()
	_, err = tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) INSERT INTO roster SELECT 'a' || i, hex(zeroblob(500)) FROM n`)
	check(t, err)
	crashed := filepath.Join(t.TempDir(), "biboumi.sqlite")
	for _, suffix := range []string{"", "-journal"} {
		content, err := os.ReadFile(file + suffix)
		check(t, err)
		check(t, os.WriteFile(crashed+suffix, content, 0o600))
	}
	b, err := OpenBiboumi(deadline(t), crashed)
	if err == nil {
		b.Close()
		t.Fatal("it is opened")
	}
	if !strings.Contains(err.Error(), "did not end well") {
		t.Errorf("got %v", err)
	}
}
