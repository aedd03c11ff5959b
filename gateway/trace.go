package gateway

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

const (
	// longestTrace and mostTraces bound what admins trace: by time, and by how
	// many users at once.
	longestTrace = time.Hour
	mostTraces   = 16
)

// traces are the users whose lines and stanzas are logged, and until when. It has
// a lock of its own: loggers ask it from all goroutines.
type traces struct {
	some atomic.Bool // whether there are any, for those who ask all the time

	mu    sync.Mutex
	until map[string]time.Time // by bare JID
}

// of reports whether a user is traced.
func (t *traces) of(jid string) bool {
	if !t.some.Load() {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, traced := t.until[jid]
	return traced
}

// begin has a user traced, and reports whether there was room for one more.
func (t *traces) begin(jid string, until time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil {
		t.until = make(map[string]time.Time)
	}
	if _, traced := t.until[jid]; !traced && len(t.until) >= mostTraces {
		return false
	}
	t.until[jid] = until
	t.some.Store(true)
	return true
}

// end stops tracing a user whose time is over by now, and reports whether it did.
func (t *traces) end(jid string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, traced := t.until[jid]
	if !traced || until.After(now) {
		return false
	}
	delete(t.until, jid)
	t.some.Store(len(t.until) > 0)
	return true
}

// trace has what goes over the wire for a user logged for a while, whether they
// are here now or come later.
func (g *Gateway) trace(jid string, d time.Duration) error {
	if !g.traces.begin(jid, g.now().Add(d)) {
		return refuse("resource-constraint", "%d users are traced already, which is the limit; end one of these traces first", mostTraces)
	}
	g.log.Info("the wire is traced", "user", jid, "for", d)
	g.timer(d, func() { g.endTrace(jid, g.now()) })
	return nil
}

// endTrace ends a trace whose time is over by then, and reports whether there was
// one.
func (g *Gateway) endTrace(jid string, then time.Time) bool {
	ended := g.traces.end(jid, then)
	if ended {
		g.log.Info("the wire is traced no more", "user", jid)
	}
	return ended
}

// tracer is the log handler of one user: while the user is traced, everything is
// logged, whatever the level. It gives attributes to the handler behind it only
// when there is something to log: there are three loggers for each user, and a
// handler with attributes of its own takes ten times the memory of these.
type tracer struct {
	slog.Handler
	whose      *traced
	attributes []slog.Attr
}

// traced is whom a tracer is for.
type traced struct {
	traces *traces
	jid    string
}

// Enabled implements slog.Handler.
func (t *tracer) Enabled(ctx context.Context, level slog.Level) bool {
	return t.Handler.Enabled(ctx, level) || t.whose.traces.of(t.whose.jid)
}

// WithAttrs implements slog.Handler.
func (t *tracer) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &tracer{t.Handler, t.whose, slices.Concat(t.attributes, attrs)}
}

// Handle implements slog.Handler.
func (t *tracer) Handle(ctx context.Context, record slog.Record) error {
	return t.Handler.WithAttrs(t.attributes).Handle(ctx, record)
}

// WithGroup implements slog.Handler.
func (t *tracer) WithGroup(name string) slog.Handler {
	return &tracer{t.Handler.WithAttrs(t.attributes).WithGroup(name), t.whose, nil}
}

// userLog is the logger of a user.
func (g *Gateway) userLog(jid string) *slog.Logger {
	return slog.New(&tracer{g.log.Handler(), &traced{&g.traces, jid}, []slog.Attr{slog.String("user", jid)}})
}

// isTraced reports whether stanzas are to be logged.
func (u *User) isTraced() bool { return u.log.Enabled(context.Background(), ircconn.LevelTrace) }

// traceIn logs a stanza of the user.
func (u *User) traceIn(s *component.Stanza) {
	if u.isTraced() {
		u.logStanza("in", s)
	}
}

// traceOut logs the stanzas that the user is about to get.
func (u *User) traceOut() {
	if !u.isTraced() {
		return
	}
	stanzas, err := parseStanzas(u.enc.Bytes())
	for _, s := range stanzas {
		u.logStanza("out", s)
	}
	if err != nil {
		u.log.Log(context.Background(), ircconn.LevelTrace, "a stanza cannot be shown", "error", err)
	}
}

func (u *User) logStanza(direction string, s *component.Stanza) {
	u.log.Log(context.Background(), ircconn.LevelTrace, "stanza", "direction", direction, "stanza", u.g.maskStanza(s))
}
