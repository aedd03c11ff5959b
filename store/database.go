package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// operationTime is how long one operation of the writer may take: a server that
// went silent must not hold it for ever.
const operationTime = 30 * time.Second

// readers is how many queries may run at the same time.
const readers = 4

// dialect is what differs between the two databases. The SQL of this package is
// written once, with ? for each argument.
type dialect struct {
	name string
	// key and bytes are the types of a table's integer key and of bytes.
	key, bytes string
	// words makes what the text index takes out of staged.words, and match is the
	// condition that a query's words be in it.
	words, match string
	// packed, if any, makes one text of a line; without it a line is read as a row.
	packed string
	// embedded is whether the database is part of the process.
	embedded bool
	// numbered says that arguments are $1, $2, … in place of ?.
	numbered bool
	// durable and relaxed, if any, are run around a transaction that must survive
	// a power failure.
	durable, relaxed string
	// textQuery joins words to what match takes, to be found in one archive.
	textQuery func(archive int64, words []string) string
	// freeSpace gives pages that are not used back to the file system, and says
	// whether there are more of them.
	freeSpace func(ctx context.Context, db *sql.DB) (more bool, err error)
	// gone says whether an error is that of a connection which ended while nobody
	// used it.
	gone func(err error) bool
	// passing says whether an error is of the kind that goes by: no space, no
	// server. Any other is the fault of what was written.
	passing func(err error) bool
}

// database is the two ways to a database: one connection that writes and a few
// that read.
type database struct {
	dialect
	write, read *sql.DB
	failures    atomic.Uint64 // statements that failed

	mu         sync.Mutex
	statements map[statementKey]*sql.Stmt
	wanted     map[string]bool
}

type statementKey struct {
	pool *sql.DB
	text string
}

func openDatabase(cfg Config) (*database, error) {
	if cfg.Database != "" {
		return openPostgreSQL(cfg.Database)
	}
	return openSQLite(cfg.Directory)
}

func newDatabase(d dialect, write, read *sql.DB) *database {
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &database{dialect: d, write: write, read: read, statements: make(map[statementKey]*sql.Stmt), wanted: make(map[string]bool)}
}

func (db *database) close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	var faults []error
	for _, statement := range db.statements {
		faults = append(faults, statement.Close())
	}
	return errors.Join(append(faults, db.read.Close(), db.write.Close())...)
}

// bind writes a statement's arguments as the database wants them. No statement
// of this package has a question mark elsewhere.
func (d *dialect) bind(text string) string {
	if !d.numbered {
		return text
	}
	var bound strings.Builder
	for number := 1; ; number++ {
		before, after, found := strings.Cut(text, "?")
		bound.WriteString(before)
		if !found {
			return bound.String()
		}
		bound.WriteString("$" + strconv.Itoa(number))
		text = after
	}
}

// prepared returns a statement of a fixed text, compiled once for each connection.
func (db *database) prepared(ctx context.Context, pool *sql.DB, text string) (*sql.Stmt, error) {
	key := statementKey{pool, text}
	db.mu.Lock()
	statement := db.statements[key]
	db.mu.Unlock()
	if statement != nil {
		return statement, nil
	}
	statement, err := pool.PrepareContext(ctx, db.bind(text))
	if err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if earlier := db.statements[key]; earlier != nil {
		return earlier, statement.Close()
	}
	db.statements[key] = statement
	return statement, nil
}

// query runs a query on a reading connection.
func (db *database) query(ctx context.Context, text string, arguments ...any) (rows *sql.Rows, err error) {
	err = db.again(ctx, func() error {
		statement, err := db.prepared(ctx, db.read, text)
		if err == nil {
			rows, err = statement.QueryContext(ctx, arguments...)
		}
		return err
	})
	return rows, err
}

// queryOnce runs a query whose text will not come again.
func (db *database) queryOnce(ctx context.Context, text string, arguments ...any) (rows *sql.Rows, err error) {
	err = db.again(ctx, func() error {
		rows, err = db.read.QueryContext(ctx, db.bind(text), arguments...)
		return err
	})
	return rows, err
}

// scan reads the one row of a query on a reading connection; found is false when
// there is none.
func (db *database) scan(ctx context.Context, text string, arguments []any, into ...any) (found bool, err error) {
	err = db.again(ctx, func() error {
		statement, err := db.prepared(ctx, db.read, text)
		if err != nil {
			return err
		}
		found, err = foundRow(statement.QueryRowContext(ctx, arguments...).Scan(into...))
		return err
	})
	return found, err
}

// scanOnce is scan for a query whose text will not come again.
func (db *database) scanOnce(ctx context.Context, text string, arguments []any, into ...any) (found bool, err error) {
	err = db.again(ctx, func() error {
		found, err = foundRow(db.read.QueryRowContext(ctx, db.bind(text), arguments...).Scan(into...))
		return err
	})
	return found, err
}

// again repeats a query for as long as it may have met connections that ended with
// an earlier run of the server.
func (db *database) again(ctx context.Context, query func() error) error {
	err := query()
	for range readers {
		if err == nil || ctx.Err() != nil || !db.gone(err) {
			break
		}
		err = query()
	}
	return db.noted(err)
}

// noted counts an error of the database. That nobody waits for it any more is none.
func (db *database) noted(err error) error {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, sql.ErrNoRows) {
		db.failures.Add(1)
	}
	return err
}

func foundRow(err error) (bool, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// transaction is a transaction of the writer.
type transaction struct {
	db         *database
	tx         *sql.Tx
	statements map[string]*sql.Stmt // used so far
}

// change runs a function in a transaction of the writing connection. Only the
// writer's goroutine and what runs before it starts may call it.
func (db *database) change(ctx context.Context, run func(context.Context, transaction) error) error {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	if err := db.prepareWanted(ctx); err != nil {
		return err
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return db.noted(err)
	}
	if err := run(ctx, transaction{db, tx, make(map[string]*sql.Stmt)}); err != nil {
		// The error that matters is the first one: SQLite ends a transaction by
		// itself when the disk is full, and a lost server cannot be told.
		_ = tx.Rollback()
		return err
	}
	return db.noted(tx.Commit())
}

// bounded limits how long a transaction may take, where that depends on a server.
// The embedded database has none, and starts a goroutine for each statement whose
// context can end.
func (db *database) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if db.embedded {
		return context.WithoutCancel(ctx), func() {}
	}
	return context.WithTimeout(ctx, operationTime)
}

// changeDurably is change for what must survive a power failure.
func (db *database) changeDurably(ctx context.Context, run func(context.Context, transaction) error) error {
	if db.durable == "" {
		return db.change(ctx, run)
	}
	if _, err := db.write.ExecContext(ctx, db.durable); err != nil {
		return err
	}
	err := db.change(ctx, run)
	_, relaxError := db.write.ExecContext(context.WithoutCancel(ctx), db.relaxed)
	return errors.Join(err, relaxError)
}

// exec runs a statement of a fixed text.
func (t transaction) exec(ctx context.Context, text string, arguments ...any) error {
	statement, err := t.prepared(ctx, text)
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(ctx, arguments...)
	return t.db.noted(err)
}

// execOnce runs a statement whose text will not come again.
func (t transaction) execOnce(ctx context.Context, text string, arguments ...any) error {
	_, err := t.tx.ExecContext(ctx, t.db.bind(text), arguments...)
	return t.db.noted(err)
}

func (t transaction) query(ctx context.Context, text string, arguments ...any) (*sql.Rows, error) {
	statement, err := t.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, arguments...)
}

func (t transaction) scan(ctx context.Context, text string, arguments []any, into ...any) (found bool, err error) {
	statement, err := t.prepared(ctx, text)
	if err != nil {
		return false, err
	}
	return foundRow(t.db.noted(statement.QueryRowContext(ctx, arguments...).Scan(into...)))
}

// prepared returns a statement of the transaction. The writer has one connection
// and the transaction holds it, so a statement that is not compiled yet is
// compiled for this transaction, and for the following ones before the next.
func (t transaction) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if statement := t.statements[text]; statement != nil {
		return statement, nil
	}
	statement, err := t.db.preparedIn(ctx, t.tx, text)
	if err == nil {
		t.statements[text] = statement
	}
	return statement, err
}

func (db *database) preparedIn(ctx context.Context, tx *sql.Tx, text string) (*sql.Stmt, error) {
	key := statementKey{db.write, text}
	db.mu.Lock()
	statement := db.statements[key]
	if statement == nil {
		db.wanted[text] = true
	}
	db.mu.Unlock()
	if statement != nil {
		return tx.StmtContext(ctx, statement), nil
	}
	return tx.PrepareContext(ctx, db.bind(text))
}

// prepareWanted compiles the statements that the last transaction lacked.
func (db *database) prepareWanted(ctx context.Context) error {
	db.mu.Lock()
	wanted := slices.Collect(maps.Keys(db.wanted))
	clear(db.wanted)
	db.mu.Unlock()
	for _, text := range wanted {
		if _, err := db.prepared(ctx, db.write, text); err != nil {
			return err
		}
	}
	return nil
}
