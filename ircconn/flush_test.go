package ircconn

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

func TestFlush(t *testing.T) {
	ways(t, func(t *testing.T, poller *Poller) {
		c, events, s := connectRested(t, poller)
		if err := c.Queue(Privmsg("#c", "one"), Privmsg("#c", "two").WithReceipt(7)); err != nil {
			t.Fatal(err)
		}
		if err := c.Queue(Privmsg("#c", "three").WithReceipt(8)); err != nil {
			t.Fatal(err)
		}
		var written []uint64
		c.Flush(func(receipt uint64) { written = append(written, receipt) })
		if !slices.Equal(written, []uint64{7, 8}) {
			t.Errorf("%v were written at once", written)
		}
		s.ExpectLines("PRIVMSG #c one", "PRIVMSG #c two", "PRIVMSG #c three")
		s.Send(":a!b@c PRIVMSG #c :after")
		waitFor(t, events, func(m Message) bool { return m.Text == "after" })
		if twice := eventsOf[Written](events.all()); len(twice) > 0 {
			t.Errorf("events too: %v", twice)
		}
	})
}

// What cannot leave at once leaves as ever: over TLS, beyond the pace, and before we
// are registered.
func TestFlushOfWhatWaits(t *testing.T) {
	t.Run("TLS", func(t *testing.T) {
		server := irctest.NewTLSServer(t)
		c, events, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{})
		expectLater(t, c, events)
		s.Expect("PRIVMSG #c later")
	})
	t.Run("no more than may", func(t *testing.T) {
		server := irctest.NewServer(t)
		config := testConfig()
		config.Burst, config.LineInterval = 1, time.Hour
		c, events, s := connect(t, config, testOptions(server), server, irctest.Registration{})
		restWriter(t, c, events, s)
		if err := c.Queue(Privmsg("#c", "now").WithReceipt(1), Privmsg("#c", "not yet").WithReceipt(2)); err != nil {
			t.Fatal(err)
		}
		var written []uint64
		c.Flush(func(receipt uint64) { written = append(written, receipt) })
		if !slices.Equal(written, []uint64{1}) {
			t.Errorf("%v were written at once", written)
		}
		s.Expect("PRIVMSG #c now")
	})
	t.Run("not registered", func(t *testing.T) {
		server := irctest.NewServer(t)
		c, events := start(t, testConfig(), testOptions(server))
		s := server.Accept()
		if err := c.Queue(Privmsg("#c", "later").WithReceipt(9)); err != nil {
			t.Fatal(err)
		}
		c.Flush(func(receipt uint64) { t.Errorf("%d was written before we are registered", receipt) })
		s.Register(irctest.Registration{})
		s.SkipUntil("PRIVMSG #c later")
		waitFor(t, events, func(w Written) bool { return w.Receipt == 9 })
	})
	t.Run("closed", func(t *testing.T) {
		server := irctest.NewServer(t)
		c, _, _ := connect(t, testConfig(), testOptions(server), server, irctest.Registration{})
		c.Close()
		waitDone(t, c)
		if err := c.Queue(Privmsg("#c", "late")); err != ErrClosed {
			t.Errorf("got %v", err)
		}
		c.Flush(func(uint64) { t.Error("written to a closed connection") })
	})
}

// The deadline of the last write that could wait is none of a line that leaves at
// once.
func TestFlushLongAfterAWrite(t *testing.T) {
	ways(t, func(t *testing.T, poller *Poller) {
		c, events, s := connectRested(t, poller)
		if err := c.writer.stream.SetWriteDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		expectWritten(t, c, Privmsg("#c", "late").WithReceipt(3))
		s.Expect("PRIVMSG #c late")
		s.Send(":a!b@c PRIVMSG #c :answer")
		waitFor(t, events, func(m Message) bool { return m.Text == "answer" })
	})
}

// connectRested is connect with a way to wait, when nothing is being written any more.
func connectRested(t *testing.T, poller *Poller) (*Conn, *recorder, *irctest.Conversation) {
	t.Helper()
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.Poller = poller
	c, events, s := connect(t, testConfig(), options, server, irctest.Registration{})
	restWriter(t, c, events, s)
	return c, events, s
}

// expectWritten has a line leave at once that has a receipt.
func expectWritten(t *testing.T, c *Conn, line Line) {
	t.Helper()
	if err := c.Queue(line); err != nil {
		t.Fatal(err)
	}
	var written []uint64
	c.Flush(func(receipt uint64) { written = append(written, receipt) })
	if !slices.Equal(written, []uint64{line.Receipt}) {
		t.Errorf("%v were written at once, not %d; failure: %v", written, line.Receipt, c.writer.failed())
	}
}

// restWriter waits until all of the registration was worked on and nothing is being
// written any more.
func restWriter(t *testing.T, c *Conn, events *recorder, s *irctest.Conversation) {
	t.Helper()
	s.Send(":a!b@c PRIVMSG juliet :that is all")
	waitFor(t, events, func(m Message) bool { return m.Text == "that is all" })
	for until := time.Now().Add(patience); ; runtime.Gosched() {
		c.writer.mu.Lock()
		draining := c.writer.draining
		c.writer.mu.Unlock()
		if !draining {
			return
		}
		if time.Now().After(until) {
			t.Fatal("the writer does not come to rest")
		}
	}
}

// expectLater has one line leave that cannot leave at once.
func expectLater(t *testing.T, c *Conn, events *recorder) {
	t.Helper()
	if err := c.Queue(Privmsg("#c", "later").WithReceipt(9)); err != nil {
		t.Fatal(err)
	}
	c.Flush(func(receipt uint64) { t.Errorf("%d was written at once", receipt) })
	waitFor(t, events, func(w Written) bool { return w.Receipt == 9 })
}

// Lines that wait for a full socket are no answers of ours, of which there may be only
// so many.
func TestAnswersBehindAFlushToAFullSocket(t *testing.T) {
	server := irctest.NewServer(t)
	c, events, s := connect(t, testConfig(), testOptions(server), server, irctest.Registration{})
	restWriter(t, c, events, s)
	const lines = 2 * maxUrgentLines
	line := []byte("NOTICE #c :" + strings.Repeat("x", 300) + "\r\n")
	for full := 0; full < lines; {
		n, err := c.writer.in.writeNow(line)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			full++
		}
	}
	for range lines {
		if err := c.Queue(Privmsg("#c", strings.Repeat("x", 300))); err != nil {
			t.Fatal(err)
		}
	}
	// No other goroutine takes lines between the two.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	c.Flush(func(uint64) {})
	c.writer.urgent(newLine("PONG", "still-here"))
	c.Flush(func(uint64) {})
	s.SkipUntil("PONG still-here")
}

// Each line is in the trace once, and a part of one shows no more of it than all.
func TestTraceOfFlushToAFullSocket(t *testing.T) {
	server := irctest.NewServer(t)
	config := testConfig()
	config.QueueLines = 40_000
	var log bytes.Buffer
	events := newRecorder()
	c := Start(&config, testOptions(server), events.sink, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: LevelTrace})))
	t.Cleanup(func() { waitDone(t, c) })
	t.Cleanup(c.Close)
	s := server.Accept()
	s.Register(irctest.Registration{})
	waitFor[Registered](t, events, nil)
	secret := strings.Repeat("open sesame ", 30)
	queued, written := 0, 0
	for written == queued {
		for range 100 {
			if err := c.Queue(Privmsg("NickServ", "IDENTIFY "+secret).WithReceipt(1)); err != nil {
				t.Fatal(err)
			}
		}
		queued += 100
		c.Flush(func(uint64) { written++ })
	}
	for range queued {
		s.Expect("PRIVMSG NickServ :IDENTIFY " + secret)
	}
	c.Close()
	waitDone(t, c)
	if strings.Contains(log.String(), "sesame") {
		t.Error("the trace has a secret")
	}
	if got := strings.Count(log.String(), "PRIVMSG NickServ"); got != queued {
		t.Errorf("%d lines of %d are in the trace", got, queued)
	}
}

// A socket that takes a part of a line gets the rest of it next, and each line once,
// in order; so do the answers to the server's questions meanwhile.
func TestFlushToAFullSocket(t *testing.T) {
	server := irctest.NewServer(t)
	config := testConfig()
	config.QueueLines, config.LineInterval = 80_000, 0
	c, events, s := connect(t, config, testOptions(server), server, irctest.Registration{})
	// 25 MB: more than the system keeps for both ends of a socket.
	const lines = 60_000
	text := strings.Repeat("x", 400)
	written := 0
	for i := range lines {
		if err := c.Queue(Privmsg("#c", fmt.Sprint(i, " ", text)).WithReceipt(uint64(i + 1))); err != nil {
			t.Fatal(err)
		}
		if i%100 == 99 {
			c.Flush(func(uint64) { written++ })
		}
	}
	if written == 0 || written == lines {
		t.Fatalf("%d of %d lines were written at once: the socket was never full", written, lines)
	}
	s.Send("PING :still there?")
	pongs := 0
	for next := 0; next < lines || pongs == 0; {
		line := s.ReadLine()
		if strings.HasPrefix(line, "PONG") {
			pongs++
			continue
		}
		if want := fmt.Sprintf("PRIVMSG #c :%d %s", next, text); line != want {
			t.Fatalf("line %d is %.60q", next, line)
		}
		next++
	}
	waitFor(t, events, func(w Written) bool { return w.Receipt == lines })
	if got := len(eventsOf[Written](events.all())); got+written != lines {
		t.Errorf("%d lines were reported at once and %d later, of %d", written, got, lines)
	}
}
