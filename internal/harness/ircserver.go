package harness

import (
	"context"
)

// IRCServer is a running IRC server.
type IRCServer struct {
	*Process
	// HostName is the name the server gives itself. Its certificate is for it, for localhost and
	// for 127.0.0.1.
	HostName string
	// PlainAddress and TLSAddress take client connections.
	PlainAddress string
	TLSAddress   string
	// OperatorName and OperatorPassword are for the command OPER.
	OperatorName     string
	OperatorPassword string

	workspace *Workspace
}

// Restart ends the server, by whatever means it has not ended yet, and starts it again at the
// same addresses.
func (s *IRCServer) Restart(ctx context.Context) error {
	process, err := s.workspace.startAgain(s.Process)
	if err != nil {
		return err
	}
	s.Process = process
	return s.waitForPorts(ctx, s.PlainAddress, s.TLSAddress)
}

// startIRC gives an IRC server its folder, its ports and its certificate, lets configure
// write the configuration and name the command line, and starts it.
func (w *Workspace) startIRC(ctx context.Context, name, hostName string,
	configure func(folder string, data map[string]any) ([]string, error),
) (*IRCServer, error) {
	folder, err := w.folder(name)
	if err != nil {
		return nil, err
	}
	ports, err := w.freePorts(2)
	if err != nil {
		return nil, err
	}
	pair, err := w.Authority.Issue(hostName, "localhost")
	if err != nil {
		return nil, err
	}
	server := &IRCServer{
		HostName:         hostName,
		PlainAddress:     loopback(ports[0]),
		TLSAddress:       loopback(ports[1]),
		OperatorName:     "operator",
		OperatorPassword: "operator-of-the-tests",
		workspace:        w,
	}
	command, err := configure(folder, map[string]any{
		"Folder": folder, "Name": hostName, "PlainPort": ports[0], "TLSPort": ports[1],
		"Certificate": pair.CertificateFile, "Key": pair.KeyFile,
		"OperatorName": server.OperatorName, "OperatorPassword": server.OperatorPassword,
	})
	if err != nil {
		return nil, err
	}
	server.Process, err = w.start(name, folder, nil, command[0], command[1:]...)
	if err != nil {
		return nil, err
	}
	return server, server.waitForPorts(ctx, server.PlainAddress, server.TLSAddress)
}
