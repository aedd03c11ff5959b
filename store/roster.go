package store

import (
	"context"
	"slices"
)

// AddContact notes that a contact of the gateway, a JID, is in a user's roster.
// Adding one twice is no error.
func (s *Store) AddContact(ctx context.Context, user, contact string) error {
	s.followers.add(user)
	return s.changeContact(ctx, "adding a contact", "INSERT INTO contact (owner, contact) VALUES (?, ?) ON CONFLICT (owner, contact) DO NOTHING", user, contact)
}

// RemoveContact forgets a contact. Removing one that is not there is no error.
func (s *Store) RemoveContact(ctx context.Context, user, contact string) error {
	return s.changeContact(ctx, "removing a contact", "DELETE FROM contact WHERE owner = ? AND contact = ?", user, contact)
}

func (s *Store) changeContact(ctx context.Context, what, text, user, contact string) error {
	return doing(what, s.durably(ctx, text, user, contact))
}

// HasContacts reports whether a user may have contacts. It never waits.
func (s *Store) HasContacts(user string) bool { return s.followers.has(user) }

// Contacts returns a user's contacts in the order of their texts' bytes.
func (s *Store) Contacts(ctx context.Context, user string) ([]string, error) {
	if !s.HasContacts(user) {
		return nil, nil
	}
	contacts, err := s.contacts(ctx, "SELECT owner, contact FROM contact WHERE owner = ?", user)
	return contacts[user], err
}

// AllContacts returns the contacts of all users, by user.
func (s *Store) AllContacts(ctx context.Context) (map[string][]string, error) {
	return s.contacts(ctx, "SELECT owner, contact FROM contact")
}

func (s *Store) contacts(ctx context.Context, text string, arguments ...any) (map[string][]string, error) {
	rows, err := s.db.query(ctx, text, arguments...)
	if err != nil {
		return nil, doing("loading contacts", err)
	}
	defer rows.Close()
	contacts := make(map[string][]string)
	for rows.Next() {
		var user, contact string
		if err := rows.Scan(&user, &contact); err != nil {
			return nil, doing("loading contacts", err)
		}
		contacts[user] = append(contacts[user], contact)
	}
	// The databases sort texts by rules of their own.
	for _, list := range contacts {
		slices.Sort(list)
	}
	return contacts, doing("loading contacts", rows.Err())
}
