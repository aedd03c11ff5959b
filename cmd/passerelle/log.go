package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
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

func newLogger(c logConfig, to io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: levels[strings.ToLower(c.Level)], ReplaceAttr: nameTrace}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// nameTrace writes our level below debug by its name.
func nameTrace(_ []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey && level == levels["trace"] {
		a.Value = slog.StringValue("TRACE")
	}
	return a
}
