//go:build unix

package ircconn

import (
	"io"
	"os"
	"syscall"
)

// canReadNow is whether sockets can be read without waiting.
const canReadNow = true

// readSocket reads what is there, or answers errWouldBlock.
func readSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, err := readAtOnce(fd, p)
		switch {
		case err == nil && n == 0 && len(p) > 0:
			return 0, io.EOF
		case err == nil:
			return n, nil
		case err == syscall.EAGAIN:
			return 0, errWouldBlock
		case err != syscall.EINTR:
			return 0, os.NewSyscallError("read", err)
		}
	}
}

// writeSocket writes what the socket takes without waiting.
func writeSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, err := writeAtOnce(fd, p)
		switch err {
		case nil:
			return n, nil
		case syscall.EAGAIN:
			return 0, nil
		case syscall.EINTR:
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}

// hasInput reports whether a read would bring something now, be it the end. An error
// is the socket's own, which it tells only once: a read after it would bring an end
// without a reason.
func hasInput(fd uintptr) (bool, error) {
	var first [1]byte
	_, _, err := syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch err {
	case nil, syscall.EINTR:
		return true, nil
	case syscall.EAGAIN:
		return false, nil
	}
	return true, os.NewSyscallError("read", err)
}
