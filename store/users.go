package store

import "context"

// Users returns everybody of whom something is kept: settings, contacts or archives.
func (s *Store) Users(ctx context.Context) ([]string, error) {
	rows, err := s.db.query(ctx, `SELECT owner FROM setting UNION SELECT owner FROM contact
		UNION SELECT owner FROM archive WHERE owner IS NOT NULL`)
	if err != nil {
		return nil, doing("listing users", err)
	}
	defer rows.Close()
	var users []string
	for rows.Next() {
		var user string
		if err := rows.Scan(&user); err != nil {
			return nil, doing("listing users", err)
		}
		users = append(users, user)
	}
	return users, doing("listing users", rows.Err())
}
