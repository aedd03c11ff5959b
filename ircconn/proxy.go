package ircconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/proxy"
)

// parseProxy reads "socks5://[user:password@]host:port". No error names the
// password.
func parseProxy(raw string) (host string, auth *proxy.Auth, err error) {
	parsed, err := url.Parse(raw)
	if err != nil {
		return "", nil, errors.New("the proxy is not an address such as socks5://host:port")
	}
	if parsed.Scheme != "socks5" {
		return "", nil, fmt.Errorf("the proxy must begin with socks5://, not %q", parsed.Scheme)
	}
	if parsed.Hostname() == "" || parsed.Port() == "" || parsed.Path != "" && parsed.Path != "/" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return "", nil, errors.New("the proxy must be socks5:// with a host and a port")
	}
	if parsed.User == nil {
		return parsed.Host, nil, nil
	}
	password, _ := parsed.User.Password()
	auth = &proxy.Auth{User: parsed.User.Username(), Password: password}
	// The limits of RFC 1929 §2.
	if auth.User == "" || len(auth.User) > 255 || len(password) > 255 {
		return "", nil, errors.New("the user name and password of the proxy have 1 to 255 bytes each")
	}
	return parsed.Host, auth, nil
}

// dialProxy connects through a SOCKS5 proxy, which also looks the host up (RFC
// 1928).
func dialProxy(ctx context.Context, dialer *net.Dialer, raw string, address Address) (net.Conn, *Error) {
	host, auth, err := parseProxy(raw)
	if err != nil {
		return nil, localError("%w", err)
	}
	way := &proxyDialer{dialer: dialer}
	through, err := proxy.SOCKS5("tcp", host, auth, way)
	if err != nil {
		return nil, localError("%w", err)
	}
	_, err = through.(proxy.ContextDialer).DialContext(ctx, "tcp", address.HostPort())
	if err == nil {
		// Without the wrapper of the library, so that it can be waited for like
		// any other socket; once connected it does nothing.
		return way.socket, nil
	}
	failure := &Error{Kind: KindConnect, Address: address.HostPort(), Err: err}
	switch {
	case isTimeout(err):
		failure.Kind = KindTimeout
	case way.err != nil:
		failure.Text = fmt.Sprintf("the SOCKS proxy %s cannot be reached: %s", host, dialError(address, way.err).Text)
	default:
		failure.Text = fmt.Sprintf("the SOCKS proxy %s did not connect: %s", host, proxyText(err))
	}
	return nil, failure
}

// proxyText is what went wrong without the addresses around it.
func proxyText(err error) string {
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	return strings.TrimPrefix(systemText(err), "unknown error ")
}

// proxyDialer connects to the proxy and keeps the socket, and why there is none.
type proxyDialer struct {
	dialer *net.Dialer
	socket net.Conn
	err    error
}

func (d *proxyDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d *proxyDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.socket, d.err = d.dialer.DialContext(ctx, network, address)
	return d.socket, d.err
}
