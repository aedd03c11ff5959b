package store

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keyBytes is the length of the instance's secret key.
const keyBytes = 32

// Key derives a 32-byte key for one purpose from the instance's secret key. The
// same purpose gives the same key for as long as the key file stays.
func (s *Store) Key(purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, s.key, nil, "passerelle "+purpose, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for %s: %w", purpose, err)
	}
	return key, nil
}

// loadKey returns the key of the configuration, or that of the key file, which is
// made when there is none.
func (c Config) loadKey() ([]byte, error) {
	switch {
	case c.Secret != "":
		return parseKey(c.Secret)
	case c.KeyFile != "":
		return loadKeyFile(c.KeyFile)
	}
	return loadKeyFile(filepath.Join(c.Directory, "key"))
}

// parseKey reads a key as it is written.
func parseKey(text string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("a key has %d hexadecimal digits", 2*keyBytes)
	}
	return key, nil
}

func loadKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s can be read by others; run: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	key, err := parseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("the key file %s is damaged: %w; restore it from a backup", path, err)
	}
	return key, nil
}

// createKey writes a new key so that a crash leaves either none or a whole one.
func createKey(path string) ([]byte, error) {
	key := make([]byte, keyBytes)
	rand.Read(key)
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the key file: %w", err)
	}
	_, err = fmt.Fprintln(file, hex.EncodeToString(key))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("writing the key file: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return nil, fmt.Errorf("putting the key file in place: %w", err)
	}
	return key, nil
}
