package harness

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"passerelle/internal/harness/xmppclient"
)

// XMPPServer is a running XMPP server with the virtual host "localhost" and component
// host names waiting for passerelle.
type XMPPServer struct {
	*Process
	// Domain is the virtual host of the accounts.
	Domain string
	// ClientAddress takes client connections, with STARTTLS.
	ClientAddress string
	// ServerAddress takes streams of other servers, as far as their certificates: none
	// is let in. Empty when it takes none.
	ServerAddress string
	// ComponentAddress takes component connections, as passerelle's configuration writes it.
	ComponentAddress string
	// ComponentSocket is the Unix socket for components, empty when the server has none.
	ComponentSocket string
	// Secret is the secret of every component.
	Secret string

	workspace  *Workspace
	authority  *Authority
	addAccount func(ctx context.Context, name, password string) error
}

// Restart ends the server, by whatever means it has not ended yet, and starts it again at the
// same addresses and with the same accounts.
func (s *XMPPServer) Restart(ctx context.Context) error {
	process, err := s.workspace.startAgain(s.Process)
	if err != nil {
		return err
	}
	s.Process = process
	return s.waitForPorts(ctx, s.ClientAddress, strings.TrimPrefix(s.ComponentAddress, "tcp://"))
}

// AddAccount creates an account, which can log in at once.
func (s *XMPPServer) AddAccount(ctx context.Context, name, password string) error {
	if err := s.addAccount(ctx, name, password); err != nil {
		return fmt.Errorf("adding account %s to %s: %w", name, s.name, err)
	}
	return nil
}

// Account is what a client needs to log in to the account name.
func (s *XMPPServer) Account(name, password string) xmppclient.Account {
	return xmppclient.Account{
		Address:  s.ClientAddress,
		JID:      name + "@" + s.Domain,
		Password: password,
		TLS:      &tls.Config{ServerName: s.Domain, RootCAs: s.authority.Pool()},
	}
}

const (
	xmppDomain      = "localhost"
	componentSecret = "s3cret-of-the-tests"
)

const prosodyConfiguration = `-- The option is ignored unless root runs this.
run_as_root = true
pidfile = "{{.Folder}}/prosody.pid"
data_path = "{{.Folder}}/data"
log = { {info = "*console"} }
umask = "022"

modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "version", "time", "carbons", "blocklist", "pep", "private" }
{{if .ServerPort}}s2s_ports = { {{.ServerPort}} }
s2s_direct_tls_ports = {}
{{else}}modules_disabled = { "s2s" }
{{end}}
interfaces = { "127.0.0.1" }
c2s_ports = { {{.ClientPort}} }
c2s_direct_tls_ports = {}
component_interfaces = { "127.0.0.1" }
component_ports = { {{.ComponentPort}} }
http_ports = {}
https_ports = {}

authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = true
ssl = { certificate = "{{.Certificate}}", key = "{{.Key}}" }

VirtualHost "{{.Domain}}"
{{range .Components}}
Component "{{.}}"
	component_secret = "{{$.Secret}}"
{{end}}`

// StartProsody starts Prosody with the components named, each of which passerelle may
// connect as. It talks with no other server.
func (w *Workspace) StartProsody(ctx context.Context, components ...string) (*XMPPServer, error) {
	return w.startProsody(ctx, []string{xmppDomain}, 0, components)
}

// StartFederatedProsody is StartProsody with a port for other servers, and with a
// certificate for names.
func (w *Workspace) StartFederatedProsody(ctx context.Context, names []string, components ...string) (*XMPPServer, error) {
	ports, err := w.freePorts(1)
	if err != nil {
		return nil, err
	}
	server, err := w.startProsody(ctx, names, ports[0], components)
	if err != nil {
		return nil, err
	}
	server.ServerAddress = loopback(ports[0])
	return server, server.waitForPorts(ctx, server.ServerAddress)
}

func (w *Workspace) startProsody(ctx context.Context, names []string, serverPort int, components []string) (*XMPPServer, error) {
	program, err := findProgram("prosody", "prosody")
	if err != nil {
		return nil, err
	}
	folder, err := w.folder("prosody")
	if err != nil {
		return nil, err
	}
	ports, err := w.freePorts(2)
	if err != nil {
		return nil, err
	}
	pair, err := w.Authority.Issue(names...)
	if err != nil {
		return nil, err
	}
	accounts := filepath.Join(folder, "data", xmppDomain, "accounts")
	if err := os.MkdirAll(accounts, 0o755); err != nil {
		return nil, fmt.Errorf("making Prosody's account folder: %w", err)
	}
	configuration := filepath.Join(folder, "prosody.cfg.lua")
	err = writeTemplate(configuration, prosodyConfiguration, map[string]any{
		"Folder": folder, "ClientPort": ports[0], "ComponentPort": ports[1], "ServerPort": serverPort,
		"Certificate": pair.CertificateFile, "Key": pair.KeyFile,
		"Domain": xmppDomain, "Components": components, "Secret": componentSecret,
	})
	if err != nil {
		return nil, err
	}
	process, err := w.start("prosody", folder, nil, program, "-F", "--config", configuration)
	if err != nil {
		return nil, err
	}
	server := &XMPPServer{
		Process:          process,
		Domain:           xmppDomain,
		ClientAddress:    loopback(ports[0]),
		ComponentAddress: "tcp://" + loopback(ports[1]),
		Secret:           componentSecret,
		workspace:        w,
		authority:        w.Authority,
		addAccount: func(_ context.Context, name, password string) error {
			account := fmt.Sprintf("return { [\"password\"] = %q; };\n", password)
			return os.WriteFile(filepath.Join(accounts, name+".dat"), []byte(account), 0o644)
		},
	}
	return server, process.waitForPorts(ctx, loopback(ports[0]), loopback(ports[1]))
}
