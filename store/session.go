package store

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"
)

// Session is what a user has on IRC: a network, or with a Channel in its Scope a
// channel. The gateway says what State means.
type Session struct {
	Scope
	State string
	// Secret is the channel's key, which is encrypted at rest.
	Secret string
}

// KeepSession notes what a user has, in place of what was noted for that scope
// before. It never waits: it is in the database a moment later, with what else
// was noted by then, and survives the end of the process from then on.
func (s *Store) KeepSession(session Session) {
	if !utf8.ValidString(session.State) {
		return
	}
	s.sealSession(&session)
	s.queue.keep(session.Scope, &session)
}

// DropSession notes that a user has that no longer. It never waits.
func (s *Store) DropSession(scope Scope) { s.queue.keep(scope, nil) }

// Sessions returns what users had when the process ended before, in the order of
// users, servers and channels. Secrets that cannot be read are left empty.
func (s *Store) Sessions(ctx context.Context) ([]Session, error) {
	rows, err := s.db.query(ctx, "SELECT owner, server, channel, state, secret FROM session")
	if err != nil {
		return nil, doing("loading sessions", err)
	}
	defer rows.Close()
	var sessions []Session
	for rows.Next() {
		var one Session
		var sealed string
		if err := rows.Scan(&one.User, &one.Server, &one.Channel, &one.State, &sealed); err != nil {
			return nil, doing("loading sessions", err)
		}
		if sealed != "" {
			// A key that is lost is asked for by the channel.
			one.Secret, _ = s.openSetting(settingRow{scope: one.Scope, name: sessionSecret, secret: 1, value: sealed})
		}
		sessions = append(sessions, one)
	}
	// The databases sort texts by rules of their own.
	slices.SortFunc(sessions, func(a, b Session) int { return a.Scope.compare(b.Scope) })
	return sessions, doing("loading sessions", rows.Err())
}

// NoteSetting sets a name that is not set yet. It never waits, and is lost if the
// process ends within a moment.
func (s *Store) NoteSetting(scope Scope, name, value string) {
	s.owners.add(scope.User)
	s.queue.note(settingRow{scope: scope, name: name, value: value})
}

// note queues a setting to be written.
func (q *queue) note(row settingRow) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.notes = append(q.notes, row)
	signal(q.lineCame)
}

// sessionSecret is where a session's secret stands, for its encryption.
const sessionSecret = "session"

func (s *Store) sealSession(session *Session) {
	if session.Secret == "" {
		return
	}
	session.Secret = s.sealSetting(settingRow{scope: session.Scope, name: sessionSecret, value: session.Secret}).value
}

// keep queues a session to be written, or to be removed. One that waits already
// is replaced.
func (q *queue) keep(scope Scope, session *Session) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if q.sessions == nil {
		q.sessions = make(map[Scope]*Session)
	}
	q.sessions[scope] = session
	signal(q.lineCame)
}

// takeSessions returns the sessions that wait, and the settings.
func (q *queue) takeSessions() (map[Scope]*Session, []settingRow) {
	q.mu.Lock()
	defer q.mu.Unlock()
	sessions, notes := q.sessions, q.notes
	q.sessions, q.notes = nil, nil
	return sessions, notes
}

// putBack queues sessions again that could not be written, unless there is
// something newer.
func (q *queue) putBack(sessions map[Scope]*Session, notes []settingRow) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if sessions == nil {
		sessions = make(map[Scope]*Session)
	}
	maps.Copy(sessions, q.sessions)
	q.sessions = sessions
	q.notes = append(notes, q.notes...)
}

// writeSessions writes the sessions that wait, unless it is known that nothing can be
// written.
func (w *writer) writeSessions(ctx context.Context) {
	if w.failure != nil {
		return
	}
	if err := w.trySessions(ctx); err != nil {
		w.fail(err)
	}
}

// trySessions is writeSessions whatever is known. The sessions wait on when it fails.
func (w *writer) trySessions(ctx context.Context) error {
	sessions, notes := w.queue.takeSessions()
	if len(sessions)+len(notes) == 0 {
		return nil
	}
	err := w.db.change(ctx, func(ctx context.Context, tx transaction) error {
		for _, row := range notes {
			if err := tx.exec(ctx, "INSERT INTO setting (owner, server, channel, name, ordinal, secret, value) VALUES (?, ?, ?, ?, 0, 0, ?) ON CONFLICT DO NOTHING",
				row.scope.User, row.scope.Server, row.scope.Channel, row.name, row.value); err != nil {
				return err
			}
		}
		for scope, session := range sessions {
			if err := replaceSession(ctx, tx, scope, session); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil:
	case w.db.passing(err):
		w.queue.putBack(sessions, notes)
		return err
	default:
		w.log.Error("what users have on IRC cannot be kept for a restart", "err", err)
	}
	return nil
}

func replaceSession(ctx context.Context, tx transaction, scope Scope, session *Session) error {
	if session == nil {
		return tx.exec(ctx, "DELETE FROM session WHERE owner = ? AND server = ? AND channel = ?", scope.User, scope.Server, scope.Channel)
	}
	return tx.exec(ctx, "INSERT INTO session (owner, server, channel, state, secret) VALUES (?, ?, ?, ?, ?)"+
		" ON CONFLICT (owner, server, channel) DO UPDATE SET state = excluded.state, secret = excluded.secret",
		scope.User, scope.Server, scope.Channel, session.State, session.Secret)
}
