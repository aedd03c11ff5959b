package store

import (
	"bytes"
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
)

// cutter is a way to a server of the test run that is cut, once, when the server has
// done a commit and before it says so.
type cutter struct {
	to    string
	armed atomic.Bool
	cut   atomic.Bool
}

// way returns the address of a database by way of a new cutter.
func (c *cluster) way(t *testing.T) (*cutter, string) {
	t.Helper()
	address, err := url.Parse(c.newDatabase(t))
	check(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { listener.Close() })
	way := &cutter{to: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port))}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go way.serve(client)
		}
	}()
	host, port, err := net.SplitHostPort(listener.Addr().String())
	check(t, err)
	address.RawQuery = url.Values{"host": {host}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return way, address.String()
}

func (w *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer server.Close()
	var committing atomic.Bool
	go func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil || committing.Load() {
				w.cut.Store(w.cut.Load() || committing.Load())
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if n > 0 && bytes.Contains(buffer[:n], []byte("commit")) && w.armed.CompareAndSwap(true, false) {
			committing.Store(true)
		}
		if n > 0 {
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Lines whose transaction the server has committed, though the connection ended before
// it said so, are there once; and those that follow are not lost for them.
func TestCommitWithoutAnAnswer(t *testing.T) {
	way, address := startedCluster(t).way(t)
	s := openQuick(t, Config{Directory: t.TempDir(), Database: address})
	ctx := deadline(t)
	appendAll(t, s, sampleLines(3)...)
	check(t, s.Flushed(ctx))

	way.armed.Store(true)
	for n := 3; n < 6; n++ {
		appendAll(t, s, sampleLine(n))
	}
	check(t, s.Flushed(ctx))
	if !way.cut.Load() {
		t.Fatal("no commit was cut off")
	}
	for n := 6; n < 9; n++ {
		appendAll(t, s, sampleLine(n))
		check(t, s.Flushed(ctx))
	}
	page, err := s.Page(ctx, ask(Query{Max: 100}))
	if err != nil || len(page.Lines) != 9 || page.Total != 9 {
		t.Errorf("%d lines of %d, %v; want 9", len(page.Lines), page.Total, err)
	}
	if stats := s.Stats(); stats.Lost != 0 {
		t.Errorf("lost: %+v", stats)
	}
}
