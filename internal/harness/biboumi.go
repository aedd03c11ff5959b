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
`

// Biboumi is a running biboumi, the gateway that people move in from.
type Biboumi struct {
	*Process
	// ConfigurationFile is the path of its configuration, which names its database.
	ConfigurationFile string
}

// StartBiboumi starts biboumi as a component of an XMPP server, with the PostgreSQL database of
// a URL or, where that is empty, a SQLite file of its own. It has no port of its own: who needs
// it connected asks it for something by XMPP.
func (w *Workspace) StartBiboumi(xmpp *XMPPServer, hostname, admin, database string) (*Biboumi, error) {
	program, err := findProgram("biboumi", "biboumi")
	if err != nil {
		return nil, err
	}
	folder, err := w.folder("biboumi")
	if err != nil {
		return nil, err
	}
	if database == "" {
		database = filepath.Join(folder, "biboumi.sqlite")
	}
	address, port, err := net.SplitHostPort(strings.TrimPrefix(xmpp.ComponentAddress, "tcp://"))
	if err != nil {
		return nil, fmt.Errorf("finding %s for biboumi: %w", xmpp.name, err)
	}
	configuration := filepath.Join(folder, "biboumi.cfg")
	err = writeTemplate(configuration, biboumiConfiguration, map[string]any{
		"Hostname": hostname, "Secret": xmpp.Secret, "Address": address, "Port": port,
		"Database": database, "Admin": admin,
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
