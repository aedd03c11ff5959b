package ircconn

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/irctest"
)

// The tests of this file run in a bubble whose clock stands still until nothing
// else can go on, so that hours pass at once and to the microsecond.

type pipeTest struct {
	t      *testing.T
	conn   *Conn
	events *recorder
	server *irctest.Conversation
	theirs net.Conn
	began  time.Time
}

func inPipe(t *testing.T, config Config, test func(*pipeTest)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipeTest{t: t, events: newRecorder(), began: time.Now()}
		p.conn, p.theirs = pipeConn(&config, testOptions(), p.events.sink)
		p.server = irctest.Converse(t, p.theirs)
		test(p)
		p.conn.Close()
		_ = p.theirs.Close()
		<-p.conn.Done()
	})
}

func (p *pipeTest) register() {
	p.server.Register(irctest.Registration{})
	synctest.Wait()
	p.began = time.Now()
}

// expectAfter expects a line at a time after the registration.
func (p *pipeTest) expectAfter(elapsed time.Duration, line string) {
	p.t.Helper()
	_ = p.theirs.SetReadDeadline(time.Time{})
	got := make(chan string, 1)
	go func() {
		var b strings.Builder
		one := make([]byte, 1)
		for {
			if _, err := p.theirs.Read(one); err != nil || one[0] == '\n' {
				got <- strings.TrimRight(b.String(), "\r")
				return
			}
			b.WriteByte(one[0])
		}
	}()
	text := <-got
	if since := time.Since(p.began); text != line || since != elapsed {
		p.t.Fatalf("got %q after %v, want %q after %v", text, since, line, elapsed)
	}
}

func (p *pipeTest) expectEnd(elapsed time.Duration, kind ErrorKind) {
	p.t.Helper()
	<-p.conn.Done()
	if since := time.Since(p.began); since != elapsed {
		p.t.Errorf("the end came after %v, not %v", since, elapsed)
	}
	var failure *Error
	if end := eventsOf[Disconnected](p.events.all()); len(end) != 1 || !errors.As(end[0].Err, &failure) || failure.Kind != kind {
		p.t.Fatalf("got %+v", end)
	}
}

func TestIdleServerIsPinged(t *testing.T) {
	inPipe(t, testConfig(), func(p *pipeTest) {
		p.register()
		p.expectAfter(60*time.Second, "PING passerelle")
		time.Sleep(time.Second)
		p.server.Send(":irc.test PONG irc.test passerelle")
		p.expectAfter(121*time.Second, "PING passerelle")
		p.server.Send(":irc.test PONG irc.test passerelle")
		// What it says by itself counts as well.
		time.Sleep(50 * time.Second)
		p.server.Send(":a!b@c PRIVMSG #c :hi")
		p.expectAfter(231*time.Second, "PING passerelle")
	})
}

func TestSilentServerIsDead(t *testing.T) {
	inPipe(t, testConfig(), func(p *pipeTest) {
		p.register()
		p.expectAfter(60*time.Second, "PING passerelle")
		p.expectEnd(120*time.Second, KindPingTimeout)
	})
}

// TestWaitingSinkIsNotSilence: the time in which we do not read does not count
// against the server.
func TestWaitingSinkIsNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		sink := func(c *Conn, event Event) {
			if _, ok := event.(Message); ok {
				time.Sleep(time.Hour)
			}
			r.sink(c, event)
		}
		c, theirs := pipeConn(new(testConfig()), testOptions(), sink)
		server := irctest.Converse(t, theirs)
		server.Register(irctest.Registration{})
		synctest.Wait()
		server.Send(":a!b@c PRIVMSG #c :hi")
		began := time.Now()
		_ = theirs.SetReadDeadline(time.Time{})
		ping := make([]byte, 100)
		n, err := theirs.Read(ping)
		if since := time.Since(began); err != nil || string(ping[:n]) != "PING passerelle\r\n" || since != time.Hour+time.Minute {
			t.Fatalf("got %q, %v after %v", ping[:n], err, since)
		}
		c.Close()
		<-c.Done()
	})
}

func TestRegistrationTimeout(t *testing.T) {
	inPipe(t, testConfig(), func(p *pipeTest) {
		p.server.SkipUntil("USER")
		// A server that keeps talking is late all the same.
		for range 5 {
			time.Sleep(10 * time.Second)
			p.server.Send("NOTICE * :*** Looking up your host")
		}
		p.expectEnd(60*time.Second, KindTimeout)
	})
}

func TestWelcomeWithoutMotd(t *testing.T) {
	inPipe(t, testConfig(), func(p *pipeTest) {
		p.server.SkipUntil("USER")
		p.server.Send(":irc.test 001 juliet :hi", ":irc.test 005 juliet NICKLEN=9 :are supported")
		time.Sleep(welcomeGrace - time.Millisecond)
		if got := eventsOf[Registered](p.events.all()); len(got) != 0 {
			t.Fatal("registered too early")
		}
		time.Sleep(2 * time.Millisecond)
		got := eventsOf[Registered](p.events.all())
		if len(got) != 1 || got[0].Support.NickLen != 9 {
			t.Fatalf("got %+v", got)
		}
		p.server.Send(":irc.test 375 juliet :-", ":irc.test 372 juliet :- late", ":irc.test 376 juliet :End")
		synctest.Wait()
		all := p.events.all()
		if len(eventsOf[Registered](all)) != 1 || len(eventsOf[Motd](all)) != 1 {
			t.Fatalf("got %s", describe(all))
		}
		// And pings go on from here.
		p.began = time.Now()
		p.expectAfter(60*time.Second, "PING passerelle")
	})
}

func TestPacing(t *testing.T) {
	config := DefaultConfig()
	config.Burst = 3
	inPipe(t, config, func(p *pipeTest) {
		p.register()
		var lines []Line
		for i := range 5 {
			lines = append(lines, Privmsg("#c", fmt.Sprint(i)).WithReceipt(uint64(i+1)))
		}
		if err := send(p.conn, lines...); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			p.expectAfter(0, fmt.Sprintf("PRIVMSG #c %d", i))
		}
		// An answer neither waits nor counts.
		time.Sleep(500 * time.Millisecond)
		p.server.Send("PING :x")
		p.expectAfter(500*time.Millisecond, "PONG x")
		p.expectAfter(time.Second, "PRIVMSG #c 3")
		p.expectAfter(2*time.Second, "PRIVMSG #c 4")
		synctest.Wait()
		var receipts []uint64
		for _, written := range eventsOf[Written](p.events.all()) {
			receipts = append(receipts, written.Receipt)
		}
		if !slices.Equal(receipts, []uint64{1, 2, 3, 4, 5}) {
			t.Fatalf("got %v", receipts)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	config := DefaultConfig()
	config.Burst, config.QueueLines = 1, 5
	inPipe(t, config, func(p *pipeTest) {
		p.register()
		if err := send(p.conn, slices.Repeat([]Line{Privmsg("#c", "x")}, 5)...); err != nil {
			t.Fatal(err)
		}
		p.expectAfter(0, "PRIVMSG #c x")
		synctest.Wait()
		// Four wait: two more are too many, and then none is queued.
		if err := send(p.conn, Privmsg("#c", "y"), Privmsg("#c", "y")); !errors.Is(err, ErrQueueFull) {
			t.Fatalf("got %v", err)
		}
		if err := send(p.conn, Privmsg("#c", "z")); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			p.expectAfter(time.Duration(i+1)*time.Second, "PRIVMSG #c x")
		}
		p.expectAfter(5*time.Second, "PRIVMSG #c z")
	})
}

func TestQuitGrace(t *testing.T) {
	inPipe(t, testConfig(), func(p *pipeTest) {
		p.register()
		p.conn.Quit("bye")
		p.expectAfter(0, "QUIT bye")
		<-p.conn.Done()
		if since := time.Since(p.began); since != quitGrace {
			t.Errorf("closed after %v", since)
		}
		if end := eventsOf[Disconnected](p.events.all()); len(end) != 1 || end[0].Err != nil {
			t.Errorf("got %+v", end)
		}
	})
}

// TestServerThatDoesNotRead: a write that does not end is the end.
func TestServerThatDoesNotRead(t *testing.T) {
	inPipe(t, testConfig(), func(p *pipeTest) {
		p.register()
		if err := send(p.conn, Privmsg("#c", "x")); err != nil {
			t.Fatal(err)
		}
		// It still talks, so it is not silent.
		for range 3 {
			time.Sleep(39 * time.Second)
			p.server.Send(":a!b@c PRIVMSG #c :hi")
		}
		p.expectEnd(120*time.Second, KindPingTimeout)
	})
}

// TestLastEventIsGivenUp: a sink that never takes the last event does not hold
// the connection for ever.
func TestLastEventIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := func(c *Conn, event Event) {
			if _, ok := event.(Disconnected); ok {
				<-c.Patience()
			}
		}
		c, theirs := pipeConn(new(testConfig()), testOptions(), sink)
		began := time.Now()
		_ = theirs.Close()
		<-c.Done()
		if since := time.Since(began); since != lastEventGrace {
			t.Fatalf("given up after %v", since)
		}
	})
}
