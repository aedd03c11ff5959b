package store

import (
	"context"
	"hash/fnv"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Lines are written twice. First as they come, in one table that only grows, so
// that a transaction touches few pages however many archives it is about. Later,
// when many have gathered or somebody looks for something in an archive, they are put
// in their place, sorted, so that each page of the database takes several lines at once.

// sequenceBits is how many bits of a line's key number it within its archive.
const sequenceBits = 32

// knownArchives is how many archives the writer remembers between merges.
const knownArchives = 32768

// archiveState is what the writer must know of an archive to add a line.
type archiveState struct {
	id   int64
	next int64 // the next line's number
	high int64 // the newest time of its lines, in milliseconds
	lag  int64 // how far a line is behind an earlier one at most, in milliseconds
}

// stage is the writer's memory of the staging table and of the archives. Queries see
// a part of it.
type stage struct {
	ready    bool // whether lines of an earlier run are in their place
	position int64
	archives map[Scope]archiveState
	newest   int64 // the highest archive id; 0 when it is not known
	lines    int
	seed     maphash.Seed

	// mu guards the following, which the writer alone changes and queries read.
	mu     sync.Mutex
	staged map[Scope]*stagedLines
	// keys are the keys of the staged lines, by their ids: hashes of 64 bits with a
	// seed of our own.
	keys map[uint64]int64
}

func newStage() *stage {
	return &stage{
		archives: make(map[Scope]archiveState), staged: make(map[Scope]*stagedLines),
		keys: make(map[uint64]int64), seed: maphash.MakeSeed(),
	}
}

// full says whether the staged lines must be put in their place before more come.
func (st *stage) full(limit int) bool { return !st.ready || st.lines >= limit }

// stagedRow is a line with what the database needs besides.
type stagedRow struct {
	*Line
	scope           Scope
	archive         int64
	key, at, behind int64
	idHash          int64
	unique          uint64
}

func (st *stage) newRow(line *Line, archive int64) stagedRow {
	return stagedRow{
		Line: line, scope: line.scope(), archive: archive, at: line.At.UnixMilli(),
		idHash: lineIDHash(archive, line.ID), unique: st.hash(archive, line.ID),
	}
}

func (st *stage) hash(archive int64, id string) uint64 {
	var hash maphash.Hash
	hash.SetSeed(st.seed)
	maphash.WriteComparable(&hash, archive)
	hash.WriteString(id)
	return hash.Sum64()
}

func lineIDHash(archive int64, id string) int64 {
	return archive<<sequenceBits | idHash(id)
}

func idHash(id string) int64 {
	hash := fnv.New32a()
	hash.Write([]byte(id))
	return int64(hash.Sum32())
}

// stageLines writes lines to the staging table, but for those that the archive
// knows already.
func (w *writer) stageLines(ctx context.Context, lines []Line) (known int, err error) {
	if len(lines) == 0 {
		return 0, nil
	}
	if err := w.makeRoom(ctx); err != nil {
		return 0, err
	}
	var rows []stagedRow
	states := make(map[Scope]archiveState)
	err = w.db.change(ctx, func(ctx context.Context, tx transaction) error {
		for i := range lines {
			state, err := w.archiveFor(ctx, tx, states, lines[i].scope())
			if err != nil {
				return doing("finding the archive", err)
			}
			rows = append(rows, w.stage.newRow(&lines[i], state.id))
		}
		if rows, err = w.unknownRows(ctx, tx, rows); err != nil {
			return doing("looking for known lines", err)
		}
		lagging := make(map[int64]int64)
		for i := range rows {
			rows[i].number(states, lagging)
		}
		for archive, lag := range lagging {
			if err := tx.exec(ctx, "UPDATE archive SET lag = ? WHERE id = ?", lag, archive); err != nil {
				return err
			}
		}
		return doing("writing lines", w.insertStaged(ctx, tx, rows))
	})
	if err != nil {
		w.doubt(err)
		return 0, err
	}
	return w.noteStaged(lines, rows, states), nil
}

// doubt takes note that a transaction failed. A server may have committed it all the
// same, when the connection ended before it said so: what it has is then found out by
// putting all that is staged in its place, before more comes.
func (w *writer) doubt(err error) {
	st := w.stage
	st.newest = 0
	if !w.db.embedded && w.db.passing(err) {
		st.ready = false
		clear(st.archives)
	}
}

// number gives a row its key and time, and moves its archive on.
func (row *stagedRow) number(states map[Scope]archiveState, lagging map[int64]int64) {
	state := states[row.scope]
	row.key = state.id<<sequenceBits | state.next
	state.next++
	state.high = max(state.high, row.at)
	row.behind = state.high - row.at
	if row.behind > state.lag {
		state.lag = row.behind
		lagging[state.id] = state.lag
	}
	states[row.scope] = state
}

// noteStaged remembers what was committed, and returns how many lines were not
// new.
func (w *writer) noteStaged(lines []Line, rows []stagedRow, states map[Scope]archiveState) (known int) {
	st := w.stage
	maps.Copy(st.archives, states)
	fresh := make(map[*Line]bool, len(rows))
	st.mu.Lock()
	for i := range rows {
		row := &rows[i]
		fresh[row.Line] = true
		st.position++
		archive := st.staged[row.scope]
		if archive == nil {
			archive = &stagedLines{archive: row.archive, first: row.key}
			st.staged[row.scope] = archive
		}
		archive.positions = append(archive.positions, st.position)
		st.keys[row.unique] = row.key
		st.lines++
	}
	st.mu.Unlock()
	for i := range lines {
		if !fresh[&lines[i]] {
			known++
			w.queue.settled(lines[i].scope(), 1)
		}
	}
	return known
}

// archiveFor returns an archive's state, out of this transaction, the memory or
// the database, where it is created if need be.
func (w *writer) archiveFor(ctx context.Context, tx transaction, states map[Scope]archiveState, scope Scope) (archiveState, error) {
	if state, ok := states[scope]; ok {
		return state, nil
	}
	state, ok := w.stage.archives[scope]
	if !ok {
		var err error
		if state, err = w.loadArchive(ctx, tx, scope); err != nil {
			return archiveState{}, err
		}
	}
	states[scope] = state
	return state, nil
}

func (w *writer) loadArchive(ctx context.Context, tx transaction, scope Scope) (archiveState, error) {
	state := archiveState{next: 1}
	found, err := tx.scan(ctx, "SELECT id, lag FROM archive WHERE owner = ? AND server = ? AND channel = ?",
		[]any{scope.User, scope.Server, scope.Channel}, &state.id, &state.lag)
	if err != nil {
		return state, err
	}
	if !found {
		w.archivists.add(scope.User)
		if w.stage.newest == 0 {
			if _, err := tx.scan(ctx, "SELECT coalesce(max(id), 0) FROM archive", nil, &w.stage.newest); err != nil {
				return state, err
			}
		}
		w.stage.newest++
		state.id = w.stage.newest
		return state, tx.exec(ctx, "INSERT INTO archive (id, owner, server, channel, lag) VALUES (?, ?, ?, ?, 0)", state.id, scope.User, scope.Server, scope.Channel)
	}
	var key int64
	found, err = tx.scan(ctx, "SELECT key, at + behind FROM line WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
		[]any{firstKey(state.id), lastKey(state.id)}, &key, &state.high)
	if found {
		state.next = key&sequenceMask + 1
	}
	return state, err
}

const sequenceMask = 1<<sequenceBits - 1

func firstKey(archive int64) int64 { return archive << sequenceBits }
func lastKey(archive int64) int64  { return archive<<sequenceBits | sequenceMask }

// unknownRows leaves out the rows whose ids are in their archives already.
func (w *writer) unknownRows(ctx context.Context, tx transaction, rows []stagedRow) ([]stagedRow, error) {
	type lineID struct {
		hash int64
		id   string
	}
	known := make(map[lineID]bool)
	for chunk := range slices.Chunk(rows, idsAsked) {
		// The rest of a short chunk asks for its first id again, so that there is
		// one statement only.
		arguments := make([]any, idsAsked)
		for i := range arguments {
			arguments[i] = chunk[0].idHash
		}
		for i := range chunk {
			arguments[i] = chunk[i].idHash
		}
		found, err := tx.query(ctx, selectKnown, arguments...)
		if err != nil {
			return nil, err
		}
		for found.Next() {
			var id lineID
			if err := found.Scan(&id.hash, &id.id); err != nil {
				found.Close()
				return nil, err
			}
			known[id] = true
		}
		if err := found.Close(); err != nil {
			return nil, err
		}
		if err := found.Err(); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(rows, func(row stagedRow) bool {
		id := lineID{row.idHash, row.ID}
		_, staged := w.stage.keys[row.unique]
		if staged || known[id] {
			return true
		}
		known[id] = true
		return false
	}), nil
}

const idsAsked = 50

var selectKnown = "SELECT id_hash, id FROM line WHERE id_hash IN (?" + strings.Repeat(", ?", idsAsked-1) + ")"

const insertStagedHead = "INSERT INTO staged (position, key, at, behind, id_hash, id, message_id, nick, occupant, body, payload, words) VALUES "

const stagedValues = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

// insertSizes are how many rows one statement writes: three texts instead of as
// many as there are numbers.
var insertSizes = []int{64, 8, 1}

func (w *writer) insertStaged(ctx context.Context, tx transaction, rows []stagedRow) error {
	position := w.stage.position
	words := newWordReader()
	for _, size := range insertSizes {
		text := insertStagedHead + stagedValues + strings.Repeat(", "+stagedValues, size-1)
		for len(rows) >= size {
			arguments := make([]any, 0, size*12)
			for i := range rows[:size] {
				row := &rows[i]
				position++
				payload := row.Payload
				if payload == nil {
					payload = []byte{}
				}
				arguments = append(arguments, position, row.key, row.at, row.behind, row.idHash, row.ID, row.MessageID,
					row.Nick, row.Occupant, row.Body, payload, strings.Join(append(words.read(row.Body), nickWord(row.Nick)), " "))
			}
			if err := tx.exec(ctx, text, arguments...); err != nil {
				return err
			}
			rows = rows[size:]
		}
	}
	return nil
}

// makeRoom empties the staging table when it is time to.
func (w *writer) makeRoom(ctx context.Context) error {
	if !w.stage.full(w.pace.staged) {
		return nil
	}
	return w.mergeAll(ctx)
}

// mergeAll puts all staged lines in their place and empties the staging table.
func (w *writer) mergeAll(ctx context.Context) error {
	st := w.stage
	if st.ready && st.lines == 0 {
		return nil
	}
	err := w.db.change(ctx, func(ctx context.Context, tx transaction) error {
		// Lines may be in their place already: of archives that somebody asked for.
		if err := tx.exec(ctx, w.db.mergeText()+" WHERE NOT EXISTS (SELECT 1 FROM line WHERE line.key = staged.key) ORDER BY key"); err != nil {
			return err
		}
		if err := tx.exec(ctx, mergeLines+" WHERE NOT EXISTS (SELECT 1 FROM line WHERE line.key = staged.key) ORDER BY key"); err != nil {
			return err
		}
		// Not TRUNCATE in PostgreSQL: it would wait for a backup to end.
		return tx.exec(ctx, "DELETE FROM staged")
	})
	if err != nil {
		return doing("putting lines in their place", err)
	}
	for scope, archive := range st.staged {
		w.queue.settled(scope, len(archive.positions)-archive.merged)
	}
	st.ready, st.position, st.lines = true, 0, 0
	st.mu.Lock()
	clear(st.staged)
	clear(st.keys)
	st.mu.Unlock()
	if len(st.archives) > knownArchives {
		clear(st.archives)
	}
	return nil
}

const mergeLines = `INSERT INTO line (key, at, behind, id_hash, id, message_id, nick, occupant, body, payload)
	SELECT key, at, behind, id_hash, id, message_id, nick, occupant, body, payload FROM staged`

func (d *dialect) mergeText() string {
	return "INSERT INTO line_text (rowid, words) SELECT key, " + d.words + " FROM staged"
}

// mergeScope puts the staged lines of one archive in their place. They stay in the
// staging table as well until it is emptied.
func (w *writer) mergeScope(ctx context.Context, scope Scope) {
	archive := w.stage.staged[scope]
	if archive == nil || archive.merged == len(archive.positions) {
		return
	}
	fresh := archive.positions[archive.merged:]
	err := w.db.change(ctx, func(ctx context.Context, tx transaction) error {
		where := " WHERE position IN (" + numbers(fresh) + ") ORDER BY key"
		if err := tx.execOnce(ctx, w.db.mergeText()+where); err != nil {
			return err
		}
		return tx.execOnce(ctx, mergeLines+where)
	})
	if err != nil && w.failure == nil {
		w.log.Warn("new lines of an archive cannot be shown yet", "user", scope.User, "server", scope.Server, "channel", scope.Channel, "err", err)
	}
	if err != nil {
		return
	}
	w.stage.mu.Lock()
	archive.merged = len(archive.positions)
	w.stage.mu.Unlock()
	w.queue.settled(scope, len(fresh))
}

// numbers writes numbers for a list in SQL.
func numbers(list []int64) string {
	var text []byte
	for i, number := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, number, 10)
	}
	return string(text)
}

// lineTime turns the database's milliseconds into a time.
func lineTime(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }
