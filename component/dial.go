package component

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	mellium "mellium.im/xmpp/component"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stream"
)

const (
	dialTimeout = 15 * time.Second
	// handshakeTimeout and handshakeLimit (bytes) bound what a peer that is no
	// XMPP server can cost.
	handshakeTimeout = 15 * time.Second
	handshakeLimit   = 64 * 1024
)

// dial opens the connection that the configuration names, or one to target
// (host:port) where the host server has sent us there. The certificate has to be
// the configured server's in any case (RFC 6120 §4.9.3.19).
func (c *Conn) dial(ctx context.Context, target string) (net.Conn, error) {
	to, err := parseAddress(c.cfg.Address)
	if err != nil {
		return nil, &StartError{Reason: "the address in the configuration is wrong", Err: err}
	}
	if target != "" && to.network != "unix" {
		to.target = target
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	dialer := &net.Dialer{}
	if !to.tls {
		return dialer.DialContext(ctx, to.network, to.target)
	}
	roots, err := loadRoots(c.cfg.CAFile)
	if err != nil {
		return nil, &StartError{Reason: "the CA file cannot be used", Err: err}
	}
	secure := &tls.Dialer{NetDialer: dialer, Config: &tls.Config{
		ServerName: to.serverName,
		RootCAs:    roots,
		MinVersion: tls.VersionTLS12,
	}}
	conn, err := secure.DialContext(ctx, to.network, to.target)
	if certificate := (*tls.CertificateVerificationError)(nil); errors.As(err, &certificate) {
		return nil, &StartError{Reason: "the server's certificate is not trusted", Err: err}
	}
	return conn, err
}

// loadRoots reads PEM certificates; nil stands for those of the system.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", file)
	}
	return roots, nil
}

// link is a connection behind its handshake.
type link struct {
	net.Conn
	// input has what the host server sent after the handshake.
	input *bufio.Reader
	// streamName is the name of its stream element, bindings its namespaces.
	streamName string
	bindings   []binding
}

// handshake opens the stream on conn and proves that we know the secret
// (XEP-0114 §3). The peer's errors come as *StreamError.
func (c *Conn) handshake(ctx context.Context, conn net.Conn) (*link, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, err
	}
	// The context is checked once more, because the deadline just set may have
	// replaced the one of its end.
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	h := &handshakeConn{Conn: conn, input: bufio.NewReaderSize(conn, readSize)}
	// COMPAT: mellium v0.23.0 sets past deadlines on the connection, from a
	// goroutine that outlives the call, when its context ends. It gets one that
	// never does.
	_, err := mellium.NewSession(context.Background(), jid.NewUnsafe("", c.cfg.Hostname, "").JID, []byte(c.cfg.Secret), h)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, handshakeError(err)
	}
	name, bindings, err := parseStreamHeader(h.seen)
	if err != nil {
		return nil, fmt.Errorf("reading the stream header: %w", err)
	}
	if !stop() {
		return nil, ctx.Err()
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &link{Conn: conn, input: h.input, streamName: name, bindings: bindings}, nil
}

func handshakeError(err error) error {
	var refused stream.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("opening the stream: %w", err)
	}
	e := &StreamError{Condition: refused.Err, Payload: refused.Content, Received: true}
	if e.Condition == "" {
		e.Condition = "undefined-condition"
	}
	if len(refused.Text) > 0 {
		e.Text = refused.Text[0].Value
	}
	return e
}

// parseStreamHeader finds the name and the namespaces of the stream's element,
// which hold for everything inside. Mellium does not tell them.
func parseStreamHeader(b []byte) (name string, bindings []binding, err error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		token, err := d.RawToken()
		if err != nil {
			return "", nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			switch {
			case a.Name.Space == "xmlns":
				bindings = append(bindings, binding{a.Name.Local, a.Value})
			case a.Name.Space == "" && a.Name.Local == "xmlns":
				bindings = append(bindings, binding{"", a.Value})
			}
		}
		name = start.Name.Local
		if start.Name.Space != "" {
			name = start.Name.Space + ":" + name
		}
		return name, bindings, nil
	}
}

// handshakeConn is what mellium reads the handshake from. Because it can read
// single bytes, encoding/xml puts no buffer of its own on top: what follows the
// handshake is still in input afterwards.
type handshakeConn struct {
	net.Conn
	input *bufio.Reader
	seen  []byte
}

// ReadByte reads one byte, up to the handshake's limit.
func (h *handshakeConn) ReadByte() (byte, error) {
	if len(h.seen) >= handshakeLimit {
		return 0, fmt.Errorf("more than %d bytes before the handshake ended", handshakeLimit)
	}
	b, err := h.input.ReadByte()
	if err == nil {
		h.seen = append(h.seen, b)
	}
	return b, err
}

// Read reads single bytes, too: it is there for the interface only.
func (h *handshakeConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := h.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}
