package harness

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

const athemeConfiguration = `loadmodule "modules/protocol/inspircd";
loadmodule "modules/backend/opensex";
loadmodule "modules/crypto/posix";
loadmodule "modules/nickserv/main";
loadmodule "modules/nickserv/register";
loadmodule "modules/nickserv/identify";
loadmodule "modules/nickserv/logout";
loadmodule "modules/nickserv/cert";
loadmodule "modules/saslserv/main";
loadmodule "modules/saslserv/plain";
loadmodule "modules/saslserv/external";
{{range .Modules}}loadmodule "modules/{{.}}";
{{end}}serverinfo {
	name = "{{.Name}}"; desc = "Services of the passerelle tests"; numeric = "00S"; recontime = 1;
	netname = "PasserelleTest"; adminname = "passerelle"; adminemail = "nobody@localhost"; registeremail = "nobody@localhost";
	mta = "/bin/true"; loglevel = { all; }; maxlogins = 100; maxusers = 0; maxnicks = 5; maxchans = 5; mdlimit = 30; emaillimit = 100; emailtime = 300; auth = none; casemapping = rfc1459;
};
uplink "{{.IRCName}}" { host = "127.0.0.1"; port = {{.Port}}; send_password = "link"; receive_password = "link"; };
nickserv { nick = "NickServ"; user = "NickServ"; host = "{{.Name}}"; real = "NickServ"; maxnicks = 5; expire = 0; enforce_expire = 0; enforce_delay = 30; enforce_prefix = "Guest"; };
saslserv { nick = "SaslServ"; user = "SaslServ"; host = "{{.Name}}"; real = "SaslServ"; };
general { commit_interval = 60; flood_msgs = 0; };
`

// servicesLink says where InspIRCd waits for its services.
type servicesLink struct {
	Name string
	Port int
}

// Services are accounts, SASL and NickServ for an IRC server (Atheme), which can be stopped and
// started again.
type Services struct {
	workspace       *Workspace
	link            *servicesLink
	ircName, folder string
	process         *Process
}

// StartInspIRCdWithServices starts InspIRCd with services beside it. InspIRCd offers SASL when
// they have first come, and anew whenever they come with other mechanisms than before (CAP DEL
// and CAP NEW); it says nothing when they go.
func (w *Workspace) StartInspIRCdWithServices(ctx context.Context, hostName string) (*IRCServer, *Services, error) {
	ports, err := w.freePorts(1)
	if err != nil {
		return nil, nil, err
	}
	folder, err := w.folder("atheme")
	if err != nil {
		return nil, nil, err
	}
	services := &Services{workspace: w, link: &servicesLink{Name: "services." + hostName, Port: ports[0]}, ircName: hostName, folder: folder}
	server, err := w.startInspIRCdWith(ctx, hostName, "3PT", map[string]any{"Services": services.link})
	if err != nil {
		return nil, nil, err
	}
	return server, services, services.Start()
}

// Start starts the services, with what accounts they had before and with more of Atheme's
// modules, such as saslserv/authcookie. It does not wait until they have connected.
func (s *Services) Start(modules ...string) error {
	program, err := findProgram("atheme-services", "atheme-services")
	if err != nil {
		return err
	}
	configuration := filepath.Join(s.folder, "atheme.conf")
	data := map[string]any{"Name": s.link.Name, "IRCName": s.ircName, "Port": s.link.Port, "Modules": modules}
	if err := writeTemplate(configuration, athemeConfiguration, data); err != nil {
		return err
	}
	command := []string{program, "-n", "-c", configuration, "-l", filepath.Join(s.folder, "log"), "-p", filepath.Join(s.folder, "pid"), "-D", s.folder}
	if os.Geteuid() == 0 {
		// Atheme does not run as root.
		if command, err = asAccount("nobody", s.folder, command); err != nil {
			return err
		}
	}
	s.process, err = s.workspace.start("atheme", s.folder, nil, command[0], command[1:]...)
	return err
}

// Stop ends the services, which keep their accounts.
func (s *Services) Stop() { s.process.Stop() }

// Suspend has the services answer nothing, without their connection ending, until Resume.
func (s *Services) Suspend() error { return s.process.Signal(syscall.SIGSTOP) }

// Resume lets the services go on.
func (s *Services) Resume() error { return s.process.Signal(syscall.SIGCONT) }

// asAccount gives a folder to an account of the system, and returns the command line that runs
// another as that account. It takes root.
func asAccount(name, folder string, command []string) ([]string, error) {
	account, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("looking for the user %s: %w", name, err)
	}
	id, err := strconv.Atoi(account.Uid)
	if err != nil {
		return nil, fmt.Errorf("looking for the user %s: %w", name, err)
	}
	if err := os.Chown(folder, id, -1); err != nil {
		return nil, fmt.Errorf("giving a folder to %s: %w", name, err)
	}
	return append([]string{"setpriv", "--reuid=" + name, "--regid=" + account.Gid, "--clear-groups"}, command...), nil
}
