package gateway

import (
	"context"
	"log/slog"
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
func (t *traces) of(jid component.JID) bool {
	if !t.some.Load() {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, traced := t.until[jid.String()]
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

// userHandler is the log handler of one user, or of one network of theirs: while the
// user is traced, everything is logged, whatever the level. It makes a handler that has
// attributes only when there is something to log: each connection keeps a logger, and a
// handler with attributes takes ten times the memory of this one.
type userHandler struct {
	u       *User
	network string // empty for what concerns none
}

// plain is the handler behind it.
func (h userHandler) plain() slog.Handler {
	attributes := []slog.Attr{slog.String("user", h.u.jid.String())}
	if h.network != "" {
		attributes = append(attributes, slog.String("network", h.network))
	}
	return h.u.g.log.Handler().WithAttrs(attributes)
}

// Enabled implements slog.Handler.
func (h userHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.u.g.log.Handler().Enabled(ctx, level) || h.u.g.traces.of(h.u.jid)
}

// Handle implements slog.Handler.
func (h userHandler) Handle(ctx context.Context, record slog.Record) error {
	return h.plain().Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h userHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return tracer{h.plain().WithAttrs(attributes), h}
}

// WithGroup implements slog.Handler.
func (h userHandler) WithGroup(name string) slog.Handler {
	return tracer{h.plain().WithGroup(name), h}
}

// tracer is a handler that was made of a userHandler, and logs when that does.
type tracer struct {
	slog.Handler
	of userHandler
}

// Enabled implements slog.Handler.
func (t tracer) Enabled(ctx context.Context, level slog.Level) bool { return t.of.Enabled(ctx, level) }

// WithAttrs implements slog.Handler.
func (t tracer) WithAttrs(attributes []slog.Attr) slog.Handler {
	return tracer{t.Handler.WithAttrs(attributes), t.of}
}

// WithGroup implements slog.Handler.
func (t tracer) WithGroup(name string) slog.Handler {
	return tracer{t.Handler.WithGroup(name), t.of}
}

// log is the logger of a user, made when it is needed.
func (u *User) log() *slog.Logger { return slog.New(userHandler{u, ""}) }

// log is the logger of a user's network, made when it is needed.
func (n *Network) log() *slog.Logger { return slog.New(userHandler{n.u, n.name}) }

// isTraced reports whether stanzas are to be logged.
func (u *User) isTraced() bool {
	return userHandler{u, ""}.Enabled(context.Background(), ircconn.LevelTrace)
}

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
		u.log().Log(context.Background(), ircconn.LevelTrace, "a stanza cannot be shown", "error", err)
	}
}

func (u *User) logStanza(direction string, s *component.Stanza) {
	u.log().Log(context.Background(), ircconn.LevelTrace, "stanza", "direction", direction, "stanza", u.g.maskStanza(s))
}
