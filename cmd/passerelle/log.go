package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"
)

// levels are the log levels by name. Trace shows what goes over the wire, with
// secrets masked.
var levels = map[string]slog.Level{
	"trace": slog.LevelDebug - 4, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

func (c logConfig) validate() error {
	var faults []error
	if _, known := levels[strings.ToLower(c.Level)]; !known {
		faults = append(faults, fmt.Errorf("level %q is none of trace, debug, info, warn and error", c.Level))
	}
	if c.Format != "text" && c.Format != "json" {
		faults = append(faults, fmt.Errorf("format %q is neither text nor json", c.Format))
	}
	return errors.Join(faults...)
}

// newLogger returns a logger that writes what level lets through, whatever that is
// at the moment.
func newLogger(c logConfig, level *slog.LevelVar, to io.Writer) *slog.Logger {
	level.Set(c.level())
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: nameTrace}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

func (c logConfig) level() slog.Level { return levels[strings.ToLower(c.Level)] }

// steps are the levels that signals lead through, from the quietest on. Trace is
// not one of them, because it shows what everybody writes.
var steps = []slog.Level{slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelDebug}

// louder and quieter return the level one step from another.
func louder(level slog.Level) slog.Level {
	for _, step := range steps {
		if step < level {
			return step
		}
	}
	return level
}

func quieter(level slog.Level) slog.Level {
	for _, step := range slices.Backward(steps) {
		if step > level {
			return step
		}
	}
	return level
}

// changeLevel changes what is logged at each signal: SIGUSR1 for more, SIGUSR2 for
// less.
func changeLevel(ctx context.Context, signals <-chan os.Signal, level *slog.LevelVar, log *slog.Logger) {
	for {
		var received os.Signal
		select {
		case <-ctx.Done():
			return
		case received = <-signals:
		}
		next := louder
		if received == syscall.SIGUSR2 {
			next = quieter
		}
		level.Set(next(level.Level()))
		log.Warn("the log level was changed", "to", nameOf(level.Level()), "signal", received.String())
	}
}

// nameOf is a level as the configuration calls it.
func nameOf(level slog.Level) string {
	for name, known := range levels {
		if known == level {
			return name
		}
	}
	return level.String()
}

// nameTrace writes our level below debug by its name.
func nameTrace(_ []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey && level == levels["trace"] {
		a.Value = slog.StringValue("TRACE")
	}
	return a
}
