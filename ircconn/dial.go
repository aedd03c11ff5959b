package ircconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

func connectingText(address Address) string {
	if address.TLS {
		return fmt.Sprintf("Connecting to %s with TLS…", address.HostPort())
	}
	return fmt.Sprintf("Connecting to %s without TLS…", address.HostPort())
}

// sentence makes an error text one for people.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimRight(text[size:], ".") + "."
}

// dial opens a connection to one address. stream is socket, or TLS around it.
func (c *Conn) dial(address Address) (socket, stream net.Conn, failure *Error) {
	if failure := c.allowed(address); failure != nil {
		return nil, nil, failure
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.config.ConnectTimeout)
	defer cancel()
	c.setStop(cancel)
	defer c.setStop(nil)
	socket, failure = c.dialSocket(ctx, address)
	if failure != nil || !address.TLS {
		return socket, socket, failure
	}
	config, err := c.tlsConfig(address)
	if err != nil {
		c.closeSocket(socket)
		return nil, nil, &Error{Kind: KindTLSFailed, Address: address.HostPort(), Text: err.Error(), Err: err}
	}
	secured := tls.Client(&tlsSocket{Conn: socket}, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		c.closeSocket(socket)
		return nil, nil, handshakeError(address, err)
	}
	return socket, secured, nil
}

// dialSocket connects over IPv6 or IPv4, whichever answers first (RFC 8305), or
// through the proxy.
func (c *Conn) dialSocket(ctx context.Context, address Address) (net.Conn, *Error) {
	dialer := c.dialer()
	if c.options.Proxy != "" {
		return dialProxy(ctx, dialer, c.options.Proxy, address)
	}
	if c.identd != nil {
		defer c.identd.dial()()
	}
	socket, err := dialer.DialContext(ctx, "tcp", address.HostPort())
	if err != nil {
		return nil, c.dialError(address, err)
	}
	if c.identd != nil {
		c.identd.add(socket, c.options.Ident)
	}
	return socket, nil
}

func (c *Conn) dialer() *net.Dialer {
	// Keep-alives of TCP would double our own pings.
	dialer := &net.Dialer{KeepAlive: -1}
	if source := c.options.SourceAddress; source.IsValid() {
		// The family of the local address decides that of the server's.
		dialer.LocalAddr = &net.TCPAddr{IP: source.AsSlice(), Zone: source.Zone()}
		dialer.Control = bindFreely
	}
	c.restrict(dialer)
	return dialer
}

// closeSocket also makes identd forget the connection.
func (c *Conn) closeSocket(socket net.Conn) {
	if c.identd != nil {
		c.identd.remove(socket)
	}
	_ = socket.Close()
}

// setStop lets Close end the dialling.
func (c *Conn) setStop(stop context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = stop
	if c.closing.happened && stop != nil {
		stop()
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

func (c *Conn) dialError(address Address, err error) *Error {
	if failure := forbidden(address, err); failure != nil {
		return failure
	}
	failure := dialError(address, err)
	var unsuitable *net.AddrError
	if source := c.options.SourceAddress; source.IsValid() && (errors.As(err, &unsuitable) || errors.Is(err, syscall.EADDRNOTAVAIL)) {
		failure.Text = fmt.Sprintf("it cannot be reached from %s, the local address set: %s", source, failure.Text)
	}
	return failure
}

func dialError(address Address, err error) *Error {
	failure := &Error{Kind: KindConnect, Address: address.HostPort(), Err: err}
	var (
		dns        *net.DNSError
		unsuitable *net.AddrError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		failure.Kind = KindResolve
	case isTimeout(err):
		failure.Kind = KindTimeout
	case errors.As(err, &dns):
		failure.Kind = KindResolve
		failure.Text = "the name service gave no answer"
	case errors.As(err, &unsuitable):
		failure.Text = unsuitable.Err
	default:
		failure.Text = systemText(err)
	}
	return failure
}

// systemText is the innermost text of a network error: "connection refused"
// and not also the addresses, which the user did not write.
func systemText(err error) string {
	var code syscall.Errno
	if errors.As(err, &code) {
		return code.Error()
	}
	return err.Error()
}
