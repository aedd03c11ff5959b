//go:build e2e

package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"passerelle/internal/harness"
)

func buildGateway(t *testing.T) string {
	t.Helper()
	workspace, err := harness.NewWorkspace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { workspace.Close() })
	program, err := workspace.BuildGateway(t.Context(), "-race")
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func TestDemoPlaysItsConversation(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), screen{out: &out}, options{program: buildGateway(t), once: true}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, line := range []string{
		"XMPP juliet  sees romeo, who is moderator",
		"XMPP juliet  reads  What light through yonder window breaks? It is the *east*.",
		"IRC  romeo   reads  O Romeo, Romeo! wherefore art thou [bold]Romeo[bold]? 🌹",
		"IRC  romeo   reads  * listens at the window",
		"IRC  romeo   sees juliet go: the nurse calls",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the line %q is missing in\n%s", line, out.String())
		}
	}
}

// lastLine ends a context once the text that ends the invitation has been printed.
type lastLine struct {
	strings.Builder
	end context.CancelFunc
}

func (l *lastLine) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "somebody to talk to") {
		l.end()
	}
	return l.Builder.Write(p)
}

func TestDemoStaysUntilItIsEnded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out := &lastLine{end: cancel}
	if err := run(ctx, screen{out: out}, options{program: buildGateway(t)}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, part := range []string{"you@localhost", roomJID(), "Stopping."} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing in\n%s", part, out.String())
		}
	}
}

func TestDemoEndedBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	if err := run(ctx, screen{out: &out}, options{program: "no-program"}); err != nil {
		t.Errorf("got %v", err)
	}
}
