package store

import (
	"context"
)

// stagedLines is what the staging table holds of one archive: the line whose key is
// first at the first position, and each following one at the next. The writer owns
// it; queries get copies.
type stagedLines struct {
	archive   int64
	first     int64
	positions []int64
	merged    int // how many of these are in their place already
}

// span has the keys of the lines that are not in their place yet.
func (l *stagedLines) span() span {
	return span{l.first + int64(l.merged), l.first + int64(len(l.positions)) - 1}
}

// holds says whether lines of an archive are staged.
func (st *stage) holds(archive int64) bool {
	for _, lines := range st.staged {
		if lines.archive == archive {
			return true
		}
	}
	return false
}

// look returns what is staged of an archive at this moment.
func (st *stage) look(scope Scope) stagedLines {
	st.mu.Lock()
	defer st.mu.Unlock()
	if lines := st.staged[scope]; lines != nil {
		return *lines
	}
	return stagedLines{}
}

// keyOf returns the key of a staged line.
func (st *stage) keyOf(archive int64, id string) (key int64, staged bool) {
	hash := st.hash(archive, id)
	st.mu.Lock()
	defer st.mu.Unlock()
	key, staged = st.keys[hash]
	return key, staged
}

// readSpan reads the lines of a span, in their order, wherever they are.
func (s *Store) readSpan(ctx context.Context, archive archiveRow, r span) (lines []Line, keys []int64, err error) {
	placed, staged := r, span{0, -1}
	if fresh := archive.staged.span(); fresh.lines() > 0 {
		placed.high, staged = min(r.high, fresh.low-1), span{max(r.low, fresh.low), r.high}
	}
	if placed.lines() > 0 {
		if lines, keys, err = s.readLines(ctx, placedLines(placed)); err != nil {
			return nil, nil, err
		}
	}
	if staged.lines() == 0 {
		return lines, keys, nil
	}
	more, moreKeys, err := s.readLines(ctx, archive.staged.among(staged))
	if err == nil && len(more) < staged.lines() {
		// They were put in their place meanwhile.
		more, moreKeys, err = s.readLines(ctx, placedLines(staged))
	}
	return append(lines, more...), append(keys, moreKeys...), err
}

// placedLines selects all lines of a span that are in their place.
func placedLines(r span) selection {
	return selection{text: " FROM line WHERE key BETWEEN ? AND ? ORDER BY key", arguments: []any{r.low, r.high}}
}

// among selects staged lines by their keys. The staging table is ordered by
// positions, which grow with the keys of an archive. By then the lines of other
// archives may be there.
func (l *stagedLines) among(r span) selection {
	positions := l.positions[r.low-l.first : r.high-l.first+1]
	from, to := positions[0], positions[len(positions)-1]
	if to-from < int64(2*len(positions)) {
		return selection{
			text:      " FROM staged WHERE position BETWEEN ? AND ? AND key BETWEEN ? AND ? ORDER BY position",
			arguments: []any{from, to, r.low, r.high},
		}
	}
	return selection{
		text:      " FROM staged WHERE position IN (" + numbers(positions) + ") AND key BETWEEN ? AND ? ORDER BY position",
		arguments: []any{r.low, r.high},
		once:      true,
	}
}
