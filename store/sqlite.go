package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// databaseFile is the name of the SQLite database in the data directory.
const databaseFile = "passerelle.db"

// freedPages is how many pages of 4,096 bytes are given back at a time.
const freedPages = 256

// openSQLite opens or creates the database file. WAL lets queries run while the
// writer writes; with synchronous=NORMAL a power failure may take the last
// transactions, but never the file.
func openSQLite(directory string) (*database, error) {
	// SQLite would make a file that others may read; what it adds to it later has
	// the file's own mode.
	file, err := os.OpenFile(filepath.Join(directory, databaseFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	// What is cached takes twice the memory that SQLite knows of: a page and what
	// goes with it is a little more than half of what the allocator gives. The
	// system's own cache is behind this one.
	common := []string{"busy_timeout(5000)", "temp_store(memory)"}
	write, err := sql.Open("sqlite", sqliteAddress(directory, append(common,
		"page_size(4096)", "auto_vacuum(incremental)", "journal_mode(wal)", "synchronous(normal)", "secure_delete(fast)",
		"cache_size(-4096)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)")))
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", sqliteAddress(directory, append(common, "query_only(true)", "cache_size(-1024)")))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return newDatabase(dialect{
		name: "sqlite", embedded: true,
		key: "INTEGER", bytes: "BLOB",
		words: "words", match: "line_text MATCH ?",
		packed:  packedLine,
		durable: "PRAGMA synchronous=FULL", relaxed: "PRAGMA synchronous=NORMAL",
		// The range of keys in a query leads to the archive.
		textQuery: func(_ int64, words []string) string { return `"` + strings.Join(words, `" "`) + `"` },
		freeSpace: freeSQLiteSpace,
		gone:      func(error) bool { return false },
		passing:   passingSQLiteError,
	}, write, read), nil
}

func sqliteAddress(directory string, pragmas []string) string {
	query := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	address := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.Join(directory, databaseFile)}).EscapedPath(), RawQuery: query.Encode()}
	return address.String()
}

func freeSQLiteSpace(ctx context.Context, db *sql.DB) (more bool, err error) {
	var free int
	if err := db.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free); err != nil || free == 0 {
		return false, err
	}
	// Each step of this statement frees one page, so its rows must be read to the
	// end.
	rows, err := db.QueryContext(ctx, "PRAGMA incremental_vacuum(256)")
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return free > freedPages, rows.Err()
}

// passingSQLiteErrors are the primary result codes that have nothing to do with
// what is written.
var passingSQLiteErrors = map[int]bool{
	sqlite3.SQLITE_FULL: true, sqlite3.SQLITE_IOERR: true, sqlite3.SQLITE_BUSY: true, sqlite3.SQLITE_LOCKED: true,
	sqlite3.SQLITE_READONLY: true, sqlite3.SQLITE_CANTOPEN: true, sqlite3.SQLITE_NOMEM: true, sqlite3.SQLITE_PERM: true,
	sqlite3.SQLITE_INTERRUPT: true, sqlite3.SQLITE_CORRUPT: true, sqlite3.SQLITE_NOTADB: true, sqlite3.SQLITE_PROTOCOL: true,
}

func passingSQLiteError(err error) bool {
	var fault *sqlite.Error
	// Extended codes carry the primary one in their lowest byte.
	return !errors.As(err, &fault) || passingSQLiteErrors[fault.Code()&0xff]
}
