package store

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Config says where the store is and how much it keeps.
type Config struct {
	// Directory is where the gateway keeps its data.
	Directory string `yaml:"directory"`
	// Database is the URL of a PostgreSQL database, or empty for the SQLite file
	// passerelle.db in Directory.
	Database string `yaml:"database"`
	// Secret is the instance's secret key itself, 64 hexadecimal digits, for
	// those who keep it with the configuration; there is no key file then.
	Secret string `yaml:"key"`
	// KeyFile holds the instance's secret key; empty is the file key in Directory.
	KeyFile string `yaml:"key_file"`
	// MaxAge is how old an archived line may become; 0 is for ever.
	MaxAge time.Duration `yaml:"max_age"`
	// MaxLines is how many archived lines a user may have; 0 is no limit.
	MaxLines int `yaml:"max_lines"`
}

// DefaultConfig returns the configuration of a store that nothing was said
// about.
func DefaultConfig() Config { return Config{Directory: "data"} }

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	if c.Directory == "" {
		faults = append(faults, errors.New("store.directory is empty: name a folder that the gateway may write to"))
	}
	if c.Database != "" && !isPostgreSQL(c.Database) {
		faults = append(faults, errors.New("store.database must begin with postgres:// or postgresql://, or be empty for a file in store.directory"))
	}
	if _, err := parseKey(c.Secret); c.Secret != "" && err != nil {
		faults = append(faults, fmt.Errorf("store.key: %w; make one with: openssl rand -hex %d", err, keyBytes))
	}
	if c.Secret != "" && c.KeyFile != "" {
		faults = append(faults, errors.New("store.key and store.key_file are both given: leave one out"))
	}
	if c.MaxAge < 0 {
		faults = append(faults, fmt.Errorf("store.max_age is %s: it cannot be negative; 0 keeps lines for ever", c.MaxAge))
	}
	if c.MaxLines < 0 {
		faults = append(faults, fmt.Errorf("store.max_lines is %d: it cannot be negative; 0 is no limit", c.MaxLines))
	}
	return errors.Join(faults...)
}

// Store is an open data directory with its database.
type Store struct {
	lock    *os.File
	key     []byte
	secrets cipher.AEAD
	db      *database
	log     *slog.Logger
	queue   *queue
	stage   *stage
	// owners have settings, followers contacts, and archivists archives.
	owners, followers, archivists owners

	stopWriter context.CancelFunc
	stopUpkeep context.CancelFunc
	keepUp     chan struct{}
	running    sync.WaitGroup
	writerDone chan struct{}
	closeOnce  sync.Once
	closeError error
}

// closeTime is how long Close may take to write what is queued.
const closeTime = time.Second

// Open opens the data directory and the database, creates what is missing in
// them, and brings an older database up to date. It waits for a PostgreSQL server
// for at most 10 seconds.
func Open(cfg Config, log *slog.Logger) (*Store, error) {
	return openAt(cfg, log, defaultPace())
}

func openAt(cfg Config, log *slog.Logger, pace pace) (*Store, error) {
	if err := os.MkdirAll(cfg.Directory, 0o700); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w", err)
	}
	lock, err := lockDirectory(cfg.Directory)
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, log: log, queue: newQueue(pace.room), keepUp: make(chan struct{}, 1), writerDone: make(chan struct{})}
	if s.key, err = cfg.loadKey(); err != nil {
		lock.Close()
		return nil, err
	}
	if err := s.start(cfg, pace); err != nil {
		lock.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) start(cfg Config, pace pace) error {
	secretKey, err := s.Key("settings")
	if err != nil {
		return err
	}
	if s.secrets, err = newSecretCipher(secretKey); err != nil {
		return err
	}
	if s.db, err = openDatabase(cfg); err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(context.Background(), operationTime)
	defer cancel()
	err = s.db.migrate(starting)
	if err == nil {
		err = s.noteKey(starting)
	}
	if err == nil {
		err = s.owners.load(starting, s.db, "SELECT DISTINCT owner FROM setting")
	}
	if err == nil {
		err = s.followers.load(starting, s.db, "SELECT DISTINCT owner FROM contact")
	}
	if err == nil {
		err = s.archivists.load(starting, s.db, "SELECT DISTINCT owner FROM archive WHERE owner IS NOT NULL")
	}
	if err != nil {
		return errors.Join(err, s.db.close())
	}
	writing, stopWriter := context.WithCancel(context.Background())
	upkeep, stopUpkeep := context.WithCancel(context.Background())
	s.stopWriter, s.stopUpkeep = stopWriter, stopUpkeep
	w := newWriter(s.db, s.queue, s.log, pace)
	w.archivists = &s.archivists
	s.stage = w.stage
	w.begin(starting)
	s.running.Go(func() {
		defer close(s.writerDone)
		w.run(writing)
	})
	u := &upkeeper{store: s, maxAge: cfg.MaxAge, maxLines: cfg.MaxLines, pace: pace, now: time.Now}
	s.running.Go(func() { u.run(upkeep) })
	return nil
}

// Close writes what is queued, for at most a second, and gives the directory free
// for another process. Lines that could not be written by then are lost, and told
// to OnGap's function. The Store cannot be used afterwards.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.stopUpkeep()
		s.queue.close()
		late := time.AfterFunc(closeTime, s.stopWriter)
		<-s.writerDone
		late.Stop()
		s.stopWriter()
		s.running.Wait()
		s.closeError = errors.Join(s.db.close(), s.lock.Close())
	})
	return s.closeError
}

func lockDirectory(directory string) (*os.File, error) {
	path := filepath.Join(directory, "lock")
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data directory: %w; the gateway's user needs to write there", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("the data directory %s is in use by another gateway; stop it or name another directory", directory)
	}
	return lock, nil
}

func isPostgreSQL(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Answers asks the database for an answer, and returns why there is none.
func (s *Store) Answers(ctx context.Context) error {
	var one int
	if err := s.db.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}
