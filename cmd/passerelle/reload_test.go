package main

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"passerelle/gateway"
)

func TestReload(t *testing.T) {
	file := write(t, minimal)
	cfg, err := loadConfig(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	level := new(slog.LevelVar)
	again := &reloader{running: cfg, level: level, gateway: gateway.New(gateway.Options{
		Config: cfg.Gateway, Domain: cfg.Component.Hostname, Servers: cfg.servers, OccupantKey: []byte("key"), Log: log,
	})}
	reload := func(more string) (string, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(minimal+more), 0o600); err != nil {
			t.Fatal(err)
		}
		return again.reload()
	}
	for more, want := range map[string]string{
		"": "The configuration was read again.",
		"gateway: {max_lines: 5}\nirc: {servers: [{name: home, addresses: ['irc://127.0.0.1:6667']}]}\n": "The configuration was read again.",
		"irc: {burst: 3}\nlog: {level: debug}\n":                                                         "counts after a restart: irc (but for irc.servers)",
		"log: {format: json}\n":                                                                          "counts after a restart: log.format",
		"store: {max_lines: 7}\nhttp: {listen: 'localhost:0'}\n":                                         "counts after a restart: store, http",
	} {
		if note, err := reload(more); err != nil || !strings.HasSuffix(note, want) {
			t.Errorf("with %q: %q, %v; want %q", more, note, err, want)
		}
	}
	if _, err := reload("log: {level: debug}\n"); err != nil || level.Level() != slog.LevelDebug {
		t.Errorf("%v after the level was changed to debug: %v", level.Level(), err)
	}
	// What is wrong changes nothing, and the next good one is compared with what runs.
	if note, err := reload("gateway: {max_lines: 0}\n"); err == nil || !strings.Contains(err.Error(), "gateway.max_lines") {
		t.Errorf("a configuration with faults: %q, %v", note, err)
	}
	if note, err := reload(""); err != nil || note != "The configuration was read again." {
		t.Errorf("the first configuration again: %q, %v", note, err)
	}
}
