package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Every test of what the database holds runs on SQLite and on PostgreSQL.

// waitTime is how long a test waits for something that will happen; only a
// failing test ever waits so long.
const waitTime = 60 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(killedChild) != "" {
		writeUntilKilled()
		return
	}
	code := m.Run()
	if cluster := theCluster; cluster != nil {
		cluster.remove()
	}
	os.Exit(code)
}

var (
	theCluster     *cluster
	clusterStarted sync.Once
	clusterFault   error
)

// cluster is a PostgreSQL server of the test run, on a socket in a folder of its
// own and on a port of this machine.
type cluster struct {
	folder, programs string
	port             int
	owner            *syscall.Credential
	databases        int

	process *os.Process
	ended   chan struct{}
	output  bytes.Buffer
}

func startedCluster(t testing.TB) *cluster {
	t.Helper()
	clusterStarted.Do(func() {
		theCluster, clusterFault = newCluster()
	})
	if clusterFault != nil {
		t.Fatalf("%v; the tests need Debian's package postgresql", clusterFault)
	}
	return theCluster
}

func newCluster() (*cluster, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return nil, errors.New("PostgreSQL is not installed")
	}
	folder, err := os.MkdirTemp("", "passerelle-pg")
	if err != nil {
		return nil, err
	}
	c := &cluster{folder: folder, programs: filepath.Dir(slices.Max(found))}
	if c.port, err = freePort(); err != nil {
		return nil, err
	}
	if os.Getuid() == 0 {
		// The server refuses to run as root.
		account, err := user.Lookup("postgres")
		if err != nil {
			return nil, err
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		c.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(folder, uid, gid); err != nil {
			return nil, err
		}
	}
	initialise := exec.Command(filepath.Join(c.programs, "initdb"), "--pgdata", c.data(), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initialise.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	initialise.Dir = folder
	if output, err := initialise.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return c, c.start()
}

// freePort is a port that nothing listens on, below those that the system gives out itself.
func freePort() (int, error) {
	port := 10000 + os.Getpid()%10000
	for {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, listener.Close()
		}
		if port++; port > 32767 {
			return 0, fmt.Errorf("looking for a free port: %w", err)
		}
	}
}

func (c *cluster) data() string { return filepath.Join(c.folder, "data") }

// start runs the server until stop, or until the test run dies.
func (c *cluster) start() error {
	command := exec.Command(filepath.Join(c.programs, "postgres"), "-D", c.data(), "-k", c.folder,
		"-c", "listen_addresses=127.0.0.1", "-c", fmt.Sprintf("port=%d", c.port), "-c", "fsync=off", "-c", "max_connections=40")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Pdeathsig: syscall.SIGQUIT}
	command.Dir = c.folder
	command.Stdout, command.Stderr = &c.output, &c.output
	c.ended = make(chan struct{})
	started := make(chan error)
	go func() {
		// The death signal is about the thread that started the process.
		runtime.LockOSThread()
		defer close(c.ended)
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	c.process = command.Process
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	for db.PingContext(ctx) != nil {
		select {
		case <-c.ended:
			return fmt.Errorf("postgres ended: %s", c.output.String())
		case <-ctx.Done():
			return fmt.Errorf("postgres does not start: %s", c.output.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// stop ends the server and its connections.
func (c *cluster) stop() {
	_ = c.process.Signal(syscall.SIGINT)
	<-c.ended
}

func (c *cluster) remove() {
	if c.process != nil {
		_ = c.process.Signal(syscall.SIGQUIT)
		<-c.ended
	}
	os.RemoveAll(c.folder)
}

func (c *cluster) address(database string) string {
	return "postgres://postgres@/" + database + "?" + url.Values{"host": {c.folder}, "port": {strconv.Itoa(c.port)}}.Encode()
}

func (c *cluster) newDatabase(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c.databases++
	name := fmt.Sprintf("test%d", c.databases)
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	return c.address(name)
}

// backends runs a test on each database, each time with a new one.
func backends(t *testing.T, run func(t *testing.T, cfg Config)) {
	t.Run("sqlite", func(t *testing.T) { run(t, Config{Directory: t.TempDir()}) })
	t.Run("postgresql", func(t *testing.T) {
		run(t, Config{Directory: t.TempDir(), Database: startedCluster(t).newDatabase(t)})
	})
}

// quick is a pace for tests: nothing waits long, and the upkeep only when asked.
func quick() pace {
	return pace{commit: time.Millisecond, retry: 10 * time.Millisecond, upkeep: time.Hour, staged: 16384, room: 10 * time.Millisecond}
}

func openWith(t testing.TB, cfg Config, pace pace) *Store {
	t.Helper()
	s, err := openAt(cfg, slog.New(slog.DiscardHandler), pace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

func openQuick(t testing.TB, cfg Config) *Store {
	t.Helper()
	return openWith(t, cfg, quick())
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	t.Cleanup(cancel)
	return ctx
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// holdWriter keeps the writer busy, and returns what lets it go on.
func holdWriter(t *testing.T, s *Store) (letGo func()) {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	blocked := make(chan error, 1)
	ctx := deadline(t)
	go func() {
		blocked <- s.queue.do(ctx, job{run: func(context.Context, *writer) error {
			close(entered)
			<-leave
			return nil
		}})
	}()
	<-entered
	return func() {
		t.Helper()
		close(leave)
		check(t, <-blocked)
	}
}
