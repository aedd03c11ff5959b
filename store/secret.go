package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// newSecretCipher returns what encrypts settings: AES-256-GCM with a random nonce
// before each ciphertext.
func newSecretCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// place is the associated data of a secret: a secret that was copied to another
// user, scope or name cannot be read there.
func (row settingRow) place() []byte {
	var place []byte
	for _, part := range []string{row.scope.User, row.scope.Server, row.scope.Channel, row.name, strconv.Itoa(row.ordinal)} {
		place = strconv.AppendInt(place, int64(len(part)), 10)
		place = append(place, ' ')
		place = append(place, part...)
	}
	return place
}

func (s *Store) sealSetting(row settingRow) settingRow {
	row.secret = 1
	row.value = base64.StdEncoding.EncodeToString(s.secrets.Seal(nil, nil, []byte(row.value), row.place()))
	return row
}

// openSetting returns the value as it was saved.
func (s *Store) openSetting(row settingRow) (string, error) {
	if row.secret == 0 {
		return row.value, nil
	}
	sealed, err := base64.StdEncoding.DecodeString(row.value)
	if err != nil {
		return "", errors.New("the stored secret is damaged")
	}
	value, err := s.secrets.Open(nil, nil, sealed, row.place())
	if err != nil {
		return "", errors.New("the stored secret does not fit the key")
	}
	return string(value), nil
}

// noteKey compares the key with the one that the database was used with before,
// and says when it is another one.
func (s *Store) noteKey(ctx context.Context) error {
	check, err := s.Key("recognising the key")
	if err != nil {
		return err
	}
	now := hex.EncodeToString(check[:8])
	err = s.db.change(ctx, func(ctx context.Context, tx transaction) error {
		var before string
		known, err := tx.scan(ctx, "SELECT value FROM instance WHERE name = 'key'", nil, &before)
		if err != nil || before == now {
			return err
		}
		if known {
			s.log.Warn("the key file is another one than before: passwords and other secrets that users saved cannot be read and must be given again, unless the old key file is put back")
		}
		return tx.exec(ctx, "INSERT INTO instance (name, value) VALUES ('key', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", now)
	})
	if err != nil {
		return fmt.Errorf("looking at the database: %w", err)
	}
	return nil
}
