//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"passerelle/internal/harness"
)

// The component host names: one for the shared passerelle, the others for scenarios that
// start one of their own.
const (
	sharedHostname = "irc.localhost"
	// privateHostnames is how many scenarios can have a passerelle of their own on each
	// XMPP server.
	privateHostnames = 100
)

// The names of the IRC servers in JIDs.
const (
	inspircdName = "inspircd.test"
	ngircdName   = "ngircd.test"
	// plainName is InspIRCd without TLS.
	plainName = "plain.test"
	// closedName is a server that nothing listens for.
	closedName = "closed.test"
	// encryptedOnlyName has only a TLS address, which is in truth a plain one.
	encryptedOnlyName = "encrypted-only.test"
	// secondChoiceName has an address where nothing listens before one where a server does.
	secondChoiceName = "second-choice.test"
)

// closedAddress is a port that no server has, because it is the discard service's.
const closedAddress = "127.0.0.1:9"

// world is everything that the scenarios share.
type world struct {
	workspace *harness.Workspace
	program   string

	prosody, ejabberd                   *harness.XMPPServer
	inspircd, ngircd                    *harness.IRCServer
	prosodyGateway, ejabberdGateway     *harness.Gateway
	usedNames                           atomic.Int64
	usedProsodyHosts, usedEjabberdHosts atomic.Int64
}

var shared world

func TestMain(m *testing.M) {
	code, err := runInWorld(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runInWorld(m *testing.M) (code int, err error) {
	shared.workspace, err = harness.NewWorkspace()
	if err != nil {
		return 1, err
	}
	defer func() {
		if closeError := shared.workspace.Close(); err == nil {
			err = closeError
		}
	}()
	if err := shared.start(context.Background()); err != nil {
		return 1, err
	}
	code = m.Run()
	for _, gateway := range []*harness.Gateway{shared.prosodyGateway, shared.ejabberdGateway} {
		if ended := gateway.Stop(); ended != 0 {
			return 1, fmt.Errorf("a passerelle ended with code %d:\n%s", ended, gateway.Output())
		}
		if fault := faultIn(gateway); fault != nil {
			return 1, fault
		}
	}
	return code, nil
}

// start starts the servers and builds passerelle at the same time, and then starts a
// passerelle for each XMPP server.
func (w *world) start(ctx context.Context) error {
	hostnames := []string{sharedHostname}
	for number := range privateHostnames {
		hostnames = append(hostnames, privateHostname(number))
	}
	err := together(
		func() (err error) { w.prosody, err = w.workspace.StartProsody(ctx, hostnames...); return err },
		func() (err error) { w.ejabberd, err = w.workspace.StartEjabberd(ctx, hostnames...); return err },
		func() (err error) { w.inspircd, err = w.workspace.StartInspIRCd(ctx, inspircdName); return err },
		func() (err error) { w.ngircd, err = w.workspace.StartNgIRCd(ctx, ngircdName); return err },
		func() (err error) { w.program, err = w.workspace.BuildGateway(ctx, "-race"); return err },
	)
	if err != nil {
		return err
	}
	return together(
		func() (err error) {
			w.prosodyGateway, err = w.workspace.StartGateway(ctx, w.options(w.prosody, sharedHostname))
			return err
		},
		func() (err error) {
			w.ejabberdGateway, err = w.workspace.StartGateway(ctx, w.options(w.ejabberd, sharedHostname))
			return err
		},
	)
}

// options describe a passerelle that knows every IRC server.
func (w *world) options(xmpp *harness.XMPPServer, hostname string) harness.GatewayOptions {
	return harness.GatewayOptions{
		Program:  w.program,
		Hostname: hostname,
		XMPP:     xmpp,
		Servers: map[string][]string{
			inspircdName:      {"ircs://" + w.inspircd.TLSAddress},
			ngircdName:        {"ircs://" + w.ngircd.TLSAddress},
			plainName:         {"irc://" + w.inspircd.PlainAddress},
			closedName:        {"ircs://" + closedAddress},
			encryptedOnlyName: {"ircs://" + w.inspircd.PlainAddress},
			secondChoiceName:  {"ircs://" + closedAddress, "ircs://" + w.inspircd.TLSAddress},
		},
		ServerSettings: make(map[string]map[string]any),
		Settings: map[string]map[string]any{
			// What is proved here is not the pace; TestPacedLinesArriveInOrder sets its own.
			"irc":     {"burst": 1000},
			"gateway": {"idle_quit": "1s", "linger": "1s"},
			"log":     {"level": logLevel()},
		},
	}
}

// logLevel is the level of every passerelle's log, which go test -v shows when a scenario
// fails: trace has each line and each stanza.
func logLevel() string {
	if level := os.Getenv("PASSERELLE_TEST_LOG"); level != "" {
		return level
	}
	return "debug"
}

func privateHostname(number int) string { return "irc" + strconv.Itoa(number) + ".localhost" }

// number is one that no other scenario, user or channel has.
func (w *world) number() string { return strconv.FormatInt(w.usedNames.Add(1), 10) }

// together runs functions at the same time and returns the first error.
func together(functions ...func() error) error {
	results := make(chan error, len(functions))
	for _, function := range functions {
		go func() { results <- function() }()
	}
	var first error
	for range functions {
		if err := <-results; err != nil && first == nil {
			first = err
		}
	}
	return first
}
