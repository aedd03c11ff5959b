package component

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"strings"
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

func TestStanzasInAndOut(t *testing.T) {
	server, c := connected(t, nil)
	server.Send(" \n<message from='juliet@localhost/balcony' to='#room%irc.server@irc.localhost' type='groupchat'><body>hi</body></message><presence from='a@b' to='irc.localhost'/>")
	s := receive(t, c.h.stanzas, "message")
	if s.Kind != Message || s.From != juliet || s.To != room.Bare() || s.ChildText("", "body") != "hi" {
		t.Errorf("received %+v", s)
	}
	if s = receive(t, c.h.stanzas, "presence"); s.Kind != Presence {
		t.Errorf("received %+v", s)
	}
	if err := c.Send(encoded("1")); err != nil {
		t.Fatal(err)
	}
	if err := c.Offer(append(encoded("2"), encoded("3")...)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1", "2", "3"} {
		if got := server.Expect(); got != string(encoded(want)) {
			t.Errorf("sent %s", got)
		}
	}
	c.cancel()
	receive(t, c.ended, "end")
	stats := c.Stats()
	if stats.StanzasIn != [Kinds]uint64{Message: 1, Presence: 1} || stats.StanzasOut != 2 || stats.BytesIn == 0 || stats.BytesOut == 0 || stats.Skipped != 0 || stats.Reconnects != 0 {
		t.Errorf("counted %+v", stats)
	}
}

func TestServersWithOtherPrefixes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		// All in one write: what follows the handshake must not be lost.
		_, _ = conn.Write([]byte("<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' xmlns:x='urn:x' id='1' from='irc.localhost'>" +
			"<handshake/><message from='a@b' to='irc.localhost'><x:y/></message></s:stream>"))
		buf := make([]byte, 1024)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	}()
	c := run(t, testConfig("tcp://"+listener.Addr().String()))
	if s := receive(t, c.h.stanzas, "message"); s.Child("urn:x", "y") == nil {
		t.Errorf("received %+v", s)
	}
	if err := receive(t, c.h.down, "end"); !errors.Is(err, errStreamClosed) {
		t.Errorf("ended with %v", err)
	}
}

func TestDroppedStanzas(t *testing.T) {
	for _, in := range []string{
		"<message to='irc.localhost'/>",
		"<message from='@' to='irc.localhost'/>",
		"<message from='a@b'/>",
		"<message from='a@b' to='@irc.localhost'/>",
		"<message from='a@b' to='c@localhost'/>",
		"<other from='a@b' to='irc.localhost'/>",
		"<message xmlns='urn:x' from='a@b' to='irc.localhost'/>",
	} {
		server, c := connected(t, nil)
		server.Send(in + "<presence from='a@b' to='irc.localhost'/>")
		if s := receive(t, c.h.stanzas, "stanza"); s.Kind != Presence {
			t.Errorf("%s was handed in", in)
		}
		if c.Stats().StanzasIn != [Kinds]uint64{Presence: 1} {
			t.Errorf("%s was counted", in)
		}
	}
}

func TestSkippedStanzasAreAnswered(t *testing.T) {
	deep := strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)
	large := "<body>" + strings.Repeat("x", 300*1024) + "</body>"
	attributes := "<a"
	for i := range 65 {
		attributes += fmt.Sprintf(" a%d=''", i)
	}
	attributes += "/>"
	server, c := connected(t, nil)
	for reason, inner := range map[error]string{errTooDeep: deep, errTooLarge: large, errTooManyAttributes: attributes} {
		server.Send("<message from='juliet@localhost/balcony' to='#room%irc.server@irc.localhost' type='error'>" + inner + "</message>" +
			"<iq from='juliet@localhost/balcony' to='irc.localhost' type='result'>" + inner + "</iq>" +
			"<message from='juliet@localhost/balcony' to='example.org'>" + inner + "</message>" +
			"<message from='juliet@localhost/balcony' to='#room%irc.server@irc.localhost' type='groupchat' id='1'>" + inner + "</message>")
		want := "<message from='#room%irc.server@irc.localhost' to='juliet@localhost/balcony' type='error' id='1'><error type='modify'>" +
			"<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>" + reason.Error() + "</text></error></message>"
		if got := server.Expect(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	server.Send("<message id='" + large[len("<body>"):len(large)-len("</body>")] + "'/><presence from='a@b' to='irc.localhost'/>")
	if s := receive(t, c.h.stanzas, "stanza"); s.Kind != Presence {
		t.Errorf("handed in %+v", s)
	}
	if got := c.Stats().Skipped; got != 13 {
		t.Errorf("%d stanzas counted as skipped", got)
	}
}

func TestMalformedXMLEndsTheStream(t *testing.T) {
	for condition, in := range map[string]string{
		"not-well-formed":      "<message></presence>",
		"restricted-xml":       "<!-- -->",
		"bad-namespace-prefix": "<message><p:a/></message>",
	} {
		server, c := connected(t, nil)
		if err := c.Send(encoded("queued before")); err != nil {
			t.Fatal(err)
		}
		server.Send(in)
		server.Expect()
		if got := server.Expect(); !strings.Contains(got, "<"+condition+" xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>") {
			t.Errorf("sent %s", got)
		}
		server.ExpectEnd()
		var broken *StreamError
		if err := receive(t, c.h.down, "end"); !errors.As(err, &broken) || broken.Condition != condition {
			t.Errorf("ended with %v", err)
		}
		server.Accept()
		receive(t, c.h.up, "second stream")
		if c.Stats().Reconnects != 1 {
			t.Errorf("counted %+v", c.Stats())
		}
	}
}

func TestReconnect(t *testing.T) {
	server, c := connected(t, nil)
	for name, cut := range map[string]func(){
		"cut":           server.Drop,
		"end of stream": func() { server.Send("</stream:stream>") },
		"shutdown":      func() { server.Fail("system-shutdown", "") },
	} {
		cut()
		if receive(t, c.h.down, name) == nil {
			t.Errorf("%s: no reason", name)
		}
		server.Accept()
		receive(t, c.h.up, "stream after "+name)
		if err := c.Send(encoded(name)); err != nil {
			t.Fatal(err)
		}
		if got := server.Expect(); got != string(encoded(name)) {
			t.Errorf("first on the new stream: %s", got)
		}
		if wait := receive(t, c.pauses, "pause"); wait < 500*time.Millisecond || wait > time.Second {
			t.Errorf("%s: paused for %s", name, wait)
		}
	}
}

func TestRefusedLaterIsTriedAgain(t *testing.T) {
	server, c := connected(t, nil)
	server.Refuse("host-unknown")
	server.Drop()
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		if wait := receive(t, c.pauses, "pause"); wait < want*time.Second/2 || wait > want*time.Second {
			t.Errorf("paused for %s, want up to %ds", wait, want)
		}
	}
	if err := c.Send(encoded("1")); !errors.Is(err, ErrDisconnected) {
		t.Errorf("sending without a stream: %v", err)
	}
	if err := c.Offer(encoded("1")); !errors.Is(err, ErrDisconnected) {
		t.Errorf("offering without a stream: %v", err)
	}
	server.Refuse("")
	server.Accept()
	receive(t, c.h.up, "stream")
}

func TestConflictPausesLong(t *testing.T) {
	server, c := connected(t, nil)
	server.Fail("conflict", "")
	if wait := receive(t, c.pauses, "pause"); wait < 30*time.Second {
		t.Errorf("paused for %s", wait)
	}
	if !strings.Contains(c.log.String(), "level=ERROR") {
		t.Errorf("log is %s", c.log)
	}
}

// A host that has not noticed that our stream is gone is asked again soon.
func TestConflictWithOurOwnGhost(t *testing.T) {
	server, c := connected(t, nil)
	server.Refuse("conflict")
	server.Drop()
	receive(t, c.pauses, "pause")
	for range 3 {
		if wait := receive(t, c.pauses, "pause"); wait != ghostRetry {
			t.Errorf("paused for %s", wait)
		}
	}
	if strings.Contains(c.log.String(), "level=ERROR") {
		t.Errorf("log is %s", c.log)
	}
	server.Refuse("")
	server.Accept()
	receive(t, c.h.up, "stream")
}

func TestSeeOtherHost(t *testing.T) {
	other := xmpptest.NewServer(t, "irc.localhost", "secret")
	server := xmpptest.NewServer(t, "irc.localhost", "secret")
	server.RefuseWith("see-other-host", other.Addr())
	c := run(t, testConfig(server.Address()))
	other.Accept()
	receive(t, c.h.up, "stream")
	server.Refuse("")
	other.Fail("see-other-host", server.Addr())
	server.Accept()
	// A circle is left by a pause.
	server.RefuseWith("see-other-host", other.Addr())
	other.RefuseWith("see-other-host", server.Addr())
	server.Drop()
	receive(t, c.pauses, "pause")
	receive(t, c.pauses, "second pause")
}

func TestStartErrors(t *testing.T) {
	for _, test := range []struct {
		condition string
		change    func(*xmpptest.Server, *Config)
	}{
		{"not-authorized", func(_ *xmpptest.Server, cfg *Config) { cfg.Secret = "guessed" }},
		{"host-unknown", func(_ *xmpptest.Server, cfg *Config) { cfg.Hostname = "other.localhost" }},
		{"conflict", func(s *xmpptest.Server, _ *Config) { s.Refuse("conflict") }},
	} {
		t.Run(test.condition, func(t *testing.T) {
			server := xmpptest.NewServer(t, "irc.localhost", "secret")
			cfg := testConfig(server.Address())
			test.change(server, &cfg)
			var refused *StartError
			running := run(t, cfg)
			if err := receive(t, running.ended, "end"); !errors.As(err, &refused) || refused.Condition != test.condition || refused.Reason == "" {
				t.Errorf("Run ended with %v", err)
			}
			select {
			case <-running.Tried():
				t.Error("a refusal counts as an attempt to be repeated")
			default:
			}
			c := New(cfg, newRecorder(), slog.New(slog.DiscardHandler))
			if err := c.Check(t.Context(), func() {}); !errors.As(err, &refused) || refused.Condition != test.condition || strings.Contains(err.Error(), cfg.Secret) {
				t.Errorf("Check ended with %v", err)
			}
		})
	}
}

func TestWaitsForAServerThatStartsLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	c := run(t, testConfig("unix://"+path))
	receive(t, c.pauses, "first pause")
	receive(t, c.pauses, "second pause")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := xmpptest.NewServerOn(t, listener, "irc.localhost", "secret")
	server.Accept()
	receive(t, c.h.up, "stream")
}

func TestTemporaryRefusalAtStart(t *testing.T) {
	server := xmpptest.NewServer(t, "irc.localhost", "secret")
	server.Refuse("resource-constraint")
	c := run(t, testConfig(server.Address()))
	receive(t, c.pauses, "pause")
	receive(t, c.Tried(), "end of the first attempt")
	server.Refuse("")
	server.Accept()
}

func TestCheck(t *testing.T) {
	server := xmpptest.NewServer(t, "irc.localhost", "secret")
	c := New(testConfig(server.Address()), newRecorder(), slog.New(slog.DiscardHandler))
	// The stream is open while the function runs, and ends after it.
	if err := c.Check(t.Context(), func() { server.Accept() }); err != nil {
		t.Error(err)
	}
	server.ExpectEnd()

	server.RefuseWith("see-other-host", xmpptest.NewServer(t, "irc.localhost", "secret").Addr())
	if err := c.Check(t.Context(), func() {}); err != nil {
		t.Errorf("elsewhere: %v", err)
	}

	nobody := "unix://" + filepath.Join(t.TempDir(), "none")
	err := New(testConfig(nobody), newRecorder(), slog.New(slog.DiscardHandler)).Check(t.Context(), func() {})
	if err == nil || !strings.Contains(err.Error(), nobody) {
		t.Errorf("without a server: %v", err)
	}
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

func TestHandshakeIsBounded(t *testing.T) {
	address := listenOnce(t, func(conn net.Conn) {
		endless := []byte("<stream:stream a='")
		for {
			if _, err := conn.Write(endless); err != nil {
				return
			}
			endless = bytes.Repeat([]byte("x"), 4096)
		}
	})
	err := New(testConfig(address), newRecorder(), slog.New(slog.DiscardHandler)).Check(t.Context(), func() {})
	if err == nil {
		t.Error("an endless header was accepted")
	}
}

func TestHandshakeEndsWithItsContext(t *testing.T) {
	reached := make(chan struct{})
	address := listenOnce(t, func(conn net.Conn) {
		buf := make([]byte, 1024)
		for first := true; ; first = false {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			if first {
				close(reached)
			}
		}
	})
	c := run(t, testConfig(address))
	receive(t, reached, "stream header")
	c.cancel()
	if err := receive(t, c.ended, "end"); err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

func TestShutdownFlushes(t *testing.T) {
	server, c := connected(t, nil)
	const count = 1000
	for i := range count {
		if err := c.Send(encoded(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	c.cancel()
	for i := range count {
		if got := server.Expect(); got != string(encoded(fmt.Sprint(i))) {
			t.Fatalf("stanza %d is %s", i, got)
		}
	}
	server.ExpectEnd()
	if err := receive(t, c.ended, "end"); err != nil {
		t.Errorf("Run ended with %v", err)
	}
	if err := receive(t, c.h.down, "StreamDown"); !errors.Is(err, context.Canceled) {
		t.Errorf("stream ended with %v", err)
	}
	if err := c.Send(encoded("late")); !errors.Is(err, ErrDisconnected) {
		t.Errorf("sending afterwards: %v", err)
	}
}

// TestFlushGivesUp has a server that stops reading after the handshake: what is
// queued then cannot be written, and Run ends all the same.
func TestFlushGivesUp(t *testing.T) {
	release := make(chan struct{})
	address := listenOnce(t, func(conn net.Conn) {
		_, _ = conn.Write([]byte("<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='1' from='irc.localhost'><handshake/>"))
		<-release
	})
	c := run(t, testConfig(address))
	t.Cleanup(func() { close(release) })
	receive(t, c.h.up, "stream")
	large := encoded(strings.Repeat("x", 256*1024))
	var err error
	sent := 0
	for ; err == nil && sent < 1<<30; sent += len(large) {
		err = c.Offer(large)
	}
	if !errors.Is(err, ErrQueueFull) {
		t.Fatalf("after %d bytes: %v", sent, err)
	}
	c.cancel()
	if err := receive(t, c.ended, "end"); err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

func TestOfferRefusesBeyondTheHardLimit(t *testing.T) {
	q := newQueue("irc.localhost", "localhost")
	if err := q.offer(make([]byte, hardLimit)); err != nil {
		t.Fatal(err)
	}
	if err := q.offer([]byte("<a/>")); !errors.Is(err, ErrQueueFull) {
		t.Errorf("offer ended with %v", err)
	}
	if _, more := q.take(nil); !more {
		t.Fatal("queue has ended")
	}
	if err := q.offer([]byte("<a/>")); err != nil {
		t.Errorf("offer ended with %v", err)
	}
	q.close(nil)
	for _, size := range []int{4, hardLimit} {
		if err := q.offer(make([]byte, size)); !errors.Is(err, ErrDisconnected) {
			t.Errorf("offer ended with %v", err)
		}
	}
}

func TestSendWaitsAboveTheSoftLimit(t *testing.T) {
	q := newQueue("irc.localhost", "localhost")
	if err := q.send(make([]byte, softLimit)); err != nil {
		t.Fatal(err)
	}
	const senders = 10
	results := make(chan error, senders)
	for range senders {
		go func() { results <- q.send([]byte("<a/>")) }()
	}
	for got := 0; got < softLimit+senders*len("<a/>"); {
		full, more := q.take(nil)
		if !more {
			t.Fatal("queue has ended")
		}
		got += len(full)
	}
	for range senders {
		if err := receive(t, results, "Send"); err != nil {
			t.Error(err)
		}
	}
	if err := q.send(make([]byte, softLimit)); err != nil {
		t.Fatal(err)
	}
	go func() { results <- q.send([]byte("<a/>")) }()
	q.abandon()
	if err := receive(t, results, "Send"); !errors.Is(err, ErrDisconnected) {
		t.Errorf("Send ended with %v", err)
	}
	if _, more := q.take(nil); more {
		t.Error("an abandoned queue goes on")
	}
}

func TestForeignFrom(t *testing.T) {
	server, c := connected(t, nil)
	for _, stanza := range []string{
		"<message from='a@localhost'/>", "<message from='localhost'/>", "<message/>", "<message to='irc.localhost'/>",
		"<message from='irc.localhost@localhost/irc.localhost'/>", "<message from='", "<message from=", "no stanza", "<message from='a'",
		"<message><a from='irc.localhost'/></message>",
	} {
		if err := c.Send([]byte(stanza)); !errors.Is(err, ErrForeignFrom) {
			t.Errorf("%s: %v", stanza, err)
		}
	}
	if !strings.Contains(c.log.String(), "level=ERROR") {
		t.Errorf("log is %s", c.log)
	}
	for _, stanza := range []string{"<message from='irc.localhost'/>", `<message to='a' from="b@irc.localhost/@c/d"/>`} {
		if err := c.Send([]byte(stanza)); err != nil {
			t.Errorf("%s: %v", stanza, err)
		}
		if got := server.Expect(); got != stanza {
			t.Errorf("sent %s", got)
		}
	}
	if err := c.Send(nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("connected", func(t *testing.T) {
		server, c := connected(t, nil)
		server.Drop()
		server.Accept()
		receive(t, c.h.up, "second stream")
	})
	for deadline := time.Now().Add(testTimeout); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestBackoff(t *testing.T) {
	b := backoff{min: time.Second, max: 60 * time.Second}
	for range 100 {
		b.reset()
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if got := b.next(); got < want*time.Second/2 || got > want*time.Second {
				t.Fatalf("pause of %s, want up to %ds", got, want)
			}
		}
	}
}

func TestWithDefaultPort(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " \n": "", "host:1": "host:1", "host": "host:5347", "[::1]:1": "[::1]:1", "[::1]": "[::1]:5347", "::1": "[::1]:5347",
	} {
		if got := withDefaultPort(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
