package component

import (
	"bytes"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"passerelle/internal/xmpptest"
)

func TestCheck(t *testing.T) {
	server := xmpptest.NewServer(t, "irc.localhost", "secret")
	c := New(testConfig(server.Address()), newRecorder(), slog.New(slog.DiscardHandler))
	// The stream is open while the function runs, and ends after it.
	if err := c.Check(t.Context(), func() { server.Accept() }); err != nil {
		t.Error(err)
	}
	server.ExpectEnd()

	server.RefuseWith("see-other-host", xmpptest.NewServer(t, "irc.localhost", "secret").Addr())
	if err := c.Check(t.Context(), func() {}); err != nil {
		t.Errorf("elsewhere: %v", err)
	}

	nobody := "unix://" + filepath.Join(t.TempDir(), "none")
	err := New(testConfig(nobody), newRecorder(), slog.New(slog.DiscardHandler)).Check(t.Context(), func() {})
	if err == nil || !strings.Contains(err.Error(), nobody) {
		t.Errorf("without a server: %v", err)
	}
}

func TestHandshakeIsBounded(t *testing.T) {
	address := listenOnce(t, func(conn net.Conn) {
		endless := []byte("<stream:stream a='")
		for {
			if _, err := conn.Write(endless); err != nil {
				return
			}
			endless = bytes.Repeat([]byte("x"), 4096)
		}
	})
	err := New(testConfig(address), newRecorder(), slog.New(slog.DiscardHandler)).Check(t.Context(), func() {})
	if err == nil {
		t.Error("an endless header was accepted")
	}
}

func TestHandshakeEndsWithItsContext(t *testing.T) {
	reached := make(chan struct{})
	address := listenOnce(t, func(conn net.Conn) {
		buf := make([]byte, 1024)
		for first := true; ; first = false {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			if first {
				close(reached)
			}
		}
	})
	c := run(t, testConfig(address))
	receive(t, reached, "stream header")
	c.cancel()
	if err := receive(t, c.ended, "end"); err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

func TestWithDefaultPort(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " \n": "", "host:1": "host:1", "host": "host:5347", "[::1]:1": "[::1]:1", "[::1]": "[::1]:5347", "::1": "[::1]:5347",
	} {
		if got := withDefaultPort(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
