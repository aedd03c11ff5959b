package loadtest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"passerelle/internal/harness"
)

// Benchmark runs scenarios and collects figures.
type Benchmark struct {
	// Table has the figures so far, Charts the growth curves.
	Table  Table
	Charts []Chart

	workspace *harness.Workspace
	program   string
	// say gets a line for each scenario that begins.
	say io.Writer
}

// New makes a benchmark of a program, or with "" of the one in this module, built as it
// is shipped. Close removes what it needs.
func New(ctx context.Context, program string, say io.Writer) (*Benchmark, error) {
	workspace, err := harness.NewWorkspace()
	if err != nil {
		return nil, err
	}
	if program == "" {
		if program, err = workspace.BuildGateway(ctx, "-trimpath", "-ldflags=-s -w"); err != nil {
			_ = workspace.Close()
			return nil, err
		}
	}
	return &Benchmark{workspace: workspace, program: program, say: say}, nil
}

// Close ends what still runs and removes its files.
func (b *Benchmark) Close() error { return b.workspace.Close() }

// scenario measures one thing.
type scenario struct {
	name, help string
	run        func(*Benchmark, context.Context) error
}

// scenarios are all there are, in the order in which they run.
func scenarios() []scenario {
	return []scenario{
		{"start", "from the start of the program to the end of its handshake", (*Benchmark).start},
		{"idle", "5,000 users who do nothing, each in a room of 10", (*Benchmark).idle},
		{"idle-tls", "1,000 users with TLS to IRC", (*Benchmark).idleEncrypted},
		{"big-room", "a room of 10,000, joined by one and by 20 more", (*Benchmark).bigRoom},
		{"fan-out", "200 users in a room read, without and with history", (*Benchmark).fanOut},
		{"uplink", "200 users write to a room, without and with history", (*Benchmark).uplink},
		{"netsplit", "500 of 1,000 members leave and return before 50 users", (*Benchmark).netsplit},
		{"archive", "20,000 messages are recorded and read again", (*Benchmark).archive},
		{"storm", "1,000 connections are dropped at once", (*Benchmark).storm},
		{"fair", "200 users talk while one joins a room of 40,000", (*Benchmark).fair},
		{"abuse", "50 users talk while others are flooded or flood, the database hangs, the XMPP server is held up", (*Benchmark).abuse},
		{"grow-connections", "memory and processor time of 200 to 15,000 users who do nothing", (*Benchmark).growConnections},
		{"grow-members", "joining a room of 1,000 to 40,000", (*Benchmark).growMembers},
		{"grow-archive", "a page of 5,000 to 1,000,000 archived messages", (*Benchmark).growArchive},
		{"grow-room", "a message to 10 to 1,000 users in a room", (*Benchmark).growRoom},
		{"hosts", "the gateway beside Prosody and ejabberd, with 100 clients", (*Benchmark).hosts},
	}
}

// Scenarios lists all of them with what they are for, a line each.
func Scenarios() string {
	var list strings.Builder
	for _, s := range scenarios() {
		fmt.Fprintf(&list, "  %-18s %s\n", s.name, s.help)
	}
	return list.String()
}

// Run runs the scenarios named, or all without names.
func (b *Benchmark) Run(ctx context.Context, names ...string) error {
	all := scenarios()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(s scenario) bool { return s.name == name }) {
			return fmt.Errorf("there is no scenario %q, but these:\n%s", name, Scenarios())
		}
	}
	for _, s := range all {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		fmt.Fprintf(b.say, "%s: %s\n", s.name, s.help)
		if err := s.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// on runs part of a scenario on a stage of its own.
func (b *Benchmark) on(ctx context.Context, set settings, part func(*stage) error) error {
	s, err := b.newStage(ctx, set)
	if err != nil {
		return err
	}
	defer s.close()
	return part(s)
}

// noHistory turns archiving off for all users.
func noHistory() settings {
	return settings{gateway: map[string]any{"record_history": false}}
}
