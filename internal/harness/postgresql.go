package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
)

// PostgreSQL is a database server with a cluster of its own, which can be stopped and started
// again.
type PostgreSQL struct {
	// URL names a database of the cluster in which the user may do everything.
	URL string

	workspace        *Workspace
	process          *Process
	programs, folder string
}

// StartPostgreSQL makes a cluster and starts its server, which listens on a Unix socket only.
func (w *Workspace) StartPostgreSQL(ctx context.Context) (*PostgreSQL, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errors.New("initdb is not installed: apt-get install postgresql")
	}
	folder, err := w.folder("postgresql")
	if err != nil {
		return nil, err
	}
	p := &PostgreSQL{workspace: w, programs: filepath.Dir(slices.Max(found)), folder: folder}
	p.URL = "postgres://postgres@/postgres?host=" + url.QueryEscape(folder)
	command, err := p.command("initdb", "--pgdata", p.data(), "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	if err != nil {
		return nil, err
	}
	initialise := exec.CommandContext(ctx, command[0], command[1:]...)
	initialise.Dir = folder
	if output, err := initialise.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making a PostgreSQL cluster: %w\n%s", err, output)
	}
	return p, p.Start(ctx)
}

// Start starts the server and returns when it answers queries.
func (p *PostgreSQL) Start(ctx context.Context) error {
	command, err := p.command("postgres", "-D", p.data(), "-k", p.folder, "-c", "listen_addresses=", "-c", "fsync=off")
	if err != nil {
		return err
	}
	if p.process, err = p.workspace.start("postgresql", p.folder, nil, command[0], command[1:]...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	isReady := func() error {
		return exec.CommandContext(ctx, filepath.Join(p.programs, "pg_isready"), "--quiet", "--host", p.folder).Run()
	}
	if err := p.process.waitFor(ctx, isReady); err != nil {
		return fmt.Errorf("waiting for PostgreSQL: %w; its output:\n%s", err, p.process.Output())
	}
	return nil
}

// Proxy is a proxy for TCP connections to the server, and the URL of its database by way of it.
func (p *PostgreSQL) Proxy() (proxy *Proxy, address string, err error) {
	socket := filepath.Join(p.folder, ".s.PGSQL.5432")
	proxy, err = newProxy(func(net.Conn) (net.Conn, error) { return net.Dial("unix", socket) }, nil)
	if err != nil {
		return nil, "", err
	}
	return proxy, "postgres://postgres@" + proxy.Address() + "/postgres?sslmode=disable", nil
}

// Suspend halts the server and all that works for it in the middle of what they do, as a disk
// does that has got stuck. It accepts connections and says nothing, until Resume.
func (p *PostgreSQL) Suspend(ctx context.Context) error {
	if err := p.process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("suspending PostgreSQL: %w", err)
	}
	isStopped := func() error {
		if state, _, err := processState(p.process.ID()); err != nil || state != stopped {
			return fmt.Errorf("PostgreSQL runs on (%s, %w)", state, err)
		}
		return nil
	}
	// Until it is, it may start more processes.
	if err := p.process.waitFor(ctx, isStopped); err != nil {
		return err
	}
	return p.signalWorkers(syscall.SIGSTOP)
}

// Resume ends what Suspend began.
func (p *PostgreSQL) Resume() error {
	if err := p.process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("resuming PostgreSQL: %w", err)
	}
	return p.signalWorkers(syscall.SIGCONT)
}

// signalWorkers sends a signal to the processes that the server has started, each of which is
// in a session of its own.
func (p *PostgreSQL) signalWorkers(signal syscall.Signal) error {
	workers, err := childrenOf(p.process.ID())
	if err != nil {
		return fmt.Errorf("looking for the processes of PostgreSQL: %w", err)
	}
	for _, worker := range workers {
		// It may have ended by itself.
		if err := syscall.Kill(worker, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signalling a process of PostgreSQL: %w", err)
		}
	}
	return nil
}

// Stop ends the server without waiting for its clients, which lose their connections.
func (p *PostgreSQL) Stop() error {
	// SIGTERM, in Process.Stop, would wait until the clients have gone.
	if err := p.process.Signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("stopping PostgreSQL: %w", err)
	}
	if _, err := p.process.Wait(stopLimit); err != nil {
		return err
	}
	p.process.Stop()
	return nil
}

func (p *PostgreSQL) data() string { return filepath.Join(p.folder, "data") }

// command is the command line of one of PostgreSQL's programs, which refuse to run as root.
func (p *PostgreSQL) command(name string, arguments ...string) ([]string, error) {
	command := append([]string{filepath.Join(p.programs, name)}, arguments...)
	if os.Geteuid() != 0 {
		return command, nil
	}
	return asAccount("postgres", p.folder, command)
}
