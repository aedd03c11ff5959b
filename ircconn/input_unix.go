//go:build unix

package ircconn

import (
	"io"
	"os"
	"syscall"
)

// canReadRaw is whether sockets can be waited for without a buffer.
const canReadRaw = true

// nextRaw waits until the socket is readable and reads into a borrowed buffer.
func (in *input) nextRaw() error {
	var readErr error
	in.count = 0
	if err := in.raw.Read(in.try); err != nil {
		return err
	}
	if in.count < 0 {
		readErr, in.err = in.err, nil
		return readErr
	}
	if in.count == 0 {
		return io.EOF
	}
	return nil
}

// readRaw reads once; false means that there is nothing to read yet. A failed
// read leaves its error in err and a negative count.
func (in *input) readRaw(fd uintptr) bool {
	in.buffer = readBuffers.Get().(*[readBufferBytes]byte)
	for {
		n, err := syscall.Read(int(fd), in.buffer[:])
		switch err {
		case nil:
			in.count = n
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			in.release()
			return false
		default:
			in.count = -1
			in.err = os.NewSyscallError("read", err)
			return true
		}
	}
}
