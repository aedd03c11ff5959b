package ircconn

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

func TestServerCloses(t *testing.T) {
	tests := []struct {
		name string
		end  func(*irctest.Conversation)
		text string
	}{
		{"with a reason", func(s *irctest.Conversation) {
			s.Send("ERROR :Closing link: (juliet@host) [Server going down]")
			s.Close()
		}, "Server going down"},
		{"without one", func(s *irctest.Conversation) { s.Close() }, "without a word"},
		{"broken", func(s *irctest.Conversation) { s.Reset() }, "connection reset"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := irctest.NewServer(t)
			_, events, s := connect(t, testConfig(), testOptions(server, server), server, irctest.Registration{})
			test.end(s)
			assertFailure(t, events, KindServerClosed, 0, test.text)
			if end := waitFor[Disconnected](t, events, nil); !end.WasRegistered {
				t.Error("WasRegistered is not set")
			}
		})
	}
}

func TestKilled(t *testing.T) {
	server := irctest.NewServer(t)
	_, events, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{})
	s.Send(":oper!o@h KILL juliet :spam", "ERROR :Killed (oper (spam))")
	assertFailure(t, events, KindServerClosed, 0, "Killed")
	all := events.all()
	if killed, ok := all[len(all)-2].(Killed); !ok || killed.Reason != "spam" || killed.Source.Nick != "oper" {
		t.Errorf("got %s", describe(all))
	}
}

// TestQueue: all lines of a call are queued, or none.
func TestQueue(t *testing.T) {
	server := irctest.NewServer(t)
	c, _, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{Caps: modernCaps})
	if err := send(c, Join("#c", ""), Privmsg("#c", "hello there").WithLabel("7")); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("JOIN #c", "@label=7 PRIVMSG #c :hello there")
	err := send(c, Privmsg("#c", "first"), Privmsg("#c", "second\nQUIT"))
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	if err := send(c, Privmsg("#c", "third")); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("PRIVMSG #c third")
	c.Close()
	if err := send(c, Join("#c", "")); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

// TestLineLenIsFollowed: the server's own limit holds, not always 512.
func TestLineLenIsFollowed(t *testing.T) {
	server := irctest.NewServer(t)
	c, _, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{Support: []string{"LINELEN=1024"}})
	long := strings.Repeat("a", 900)
	if err := send(c, Privmsg("#c", long)); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("PRIVMSG #c " + long)
	if err := send(c, Privmsg("#c", strings.Repeat("a", 1024))); err == nil {
		t.Fatal("a longer line was accepted")
	}
}

// TestQueueBeforeRegistration: lines wait, and go without what is not negotiated.
func TestQueueBeforeRegistration(t *testing.T) {
	server := irctest.NewServer(t)
	c, _ := start(t, testConfig(), testOptions(server))
	if err := send(c, Join("#c", "").WithLabel("1")); err != nil {
		t.Fatal(err)
	}
	s := server.Accept()
	s.Register(irctest.Registration{Caps: modernCaps})
	s.ExpectLines("JOIN #c")
}

func TestQuit(t *testing.T) {
	server := irctest.NewServer(t)
	config := testConfig()
	config.Burst, config.LineInterval = 1, time.Hour
	c, events, s := connect(t, config, testOptions(server), server, irctest.Registration{})
	if err := send(c, Privmsg("#c", "first"), Privmsg("#c", "second")); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("PRIVMSG #c first")
	c.Quit("good night")
	c.Quit("again")
	if err := send(c, Privmsg("#c", "third")); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	s.ExpectLines("QUIT :good night")
	s.Send(":juliet!j@h QUIT :Quit: good night", "ERROR :Closing link")
	s.ExpectClosed()
	if end := waitFor[Disconnected](t, events, nil); end.Err != nil || !end.WasRegistered {
		t.Fatalf("got %+v", end)
	}
	if quits := eventsOf[Quit](events.all()); len(quits) != 1 || !quits[0].Self {
		t.Errorf("got %+v", quits)
	}
}

func TestQuitWithAnImpossibleReason(t *testing.T) {
	server := irctest.NewServer(t)
	c, _, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{})
	c.Quit("a\r\nJOIN #c")
	s.ExpectLines("QUIT")
}

// TestCloseWhileConnecting: a server that accepts and says nothing, TLS or not.
func TestCloseWhileConnecting(t *testing.T) {
	for _, server := range []*irctest.Server{irctest.NewServer(t), irctest.NewTLSServer(t)} {
		for _, end := range []func(*Conn){(*Conn).Close, func(c *Conn) { c.Quit("") }} {
			r := newRecorder()
			c := Start(new(testConfig()), testOptions(server), r.sink, nil)
			conn := server.AcceptRaw()
			end(c)
			// A registering connection waits for the answer to its QUIT.
			_ = conn.Close()
			waitDone(t, c)
			if all := r.all(); len(eventsOf[Disconnected](all)) != 1 || all[len(all)-1].(Disconnected) != (Disconnected{}) {
				t.Fatalf("got %s", describe(all))
			}
		}
	}
}

// TestCloseReleasesTheSink: closing neither waits for a sink that waits nor
// loses the last event.
func TestCloseReleasesTheSink(t *testing.T) {
	server := irctest.NewServer(t)
	blocked, last := make(chan struct{}), make(chan Event, 1)
	var once sync.Once
	sink := func(c *Conn, event Event) {
		switch event.(type) {
		case Registered:
			once.Do(func() { close(blocked) })
			<-c.Patience()
		case Disconnected:
			last <- event
		}
	}
	c := Start(new(testConfig()), testOptions(server), sink, nil)
	s := server.Accept()
	s.Register(irctest.Registration{})
	s.Send(":a!b@c PRIVMSG #c :lost")
	<-blocked
	c.Close()
	waitDone(t, c)
	if got := (<-last).(Disconnected); got.Err != nil || !got.WasRegistered {
		t.Fatalf("got %+v", got)
	}
}

// TestPanicEndsOnlyTheConnection: a fault in the receiver, or here.
func TestPanicEndsOnlyTheConnection(t *testing.T) {
	server := irctest.NewServer(t)
	r := newRecorder()
	var log bytes.Buffer
	sink := func(c *Conn, event Event) {
		if _, ok := event.(Registered); ok {
			panic("a fault")
		}
		r.sink(c, event)
	}
	options := testOptions(server)
	options.Traffic = new(Traffic)
	c := Start(new(testConfig()), options, sink, slog.New(slog.NewTextHandler(&log, nil)))
	server.Accept().Register(irctest.Registration{})
	waitDone(t, c)
	assertFailure(t, r, KindLocal, 0, "internal error")
	if !strings.Contains(log.String(), "a fault") || !strings.Contains(log.String(), "stack") {
		t.Errorf("the log has %s", log.String())
	}
	if got := options.Traffic.Stats().Panics; got != 1 {
		t.Errorf("%d faults were counted", got)
	}
}

// TestFloodOfPings: a server that asks and does not read makes nothing grow.
func TestFloodOfPings(t *testing.T) {
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	r := newRecorder()
	c := newConn(new(testConfig()), testOptions(), r.sink, nil)
	c.writer.attach(ours, &newReader(c, ours, Address{}).in)
	for i := range 10 * maxUrgentLines {
		c.writer.urgent(newLine("PONG", fmt.Sprint(i)))
		c.Flush(func(uint64) {})
	}
	c.writer.mu.Lock()
	waiting := len(c.writer.first)
	c.writer.mu.Unlock()
	if waiting > maxUrgentLines {
		t.Errorf("%d lines wait", waiting)
	}
	_ = ours.Close()
	c.writer.detach()
	c.writer.wait()
}

// TestLinesOverTheLimit: the rest is dropped, the connection stays.
func TestLinesOverTheLimit(t *testing.T) {
	server := irctest.NewServer(t)
	config := testConfig()
	_, events, s := connect(t, config, testOptions(server), server, irctest.Registration{})
	head := ":a!b@c PRIVMSG #c :"
	s.Send(head+strings.Repeat("x", 3*config.MaxLineBytes), head+"after")
	waitFor(t, events, func(m Message) bool { return m.Text == "after" })
	if got := eventsOf[Message](events.all())[0]; len(got.Text) != config.MaxLineBytes-len(head) {
		t.Fatalf("%d bytes of text", len(got.Text))
	}
}

// TestNoGoroutinesAreLeft after connections have ended in all ways.
func TestNoGoroutinesAreLeft(t *testing.T) {
	server := irctest.NewServer(t)
	before := runtime.NumGoroutine()
	for _, end := range []func(*Conn, *irctest.Conversation){
		func(c *Conn, _ *irctest.Conversation) { c.Close() },
		func(c *Conn, s *irctest.Conversation) { c.Quit("bye"); s.SkipUntil("QUIT"); s.Close() },
		func(_ *Conn, s *irctest.Conversation) { s.Close() },
		func(_ *Conn, s *irctest.Conversation) { s.Reset() },
	} {
		r := newRecorder()
		config := testConfig()
		config.LineInterval = time.Hour
		c := Start(&config, testOptions(server), r.sink, nil)
		s := server.Accept()
		s.Register(irctest.Registration{})
		waitFor[Registered](t, r, nil)
		if err := send(c, slices.Repeat([]Line{Privmsg("#c", "x")}, 50)...); err != nil {
			t.Fatal(err)
		}
		s.Expect("PRIVMSG")
		end(c, s)
		waitDone(t, c)
	}
	// What has ended may need a moment to be gone.
	deadline := time.Now().Add(patience)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	server := irctest.NewServer(t)
	c, _, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{Caps: modernCaps})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 50 {
				_ = send(c, Privmsg("#c", fmt.Sprint(i, j)).WithLabel("x").WithReceipt(uint64(j+1)))
			}
		})
	}
	for range 50 {
		s.Send("PING :x", ":irc.test 005 juliet NICKLEN=30 :are supported", ":a!b@c PRIVMSG #c :hi")
	}
	for range 50 {
		s.SkipUntil("PONG")
	}
	group.Wait()
	c.Quit("bye")
	s.SkipUntil("QUIT")
	c.Close()
	waitDone(t, c)
}
