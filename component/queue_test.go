package component

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

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
