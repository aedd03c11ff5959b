package ircconn

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// readBufferBytes is what one read takes from a socket at most.
const readBufferBytes = 4096

// readBuffers lends buffers for the time between a read and the end of the work
// on what it brought. It is shared by all connections because that is its
// purpose: none holds one while idle.
var readBuffers = sync.Pool{New: func() any { return new([readBufferBytes]byte) }}

// errTimeout says that the read deadline has passed.
var errTimeout = errors.New("read deadline passed")

// errWouldBlock says that there is nothing to read now. It is a temporary
// net.Error, after which TLS can go on.
var errWouldBlock net.Error = wouldBlockError{}

type wouldBlockError struct{}

func (wouldBlockError) Error() string   { return "nothing to read yet" }
func (wouldBlockError) Timeout() bool   { return false }
func (wouldBlockError) Temporary() bool { return true }

// input reads a connection without holding a buffer while nothing arrives: it
// waits for the system's word that the socket is readable, and then borrows a
// buffer for what there is. TLS reads in the same way, from a socket that says when
// there is nothing (tlsSocket); in this way it does not wait with its own buffers
// full. Where the system offers no such wait, and on pipes, one byte is read to
// wait.
type input struct {
	stream    net.Conn
	raw       syscall.RawConn // nil where sockets cannot be waited for
	secured   *tls.Conn       // stream, when it is TLS
	socket    *tlsSocket      // beneath secured
	try, peek func(fd uintptr) bool
	place     *Poller // where the connection waits; nil for a goroutine of its own
	fd        int     // of the socket, while there is a place
	reader    *reader
	waited    bool // a wait has had its first look
	buffer    *[readBufferBytes]byte
	count     int
	err       error // what the connection broke with
	first     [1]byte
}

func (in *input) init(r *reader, stream net.Conn, poller *Poller) {
	in.stream, in.reader = stream, r
	if !canReadNow {
		return
	}
	plain, ok := stream.(syscall.Conn)
	if secured, isTLS := stream.(*tls.Conn); isTLS {
		if in.socket, ok = secured.NetConn().(*tlsSocket); ok {
			in.secured = secured
			plain, ok = in.socket.Conn.(syscall.Conn)
		}
	}
	if !ok {
		return
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return
	}
	in.raw = raw
	// A method value allocates: once, not for each read.
	in.try = in.readNow
	if poller != nil {
		if fd, added := poller.add(r, raw); added {
			in.place, in.fd = poller, fd
			return
		}
	}
	in.peek = in.readable
}

// park gives up the goroutine at work until something arrives, where there is a
// Poller for that. goOn is whether there is something to do at once: err then is
// errTimeout, nil, or what the connection broke with.
func (in *input) park() (goOn bool, err error) {
	if in.err != nil {
		return true, in.err
	}
	return in.place.park(in.reader, in.fd)
}

// parks reports whether the connection can wait without a goroutine.
func (in *input) parks() bool { return in.place != nil }

// interrupt wakes a connection that is about to be closed.
func (in *input) interrupt() {
	if in.place != nil {
		in.place.interrupt(in.reader, in.fd)
	}
}

// end gives up the place of a connection.
func (in *input) end() {
	if in.place != nil {
		in.place.remove(in.reader, in.fd)
	}
}

// setDeadline says until when to wait for something to read.
func (in *input) setDeadline(at time.Time) {
	if in.place != nil {
		in.place.setDeadline(in.reader, in.fd, at)
		return
	}
	_ = in.stream.SetReadDeadline(at)
}

// wait waits until there is something to read. The error is errTimeout or what the
// connection broke with.
func (in *input) wait() error {
	if in.err != nil {
		return in.err
	}
	in.waited = false
	var err error
	if in.raw != nil {
		if err = in.raw.Read(in.peek); err == nil {
			err = in.err
		}
	} else {
		err = in.nextStream()
	}
	if isTimeout(err) {
		return errTimeout
	}
	return err
}

// readable looks whether there is something to read, and takes the system's word
// for it when it is asked again.
func (in *input) readable(fd uintptr) bool {
	if in.waited {
		return true
	}
	there, err := hasInput(fd)
	in.waited, in.err = true, err
	return there
}

// read returns what there is, which is valid until release. The error is
// errWouldBlock, errTimeout, io.EOF or what the connection broke with.
func (in *input) read() ([]byte, error) {
	if in.raw == nil {
		if in.count == 0 {
			return nil, errWouldBlock
		}
		return in.buffer[:in.count], nil
	}
	if in.err != nil {
		return nil, in.err
	}
	in.count = 0
	err := in.raw.Read(in.try)
	blocked := errors.Is(in.err, errWouldBlock)
	if blocked {
		in.err = nil
	}
	if err == nil && in.count == 0 {
		err = in.err
	}
	switch {
	case err == nil && in.count > 0:
		return in.buffer[:in.count], nil
	case err == nil:
		err = errWouldBlock
	case isTimeout(err):
		err = errTimeout
	}
	in.release()
	return nil, err
}

// passed reports, once, whether the deadline has passed while there was always
// something to read. Where there is no Poller the read says so.
func (in *input) passed() bool { return in.place != nil && in.place.passed(in.reader, in.fd) }

// mayHaveMore reports whether there may be more than the last read has brought.
func (in *input) mayHaveMore() bool {
	return in.raw != nil && (in.secured != nil || in.count == readBufferBytes || in.place != nil && in.place.mayEnd(in.reader, in.fd))
}

// readNow reads what is there, and does not wait.
func (in *input) readNow(fd uintptr) bool {
	in.buffer = readBuffers.Get().(*[readBufferBytes]byte)
	if in.secured == nil {
		in.count, in.err = readSocket(fd, in.buffer[:])
	} else {
		in.socket.fd, in.socket.now = fd, true
		in.count, in.err = in.secured.Read(in.buffer[:])
		if errors.Is(in.err, errWouldBlock) && in.count == 0 {
			releaseTLSBuffers(in.secured)
		}
	}
	return true
}

// canWriteNow reports whether writeNow is there: TLS may wait to write.
func (in *input) canWriteNow() bool { return in.raw != nil && in.secured == nil }

// writeNow writes what the socket takes at once, which may be nothing. It may be
// called during a read, and not while somebody else writes: no deadline of theirs
// counts for what does not wait.
func (in *input) writeNow(p []byte) (n int, err error) {
	controlErr := in.raw.Control(func(fd uintptr) { n, err = writeSocket(fd, p) })
	if controlErr != nil {
		return 0, controlErr
	}
	return n, err
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
	if in.raw == nil {
		in.count = 0
	}
}

// tlsSocket is the socket beneath TLS. It waits as every socket does until now
// is set, and from then on reads fd and answers errWouldBlock instead.
type tlsSocket struct {
	net.Conn
	fd  uintptr
	now bool
}

func (s *tlsSocket) Read(p []byte) (int, error) {
	if s.now {
		return readSocket(s.fd, p)
	}
	return s.Conn.Read(p)
}
