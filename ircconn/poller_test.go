package ircconn

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

// ways are both in which connections can wait.
func ways(t *testing.T, run func(t *testing.T, poller *Poller)) {
	t.Run("in a table", func(t *testing.T) {
		if testPoller == nil {
			t.Skip("this system cannot wait for many sockets at once")
		}
		run(t, testPoller)
	})
	t.Run("on goroutines", func(t *testing.T) { run(t, nil) })
}

// Lines that fill more than a buffer, in one piece and with the end behind them.
func TestWaysOfWaiting(t *testing.T) {
	servers := map[string]func(testing.TB) *irctest.Server{
		"plain": irctest.NewServer,
		"TLS":   func(t testing.TB) *irctest.Server { return irctest.NewTLSServer(t) },
	}
	ways(t, func(t *testing.T, poller *Poller) {
		for kind, newServer := range servers {
			t.Run(kind, func(t *testing.T) {
				server := newServer(t)
				options := testOptions(server)
				options.Poller = poller
				_, events, s := connect(t, testConfig(), options, server, irctest.Registration{})
				const lines = 1000
				var all strings.Builder
				for range lines {
					all.WriteString(":a!b@c PRIVMSG #c :" + strings.Repeat("x", 100) + "\r\n")
				}
				s.Send(":a!b@c PRIVMSG #c :first")
				waitFor(t, events, func(m Message) bool { return m.Text == "first" })
				s.SendRaw(all.String() + ":a!b@c PRIVMSG #c :last\r\n")
				s.Close()
				waitFor(t, events, func(m Message) bool { return m.Text == "last" })
				waitFor[Disconnected](t, events, nil)
				if got := len(eventsOf[Message](events.all())); got != lines+2 {
					t.Errorf("%d messages came", got)
				}
			})
		}
	})
}

// A server that says nothing is asked, and then given up, also by an earlier
// deadline than those that are waited for.
func TestDeadlinesOfSockets(t *testing.T) {
	ways(t, func(t *testing.T, poller *Poller) {
		server := irctest.NewServer(t)
		patient := testOptions(server)
		patient.Poller = poller
		connect(t, testConfig(), patient, server, irctest.Registration{})

		config := testConfig()
		config.PingInterval, config.PingTimeout = 20*time.Millisecond, 40*time.Millisecond
		options := testOptions(server)
		options.Poller = poller
		_, events, s := connect(t, config, options, server, irctest.Registration{})
		s.Expect("PING passerelle")
		assertFailure(t, events, KindPingTimeout, 0, "")
	})
}

// A server that always has more to say is given up when one that is silent would be.
func TestDeadlineOfAServerThatTalksOn(t *testing.T) {
	if testPoller == nil {
		t.Skip("this system cannot wait for many sockets at once")
	}
	server := irctest.NewServer(t)
	config := testConfig()
	config.RegistrationTimeout = 50 * time.Millisecond
	events := newRecorder()
	said := make(chan struct{})
	var late time.Time
	c := Start(&config, testOptions(server), func(c *Conn, event Event) {
		events.sink(c, event)
		if _, isMessage := event.(Message); isMessage {
			<-said
			if late.IsZero() {
				late = time.Now().Add(config.RegistrationTimeout)
			}
			for time.Now().Before(late) {
				runtime.Gosched()
			}
		}
	}, nil)
	t.Cleanup(func() { waitDone(t, c) })
	t.Cleanup(c.Close)
	s := server.Accept()
	const buffers, perBuffer = 4, 8
	s.SendRaw(strings.Repeat(":irc.test NOTICE * :"+strings.Repeat("x", readBufferBytes/perBuffer)+"\r\n", buffers*perBuffer))
	close(said)
	assertFailure(t, events, KindTimeout, 0, "not the registration")
	if got := len(eventsOf[Message](events.all())); got > perBuffer {
		t.Errorf("%d messages were taken first", got)
	}
}

// A deadline that has passed comes before what is there to read, which comes next.
func TestDeadlinesComeFirst(t *testing.T) {
	p := &Poller{began: time.Now().Add(-time.Hour), crew: newCrew(), places: make([]place, 1)}
	r := new(reader)
	p.places[0] = place{reader: r, deadline: time.Minute, noticed: true}
	if goOn, err := p.park(r, 0); !goOn || err != errTimeout {
		t.Errorf("first: %v, %v", goOn, err)
	}
	if goOn, err := p.park(r, 0); !goOn || err != nil {
		t.Errorf("then: %v, %v", goOn, err)
	}
}

// Connections whose servers are silent have no goroutine.
func TestSilentConnectionsHaveNoGoroutine(t *testing.T) {
	if testPoller == nil {
		t.Skip("this system cannot wait for many sockets at once")
	}
	server := irctest.NewServer(t)
	for range 10 {
		connect(t, testConfig(), testOptions(server), server, irctest.Registration{})
	}
	stacks := make([]byte, 1<<20)
	for until := time.Now().Add(patience); ; runtime.Gosched() {
		n := runtime.Stack(stacks, true)
		working := bytes.Count(stacks[:n], []byte("ircconn.(*Conn).proceed"))
		if working == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d goroutines work for silent connections:\n%s", working, stacks[:n])
		}
	}
}

// What has a place in the table gives it up at the end, whichever end that is.
func TestPlacesAreGivenUp(t *testing.T) {
	poller, err := NewPoller()
	if err != nil || poller == nil {
		t.Skip("this system cannot wait for many sockets at once")
	}
	server := irctest.NewServer(t)
	for name, end := range map[string]func(*Conn, *irctest.Conversation){
		"ours":         func(c *Conn, _ *irctest.Conversation) { c.Close() },
		"the server's": func(_ *Conn, s *irctest.Conversation) { s.Close() },
		"a break":      func(_ *Conn, s *irctest.Conversation) { s.Reset() },
	} {
		options := testOptions(server)
		options.Poller = poller
		c, _, s := connect(t, testConfig(), options, server, irctest.Registration{})
		end(c, s)
		waitDone(t, c)
		poller.mu.Lock()
		for fd, at := range poller.places {
			if at.reader != nil {
				t.Errorf("%s: descriptor %d is still in the table", name, fd)
			}
		}
		poller.mu.Unlock()
	}
	poller.Close()
}

// A deadline that is far away passes on a whole second of the table, never early.
func TestFarDeadlines(t *testing.T) {
	p := &Poller{began: time.Now(), places: make([]place, 1)}
	r := new(reader)
	p.places[0].reader = r
	for _, test := range []struct{ in, least, most time.Duration }{
		{-time.Second, 1, 1},
		{5500 * time.Millisecond, 5500 * time.Millisecond, 5500 * time.Millisecond},
		{90*time.Second + time.Millisecond, 91 * time.Second, 91 * time.Second},
	} {
		p.setDeadline(r, 0, p.began.Add(test.in))
		if got := p.places[0].deadline; got < test.least || got > test.most {
			t.Errorf("%v: passes at %v", test.in, got)
		}
	}
}
