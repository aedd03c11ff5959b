//go:build e2e

package harness

import (
	"context"
	"testing"
)

func newTestWorkspace(t *testing.T) *Workspace {
	t.Helper()
	w, err := NewWorkspace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestServersStartAndLeaveNothing(t *testing.T) {
	xmpp := func(start func(*Workspace, context.Context, ...string) (*XMPPServer, error)) func(*Workspace, context.Context) (*Process, error) {
		return func(w *Workspace, ctx context.Context) (*Process, error) {
			server, err := start(w, ctx, "irc.localhost")
			if err != nil {
				return nil, err
			}
			return server.Process, server.AddAccount(ctx, "juliet", "secret")
		}
	}
	irc := func(start func(*Workspace, context.Context, string) (*IRCServer, error)) func(*Workspace, context.Context) (*Process, error) {
		return func(w *Workspace, ctx context.Context) (*Process, error) {
			server, err := start(w, ctx, "irc.test")
			if err != nil {
				return nil, err
			}
			return server.Process, nil
		}
	}
	servers := map[string]func(*Workspace, context.Context) (*Process, error){
		"prosody":  xmpp((*Workspace).StartProsody),
		"ejabberd": xmpp((*Workspace).StartEjabberd),
		"inspircd": irc((*Workspace).StartInspIRCd),
		"ngircd":   irc((*Workspace).StartNgIRCd),
		"postgresql": func(w *Workspace, ctx context.Context) (*Process, error) {
			server, err := w.StartPostgreSQL(ctx)
			if err != nil {
				return nil, err
			}
			if err := server.Stop(); err != nil {
				return nil, err
			}
			if err := server.Start(ctx); err != nil {
				return nil, err
			}
			return server.process, nil
		},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestWorkspace(t)
			process, err := start(w, t.Context())
			if err != nil {
				t.Fatal(err)
			}
			process.Stop()
			if groupExists(process.ID()) {
				t.Errorf("the process group of %s is still there", name)
			}
		})
	}
}
