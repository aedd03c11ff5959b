package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

const ejabberdConfiguration = `hosts:
  - {{.Domain}}
loglevel: info
certfiles:
  - {{.Certificate}}
  - {{.Key}}
auth_method: internal
auth_password_format: plain
s2s_access: none
s2s_use_starttls: optional
listen:
  - port: {{.ServerPort}}
    ip: "127.0.0.1"
    module: ejabberd_s2s_in
  - port: {{.ClientPort}}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    starttls: true
    starttls_required: true
    access: c2s
    shaper: none
  - port: {{.ComponentPort}}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    shaper: none
    # A connected component gets its own host only, not every one listed.
    global_routes: false
    hosts:
{{- range .Components}}
      {{.}}:
        password: "{{$.Secret}}"
{{- end}}
  - port: "unix:{{.Socket}}"
    module: ejabberd_service
    access: all
    shaper: none
    # A connected component gets its own host only, not every one listed.
    global_routes: false
    hosts:
{{- range .Components}}
      {{.}}:
        password: "{{$.Secret}}"
{{- end}}
  - port: {{.AdministrationPort}}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
acl:
  loopback:
    ip: 127.0.0.0/8
access_rules:
  c2s:
    allow: all
api_permissions:
  "accounts of the tests":
    who:
      ip: 127.0.0.0/8
    what:
      - register
modules:
  mod_roster: {}
  mod_disco: {}
  mod_ping: {}
  mod_version: {}
  mod_carboncopy: {}
  mod_http_api: {}
`

// StartEjabberd starts ejabberd with the components named, on a TCP port and on a Unix
// socket.
func (w *Workspace) StartEjabberd(ctx context.Context, components ...string) (*XMPPServer, error) {
	program, err := findProgram("erl", "ejabberd")
	if err != nil {
		return nil, err
	}
	libraries, err := ejabberdLibraries()
	if err != nil {
		return nil, err
	}
	folder, err := w.folder("ejabberd")
	if err != nil {
		return nil, err
	}
	ports, err := w.freePorts(4)
	if err != nil {
		return nil, err
	}
	pair, err := w.Authority.Issue(xmppDomain)
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(folder, "component.socket")
	configuration := filepath.Join(folder, "ejabberd.yml")
	err = writeTemplate(configuration, ejabberdConfiguration, map[string]any{
		"ClientPort": ports[0], "ComponentPort": ports[1], "AdministrationPort": ports[2], "ServerPort": ports[3],
		"Certificate": pair.CertificateFile, "Key": pair.KeyFile, "Socket": socket,
		"Domain": xmppDomain, "Components": components, "Secret": componentSecret,
	})
	if err != nil {
		return nil, err
	}
	// Without a node name Erlang needs neither a cookie nor the port mapper daemon, which
	// would outlive this server. ejabberdctl insists on both, and on a user of its own.
	process, err := w.start("ejabberd", folder, []string{
		"EJABBERD_CONFIG_PATH=" + configuration,
		"EJABBERD_LOG_PATH=" + filepath.Join(folder, "ejabberd.log"),
		"ERL_LIBS=" + libraries,
		"ERL_CRASH_DUMP=" + filepath.Join(folder, "crash.dump"),
		"HOME=" + folder,
	}, program, "-noinput", "-mnesia", "dir", fmt.Sprintf("%q", folder), "-s", "ejabberd")
	if err != nil {
		return nil, err
	}
	administration := "http://" + loopback(ports[2]) + "/api/register"
	server := &XMPPServer{
		Process:          process,
		Domain:           xmppDomain,
		ClientAddress:    loopback(ports[0]),
		ServerAddress:    loopback(ports[3]),
		ComponentAddress: "tcp://" + loopback(ports[1]),
		ComponentSocket:  socket,
		Secret:           componentSecret,
		workspace:        w,
		authority:        w.Authority,
		addAccount: func(ctx context.Context, name, password string) error {
			return callEjabberd(ctx, administration, map[string]string{
				"user": name, "host": xmppDomain, "password": password,
			})
		},
	}
	return server, process.waitForPorts(ctx, loopback(ports[0]), loopback(ports[1]), loopback(ports[2]), loopback(ports[3]), socket)
}

// ejabberdLibraries finds the folder that holds ejabberd and the Erlang libraries packaged
// with it; Debian keeps it beneath the folder of the machine's architecture.
func ejabberdLibraries() (string, error) {
	for _, pattern := range []string{"/usr/lib/*/ejabberd-*", "/usr/lib/ejabberd-*", "/usr/lib/erlang/lib/ejabberd-*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("looking for ejabberd: %w", err)
		}
		for _, folder := range found {
			if _, err := os.Stat(filepath.Join(folder, "ebin")); err == nil {
				return filepath.Dir(folder), nil
			}
		}
	}
	return "", errors.New("ejabberd is not installed: apt-get install ejabberd")
}

func callEjabberd(ctx context.Context, url string, arguments map[string]string) error {
	body, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ejabberd answered %s: %s", response.Status, answer)
	}
	return nil
}
