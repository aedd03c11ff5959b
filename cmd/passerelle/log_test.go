package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestLevelsBySignal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	level := new(slog.LevelVar)
	log := newLogger(logConfig{Level: "Info", Format: "json"}, level, writer)
	signals := make(chan os.Signal)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		changeLevel(ctx, signals, level, log)
	}()
	lines := json.NewDecoder(reader)
	for _, step := range []struct {
		signal syscall.Signal
		want   string
	}{{syscall.SIGUSR1, "debug"}, {syscall.SIGUSR1, "debug"}, {syscall.SIGUSR2, "info"}, {syscall.SIGUSR2, "warn"}, {syscall.SIGUSR1, "info"}} {
		signals <- step.signal
		var line map[string]any
		if err := lines.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line["to"] != step.want || nameOf(level.Level()) != step.want {
			t.Errorf("%v leads to %v, and logs %v; want %s", step.signal, level.Level(), line, step.want)
		}
	}
	cancel()
	<-ended
}

// Nothing is louder than debug: trace shows what everybody writes.
func TestStepsOfTheLevel(t *testing.T) {
	for from, want := range map[slog.Level][2]slog.Level{
		slog.LevelError: {slog.LevelWarn, slog.LevelError},
		slog.LevelWarn:  {slog.LevelInfo, slog.LevelError},
		slog.LevelDebug: {slog.LevelDebug, slog.LevelInfo},
		levels["trace"]: {levels["trace"], slog.LevelDebug},
	} {
		if got := [2]slog.Level{louder(from), quieter(from)}; got != want {
			t.Errorf("from %v: %v, want %v", from, got, want)
		}
	}
}

func TestLogFormats(t *testing.T) {
	for format, want := range map[string]string{"text": "level=TRACE msg=wire", "json": `"level":"TRACE","msg":"wire"`} {
		var text strings.Builder
		log := newLogger(logConfig{Level: "trace", Format: format}, new(slog.LevelVar), &text)
		log.Log(t.Context(), levels["trace"], "wire")
		if !strings.Contains(text.String(), want) {
			t.Errorf("%s: %s lacks %s", format, &text, want)
		}
	}
}
