package ircconn

import "syscall"

// Of linux/in.h and linux/in6.h; package syscall lacks them.
const (
	ipBindAddressNoPort = 24
	ipv6FreeBind        = 78
)

// bindFreely lets a socket be bound to an address that no interface has, as long
// as the network delivers it here, such as any of an IPv6 prefix; and leaves
// its port to the time of connecting, so that connections to different servers
// can share one. A kernel that knows one of the options not does without it.
func bindFreely(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_FREEBIND, 1)
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, ipv6FreeBind, 1)
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	})
}
