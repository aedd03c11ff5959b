package ircconn

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

func TestTrafficIsCounted(t *testing.T) {
	server := irctest.NewServer(t)
	config := testConfig()
	config.Burst, config.LineInterval = 2, time.Hour
	options := testOptions(server)
	options.Traffic = new(Traffic)
	c, events := start(t, config, options)
	client := server.Accept()
	client.Register(irctest.Registration{Nick: "juliet"})
	waitFor[Registered](t, events, nil)
	client.Send(":romeo!r@h PRIVMSG juliet :hi", ":romeo!r@h NOTICE juliet :hi", ":romeo!r@h JOIN #balcony", ":irc.test 401 juliet x :No such nick")
	waitFor(t, events, func(e Refused) bool { return e.Numeric == 401 })
	if err := send(c, Privmsg("romeo", "one"), newLine("WHOIS", "romeo"), Privmsg("romeo", "three"), Privmsg("romeo", "four")); err != nil {
		t.Fatal(err)
	}
	client.SkipUntil("WHOIS")
	client.Send("PING :x")
	client.SkipUntil("PONG") // by now the two lines before were counted
	got := options.Traffic.Stats()
	for kind, want := range map[LineKind]uint64{LineMessage: 2, LineJoin: 1, LineKick: 0} {
		if got.Received[kind] != want {
			t.Errorf("%d received of kind %s, want %d", got.Received[kind], kind, want)
		}
	}
	for kind, want := range map[LineKind]uint64{LineMessage: 1, LineQuestion: 1, LineJoin: 0} {
		if got.Sent[kind] != want {
			t.Errorf("%d sent of kind %s, want %d", got.Sent[kind], kind, want)
		}
	}
	if got.Received[LineNumeric] < 2 || got.Sent[LineOther] < 2 || got.Waiting != 2 {
		t.Errorf("got %+v", got)
	}
	c.Close()
	<-c.Done()
	if got := options.Traffic.Stats().Waiting; got != 0 {
		t.Errorf("%d lines wait on a connection that is closed", got)
	}
}

func TestLineKindsHaveNames(t *testing.T) {
	var names []string
	for kind := range LineKinds {
		if name := kind.String(); name == "" || slices.Contains(names, name) {
			t.Errorf("kind %d is called %q", kind, name)
		}
		names = append(names, kind.String())
	}
	if LineKinds.String() != "other" || kindOfCommand("001") != LineNumeric || kindOfCommand("FOO") != LineOther {
		t.Error("what is unknown is not other")
	}
}

func TestHeard(t *testing.T) {
	server := irctest.NewServer(t)
	before := time.Now()
	var heard atomic.Pointer[time.Time]
	r := newRecorder()
	c := Start(new(testConfig()), testOptions(server), func(c *Conn, event Event) {
		if _, ok := event.(Message); ok {
			at := c.Heard()
			heard.Store(&at)
		}
		r.sink(c, event)
	}, nil)
	t.Cleanup(c.Close)
	client := server.Accept()
	client.Register(irctest.Registration{Nick: "juliet"})
	client.Send(":romeo!r@h PRIVMSG juliet :hi")
	waitFor[Message](t, r, nil)
	if at := *heard.Load(); at.Before(before) || at.After(time.Now()) {
		t.Errorf("heard at %v, between %v and now", at, before)
	}
}
