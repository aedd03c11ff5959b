package store

import (
	"context"
	"sync"
)

// owners are the users who have something of a kind, so that the database need not
// be asked for that of everybody else. It may be used from any goroutine.
type owners struct {
	mu    sync.Mutex
	known map[string]struct{}
}

func (o *owners) add(user string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = make(map[string]struct{})
	}
	o.known[user] = struct{}{}
}

func (o *owners) has(user string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, known := o.known[user]
	return known
}

// load reads who there is with a query.
func (o *owners) load(ctx context.Context, db *database, text string) error {
	rows, err := db.query(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var user string
		if err := rows.Scan(&user); err != nil {
			return err
		}
		o.add(user)
	}
	return rows.Err()
}
