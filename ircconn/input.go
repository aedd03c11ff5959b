package ircconn

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// readBufferBytes is what one read takes from a socket at most.
const readBufferBytes = 4096

// readBuffers lends buffers for the time between a read and the end of the work
// on what it brought. It is shared by all connections because that is its
// purpose: none holds one while idle.
var readBuffers = sync.Pool{New: func() any { return new([readBufferBytes]byte) }}

// errTimeout says that the read deadline has passed.
var errTimeout = errors.New("read deadline passed")

// input reads a connection without holding a buffer while nothing arrives: on
// a plain socket it waits for the system's word that there is something to
// read, elsewhere (TLS) it waits with a buffer of one byte.
type input struct {
	stream net.Conn
	raw    syscall.RawConn // nil unless stream is a plain socket
	try    func(fd uintptr) bool
	buffer *[readBufferBytes]byte
	count  int
	err    error
	first  [1]byte
}

func (in *input) init(stream net.Conn) {
	in.stream = stream
	if socket, ok := stream.(syscall.Conn); ok && canReadRaw {
		if raw, err := socket.SyscallConn(); err == nil {
			in.raw = raw
			// A method value allocates: once, not for each read.
			in.try = in.readRaw
		}
	}
}

// next waits for bytes and returns them; they are valid until release. The
// error is errTimeout, io.EOF or what the connection broke with.
func (in *input) next() ([]byte, error) {
	if in.err != nil {
		return nil, in.err
	}
	var err error
	if in.raw != nil {
		err = in.nextRaw()
	} else {
		err = in.nextStream()
	}
	if err != nil {
		in.release()
		if isTimeout(err) {
			return nil, errTimeout
		}
		return nil, err
	}
	return in.buffer[:in.count], nil
}

// nextStream waits for one byte and then takes what else there is. After a byte
// that ends a line it takes nothing, since there may be no more and the second
// read would wait with a whole buffer.
func (in *input) nextStream() error {
	n, err := in.stream.Read(in.first[:])
	if n == 0 {
		return err
	}
	in.buffer = readBuffers.Get().(*[readBufferBytes]byte)
	in.buffer[0] = in.first[0]
	in.count = 1
	if isLineEnd(in.first[0]) {
		return nil
	}
	n, err = in.stream.Read(in.buffer[1:])
	in.count += n
	if err != nil && !isTimeout(err) {
		in.err = err
	}
	return nil
}

// release gives the buffer of the last read back.
func (in *input) release() {
	if in.buffer != nil {
		readBuffers.Put(in.buffer)
		in.buffer = nil
	}
}
