package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Scope is what a setting is about. User is a bare JID; an empty Channel is the
// whole server, and an empty Server is everything of the user. The store compares
// the texts as they are: the caller folds them.
type Scope struct{ User, Server, Channel string }

// compare orders scopes.
func (s Scope) compare(other Scope) int {
	return cmp.Or(strings.Compare(s.User, other.User), strings.Compare(s.Server, other.Server), strings.Compare(s.Channel, other.Channel))
}

// Settings are values by name. A name that is missing is not set; several values
// keep their order.
type Settings map[string][]string

// LostSecret is a secret that cannot be read any more, because the key file was
// lost or is another one.
type LostSecret struct {
	Scope Scope
	Name  string
}

// HasSettings reports whether a user may have set anything. It never waits.
func (s *Store) HasSettings(user string) bool { return s.owners.has(user) }

// LoadSettings returns everything that one user has set. Secrets that cannot be
// decrypted are left out and named.
func (s *Store) LoadSettings(ctx context.Context, user string) (map[Scope]Settings, []LostSecret, error) {
	if !s.HasSettings(user) {
		return make(map[Scope]Settings), nil, nil
	}
	rows, err := s.db.query(ctx, "SELECT server, channel, name, ordinal, secret, value FROM setting WHERE owner = ? ORDER BY server, channel, name, ordinal", user)
	if err != nil {
		return nil, nil, doing("loading settings", err)
	}
	defer rows.Close()
	loaded := make(map[Scope]Settings)
	var lost []LostSecret
	for rows.Next() {
		row := settingRow{scope: Scope{User: user}}
		if err := rows.Scan(&row.scope.Server, &row.scope.Channel, &row.name, &row.ordinal, &row.secret, &row.value); err != nil {
			return nil, nil, doing("loading settings", err)
		}
		value, err := s.openSetting(row)
		if err != nil {
			this := LostSecret{row.scope, row.name}
			if len(lost) == 0 || lost[len(lost)-1] != this {
				lost = append(lost, this)
			}
			continue
		}
		settings := loaded[row.scope]
		if settings == nil {
			settings = make(Settings)
			loaded[row.scope] = settings
		}
		settings[row.name] = append(settings[row.name], value)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, doing("loading settings", err)
	}
	for _, secret := range lost {
		// Half a list of secrets would be taken for a whole one.
		delete(loaded[secret.Scope], secret.Name)
	}
	return loaded, lost, nil
}

// settingRow is one value as it is stored.
type settingRow struct {
	scope   Scope
	name    string
	ordinal int
	secret  int // 1 when value is encrypted
	value   string
}

// SaveSettings sets the names given, all or none of them; an empty list unsets. The
// names in secret are encrypted at rest, bound to their place. When it returns, the
// settings survive a crash and a power failure; when the context ends before, they
// are not saved, unless it ends while they are committed.
func (s *Store) SaveSettings(ctx context.Context, scope Scope, change Settings, secret map[string]bool) error {
	if scope.User == "" {
		return fmt.Errorf("saving settings: the scope has no user")
	}
	var rows []settingRow
	for name, values := range change {
		for ordinal, value := range values {
			row := settingRow{scope: scope, name: name, ordinal: ordinal, value: value}
			if !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
				return fmt.Errorf("saving settings: the value of %s is not UTF-8 text", name)
			}
			if secret[name] {
				row = s.sealSetting(row)
			}
			rows = append(rows, row)
		}
	}
	s.owners.add(scope.User)
	return doing("saving settings", s.changeFor(ctx, func(ctx context.Context, tx transaction) error {
		return replaceSettings(ctx, tx, scope, change, rows)
	}))
}

func replaceSettings(ctx context.Context, tx transaction, scope Scope, change Settings, rows []settingRow) error {
	for name := range change {
		if err := tx.exec(ctx, "DELETE FROM setting WHERE owner = ? AND server = ? AND channel = ? AND name = ?", scope.User, scope.Server, scope.Channel, name); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if err := tx.exec(ctx, "INSERT INTO setting (owner, server, channel, name, ordinal, secret, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
			scope.User, scope.Server, scope.Channel, row.name, row.ordinal, row.secret, row.value); err != nil {
			return err
		}
	}
	return nil
}
