package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// GatewayOptions say where a passerelle stands.
type GatewayOptions struct {
	// Program is the path of the passerelle binary, see BuildGateway.
	Program string
	// Hostname is the component's host name, one that XMPP was started with.
	Hostname string
	XMPP     *XMPPServer
	// ComponentAddress and Secret replace those of XMPP when they are not empty.
	ComponentAddress string
	Secret           string
	// Servers are the IRC servers by their names in JIDs, each a list of addresses such as
	// ircs://127.0.0.1:6697.
	Servers map[string][]string
	// ServerSettings are further keys of the IRC servers by their names in JIDs, such as
	// {"irc.example": {"proxy": "socks5://127.0.0.1:1080"}}.
	ServerSettings map[string]map[string]any
	// Settings are further keys of the configuration file by section, such as
	// {"irc": {"burst": 100}}.
	Settings map[string]map[string]any
	// Environment are further variables, such as NAME=value.
	Environment []string
}

// Gateway is a running passerelle.
type Gateway struct {
	*Process
	// Hostname is the component's host name.
	Hostname string
	// ConfigurationFile is the path of its configuration.
	ConfigurationFile string

	program     string
	environment []string
}

// builtGateway is the passerelle binary of a workspace.
type builtGateway struct {
	once    sync.Once
	program string
	err     error
}

// BuildGateway builds the passerelle binary from the module that this process was started
// in, once per workspace, and returns its path.
func (w *Workspace) BuildGateway(ctx context.Context, buildFlags ...string) (string, error) {
	w.gateway.once.Do(func() {
		w.gateway.program = filepath.Join(w.Directory, "passerelle")
		arguments := append([]string{"build", "-buildvcs=false", "-o", w.gateway.program}, buildFlags...)
		output, err := exec.CommandContext(ctx, "go", append(arguments, "passerelle/cmd/passerelle")...).CombinedOutput()
		if err != nil {
			w.gateway.err = fmt.Errorf("building passerelle: %w\n%s", err, output)
		}
	})
	return w.gateway.program, w.gateway.err
}

// WriteGatewayConfiguration writes the configuration that options describe and returns its
// path.
func (w *Workspace) WriteGatewayConfiguration(options GatewayOptions) (string, error) {
	folder, err := w.folder("passerelle")
	if err != nil {
		return "", err
	}
	ports, err := w.freePorts(1)
	if err != nil {
		return "", err
	}
	sections := map[string]map[string]any{
		"component": {
			"hostname":      options.Hostname,
			"secret":        options.XMPP.Secret,
			"address":       options.XMPP.ComponentAddress,
			"server_domain": options.XMPP.Domain,
		},
		"store": {"directory": filepath.Join(folder, "data")},
		"irc":   {"ca_file": w.Authority.File, "servers": serverList(options)},
		"http":  {"listen": loopback(ports[0])},
		"log":   {"level": "debug"},
	}
	if options.ComponentAddress != "" {
		sections["component"]["address"] = options.ComponentAddress
	}
	if options.Secret != "" {
		sections["component"]["secret"] = options.Secret
	}
	for name, settings := range options.Settings {
		if sections[name] == nil {
			sections[name] = make(map[string]any)
		}
		maps.Copy(sections[name], settings)
	}
	text, err := yaml.Marshal(sections)
	if err != nil {
		return "", fmt.Errorf("writing passerelle's configuration: %w", err)
	}
	file := filepath.Join(folder, "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", fmt.Errorf("writing passerelle's configuration: %w", err)
	}
	return file, nil
}

func serverList(options GatewayOptions) []map[string]any {
	var list []map[string]any
	for name, addresses := range options.Servers {
		server := map[string]any{"name": name, "addresses": addresses}
		maps.Copy(server, options.ServerSettings[name])
		list = append(list, server)
	}
	return list
}

// ChangeConfiguration edits the configuration file, which a running passerelle does not
// notice by itself: change gets the file's sections.
func (g *Gateway) ChangeConfiguration(change func(sections map[string]map[string]any)) error {
	text, err := os.ReadFile(g.ConfigurationFile)
	if err != nil {
		return fmt.Errorf("reading passerelle's configuration: %w", err)
	}
	var sections map[string]map[string]any
	if err := yaml.Unmarshal(text, &sections); err != nil {
		return fmt.Errorf("reading passerelle's configuration: %w", err)
	}
	change(sections)
	if text, err = yaml.Marshal(sections); err != nil {
		return fmt.Errorf("writing passerelle's configuration: %w", err)
	}
	if err := os.WriteFile(g.ConfigurationFile, text, 0o600); err != nil {
		return fmt.Errorf("writing passerelle's configuration: %w", err)
	}
	return nil
}

// StartGateway starts passerelle and returns when its own health check says that it is
// connected to the XMPP server.
func (w *Workspace) StartGateway(ctx context.Context, options GatewayOptions) (*Gateway, error) {
	g, err := w.LaunchGateway(options)
	if err != nil {
		return nil, err
	}
	return g, g.awaitHealth(ctx)
}

// StartGatewayWith is StartGateway with a configuration that is there already.
func (w *Workspace) StartGatewayWith(ctx context.Context, program, file, hostname string) (*Gateway, error) {
	process, err := w.run(program, file, nil)
	if err != nil {
		return nil, err
	}
	g := &Gateway{Process: process, Hostname: hostname, ConfigurationFile: file, program: program}
	return g, g.awaitHealth(ctx)
}

// RestartGateway ends passerelle and starts it again with the same configuration and data. It
// is an error when passerelle does not end well.
func (w *Workspace) RestartGateway(ctx context.Context, g *Gateway) error {
	if code := g.Stop(); code != 0 {
		return fmt.Errorf("passerelle ended with code %d:\n%s", code, g.Output())
	}
	return w.StartGatewayAgain(ctx, g)
}

// StartGatewayAgain starts passerelle, which has ended in any way, with the same configuration
// and data.
func (w *Workspace) StartGatewayAgain(ctx context.Context, g *Gateway) error {
	g.Stop()
	process, err := w.run(g.program, g.ConfigurationFile, g.environment)
	if err != nil {
		return err
	}
	g.Process = process
	return g.awaitHealth(ctx)
}

func (g *Gateway) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := g.waitFor(ctx, func() error { return g.Healthy(ctx) }); err != nil {
		return fmt.Errorf("waiting for passerelle: %w; its output:\n%s", err, g.Output())
	}
	return nil
}

// run starts passerelle with a configuration.
func (w *Workspace) run(program, file string, environment []string) (*Process, error) {
	// A data race, where the binary was built to notice one, ends the program, so that no
	// test passes over it.
	variables := append([]string{"GORACE=halt_on_error=1"}, environment...)
	return w.start("passerelle", filepath.Dir(file), variables, program, "run", "--config", file)
}

// LaunchGateway starts passerelle without waiting for anything.
func (w *Workspace) LaunchGateway(options GatewayOptions) (*Gateway, error) {
	file, err := w.WriteGatewayConfiguration(options)
	if err != nil {
		return nil, err
	}
	process, err := w.run(options.Program, file, options.Environment)
	if err != nil {
		return nil, err
	}
	return &Gateway{
		Process: process, Hostname: options.Hostname, ConfigurationFile: file,
		program: options.Program, environment: options.Environment,
	}, nil
}

// Healthy runs passerelle's own health check against the running gateway.
func (g *Gateway) Healthy(ctx context.Context) error {
	code, output, err := RunGateway(ctx, g.program, "health", "--config", g.ConfigurationFile)
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("the health check ended with code %d: %s", code, strings.TrimSpace(output))
	}
	return nil
}

// HTTPAddress is where it listens for HTTP, as host:port.
func (g *Gateway) HTTPAddress() (string, error) {
	text, err := os.ReadFile(g.ConfigurationFile)
	if err != nil {
		return "", fmt.Errorf("reading passerelle's configuration: %w", err)
	}
	var sections struct {
		HTTP struct{ Listen string }
	}
	if err := yaml.Unmarshal(text, &sections); err != nil {
		return "", fmt.Errorf("reading passerelle's configuration: %w", err)
	}
	return sections.HTTP.Listen, nil
}

// Get asks it for a path over HTTP, and returns the status and the body of the answer.
func (g *Gateway) Get(ctx context.Context, path string) (status int, body string, err error) {
	return g.GetAs(ctx, path, "")
}

// GetAs is Get with a password, unless that is empty.
func (g *Gateway) GetAs(ctx context.Context, path, password string) (status int, body string, err error) {
	address, err := g.HTTPAddress()
	if err != nil {
		return 0, "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, "", err
	}
	if password != "" {
		request.SetBasicAuth("admin", password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("asking passerelle: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// AwaitPage asks it for a path over HTTP until the answer has the status and all the parts, and
// returns the answer.
func (g *Gateway) AwaitPage(ctx context.Context, path string, status int, parts ...string) (string, error) {
	page := ""
	err := g.waitFor(ctx, func() error {
		got, text, err := g.Get(ctx, path)
		if err != nil {
			return err
		}
		page = text
		for _, part := range parts {
			if !strings.Contains(text, part) {
				return fmt.Errorf("%s answers %d, without %q:\n%s", path, got, part, text)
			}
		}
		if got != status {
			return fmt.Errorf("%s answers %d and not %d:\n%s", path, got, status, text)
		}
		return nil
	})
	return page, err
}

// RunGateway runs a command of passerelle that ends by itself and returns its exit code and
// what it wrote to its standard output and error.
func RunGateway(ctx context.Context, program string, arguments ...string) (code int, output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	var written bytes.Buffer
	command.Stdout = &written
	command.Stderr = &written
	err = command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), written.String(), nil
	}
	return 0, written.String(), err
}
