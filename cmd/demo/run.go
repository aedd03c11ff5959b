package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"passerelle/internal/harness"
	"passerelle/internal/harness/ircclient"
)

const (
	gatewayHost = "irc.localhost"
	// network is the IRC server's name in JIDs.
	network = "irc.demo.localhost"
	channel = "#balcony"
	juliet  = "juliet"
	romeo   = "romeo"
	// visitor is the account for the person in front of the terminal.
	visitor  = "you"
	password = "demo"
)

type options struct {
	// program is the path of the passerelle binary.
	program string
	// once ends the demo after the conversation.
	once bool
}

// stage is everything that the conversation happens on.
type stage struct {
	workspace *harness.Workspace
	xmpp      *harness.XMPPServer
	irc       *harness.IRCServer
	gateway   *harness.Gateway
	// romeo is the IRC client, who is in the channel all the time.
	romeo *ircclient.Client
}

// run sets the stage, plays the conversation, and then keeps the stage until ctx ends, which
// may be at any time.
func run(ctx context.Context, show screen, options options) (err error) {
	workspace, err := harness.NewWorkspace()
	if err != nil {
		return err
	}
	defer func() {
		if ctx.Err() != nil {
			// Whatever did not work out any more was stopped on purpose.
			err = nil
			show.line("\nStopping.")
		}
		err = errors.Join(err, workspace.Close())
	}()

	show.title("Starting Prosody, InspIRCd and passerelle on free ports of this machine")
	stage, err := setStage(ctx, workspace, options)
	if err != nil {
		return err
	}
	show.title("A conversation through passerelle")
	if err := play(ctx, show, stage); err != nil {
		return fmt.Errorf("%w\n--- passerelle ---\n%s", err, stage.gateway.Output())
	}
	if options.once {
		return nil
	}
	invite(show, stage)
	return stage.hold(ctx)
}

func setStage(ctx context.Context, workspace *harness.Workspace, options options) (*stage, error) {
	program, err := filepath.Abs(options.program)
	if err != nil {
		return nil, fmt.Errorf("finding passerelle: %w", err)
	}
	s := &stage{workspace: workspace}
	if s.xmpp, err = workspace.StartProsody(ctx, gatewayHost); err != nil {
		return nil, err
	}
	for _, account := range []string{juliet, visitor} {
		if err := s.xmpp.AddAccount(ctx, account, password); err != nil {
			return nil, err
		}
	}
	if s.irc, err = workspace.StartInspIRCd(ctx, network); err != nil {
		return nil, err
	}
	if s.romeo, err = ircclient.Dial(ctx, s.irc.PlainAddress, romeo); err != nil {
		return nil, err
	}
	if err := s.romeo.Join(channel); err != nil {
		return nil, err
	}
	s.gateway, err = workspace.StartGateway(ctx, harness.GatewayOptions{
		Program:  program,
		Hostname: gatewayHost,
		XMPP:     s.xmpp,
		Servers:  map[string][]string{network: {"ircs://" + s.irc.TLSAddress}},
	})
	return s, err
}

// roomJID is the channel's address for XMPP clients.
func roomJID() string { return channel + "%" + network + "@" + gatewayHost }

// invite tells how to join.
func invite(show screen, s *stage) {
	show.title("Now you: everything stays up until Ctrl-C")
	show.line("  An XMPP client")
	show.line("    account    %s@%s, password %s", visitor, s.xmpp.Domain, password)
	show.line("    server     %s (set it by hand; STARTTLS, certificate of this demo: accept it,", s.xmpp.ClientAddress)
	show.line("               or trust %s)", s.workspace.Authority.File)
	show.line("    join       %s", roomJID())
	show.line("  An IRC client")
	show.line("    server     %s in plain text, %s with TLS", s.irc.PlainAddress, s.irc.TLSAddress)
	show.line("    join       %s", channel)
	show.line("")
	show.line("  In the room, %s stays and repeats what it hears, so that there is somebody to talk to.", romeo)
}

// hold waits for the end, or for a server that ends before.
func (s *stage) hold(ctx context.Context) error {
	go repeat(ctx, s.romeo)
	select {
	case <-ctx.Done():
		return nil
	case <-s.xmpp.Exited():
		return fmt.Errorf("the XMPP server ended:\n%s", s.xmpp.Output())
	case <-s.irc.Exited():
		return fmt.Errorf("the IRC server ended:\n%s", s.irc.Output())
	case <-s.gateway.Exited():
		return fmt.Errorf("passerelle ended:\n%s", s.gateway.Output())
	}
}
