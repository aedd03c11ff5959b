package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// writerLock is the advisory lock of the one writer of a PostgreSQL database:
// the letters "passerel".
const writerLock = 0x7061737365726c

// archiveMark begins the word that stands for a line's archive, as nickMark does for
// its nick: the text index alone then finds the lines of one archive.
const archiveMark = "\ue001"

// connectTime is how long connecting to PostgreSQL may take unless the URL says so.
const connectTime = 10 * time.Second

// openPostgreSQL prepares connections to the database that a URL names.
func openPostgreSQL(address string) (*database, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("store.database: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "passerelle"
	}
	// The writer cannot begin a transaction twice, so it asks whether its connection
	// is still there; queries are repeated instead.
	write := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(lockPostgreSQL),
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return true }))
	read := stdlib.OpenDB(*config)
	return newDatabase(dialect{
		name: "postgresql",
		key:  "BIGINT", bytes: "BYTEA",
		words:    "array_to_tsvector(string_to_array(words || ' " + archiveMark + "' || (key >> 32), ' '))",
		match:    "line_text.words @@ CAST(? AS tsquery)",
		numbered: true,
		textQuery: func(archive int64, words []string) string {
			return fmt.Sprintf("'%s%d' & '%s'", archiveMark, archive, strings.Join(words, "' & '"))
		},
		// Autovacuum keeps the space for later rows.
		freeSpace: func(context.Context, *sql.DB) (bool, error) { return false, nil },
		gone:      gonePostgreSQL,
		passing:   passingPostgreSQLError,
	}, write, read), nil
}

// lockPostgreSQL makes a new connection that of the only writer. The lock goes with
// the connection, a moment after a gateway that held it has ended.
func lockPostgreSQL(ctx context.Context, conn *pgx.Conn) error {
	for _, text := range []string{noticeLoss, "SET lock_timeout = '3s'"} {
		if _, err := conn.Exec(ctx, text); err != nil {
			return fmt.Errorf("locking the database: %w", err)
		}
	}
	_, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(writerLock))
	var fault *pgconn.PgError
	if errors.As(err, &fault) && fault.Code == lockNotAvailable {
		return errors.New("the PostgreSQL database is in use by another gateway; stop it or name another database")
	}
	if err == nil {
		_, err = conn.Exec(ctx, "RESET lock_timeout")
	}
	return doing("locking the database", err)
}

// noticeLoss has the server let go of a connection, and so of its lock, within a minute
// of the network's loss. By default it takes two hours, for which a gateway that connects
// again would be taken for another one.
const noticeLoss = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 60000"

// lockNotAvailable is PostgreSQL's code for a lock that was not given in time.
const lockNotAvailable = "55P03"

// gonePostgreSQL takes for the end of a connection what is no answer of the server,
// and its answer that an administrator ended the connection.
func gonePostgreSQL(err error) bool {
	var fault *pgconn.PgError
	if errors.As(err, &fault) {
		return fault.Code == adminShutdown
	}
	var connect *pgconn.ConnectError
	return !errors.As(err, &connect)
}

// adminShutdown is PostgreSQL's code for a connection that its administrator ended.
const adminShutdown = "57P01"

// passingPostgreSQLError takes every error for a passing one that the server did
// not answer, and of its answers those about resources, operators and itself.
func passingPostgreSQLError(err error) bool {
	var fault *pgconn.PgError
	if !errors.As(err, &fault) {
		return true
	}
	switch fault.Code[:2] {
	case "08", "25", "40", "53", "55", "57", "58", "XX":
		return true
	}
	return false
}
