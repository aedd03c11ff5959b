package component

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"passerelle/internal/xmpptest"
)

const testTimeout = 30 * time.Second

// recorder is a Handler that hands on what it is told.
type recorder struct {
	stanzas chan *Stanza
	up      chan struct{}
	down    chan error
	// heard is until when the last stream that was lost was confirmed, in nanoseconds.
	heard atomic.Int64
}

func newRecorder() *recorder {
	return &recorder{stanzas: make(chan *Stanza, 1024), up: make(chan struct{}, 1024), down: make(chan error, 1024)}
}

func (r *recorder) HandleStanza(s *Stanza) { r.stanzas <- s }
func (r *recorder) StreamUp()              { r.up <- struct{}{} }
func (r *recorder) StreamDown(err error, heard time.Time) {
	r.heard.Store(heard.UnixNano())
	r.down <- err
}

func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(testTimeout):
		t.Fatalf("no %s", what)
	}
	panic("unreachable")
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// running is a Conn whose Run was called.
type running struct {
	*Conn
	h      *recorder
	log    *logBuffer
	cancel context.CancelFunc
	ended  chan error
	// pauses gets what Run wants to wait between attempts; it does not wait.
	pauses chan time.Duration
}

func testConfig(address string) Config {
	return Config{Hostname: "irc.localhost", Secret: "secret", Address: address}
}

func run(t *testing.T, cfg Config) *running {
	t.Helper()
	r := &running{h: newRecorder(), log: &logBuffer{}, ended: make(chan error, 1), pauses: make(chan time.Duration, 1024)}
	r.Conn = New(cfg, r.h, slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	r.markEvery = time.Hour // so that nothing comes between what a test expects
	r.pause = func(ctx context.Context, d time.Duration) {
		r.pauses <- d
		pause(ctx, time.Millisecond)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.ended <- r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

// connected is a Conn on a new server, its stream open.
func connected(t *testing.T, change func(*Config)) (*xmpptest.Server, *running) {
	t.Helper()
	server := xmpptest.NewServer(t, "irc.localhost", "secret")
	cfg := testConfig(server.Address())
	if change != nil {
		change(&cfg)
	}
	c := run(t, cfg)
	server.Accept()
	receive(t, c.h.up, "stream")
	return server, c
}

func encoded(body string) []byte {
	var e Encoder
	e.Stanza(Message, room, juliet, "groupchat", "")
	e.Leaf("body", "", body)
	e.Close()
	return e.Bytes()
}

// listenOnce accepts one connection and lets a test play the server.
func listenOnce(t *testing.T, play func(conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		play(conn)
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return "tcp://" + listener.Addr().String()
}
