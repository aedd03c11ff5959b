package harness

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

const biboumiConfiguration = `hostname={{.Hostname}}
password={{.Secret}}
xmpp_server_ip={{.Address}}
port={{.Port}}
db_name={{.Database}}
admin={{.Admin}}
identd_port=0
log_level=0
{{with .FixedServer}}fixed_irc_server={{.}}
{{end}}`

// BiboumiOptions say where a biboumi stands.
type BiboumiOptions struct {
	// Hostname is the component's host name, one that XMPP was started with, and Admin a bare
	// JID.
	Hostname, Admin string
	// Database is the URL of a PostgreSQL database, or empty for a SQLite file of its own.
	Database string
	// FixedServer is the host name of the only IRC server, or empty for any server.
	FixedServer string
}

// Biboumi is a running biboumi, the gateway that people move in from.
type Biboumi struct {
	*Process
	// ConfigurationFile is the path of its configuration, which names its database.
	ConfigurationFile string
}

// StartBiboumi starts biboumi as a component of an XMPP server. It has no port of its own: who
// needs it connected asks it for something by XMPP.
func (w *Workspace) StartBiboumi(xmpp *XMPPServer, options BiboumiOptions) (*Biboumi, error) {
	program, err := findProgram("biboumi", "biboumi")
	if err != nil {
		return nil, err
	}
	folder, err := w.folder("biboumi")
	if err != nil {
		return nil, err
	}
	if options.Database == "" {
		options.Database = filepath.Join(folder, "biboumi.sqlite")
	}
	address, port, err := net.SplitHostPort(strings.TrimPrefix(xmpp.ComponentAddress, "tcp://"))
	if err != nil {
		return nil, fmt.Errorf("finding %s for biboumi: %w", xmpp.name, err)
	}
	configuration := filepath.Join(folder, "biboumi.cfg")
	err = writeTemplate(configuration, biboumiConfiguration, map[string]any{
		"Hostname": options.Hostname, "Secret": xmpp.Secret, "Address": address, "Port": port,
		"Database": options.Database, "Admin": options.Admin, "FixedServer": options.FixedServer,
	})
	if err != nil {
		return nil, err
	}
	process, err := w.start("biboumi", folder, nil, program, configuration)
	if err != nil {
		return nil, err
	}
	return &Biboumi{process, configuration}, nil
}
