//go:build e2e

package e2e

import (
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"passerelle/internal/harness"
)

// supervisor is the socket on which systemd listens to a service.
type supervisor struct {
	t      *testing.T
	path   string
	socket *net.UnixConn
}

func newSupervisor(t *testing.T) *supervisor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return &supervisor{t, path, socket}
}

// until waits until the service says something, and returns what it said before.
func (s *supervisor) until(want string) (before []string) {
	s.t.Helper()
	if err := s.socket.SetReadDeadline(time.Now().Add(2 * endLimit)); err != nil {
		s.t.Fatal(err)
	}
	buffer := make([]byte, 1000)
	for {
		size, err := s.socket.Read(buffer)
		if err != nil {
			s.t.Fatalf("%q was not said, but %q: %v", want, before, err)
		}
		if string(buffer[:size]) == want {
			return before
		}
		before = append(before, string(buffer[:size]))
	}
}

func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	proxy, err := harness.NewProxy(componentHostPort())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	proxy.Refuse()
	systemd := newSupervisor(t)
	gateway, err := shared.workspace.LaunchGateway(privateOptions(func(o *harness.GatewayOptions) {
		o.ComponentAddress = "tcp://" + proxy.Address()
		o.Environment = []string{"NOTIFY_SOCKET=" + systemd.path, "WATCHDOG_USEC=200000"}
	}))
	if err != nil {
		t.Fatal(err)
	}
	// An XMPP server that is not there yet holds up nobody who waits for the service.
	systemd.until("READY=1")
	proxy.Allow()
	systemd.until("STATUS=Connected to the XMPP server")
	systemd.until("WATCHDOG=1")
	proxy.Refuse()
	systemd.until("STATUS=Waiting for the XMPP server")
	if code := gateway.Stop(); code != 0 {
		t.Errorf("passerelle ended with code %d:\n%s", code, gateway.Output())
	}
	systemd.until("STOPPING=1")
}

func TestSystemdIsNotToldThatARefusedServiceIsReady(t *testing.T) {
	t.Parallel()
	systemd := newSupervisor(t)
	gateway, err := shared.workspace.LaunchGateway(privateOptions(func(o *harness.GatewayOptions) {
		o.Secret = "guess"
		o.Environment = []string{"NOTIFY_SOCKET=" + systemd.path}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if code, err := gateway.Wait(endLimit); err != nil || code != 1 {
		t.Errorf("got exit code %d, %v", code, err)
	}
	end, err := net.Dial("unixgram", systemd.path)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if _, err := end.Write([]byte("the end")); err != nil {
		t.Fatal(err)
	}
	if said := systemd.until("the end"); slices.Contains(said, "READY=1") {
		t.Errorf("systemd was told %q", said)
	}
}
