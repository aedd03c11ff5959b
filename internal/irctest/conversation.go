package irctest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Conversation is the server's side of one connection.
type Conversation struct {
	t      testing.TB
	socket net.Conn
	stream net.Conn // socket or TLS around it
	reader *bufio.Reader
}

func newConversation(t testing.TB, socket, stream net.Conn) *Conversation {
	return &Conversation{t: t, socket: socket, stream: stream, reader: bufio.NewReader(stream)}
}

// Converse plays the server's part on a connection made by the caller, such as
// one end of net.Pipe.
func Converse(t testing.TB, conn net.Conn) *Conversation { return newConversation(t, conn, conn) }

// ClientCertificate returns the certificate that the client showed, or nil.
func (c *Conversation) ClientCertificate() *x509.Certificate {
	secured, ok := c.stream.(*tls.Conn)
	if !ok || len(secured.ConnectionState().PeerCertificates) == 0 {
		return nil
	}
	return secured.ConnectionState().PeerCertificates[0]
}

// RemoteAddr returns where the client connected from.
func (c *Conversation) RemoteAddr() netip.AddrPort {
	return c.socket.RemoteAddr().(*net.TCPAddr).AddrPort()
}

// ReadLine returns the client's next line without its end.
func (c *Conversation) ReadLine() string {
	c.t.Helper()
	_ = c.stream.SetReadDeadline(time.Now().Add(patience))
	line, err := c.reader.ReadString('\n')
	if err != nil {
		c.t.Fatalf("reading the client's next line: %v (so far %q)", err, line)
	}
	return strings.TrimRight(line, "\r\n")
}

// Expect fails the test unless the client's next line begins with prefix, and
// returns the line.
func (c *Conversation) Expect(prefix string) string {
	c.t.Helper()
	line := c.ReadLine()
	if !strings.HasPrefix(line, prefix) {
		c.t.Fatalf("the client sent %q, not %q", line, prefix)
	}
	return line
}

// ExpectLines is Expect for several whole lines.
func (c *Conversation) ExpectLines(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		if line := c.ReadLine(); line != want {
			c.t.Fatalf("the client sent %q, not %q", line, want)
		}
	}
}

// ExpectMatch is Expect with a regular expression; it returns the line and its
// groups.
func (c *Conversation) ExpectMatch(pattern string) []string {
	c.t.Helper()
	line := c.ReadLine()
	groups := regexp.MustCompile(pattern).FindStringSubmatch(line)
	if groups == nil {
		c.t.Fatalf("the client sent %q, which does not match %q", line, pattern)
	}
	return groups
}

// SkipUntil reads lines until one begins with prefix, and returns that one.
func (c *Conversation) SkipUntil(prefix string) string {
	c.t.Helper()
	for {
		if line := c.ReadLine(); strings.HasPrefix(line, prefix) {
			return line
		}
	}
}

// ExpectClosed fails the test unless the client closes the connection; lines
// before that are skipped.
func (c *Conversation) ExpectClosed() {
	c.t.Helper()
	_ = c.stream.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c.reader); err != nil {
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			c.t.Fatal("the client did not close the connection")
		}
	}
}

// Send sends lines, each with CRLF, in one piece.
func (c *Conversation) Send(lines ...string) {
	c.t.Helper()
	c.SendRaw(strings.Join(lines, "\r\n") + "\r\n")
}

// SendRaw sends bytes as they are.
func (c *Conversation) SendRaw(data string) {
	c.t.Helper()
	_ = c.stream.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.stream, data); err != nil {
		c.t.Fatalf("sending to the client: %v", err)
	}
}

// Raw is the connection itself, for what a script cannot say.
func (c *Conversation) Raw() net.Conn { return c.stream }

// Close ends the connection as a server does after ERROR.
func (c *Conversation) Close() { _ = c.stream.Close() }

// Reset breaks the connection: the client gets "connection reset".
func (c *Conversation) Reset() {
	if socket, ok := c.socket.(*net.TCPConn); ok {
		_ = socket.SetLinger(0)
	}
	_ = c.socket.Close()
}
