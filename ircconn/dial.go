package ircconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
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

// dial opens a connection to one address, over IPv6 or IPv4, whichever answers
// first (RFC 8305). stream is socket, or TLS around it.
func (c *Conn) dial(address Address) (socket, stream net.Conn, failure *Error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.config.ConnectTimeout)
	defer cancel()
	c.setStop(cancel)
	defer c.setStop(nil)
	// Keep-alives of TCP would double our own pings.
	dialer := net.Dialer{KeepAlive: -1}
	socket, err := dialer.DialContext(ctx, "tcp", address.HostPort())
	if err != nil {
		return nil, nil, dialError(address, err)
	}
	if !address.TLS {
		return socket, socket, nil
	}
	config, err := c.tlsConfig(address)
	if err != nil {
		_ = socket.Close()
		return nil, nil, &Error{Kind: KindTLSFailed, Address: address.HostPort(), Text: err.Error(), Err: err}
	}
	secured := tls.Client(&tlsSocket{Conn: socket}, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = socket.Close()
		return nil, nil, handshakeError(address, err)
	}
	return socket, secured, nil
}

// setStop lets Close end the dialling.
func (c *Conn) setStop(stop context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = stop
	if stop != nil && c.isClosed {
		stop()
	}
}

func (c *Conn) tlsConfig(address Address) (*tls.Config, error) {
	config := &tls.Config{}
	if c.options.TLS != nil {
		config = c.options.TLS.Clone()
	}
	config.ServerName = address.Host
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.RootCAs == nil {
		roots, err := c.config.roots()
		if err != nil {
			return nil, err
		}
		config.RootCAs = roots
	}
	return config, nil
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

func dialError(address Address, err error) *Error {
	failure := &Error{Kind: KindConnect, Address: address.HostPort(), Err: err}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		failure.Kind = KindResolve
	case isTimeout(err):
		failure.Kind = KindTimeout
	case errors.As(err, &dns):
		failure.Kind = KindResolve
		failure.Text = "the name service gave no answer"
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

func handshakeError(address Address, err error) *Error {
	failure := &Error{Kind: KindTLSFailed, Address: address.HostPort(), Err: err}
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		failure.Text = expiryText(invalid)
	case errors.As(err, &authority):
		failure.Text = "its certificate is not signed by an authority that is trusted here"
	case errors.As(err, &host):
		failure.Text = fmt.Sprintf("its certificate is not for %s", address.Host) + otherNames(host.Certificate)
	case errors.As(err, &record):
		failure.Text = "it does not speak TLS on this port"
	case isTimeout(err):
		failure.Kind = KindTimeout
		failure.Text = "no TLS handshake; perhaps this port is one without TLS"
	default:
		failure.Text = strings.ReplaceAll(systemText(err), "tls: ", "")
	}
	return failure
}

func expiryText(invalid x509.CertificateInvalidError) string {
	if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
		return "its certificate is not valid before " + invalid.Cert.NotBefore.UTC().Format(time.DateOnly)
	}
	if invalid.Cert != nil {
		return "its certificate expired on " + invalid.Cert.NotAfter.UTC().Format(time.DateOnly)
	}
	return "its certificate has expired"
}

// otherNames says which names a certificate is for, as far as they are few.
func otherNames(certificate *x509.Certificate) string {
	if certificate == nil || len(certificate.DNSNames) == 0 || len(certificate.DNSNames) > 5 {
		return ""
	}
	return " but for " + strings.Join(certificate.DNSNames, ", ")
}
