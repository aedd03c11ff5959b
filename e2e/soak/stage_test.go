//go:build soak

package soak

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"passerelle/internal/harness"
	"passerelle/internal/harness/ircclient"
	"passerelle/internal/harness/xmppclient"
)

const (
	gatewayName = "irc.localhost"
	ircName     = "irc.test"
	hostileName = "hostile.test"
	password    = "secret of the tests"
)

// stage is an XMPP server, an IRC server and a passerelle between them.
type stage struct {
	t         *testing.T
	workspace *harness.Workspace
	prosody   *harness.XMPPServer
	inspircd  *harness.IRCServer
	gateway   *harness.Gateway
}

// newHost starts the XMPP server only.
func newHost(t *testing.T) *stage {
	t.Helper()
	workspace, err := harness.NewWorkspace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { workspace.Close() })
	s := &stage{t: t, workspace: workspace}
	if s.prosody, err = workspace.StartProsody(t.Context(), gatewayName); err != nil {
		t.Fatal(err)
	}
	return s
}

// newStage starts the servers. change may change how passerelle is started.
func newStage(t *testing.T, flags []string, change func(*stage, *harness.GatewayOptions)) *stage {
	t.Helper()
	s := newHost(t)
	var err error
	if s.inspircd, err = s.workspace.StartInspIRCd(t.Context(), ircName); err != nil {
		t.Fatal(err)
	}
	program, err := s.workspace.BuildGateway(t.Context(), flags...)
	if err != nil {
		t.Fatal(err)
	}
	options := harness.GatewayOptions{
		Program: program, Hostname: gatewayName, XMPP: s.prosody,
		Servers: map[string][]string{ircName: {"ircs://" + s.inspircd.TLSAddress}},
		Settings: map[string]map[string]any{
			"log": {"level": "warn"},
			"irc": {"burst": 1000, "line_interval": "1ms"},
			"gateway": {"limits": map[string]any{
				"messages_per_minute": 0, "joins_per_minute": 0, "new_joins_per_minute": 0, "connects_per_minute": 0,
				"new_connects_per_minute": 0, "total_connects_per_minute": 0, "server_connects_per_minute": 0,
			}},
		},
	}
	if change != nil {
		change(s, &options)
	}
	if s.gateway, err = s.workspace.StartGateway(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	return s
}

// login makes an account and logs in to it.
func (s *stage) login(ctx context.Context, name string) (*xmppclient.Client, error) {
	if err := s.prosody.AddAccount(ctx, name, password); err != nil {
		return nil, err
	}
	return xmppclient.Login(ctx, s.prosody.Account(name, password))
}

// member is a user who is in a channel, and a person on IRC who is there too.
type member struct {
	name, channel, room string
	user                *xmppclient.Client
	person              *ircclient.Client
}

// meet has a user and a person enter a channel of their own.
func (s *stage) meet(name string) *member {
	s.t.Helper()
	m := &member{name: name, channel: "#" + name}
	m.room = m.channel + "%" + ircName + "@" + gatewayName
	var err error
	if m.user, err = s.login(s.t.Context(), name); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { m.user.Close() })
	if m.person, err = ircclient.Dial(s.t.Context(), s.inspircd.PlainAddress, "p"+name); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(m.person.Close)
	if err := m.person.Join(m.channel); err != nil {
		s.t.Fatal(err)
	}
	s.enter(m.user, m.room, name)
	return m
}

// enter has a client join a room.
func (s *stage) enter(client *xmppclient.Client, room, nick string) {
	s.t.Helper()
	client.Send("<presence to='" + room + "/" + nick + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	if _, err := client.Expect(xmppclient.Message().From(room).Has("subject")); err != nil {
		s.t.Fatal(err)
	}
}

// usage is what a process holds.
type usage struct {
	residentKiB, descriptors int
}

func (s *stage) usage() usage {
	s.t.Helper()
	id := s.gateway.ID()
	var u usage
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", id))
	if err != nil {
		s.t.Fatal(err)
	}
	u.descriptors = len(files)
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", id))
	if err != nil {
		s.t.Fatal(err)
	}
	defer status.Close()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), "VmRSS:"); found {
			if _, err := fmt.Sscanf(value, "%d kB", &u.residentKiB); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return u
}
