//go:build !linux

package ircconn

import "syscall"

// bindFreely has nothing to do: the address must be one of an interface.
func bindFreely(string, string, syscall.RawConn) error { return nil }
