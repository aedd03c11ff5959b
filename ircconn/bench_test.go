package ircconn

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"passerelle/internal/irctest"
)

func benchmarkReceive(b *testing.B, line string) {
	s := newTestSession(func(*Conn, Event) {}, fullSupport...)
	s.conn.traffic = new(Traffic)
	data := []byte(line)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s.receive(data)
	}
}

func BenchmarkReceivePrivmsg(b *testing.B) {
	benchmarkReceive(b, ":romeo!rm@verona.example PRIVMSG #balcony :But, soft! what light through yonder window breaks?")
}

func BenchmarkReceiveTaggedPrivmsg(b *testing.B) {
	benchmarkReceive(b, "@time=2026-02-14T20:30:05.250Z;msgid=aBcDeFgHiJ;account=rm :romeo!rm@verona.example PRIVMSG #balcony :But, soft! what light through yonder window breaks?")
}

func BenchmarkReceiveJoin(b *testing.B) {
	benchmarkReceive(b, "@time=2026-02-14T20:30:05.250Z :romeo!rm@verona.example JOIN #balcony")
}

func BenchmarkReceiveQuit(b *testing.B) {
	benchmarkReceive(b, "@time=2026-02-14T20:30:05.250Z :romeo!rm@verona.example QUIT :*.net *.split")
}

func BenchmarkReceiveNames(b *testing.B) {
	benchmarkReceive(b, ":irc.test 353 juliet = #balcony :"+strings.Repeat("@+romeo!rm@verona.example ", 16))
}

func BenchmarkLineBytes(b *testing.B) {
	line := Privmsg("#balcony", "But, soft! what light through yonder window breaks?")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := line.bytes(allLimits); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdleConnection reports the resident memory of one idle connection.
// The server is another process, so that its share does not count.
func BenchmarkIdleConnection(b *testing.B) {
	for _, kind := range []string{"plain", "tls"} {
		b.Run(kind, func(b *testing.B) { benchmarkIdle(b, kind) })
	}
}

const idleConnections = 1000

func benchmarkIdle(b *testing.B, kind string) {
	options := idleServer(b, kind)
	for b.Loop() {
		before := residentBytes(b)
		var ready, ended sync.WaitGroup
		ready.Add(idleConnections)
		ended.Add(idleConnections)
		sink := func(_ *Conn, event Event) {
			switch event.(type) {
			case Registered:
				ready.Done()
			case Disconnected:
				ended.Done()
			}
		}
		conns := make([]*Conn, idleConnections)
		for i := range conns {
			conns[i] = Start(new(testConfig()), options, sink, nil)
			if i%50 == 49 {
				// A listening socket takes only so many at once.
				runtime.Gosched()
			}
		}
		ready.Wait()
		b.ReportMetric(float64(residentBytes(b)-before)/idleConnections, "B/conn")
		for _, c := range conns {
			c.Close()
		}
		ended.Wait()
	}
}

// residentBytes is what this process takes from the system, once all that it
// does not need has been given back.
func residentBytes(b *testing.B) int {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip("resident memory is read from /proc")
	}
	var size, resident int
	if _, err := fmt.Sscan(string(status), &size, &resident); err != nil {
		b.Fatal(err)
	}
	return resident * os.Getpagesize()
}

// idleServer runs TestIdleServerProcess in a process of its own.
func idleServer(b *testing.B, kind string) Options {
	b.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestIdleServerProcess$")
	command.Env = append(os.Environ(), idleServerVariable+"="+kind)
	input, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	address, err := ParseAddress(strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	options := Options{Addresses: []Address{address}, Nick: "juliet"}
	if address.TLS {
		// The certificate lives in the other process; what is measured is the same.
		options.TLS = &tls.Config{InsecureSkipVerify: true}
	}
	return options
}

const idleServerVariable = "IRCCONN_IDLE_SERVER"

// TestIdleServerProcess is no test but the server of BenchmarkIdleConnection: it
// welcomes everybody until its standard input ends.
func TestIdleServerProcess(t *testing.T) {
	kind := os.Getenv(idleServerVariable)
	if kind == "" {
		t.Skip("only of use to BenchmarkIdleConnection")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "irc://" + listener.Addr().String()
	if kind == "tls" {
		url = "ircs://" + listener.Addr().String()
		listener = tls.NewListener(listener, irctest.NewTLSServer(t).TLS())
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go welcome(conn)
		}
	}()
	fmt.Println(url)
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	_ = listener.Close()
}

func welcome(conn net.Conn) {
	support := strings.Join(append([]string{"NICKLEN=30", "TOPICLEN=307", "NETWORK=Test", "WHOX", "MODES=20"}, fullSupport...), " ")
	_, _ = fmt.Fprintf(conn, ":irc.test 001 juliet :Welcome\r\n:irc.test 005 juliet %s :are supported by this server\r\n", support)
	_, _ = fmt.Fprintf(conn, "%s:irc.test 422 juliet :No MOTD\r\n", strings.Repeat(":irc.test 372 juliet :- "+strings.Repeat("x", 60)+"\r\n", 50))
	_, _ = io.Copy(io.Discard, conn)
}
