package monitor

import (
	"context"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// answerTime is how long an answer may take, profileTime a profile, which
	// the asker chooses the length of, and storeTime the store's word that it is
	// there.
	answerTime  = 10 * time.Second
	profileTime = 5 * time.Minute
	storeTime   = 2 * time.Second
)

// Handler answers what is asked over HTTP.
type Handler struct {
	sources Sources
	mux     *http.ServeMux
	history history
	page    *template.Template
	token   string
	now     func() time.Time
	log     *slog.Logger
}

// NewHandler returns a handler that shows what the sources tell.
func NewHandler(cfg Config, sources Sources, log *slog.Logger) *Handler {
	h := &Handler{sources: sources, mux: http.NewServeMux(), page: newStatusPage(), token: cfg.Token, now: time.Now, log: log}
	h.mux.HandleFunc("GET /", h.status)
	h.mux.HandleFunc("GET /users", h.statusWithNames)
	h.mux.HandleFunc("GET /healthz", h.health)
	h.mux.HandleFunc("GET /readyz", h.ready)
	h.mux.Handle("GET /metrics", promhttp.HandlerFor(newRegistry(&h.sources), promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), MaxRequestsInFlight: 4,
	}))
	if cfg.Profiles {
		h.mux.HandleFunc("GET /debug/pprof/", unhurried(pprof.Index))
		h.mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		h.mux.HandleFunc("GET /debug/pprof/profile", unhurried(pprof.Profile))
		h.mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		h.mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
		h.mux.HandleFunc("GET /debug/pprof/trace", unhurried(pprof.Trace))
	}
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The server has no deadline of its own: net/http/pprof refuses profiles
	// that would take longer than it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	h.mux.ServeHTTP(w, r)
}

// unhurried lets an answer take its time.
func unhurried(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(profileTime))
		answer(w, r)
	}
}

// health is 200 while the XMPP server has us, and 503 otherwise.
func (h *Handler) health(w http.ResponseWriter, _ *http.Request) {
	if !h.sources.StreamUp() {
		http.Error(w, "no stream to the XMPP server", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "ok, %d users\n", h.sources.Gateway().Users)
}

// ready is 200 while the XMPP server has us and the store answers.
func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	if !h.sources.StreamUp() {
		http.Error(w, "not ready: no stream to the XMPP server", http.StatusServiceUnavailable)
		return
	}
	if err := h.sources.Store().Err; err != nil {
		http.Error(w, "not ready: the archive cannot be written; the log says why", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTime)
	defer cancel()
	if err := h.sources.Answers(ctx); err != nil {
		http.Error(w, "not ready: the store does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// Server returns a server for the handler.
func (h *Handler) Server() *http.Server {
	return &http.Server{Handler: h, ReadTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug)}
}
