package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Biboumi is the database of a biboumi that is moving in, opened for reading
// only. It may be used from one goroutine at a time.
type Biboumi struct {
	db         *sql.DB
	postgreSQL bool
	// columns are the columns of each table that there is, in lower case.
	columns map[string]map[string]bool
	missing []string
	unknown []string
}

// BiboumiOptions are what users chose, by what it is about.
type BiboumiOptions struct {
	Global, Servers, Channels []BiboumiRow
}

// BiboumiRow is what one user chose at one place.
type BiboumiRow struct {
	// Owner is a bare JID; Server and Channel are as biboumi spells them, empty
	// where the row is about more.
	Owner, Server, Channel string
	// Values are texts by column, such as "maxhistorylength_"; a column that is
	// empty or null, or that this biboumi did not have, is not there.
	Values map[string]string
	// Commands are the raw lines of IRC that are sent after connecting, in order.
	Commands []string
}

// BiboumiContact is an entry of a user's roster: Contact is an address of the
// gateway and User the bare JID of who has it.
type BiboumiContact struct{ User, Contact string }

// BiboumiArchive is how many lines one user has of one channel.
type BiboumiArchive struct {
	User, Server, Channel string
	Lines                 int
}

// biboumiTable is a table of biboumi's: the columns without which its rows mean
// nothing, those that are read where they exist, and those that are known and
// say nothing.
type biboumiTable struct {
	name                      string
	needed, optional, ignored []string
}

const (
	biboumiLines    = "muclogline_"
	biboumiGlobal   = "globaloptions_"
	biboumiServers  = "ircserveroptions_"
	biboumiChannels = "ircchanneloptions_"
	biboumiRoster   = "roster"
	biboumiCommands = "after_connection_commands_"
	// biboumiCommand is a command of that table, and before there was one, the only
	// command of a server's row.
	biboumiCommand = "afterconnectioncommand_"
)

// biboumiTables are the tables of biboumi 9 and those of its forerunners, in which
// columns are missing. The column type_ comes from the library that the first
// versions were written with.
var biboumiTables = []biboumiTable{
	{name: biboumiLines, needed: []string{"id_", "owner_", "ircchanname_", "ircservername_", "date_", "body_", "nick_"}, optional: []string{"uuid_"}, ignored: []string{"type_"}},
	{name: biboumiGlobal, needed: []string{"id_", "owner_"}, optional: []string{"maxhistorylength_", "recordhistory_", "persistent_"}, ignored: []string{"type_"}},
	{name: biboumiServers, needed: []string{"id_", "owner_", "server_"}, optional: []string{
		"pass_", "tlsports_", "ports_", "username_", "realname_", "verifycert_", "trustedfingerprint_", "encodingout_", "encodingin_",
		"maxhistorylength_", "address_", "nick_", "saslpassword_", "throttlelimit_",
	}, ignored: []string{"type_", biboumiCommand}},
	{name: biboumiChannels, needed: []string{"id_", "owner_", "server_", "channel_"}, optional: []string{
		"encodingout_", "encodingin_", "maxhistorylength_", "persistent_", "recordhistory_",
	}, ignored: []string{"type_"}},
	{name: biboumiRoster, needed: []string{"local", "remote"}, ignored: []string{"id_", "type_"}},
	{name: biboumiCommands, needed: []string{"id_", "fk_", biboumiCommand}, ignored: []string{"type_"}},
}

// OpenBiboumi opens the database that an address names: the path of a SQLite file,
// or the URL of a PostgreSQL database. It refuses what is not a database of
// biboumi's, and one whose tables lack what their rows are known by.
func OpenBiboumi(ctx context.Context, address string) (*Biboumi, error) {
	b, err := connectBiboumi(address)
	if err != nil {
		return nil, doing("opening biboumi's database", err)
	}
	if err := b.inspect(ctx); err != nil {
		return nil, doing("opening biboumi's database", errors.Join(err, b.Close()))
	}
	return b, nil
}

func connectBiboumi(address string) (*Biboumi, error) {
	if isPostgreSQL(address) {
		config, err := pgx.ParseConfig(address)
		if err != nil {
			return nil, err
		}
		if config.ConnectTimeout == 0 {
			config.ConnectTimeout = connectTime
		}
		config.RuntimeParams["default_transaction_read_only"] = "on"
		return &Biboumi{db: stdlib.OpenDB(*config), postgreSQL: true}, nil
	}
	info, err := os.Stat(address)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s", address)
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", address)
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"query_only(true)", "busy_timeout(5000)"}}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: address}).EscapedPath(), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, err
	}
	return &Biboumi{db: db}, nil
}

// Close ends the connection.
func (b *Biboumi) Close() error { return b.db.Close() }

// Missing names the tables and columns that biboumi 9 has and this database lacks:
// an earlier version wrote it.
func (b *Biboumi) Missing() []string { return b.missing }

// Unknown names the columns that a later biboumi may have added, which are not
// read.
func (b *Biboumi) Unknown() []string { return b.unknown }

// inspect learns what the tables look like.
func (b *Biboumi) inspect(ctx context.Context) error {
	text := "SELECT lower(m.name), lower(c.name) FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
	if b.postgreSQL {
		text = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))"
	}
	b.columns = make(map[string]map[string]bool)
	err := b.each(ctx, text, 2, func(row []string) error {
		if b.columns[row[0]] == nil {
			b.columns[row[0]] = make(map[string]bool)
		}
		b.columns[row[0]][row[1]] = true
		return nil
	})
	if err != nil {
		return err
	}
	var faults []error
	found := false
	for _, table := range biboumiTables {
		columns := b.columns[table.name]
		if columns == nil {
			b.missing = append(b.missing, "table "+table.name)
			continue
		}
		found = found || table.name != biboumiRoster
		faults = append(faults, b.compare(table, columns))
	}
	if !found {
		return errors.New("it has none of biboumi's tables: it is another program's, or biboumi never ran with it")
	}
	return errors.Join(faults...)
}

// compare notes how a table differs from biboumi 9's.
func (b *Biboumi) compare(table biboumiTable, columns map[string]bool) error {
	for _, column := range table.needed {
		if !columns[column] {
			return fmt.Errorf("its table %s has no column %s: it is damaged, or of a version of biboumi that is not known here", table.name, column)
		}
	}
	for _, column := range table.optional {
		if !columns[column] {
			b.missing = append(b.missing, "column "+column+" of "+table.name)
		}
	}
	var unknown []string
	for column := range columns {
		if !slices.Contains(slices.Concat(table.needed, table.optional, table.ignored), column) {
			unknown = append(unknown, "column "+column+" of "+table.name)
		}
	}
	slices.Sort(unknown)
	b.unknown = append(b.unknown, unknown...)
	return nil
}

// asText reads a column as a text whatever its type, which differs between the
// versions and the two databases, or as null where this database has none.
func (b *Biboumi) asText(table, column string) string {
	if !b.columns[table][column] {
		return "NULL"
	}
	return "CAST(" + column + " AS TEXT)"
}

func (b *Biboumi) selectText(table string, columns ...string) string {
	texts := make([]string, len(columns))
	for i, column := range columns {
		texts[i] = b.asText(table, column)
	}
	return "SELECT " + strings.Join(texts, ", ") + " FROM " + table
}

// each calls a function with the texts of every row of a query; null is empty.
func (b *Biboumi) each(ctx context.Context, text string, columns int, take func(row []string) error) error {
	rows, err := b.db.QueryContext(ctx, text)
	if err != nil {
		return readable(err)
	}
	defer rows.Close()
	values, into := make([]sql.NullString, columns), make([]any, columns)
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return readable(err)
		}
		row := make([]string, columns)
		for i := range values {
			row[i] = values[i].String
		}
		if err := take(row); err != nil {
			return err
		}
	}
	return readable(rows.Err())
}

// Options returns everything that users chose, in the order in which they did.
func (b *Biboumi) Options(ctx context.Context) (BiboumiOptions, error) {
	var options BiboumiOptions
	commands, err := b.commands(ctx)
	if err != nil {
		return options, doing("reading biboumi's commands", err)
	}
	places := map[string]struct {
		into  *[]BiboumiRow
		about []string
	}{
		biboumiGlobal:   {&options.Global, nil},
		biboumiServers:  {&options.Servers, []string{"server_"}},
		biboumiChannels: {&options.Channels, []string{"server_", "channel_"}},
	}
	for _, table := range biboumiTables {
		place, ok := places[table.name]
		if !ok || b.columns[table.name] == nil {
			continue
		}
		columns := slices.Concat([]string{"id_", "owner_"}, place.about, table.optional, []string{biboumiCommand})
		err := b.each(ctx, b.selectText(table.name, columns...)+" ORDER BY id_", len(columns), func(texts []string) error {
			row := BiboumiRow{Owner: texts[1], Values: make(map[string]string)}
			for i, column := range columns[2:] {
				switch text := texts[i+2]; {
				case text == "":
				case column == "server_":
					row.Server = text
				case column == "channel_":
					row.Channel = text
				case column != biboumiCommand:
					row.Values[column] = text
				case b.columns[biboumiCommands] == nil:
					row.Commands = []string{text}
				}
			}
			if table.name == biboumiServers && b.columns[biboumiCommands] != nil {
				row.Commands = commands[texts[0]]
			}
			*place.into = append(*place.into, row)
			return nil
		})
		if err != nil {
			return options, doing("reading biboumi's settings", err)
		}
	}
	return options, nil
}

// commands returns the commands by the id of the server's row that they belong to.
func (b *Biboumi) commands(ctx context.Context) (map[string][]string, error) {
	if b.columns[biboumiCommands] == nil {
		return nil, nil
	}
	commands := make(map[string][]string)
	err := b.each(ctx, b.selectText(biboumiCommands, "fk_", biboumiCommand)+" ORDER BY id_", 2, func(row []string) error {
		if row[1] != "" {
			commands[row[0]] = append(commands[row[0]], row[1])
		}
		return nil
	})
	return commands, err
}

// Contacts returns the entries of all rosters.
func (b *Biboumi) Contacts(ctx context.Context) ([]BiboumiContact, error) {
	if b.columns[biboumiRoster] == nil {
		return nil, nil
	}
	var contacts []BiboumiContact
	err := b.each(ctx, b.selectText(biboumiRoster, "remote", "local")+" ORDER BY remote, local", 2, func(row []string) error {
		contacts = append(contacts, BiboumiContact{User: row[0], Contact: row[1]})
		return nil
	})
	return contacts, doing("reading biboumi's roster", err)
}

// Archives returns how many lines there are of each channel of each user.
func (b *Biboumi) Archives(ctx context.Context) ([]BiboumiArchive, error) {
	if b.columns[biboumiLines] == nil {
		return nil, nil
	}
	const about = "owner_, ircservername_, ircchanname_"
	var archives []BiboumiArchive
	err := b.each(ctx, "SELECT "+about+", CAST(count(*) AS TEXT) FROM "+biboumiLines+" GROUP BY "+about+" ORDER BY "+about, 4, func(row []string) error {
		lines, err := strconv.Atoi(row[3])
		archives = append(archives, BiboumiArchive{User: row[0], Server: row[1], Channel: row[2], Lines: lines})
		return err
	})
	return archives, doing("counting biboumi's archive", err)
}

// Lines reads the archive in its order, which is that of id_ and not of the dates.
// The uuid is the line's ID, and its MessageID, for biboumi made up a new one
// each time; a line without one has an ID that is the same at every reading.
func (b *Biboumi) Lines(ctx context.Context) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		if b.columns[biboumiLines] == nil {
			return
		}
		columns := []string{"id_", "uuid_", "owner_", "ircservername_", "ircchanname_", "date_", "body_", "nick_"}
		err := b.each(ctx, b.selectText(biboumiLines, columns...)+" ORDER BY id_", len(columns), func(row []string) error {
			seconds, err := strconv.ParseInt(row[5], 10, 64)
			if err != nil {
				return fmt.Errorf("the line with the id_ %s has no date: the database is damaged", row[0])
			}
			line := Line{
				ID: row[1], MessageID: row[1], User: row[2], Server: row[3], Channel: row[4],
				At: time.Unix(seconds, 0), Body: row[6], Nick: row[7],
			}
			if line.ID == "" {
				sum := sha256.Sum256([]byte(strings.Join(row, "\x00")))
				line.ID = hex.EncodeToString(sum[:16])
				line.MessageID = line.ID
			}
			if !yield(line, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(Line{}, doing("reading biboumi's archive", err))
		}
	}
}

// errEnough ends a reading whose caller wants no more rows.
var errEnough = errors.New("no more rows are wanted")

// biboumiFaults are what SQLite's codes mean for who moves in.
var biboumiFaults = map[int]string{
	sqlite3.SQLITE_NOTADB:            "the file is not a SQLite database",
	sqlite3.SQLITE_CORRUPT:           "the file is damaged; try «sqlite3 FILE .recover» and import what it saves",
	sqlite3.SQLITE_BUSY:              "the file is in use; stop biboumi first",
	sqlite3.SQLITE_READONLY_ROLLBACK: "biboumi did not end well and left a journal beside the file; start and stop it once more",
	sqlite3.SQLITE_PERM:              "this user may not read the file",
	sqlite3.SQLITE_CANTOPEN:          "this user cannot open the file",
}

// readable says in plain words what an error of SQLite means.
func readable(err error) error {
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		return err
	}
	for _, code := range []int{fault.Code(), fault.Code() & 0xff} {
		if words := biboumiFaults[code]; words != "" {
			return fmt.Errorf("%s (%w)", words, err)
		}
	}
	return err
}
