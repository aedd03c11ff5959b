package main

import (
	"bytes"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// supervisor is the socket on which systemd listens.
func supervisor(t *testing.T) (string, *net.UnixConn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return path, socket
}

func told(t *testing.T, socket *net.UnixConn) string {
	t.Helper()
	buffer := make([]byte, 1000)
	if err := socket.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	size, err := socket.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:size])
}

func TestNotify(t *testing.T) {
	path, socket := supervisor(t)
	var log bytes.Buffer
	n := newNotifier(path, slog.New(slog.NewTextHandler(&log, nil)))
	n.send("READY=1")
	if got := told(t, socket); got != "READY=1" {
		t.Errorf("systemd was told %q", got)
	}
	probes := make(chan bool)
	stop := n.keepAlive("2000", func() {
		select {
		case probes <- true:
		case <-t.Context().Done():
		}
	})
	for range 3 {
		<-probes
		if got := told(t, socket); got != "WATCHDOG=1" {
			t.Errorf("systemd was told %q", got)
		}
	}
	stop()
	if log.Len() > 0 {
		t.Errorf("it was logged that\n%s", &log)
	}
	socket.Close()
	n.send("READY=1")
	if !strings.Contains(log.String(), "systemd was not told") {
		t.Errorf("it was logged that\n%s", &log)
	}
}

func TestNobodyToNotify(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, socket := range []string{"", filepath.Join(t.TempDir(), "none")} {
		n := newNotifier(socket, logger)
		n.send("READY=1")
		n.keepAlive("2000", func() { t.Error("a probe for nobody") })()
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "systemd cannot be told") {
		t.Errorf("it was logged that\n%s", &log)
	}
	path, _ := supervisor(t)
	for _, interval := range []string{"", "0", "1", "-5", "soon"} {
		newNotifier(path, logger).keepAlive(interval, func() { t.Errorf("a probe with the interval %q", interval) })()
	}
}
