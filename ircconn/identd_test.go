package ircconn

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/irctest"
)

// serveIdentd starts an identd and returns where to ask it.
func serveIdentd(t *testing.T, address string) (*Identd, string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	i := NewIdentd(nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- i.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the identd ended with %v", err)
		}
	})
	return i, listener.Addr().String()
}

// ask sends queries from a local address and returns the answers, until the
// identd closes.
func ask(t *testing.T, from, identd string, queries ...string) []string {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("tcp", identd)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	lines := bufio.NewScanner(conn)
	var answers []string
	for _, query := range queries {
		if _, err := fmt.Fprintf(conn, "%s\r\n", query); err != nil {
			break
		}
		if !lines.Scan() {
			break
		}
		answers = append(answers, lines.Text())
	}
	return answers
}

func TestIdentd(t *testing.T) {
	i, address := serveIdentd(t, "127.0.0.1:0")
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.Identd, options.Ident = i, "u1b2c3"
	c, _, s := connect(t, testConfig(), options, server, irctest.Registration{})
	local := s.RemoteAddr().Port()
	query := fmt.Sprintf("%d, %d", local, server.Port())

	if got := ask(t, "127.0.0.1", address, query, query); len(got) != 2 || got[0] != query+" : USERID : UNIX : u1b2c3" || got[1] != got[0] {
		t.Errorf("got %q", got)
	}
	if got := ask(t, "127.0.0.1", address, fmt.Sprintf(" %d ,%d ", local, server.Port())); len(got) != 1 || got[0] != query+" : USERID : UNIX : u1b2c3" {
		t.Errorf("got %q", got)
	}
	refused := map[string]struct{ from, query, answer string }{
		"another address": {"127.0.0.9", query, query + " : ERROR : NO-USER"},
		"another port":    {"127.0.0.1", fmt.Sprintf("%d, 1", local), fmt.Sprintf("%d, 1 : ERROR : NO-USER", local)},
		"port 0":          {"127.0.0.1", "0, 6667", "0, 6667 : ERROR : INVALID-PORT"},
		"port too large":  {"127.0.0.1", "6193, 65536", "6193, 65536 : ERROR : INVALID-PORT"},
	}
	for name, test := range refused {
		if got := ask(t, test.from, address, test.query); len(got) != 1 || got[0] != test.answer {
			t.Errorf("%s: got %q", name, got)
		}
	}
	for _, query := range []string{"", "6193", "6193; 6667", "a, b", "-1, 6667", "6193, 6667, 1", strings.Repeat("1", 200)} {
		if got := ask(t, "127.0.0.1", address, query); len(got) != 0 {
			t.Errorf("%q: got %q", query, got)
		}
	}
	if got := ask(t, "127.0.0.1", address, strings.Split(strings.Repeat("1, 2;", 20), ";")...); len(got) != maxIdentQueries {
		t.Errorf("%d queries were answered", len(got))
	}

	c.Close()
	waitDone(t, c)
	if got := ask(t, "127.0.0.1", address, query); len(got) != 1 || got[0] != query+" : ERROR : NO-USER" {
		t.Errorf("after the end: got %q", got)
	}
	if len(i.idents) != 0 || i.dialing != 0 {
		t.Errorf("kept %+v, %d", i.idents, i.dialing)
	}
}

// A connection that fails is forgotten as well, and one with an ident that no
// answer can hold is never known.
func TestIdentdForgets(t *testing.T) {
	i := NewIdentd(nil)
	server := irctest.NewTLSServer(t, "other.example")
	options := testOptions(server)
	options.Identd, options.Ident = i, "ident"
	_, events := start(t, testConfig(), options)
	_ = server.Handshake()
	waitFor[Disconnected](t, events, nil)
	if len(i.idents) != 0 || i.dialing != 0 {
		t.Errorf("kept %+v, %d", i.idents, i.dialing)
	}
	plain := irctest.NewServer(t)
	for _, ident := range []string{"", "two words", "a:b", "a\r\nb", "é", strings.Repeat("x", 513)} {
		options := testOptions(plain)
		options.Identd, options.Ident = i, ident
		connect(t, testConfig(), options, plain, irctest.Registration{})
		if len(i.idents) != 0 {
			t.Errorf("%q is known", ident)
		}
	}
	options = testOptions(plain)
	options.Identd, options.Ident = i, "ident"
	options.Proxy = startProxy(t, plain, &socksProxy{}).url()
	connect(t, testConfig(), options, plain, irctest.Registration{})
	if len(i.idents) != 0 {
		t.Error("a connection of the proxy is known")
	}
}

// The same port may be in use at several of our addresses.
func TestIdentdOfSeveralSources(t *testing.T) {
	i := NewIdentd(nil)
	key := identKey{1234, netip.MustParseAddrPort("192.0.2.1:6667")}
	first, second := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	i.idents[key] = []identEntry{{first, "one"}}
	if ident, found := i.lookUp(key, second); !found || ident != "one" {
		t.Errorf("forwarded: got %q, %v", ident, found)
	}
	i.idents[key] = []identEntry{{first, "one"}, {second, "two"}}
	if ident, found := i.lookUp(key, second); !found || ident != "two" {
		t.Errorf("got %q, %v", ident, found)
	}
	if ident, found := i.lookUp(key, netip.MustParseAddr("10.0.0.1")); found {
		t.Errorf("one of two was guessed: %q", ident)
	}
}

// A server may ask before we know of our own connection.
func TestIdentdWaitsForADialling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := NewIdentd(nil)
		key := identKey{1234, netip.MustParseAddrPort("192.0.2.1:6667")}
		ours := netip.MustParseAddr("192.0.2.9")
		dialled := i.dial()
		answer := make(chan string)
		go func() {
			ident, _ := i.await(t.Context(), key, ours)
			answer <- ident
		}()
		synctest.Wait()
		i.mu.Lock()
		i.idents[key] = []identEntry{{ours, "late"}}
		i.changeLocked()
		i.mu.Unlock()
		if got := <-answer; got != "late" {
			t.Errorf("got %q", got)
		}
		// Not for ever, and not at all when nothing is under way.
		began := time.Now()
		key.localPort = 1
		if _, found := i.await(t.Context(), key, ours); found || time.Since(began) != identPatience {
			t.Errorf("%v after %v", found, time.Since(began))
		}
		dialled()
		began = time.Now()
		if _, found := i.await(t.Context(), key, ours); found || time.Since(began) != 0 {
			t.Errorf("%v after %v", found, time.Since(began))
		}
	})
}

func TestIdentdEndsClients(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	i := NewIdentd(nil)
	ended := make(chan error, 1)
	go func() { ended <- i.Serve(ctx, listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Answered, and so known to be served.
	if _, err := fmt.Fprint(conn, "1, 2\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the client was not let go")
	}
	if err := i.Serve(t.Context(), listener); err == nil {
		t.Error("a closed listener was served")
	}
}

func FuzzIdentQuery(f *testing.F) {
	for _, seed := range []string{"6193, 23\r\n", "1,2", ",", "0,0", " 1 , 2 ", "99999999999999999999,1"} {
		f.Add(seed)
	}
	i := NewIdentd(nil)
	f.Fuzz(func(t *testing.T, line string) {
		local, remote, found := parseIdentQuery(line)
		if !found {
			return
		}
		answer := i.answer(t.Context(), local, remote, netip.Addr{}, netip.Addr{})
		if answer != "ERROR : NO-USER" && answer != "ERROR : INVALID-PORT" {
			t.Fatalf("%q: got %q", line, answer)
		}
	})
}
