package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit = 60 * time.Second
	stopLimit  = 10 * time.Second
	pollEvery  = 20 * time.Millisecond
	// outputKept is how many bytes of a process's output are kept for a failure report.
	outputKept = 256 << 10
)

// Process is a child program and the process group that it leads.
type Process struct {
	name     string
	command  *exec.Cmd
	guard    *exec.Cmd
	leash    io.Closer
	output   *tail
	exited   chan struct{}
	stopOnce sync.Once
}

// guardScript ends the whole process group once its standard input closes, which happens
// when Stop closes it and also when this process dies without a chance to clean up.
// PR_SET_PDEATHSIG would not do: the kernel clears it when a server drops its privileges,
// and it reaches neither grandchildren nor survives the end of the thread that forked.
const guardScript = "read -r unused; kill -KILL 0"

// startProcess starts program in a process group of its own, with directory as its working
// directory and environment added to this process's environment.
func startProcess(name, directory string, environment []string, program string, arguments ...string) (*Process, error) {
	p := &Process{name: name, output: &tail{limit: outputKept}, exited: make(chan struct{})}
	p.command = exec.Command(program, arguments...)
	p.command.Dir = directory
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stdout = p.output
	p.command.Stderr = p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A grandchild that keeps the output open must not hold up Wait.
	p.command.WaitDelay = time.Second
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	guardError := p.startGuard()
	go func() {
		// How it ended is read from its state.
		_ = p.command.Wait()
		close(p.exited)
	}()
	if guardError != nil {
		p.kill(syscall.SIGKILL)
		return nil, fmt.Errorf("starting the guard of %s: %w", name, guardError)
	}
	return p, nil
}

func (p *Process) startGuard() error {
	p.guard = exec.Command("/bin/sh", "-c", guardScript)
	p.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: p.command.Process.Pid}
	leash, err := p.guard.StdinPipe()
	if err != nil {
		return err
	}
	p.leash = leash
	return p.guard.Start()
}

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Output returns the last part of what the program wrote to its standard output and error.
func (p *Process) Output() string { return p.output.String() }

// ID is the process id of the program, which is also the id of its process group.
func (p *Process) ID() int { return p.command.Process.Pid }

// Signal sends a signal to the program alone.
func (p *Process) Signal(signal os.Signal) error { return p.command.Process.Signal(signal) }

func (p *Process) kill(signal syscall.Signal) {
	// The group may be gone already, which is what is wanted.
	_ = syscall.Kill(-p.command.Process.Pid, signal)
}

// Wait waits for the program to end by itself and returns its exit code, or -1 when a
// signal ended it. It is an error when it still runs after limit.
func (p *Process) Wait(limit time.Duration) (int, error) {
	select {
	case <-p.exited:
		return p.command.ProcessState.ExitCode(), nil
	case <-time.After(limit):
		return 0, fmt.Errorf("%s still runs after %s", p.name, limit)
	}
}

// Stop asks the program to end with SIGTERM, ends its group by force when it has not done
// so in time, and leaves nothing of the group behind. It returns the program's exit code,
// or -1 when a signal ended it.
func (p *Process) Stop() int {
	p.stopOnce.Do(func() {
		// The guard is in the group too, so the program alone is asked.
		_ = p.command.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.exited:
		case <-time.After(stopLimit):
			p.kill(syscall.SIGKILL)
			<-p.exited
		}
		_ = p.leash.Close()
		_ = p.guard.Wait()
	})
	return p.command.ProcessState.ExitCode()
}

// waitForPorts returns when each address accepts a connection, and an error with the
// program's output when it ends before or takes too long.
func (p *Process) waitForPorts(ctx context.Context, addresses ...string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for _, address := range addresses {
		if err := p.waitFor(ctx, func() error { return connects(address) }); err != nil {
			return fmt.Errorf("waiting for %s at %s: %w; its output:\n%s", p.name, address, err, p.Output())
		}
	}
	return nil
}

var errEnded = errors.New("the program ended")

func (p *Process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// waitFor calls probe until it returns no error, the program ends, or ctx does.
func (p *Process) waitFor(ctx context.Context, probe func() error) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := probe()
		if p.hasExited() {
			// The probe may have met another program in its place.
			return errEnded
		}
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

func connects(address string) error {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	connection, err := net.DialTimeout(network, address, time.Second)
	if err != nil {
		return err
	}
	return connection.Close()
}

// findProgram looks a server program up in PATH and in the folders of system programs,
// which are often missing from the PATH of a user other than root.
func findProgram(name, debianPackage string) (string, error) {
	if found, err := exec.LookPath(name); err == nil {
		return found, nil
	}
	for _, folder := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if found, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: apt-get install %s", name, debianPackage)
}

// tail is a writer that keeps the last limit bytes. It may be used from any goroutine.
type tail struct {
	mutex sync.Mutex
	limit int
	bytes []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.bytes = append(t.bytes, p...)
	if excess := len(t.bytes) - t.limit; excess > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[excess:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return string(t.bytes)
}
