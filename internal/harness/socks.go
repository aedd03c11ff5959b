package harness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// NewSOCKSProxy is a proxy that each client tells where to connect to (SOCKS5, RFC 1928),
// without asking who it is.
func NewSOCKSProxy() (*Proxy, error) { return newProxy(socksDial, nil) }

// socksDial reads what a client asks for, connects to it and says so. It knows the command
// CONNECT, and refuses by closing.
func socksDial(client net.Conn) (net.Conn, error) {
	const version, withoutPassword, connect = 5, 0, 1
	greeting := make([]byte, 2)
	if _, err := io.ReadFull(client, greeting); err != nil {
		return nil, fmt.Errorf("reading a SOCKS greeting: %w", err)
	}
	if _, err := io.CopyN(io.Discard, client, int64(greeting[1])); err != nil {
		return nil, fmt.Errorf("reading the methods of a SOCKS greeting: %w", err)
	}
	if _, err := client.Write([]byte{version, withoutPassword}); err != nil {
		return nil, err
	}
	request := make([]byte, 4)
	if _, err := io.ReadFull(client, request); err != nil {
		return nil, fmt.Errorf("reading a SOCKS request: %w", err)
	}
	if request[0] != version || request[1] != connect {
		return nil, fmt.Errorf("not a SOCKS5 CONNECT: %v", request)
	}
	host, err := socksHost(client, request[3])
	if err != nil {
		return nil, fmt.Errorf("reading the address of a SOCKS request: %w", err)
	}
	port := make([]byte, 2)
	if _, err := io.ReadFull(client, port); err != nil {
		return nil, fmt.Errorf("reading the port of a SOCKS request: %w", err)
	}
	server, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port)))))
	if err != nil {
		return nil, err
	}
	// Succeeded, from 0.0.0.0 port 0, which no client needs to know.
	if _, err := client.Write([]byte{version, 0, 0, socksIPv4, 0, 0, 0, 0, 0, 0}); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}

// The kinds of addresses (RFC 1928 §5).
const (
	socksIPv4 = 1
	socksName = 3
	socksIPv6 = 4
)

// socksHost reads an address of a kind.
func socksHost(client io.Reader, kind byte) (string, error) {
	length := []byte{0}
	switch kind {
	case socksIPv4:
		length[0] = 4
	case socksName:
		if _, err := io.ReadFull(client, length); err != nil {
			return "", err
		}
	case socksIPv6:
		length[0] = 16
	default:
		return "", errors.New("an address of an unknown kind")
	}
	address := make([]byte, length[0])
	if _, err := io.ReadFull(client, address); err != nil {
		return "", err
	}
	if kind == socksName {
		return string(address), nil
	}
	parsed, _ := netip.AddrFromSlice(address)
	return parsed.String(), nil
}
