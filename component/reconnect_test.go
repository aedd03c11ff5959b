package component

import (
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"passerelle/internal/xmpptest"
)

func TestReconnect(t *testing.T) {
	server, c := connected(t, nil)
	for name, cut := range map[string]func(){
		"cut":           server.Drop,
		"end of stream": func() { server.Send("</stream:stream>") },
		"shutdown":      func() { server.Fail("system-shutdown", "") },
	} {
		cut()
		if receive(t, c.h.down, name) == nil {
			t.Errorf("%s: no reason", name)
		}
		server.Accept()
		receive(t, c.h.up, "stream after "+name)
		if err := c.Send(encoded(name)); err != nil {
			t.Fatal(err)
		}
		if got := server.Expect(); got != string(encoded(name)) {
			t.Errorf("first on the new stream: %s", got)
		}
		if wait := receive(t, c.pauses, "pause"); wait < 500*time.Millisecond || wait > time.Second {
			t.Errorf("%s: paused for %s", name, wait)
		}
	}
}

func TestRefusedLaterIsTriedAgain(t *testing.T) {
	server, c := connected(t, nil)
	server.Refuse("host-unknown")
	server.Drop()
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		if wait := receive(t, c.pauses, "pause"); wait < want*time.Second/2 || wait > want*time.Second {
			t.Errorf("paused for %s, want up to %ds", wait, want)
		}
	}
	if err := c.Send(encoded("1")); !errors.Is(err, ErrDisconnected) {
		t.Errorf("sending without a stream: %v", err)
	}
	if err := c.Offer(encoded("1")); !errors.Is(err, ErrDisconnected) {
		t.Errorf("offering without a stream: %v", err)
	}
	server.Refuse("")
	server.Accept()
	receive(t, c.h.up, "stream")
}

func TestConflictPausesLong(t *testing.T) {
	server, c := connected(t, nil)
	server.Fail("conflict", "")
	if wait := receive(t, c.pauses, "pause"); wait < 30*time.Second {
		t.Errorf("paused for %s", wait)
	}
	if !strings.Contains(c.log.String(), "level=ERROR") {
		t.Errorf("log is %s", c.log)
	}
}

// A host that has not noticed that our stream is gone is asked again soon.
func TestConflictWithOurOwnGhost(t *testing.T) {
	server, c := connected(t, nil)
	server.Refuse("conflict")
	server.Drop()
	receive(t, c.pauses, "pause")
	for range 3 {
		if wait := receive(t, c.pauses, "pause"); wait != ghostRetry {
			t.Errorf("paused for %s", wait)
		}
	}
	if strings.Contains(c.log.String(), "level=ERROR") {
		t.Errorf("log is %s", c.log)
	}
	server.Refuse("")
	server.Accept()
	receive(t, c.h.up, "stream")
}

func TestSeeOtherHost(t *testing.T) {
	other := xmpptest.NewServer(t, "irc.localhost", "secret")
	server := xmpptest.NewServer(t, "irc.localhost", "secret")
	server.RefuseWith("see-other-host", other.Addr())
	c := run(t, testConfig(server.Address()))
	other.Accept()
	receive(t, c.h.up, "stream")
	server.Refuse("")
	other.Fail("see-other-host", server.Addr())
	server.Accept()
	// A circle is left by a pause.
	server.RefuseWith("see-other-host", other.Addr())
	other.RefuseWith("see-other-host", server.Addr())
	server.Drop()
	receive(t, c.pauses, "pause")
	receive(t, c.pauses, "second pause")
}

func TestStartErrors(t *testing.T) {
	for _, test := range []struct {
		condition string
		change    func(*xmpptest.Server, *Config)
	}{
		{"not-authorized", func(_ *xmpptest.Server, cfg *Config) { cfg.Secret = "guessed" }},
		{"host-unknown", func(_ *xmpptest.Server, cfg *Config) { cfg.Hostname = "other.localhost" }},
		{"conflict", func(s *xmpptest.Server, _ *Config) { s.Refuse("conflict") }},
	} {
		t.Run(test.condition, func(t *testing.T) {
			server := xmpptest.NewServer(t, "irc.localhost", "secret")
			cfg := testConfig(server.Address())
			test.change(server, &cfg)
			var refused *StartError
			running := run(t, cfg)
			if err := receive(t, running.ended, "end"); !errors.As(err, &refused) || refused.Condition != test.condition || refused.Reason == "" {
				t.Errorf("Run ended with %v", err)
			}
			select {
			case <-running.Tried():
				t.Error("a refusal counts as an attempt to be repeated")
			default:
			}
			c := New(cfg, newRecorder(), slog.New(slog.DiscardHandler))
			if err := c.Check(t.Context(), func() {}); !errors.As(err, &refused) || refused.Condition != test.condition || strings.Contains(err.Error(), cfg.Secret) {
				t.Errorf("Check ended with %v", err)
			}
		})
	}
}

func TestWaitsForAServerThatStartsLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	c := run(t, testConfig("unix://"+path))
	receive(t, c.pauses, "first pause")
	receive(t, c.pauses, "second pause")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := xmpptest.NewServerOn(t, listener, "irc.localhost", "secret")
	server.Accept()
	receive(t, c.h.up, "stream")
}

func TestTemporaryRefusalAtStart(t *testing.T) {
	server := xmpptest.NewServer(t, "irc.localhost", "secret")
	server.Refuse("resource-constraint")
	c := run(t, testConfig(server.Address()))
	receive(t, c.pauses, "pause")
	receive(t, c.Tried(), "end of the first attempt")
	server.Refuse("")
	server.Accept()
}

func TestBackoff(t *testing.T) {
	b := backoff{min: time.Second, max: 60 * time.Second}
	for range 100 {
		b.reset()
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if got := b.next(); got < want*time.Second/2 || got > want*time.Second {
				t.Fatalf("pause of %s, want up to %ds", got, want)
			}
		}
	}
}
