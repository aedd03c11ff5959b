package store

import (
	"context"
	"maps"
)

// ForgetUser removes everything of a user: settings, contacts and archives. When it
// returns nobody can reach any of it; the space of the archived lines is given back
// in the background, after a restart too.
func (s *Store) ForgetUser(ctx context.Context, user string) error {
	user, asker := storable(user), ctx
	err := s.queue.do(asker, job{insists: true, run: func(ctx context.Context, w *writer) error {
		return w.forget(ctx, asker, user)
	}})
	signal(s.keepUp)
	return doing("forgetting a user", err)
}

func (w *writer) forget(ctx, asker context.Context, user string) error {
	// The archives lose their owner, and the staged lines their archives, so no
	// line of theirs may remain that a later merge would bring back.
	if err := w.mergeAll(ctx); err != nil {
		return err
	}
	err := w.changeFor(ctx, asker, func(ctx context.Context, tx transaction) error {
		for _, text := range []string{
			"DELETE FROM setting WHERE owner = ?",
			"DELETE FROM contact WHERE owner = ?",
			"DELETE FROM session WHERE owner = ?",
			"UPDATE archive SET owner = NULL WHERE owner = ?",
		} {
			if err := tx.exec(ctx, text, user); err != nil {
				return err
			}
		}
		return nil
	})
	// After an error as well: a server may have committed before it was lost.
	maps.DeleteFunc(w.stage.archives, func(scope Scope, _ archiveState) bool { return scope.User == user })
	return err
}
