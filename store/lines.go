package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// selection is the part of a query that says which lines are meant, in which order.
type selection struct {
	text      string // what follows the columns
	arguments []any
	once      bool // the text will not come again
}

// readLines reads lines with their keys.
func (s *Store) readLines(ctx context.Context, which selection) ([]Line, []int64, error) {
	if s.db.packed == "" {
		return s.readRows(ctx, which)
	}
	text := "SELECT coalesce(group_concat(packed, ''), '') FROM (SELECT " + s.db.packed + " AS packed" + which.text + ")"
	scan := s.db.scan
	if which.once {
		scan = s.db.scanOnce
	}
	var all string
	if _, err := scan(ctx, text, which.arguments, &all); err != nil {
		return nil, nil, err
	}
	return unpack(all)
}

// readRows is readLines with a row for each line.
func (s *Store) readRows(ctx context.Context, which selection) (lines []Line, keys []int64, err error) {
	rows, err := s.run(ctx, "SELECT key, at, id, message_id, nick, occupant, body, payload", which)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key, at int64
		var line Line
		if err := rows.Scan(&key, &at, &line.ID, &line.MessageID, &line.Nick, &line.Occupant, &line.Body, &line.Payload); err != nil {
			return nil, nil, err
		}
		line.At = lineTime(at)
		keys = append(keys, key)
		lines = append(lines, line)
	}
	return lines, keys, rows.Err()
}

// packedLine makes one text of a line in SQLite, so that a page of lines is one
// value: that is read several times as fast as as many rows of as many columns. No
// text of the archive has a zero byte, which is what ends each here. The payload may
// have any, and comes last, with its length before it.
const packedLine = "concat_ws(char(0), key, at, id, message_id, nick, occupant, body, length(payload), payload)"

// packedTexts is how many texts stand before the payload of a packed line.
const packedTexts = 8

// packedEstimate is about how large a packed line is, in bytes.
const packedEstimate = 256

// errPacked is the error of what was read and cannot have been packed.
var errPacked = errors.New("lines of the archive cannot be told apart: the database is damaged")

// unpack takes packed lines apart. What it returns shares one copy of their text.
func unpack(all string) (lines []Line, keys []int64, err error) {
	if all == "" {
		return nil, nil, nil
	}
	bytes := []byte(all)
	lines = make([]Line, 0, len(all)/packedEstimate+1)
	keys = make([]int64, 0, cap(lines))
	for rest := all; rest != ""; {
		var texts [packedTexts]string
		for i := range texts {
			var found bool
			if texts[i], rest, found = strings.Cut(rest, "\x00"); !found {
				return nil, nil, errPacked
			}
		}
		key, keyErr := strconv.ParseInt(texts[0], 10, 64)
		at, atErr := strconv.ParseInt(texts[1], 10, 64)
		length, lengthErr := strconv.Atoi(texts[7])
		if err := errors.Join(keyErr, atErr, lengthErr); err != nil || length < 0 || length > len(rest) {
			return nil, nil, errors.Join(errPacked, err)
		}
		start := len(all) - len(rest)
		rest = rest[length:]
		keys = append(keys, key)
		lines = append(lines, Line{
			At: lineTime(at), ID: texts[2], MessageID: texts[3], Nick: texts[4], Occupant: texts[5], Body: texts[6],
			Payload: bytes[start : start+length : start+length],
		})
	}
	return lines, keys, nil
}

// run runs a query for columns of lines.
func (s *Store) run(ctx context.Context, columns string, which selection) (*sql.Rows, error) {
	if which.once {
		return s.db.queryOnce(ctx, columns+which.text, which.arguments...)
	}
	return s.db.query(ctx, columns+which.text, which.arguments...)
}

// selected are the lines of a span that meet the conditions. order is what follows
// the key that they are sorted by; lines that are only counted have none.
func (s *Store) selected(f filtered, r span, order string, more ...any) selection {
	tables, key, conditions := "line", "line.key", f.conditions
	switch {
	case f.words == nil:
	case order == "" && conditions == "":
		// The lines themselves need not be visited.
		tables, key, conditions = "line_text", "line_text.rowid", " AND "+s.db.match
	default:
		tables, key = "line_text JOIN line ON line.key = line_text.rowid", "line_text.rowid"
		conditions = " AND " + s.db.match + conditions
	}
	text := " FROM " + tables + " WHERE " + key + " BETWEEN ? AND ?" + conditions
	if order != "" {
		text += " ORDER BY " + key + order
	}
	return selection{text: text, arguments: slices.Concat([]any{r.low, r.high}, f.words, f.arguments, more), once: f.once}
}
