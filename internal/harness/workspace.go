package harness

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"text/template"
)

// Workspace is a temporary folder with a certificate authority of its own and the
// processes that were started in it.
type Workspace struct {
	Directory string
	// Authority is the certificate authority that signed every server's certificate.
	Authority *Authority

	mutex     sync.Mutex
	processes []*Process
	// reserved keeps ports from others, see freePorts.
	reserved []io.Closer
	gateway  builtGateway
}

// NewWorkspace makes the folder and the certificate authority. Close removes them.
func NewWorkspace() (*Workspace, error) {
	directory, err := os.MkdirTemp("", "passerelle-")
	if err != nil {
		return nil, fmt.Errorf("making the workspace: %w", err)
	}
	// ngIRCd gives up root for the user nobody and reads its files as such.
	if err := os.Chmod(directory, 0o755); err != nil {
		return nil, fmt.Errorf("opening the workspace to server users: %w", err)
	}
	authority, err := newAuthority(filepath.Join(directory, "tls"))
	if err != nil {
		return nil, err
	}
	return &Workspace{Directory: directory, Authority: authority}, nil
}

// Close stops every process, the last one started first, and removes the folder.
func (w *Workspace) Close() error {
	w.mutex.Lock()
	processes := w.processes
	w.processes = nil
	w.mutex.Unlock()
	for i := len(processes) - 1; i >= 0; i-- {
		processes[i].Stop()
	}
	w.giveBackPorts()
	return os.RemoveAll(w.Directory)
}

func (w *Workspace) start(name, directory string, environment []string, program string, arguments ...string) (*Process, error) {
	process, err := startProcess(name, directory, environment, program, arguments...)
	if err != nil {
		return nil, err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.processes = append(w.processes, process)
	return process, nil
}

// startAgain ends a server, if it still runs, and starts it as it was started before.
func (w *Workspace) startAgain(p *Process) (*Process, error) {
	p.Stop()
	return w.start(p.name, p.command.Dir, p.command.Env, p.command.Path, p.command.Args[1:]...)
}

// folder makes and returns a folder for one server.
func (w *Workspace) folder(name string) (string, error) {
	directory, err := os.MkdirTemp(w.Directory, name+"-")
	if err != nil {
		return "", fmt.Errorf("making the folder of %s: %w", name, err)
	}
	if err := os.Chmod(directory, 0o755); err != nil {
		return "", fmt.Errorf("opening the folder of %s: %w", name, err)
	}
	return directory, nil
}

// writeTemplate fills a configuration template and writes it to path.
func writeTemplate(path, text string, data any) error {
	parsed, err := template.New(filepath.Base(path)).Parse(text)
	if err != nil {
		return fmt.Errorf("parsing the template of %s: %w", path, err)
	}
	var filled bytes.Buffer
	if err := parsed.Execute(&filled, data); err != nil {
		return fmt.Errorf("filling %s: %w", path, err)
	}
	if err := os.WriteFile(path, filled.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing a configuration: %w", err)
	}
	return nil
}

// loopback is the address of a port of this machine.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
