package component

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// groupchat is an ordinary message of a room, of 390 bytes.
const groupchat = `<message from='juliet@capulet.example.org/balcony' to='#room%irc.server.example.org@irc.example.org' type='groupchat' id='9f1d9a2c-77f0-4f5e-a2cd-6a1b0c4f6f0e' xml:lang='en'>` +
	`<body>Wherefore art thou, Romeo? Deny thy father and refuse thy name; or, if thou wilt not</body>` +
	`<origin-id xmlns='urn:xmpp:sid:0' id='9f1d9a2c-77f0-4f5e-a2cd-6a1b0c4f6f0e'/><active xmlns='http://jabber.org/protocol/chatstates'/></message>`

// repeater is an endless stream.
type repeater struct {
	s   string
	pos int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := copy(p, r.s[r.pos:])
	r.pos = (r.pos + n) % len(r.s)
	return n, nil
}

func BenchmarkStanzaIn(b *testing.B) {
	cfg := DefaultConfig()
	tokenizer := newTokenizer(&repeater{s: strings.Repeat(groupchat, 100)}, "stream:stream", cfg.MaxStanzaBytes, cfg.MaxDepth)
	parser := newParser(header, cfg.MaxAttributes)
	s := &session{Conn: &Conn{cfg: Config{Hostname: "irc.example.org"}}}
	b.SetBytes(int64(len(groupchat)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := tokenizer.next()
		if err != nil {
			b.Fatal(err)
		}
		top, err := parser.parse(f)
		if err != nil {
			b.Fatal(err)
		}
		if !s.address(&top) {
			b.Fatal("not addressed to us")
		}
	}
}

func BenchmarkTokenizer(b *testing.B) {
	cfg := DefaultConfig()
	tokenizer := newTokenizer(&repeater{s: strings.Repeat(groupchat, 100)}, "stream:stream", cfg.MaxStanzaBytes, cfg.MaxDepth)
	b.SetBytes(int64(len(groupchat)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokenizer.next(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMessageOut(b *testing.B) {
	var e Encoder
	body := "Wherefore art thou, Romeo? Deny thy father and refuse thy name; or, if thou wilt not"
	encodeMessage(&e, body)
	b.SetBytes(int64(len(e.Bytes())))
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		encodeMessage(&e, body)
	}
}

// BenchmarkSend encodes and sends through loopback TCP to a peer that reads.
func BenchmarkSend(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	done := make(chan int64)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, conn)
		done <- n
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	q := newQueue("irc.localhost", "localhost")
	c := New(Config{Hostname: "irc.localhost", Secret: "secret"}, nil, slog.New(slog.DiscardHandler))
	c.queue.Store(q)
	written := make(chan error)
	go func() { written <- q.write(conn, func(int) {}) }()
	var e Encoder
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		encodeMessage(&e, "Wherefore art thou, Romeo? Deny thy father and refuse thy name")
		if err := c.Send(e.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
	q.close(nil)
	if err := <-written; err != nil {
		b.Fatal(err)
	}
	_ = conn.Close()
	<-done
}
