package harness

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/net/proxy"
)

// echoServer sends back every line that it gets.
func echoServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				_, _ = io.Copy(connection, connection)
			}()
		}
	}()
	return listener.Addr().String()
}

func newTestProxy(t *testing.T) *Proxy {
	t.Helper()
	proxy, err := NewProxy(echoServer(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return proxy
}

type echoClient struct {
	net.Conn
	lines *bufio.Reader
}

func dialEcho(t *testing.T, address string) echoClient {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return echoClient{connection, bufio.NewReader(connection)}
}

func (c echoClient) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func TestProxyRelays(t *testing.T) {
	client := dialEcho(t, newTestProxy(t).Address())
	client.say(t, "hello")
	if got, err := client.lines.ReadString('\n'); err != nil || got != "hello\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFrozenProxyHoldsBytesBack(t *testing.T) {
	proxy := newTestProxy(t)
	client := dialEcho(t, proxy.Address())
	client.say(t, "before")
	if _, err := client.lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	proxy.Freeze()
	client.say(t, "frozen")
	if err := client.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got, err := client.lines.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %q, %v through a frozen proxy", got, err)
	}
	if err := client.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	proxy.Thaw()
	if got, err := client.lines.ReadString('\n'); err != nil || got != "frozen\n" {
		t.Errorf("got %q, %v after the thaw", got, err)
	}
}

// What the server says is late, and comes at once when the delay ends.
func TestDelayingProxy(t *testing.T) {
	proxy := newTestProxy(t)
	client := dialEcho(t, proxy.Address())
	const delay = 50 * time.Millisecond
	proxy.Delay(delay)
	asked := time.Now()
	client.say(t, "late")
	if got, err := client.lines.ReadString('\n'); err != nil || got != "late\n" {
		t.Fatalf("got %q, %v through a delaying proxy", got, err)
	}
	if took := time.Since(asked); took < delay {
		t.Errorf("the answer took %s", took)
	}
	proxy.Delay(time.Hour)
	client.say(t, "held back")
	proxy.Delay(0)
	if got, err := client.lines.ReadString('\n'); err != nil || got != "held back\n" {
		t.Errorf("got %q, %v after the delay", got, err)
	}
}

func TestProxyCutsAndRefuses(t *testing.T) {
	proxy := newTestProxy(t)
	client := dialEcho(t, proxy.Address())
	client.say(t, "hello")
	if _, err := client.lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	proxy.Refuse()
	if _, err := client.lines.ReadByte(); err == nil {
		t.Error("a refusing proxy keeps its connections")
	}
	refused := dialEcho(t, proxy.Address())
	if _, err := refused.lines.ReadByte(); err == nil {
		t.Error("a refusing proxy takes connections")
	}
	proxy.Allow()
	again := dialEcho(t, proxy.Address())
	again.say(t, "again")
	if got, err := again.lines.ReadString('\n'); err != nil || got != "again\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSOCKSProxyConnectsWhereItIsTold(t *testing.T) {
	server := echoServer(t)
	p, err := NewSOCKSProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	through, err := proxy.SOCKS5("tcp", p.Address(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{server, net.JoinHostPort("localhost", port)} {
		connection, err := through.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		client := echoClient{connection, bufio.NewReader(connection)}
		client.say(t, "hello")
		if got, err := client.lines.ReadString('\n'); err != nil || got != "hello\n" {
			t.Errorf("got %q, %v from %s", got, err, address)
		}
	}
	if got := len(p.Clients()); got != 2 {
		t.Errorf("the proxy counts %d clients", got)
	}
}

// Each direction of each connection is watched, up to its end.
func TestProxyIsWatched(t *testing.T) {
	type piece struct {
		connection int
		toServer   bool
		text       string
	}
	proxy := newTestProxy(t)
	pieces := make(chan piece, 10)
	proxy.Watch(func(connection int, toServer bool, text []byte) { pieces <- piece{connection, toServer, string(text)} })
	for connection := range 2 {
		client := dialEcho(t, proxy.Address())
		client.say(t, "hark")
		if _, err := client.lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		client.Close()
		seen := make(map[piece]bool)
		for range 4 {
			seen[<-pieces] = true
		}
		for _, want := range []piece{
			{connection, true, "hark\n"}, {connection, false, "hark\n"}, {connection, true, ""}, {connection, false, ""},
		} {
			if !seen[want] {
				t.Errorf("%v is not among %v", want, seen)
			}
		}
	}
}
