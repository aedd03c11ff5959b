package monitor

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// mostProblems is how many problems are kept.
const mostProblems = 20

// Problem is something that was logged as a warning or an error.
type Problem struct {
	Level slog.Level
	// Text is what the program says about it, which never names anybody.
	Text string
	// Network is the one concerned, User the bare JID, and Cause the error; each
	// empty when there is none. They may name people.
	Network, User, Cause string
	// First and Last are when it happened first and last, Count how often without
	// another in between.
	First, Last time.Time
	Count       int
}

// Problems keeps the last warnings and errors of a log. It may be used from any
// goroutine.
type Problems struct {
	mu       sync.Mutex
	list     []Problem // the latest last
	warnings uint64
	errors   uint64
}

// Handler returns a log handler that takes note of warnings and errors, whatever
// the log's level, and hands on to another what that one wants.
func (p *Problems) Handler(next slog.Handler) slog.Handler { return &keeper{next: next, problems: p} }

// Latest returns the problems, the latest first.
func (p *Problems) Latest() []Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := slices.Clone(p.list)
	slices.Reverse(list)
	return list
}

// counts returns how many warnings and errors there were.
func (p *Problems) counts() (warnings, errors uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.warnings, p.errors
}

func (p *Problems) add(next Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if next.Level >= slog.LevelError {
		p.errors++
	} else {
		p.warnings++
	}
	if n := len(p.list); n > 0 {
		last := &p.list[n-1]
		if last.Level == next.Level && last.Text == next.Text && last.Network == next.Network {
			last.User, last.Cause, last.Last = next.User, next.Cause, next.Last
			last.Count++
			return
		}
	}
	p.list = append(p.list[max(0, len(p.list)-mostProblems+1):], next)
}

// keeper is a log handler with the attributes that loggers made of it share.
type keeper struct {
	next     slog.Handler
	problems *Problems
	known    *Problem // nil for none
}

// Enabled implements slog.Handler.
func (k *keeper) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || k.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (k *keeper) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelWarn {
		var one Problem
		if k.known != nil {
			one = *k.known
		}
		record.Attrs(func(attr slog.Attr) bool {
			one.note(attr)
			return true
		})
		one.Level, one.Text, one.First, one.Last, one.Count = record.Level, record.Message, record.Time, record.Time, 1
		k.problems.add(one)
		if !k.next.Enabled(ctx, record.Level) {
			return nil
		}
	}
	return k.next.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (k *keeper) WithAttrs(attrs []slog.Attr) slog.Handler {
	made := &keeper{next: k.next.WithAttrs(attrs), problems: k.problems, known: k.known}
	var own Problem
	if k.known != nil {
		own = *k.known
	}
	before := own
	for _, attr := range attrs {
		own.note(attr)
	}
	if own != before {
		made.known = &own
	}
	return made
}

// WithGroup implements slog.Handler.
func (k *keeper) WithGroup(name string) slog.Handler {
	return &keeper{next: k.next.WithGroup(name), problems: k.problems, known: k.known}
}

// note takes what a problem has from an attribute of the log.
func (p *Problem) note(attr slog.Attr) {
	switch attr.Key {
	case "user":
		p.User = attr.Value.String()
	case "network":
		p.Network = attr.Value.String()
	case "error", "err", "fault":
		p.Cause = attr.Value.String()
	}
}
