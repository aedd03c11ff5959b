package ircconn

import (
	"iter"
	"os"
	"syscall"
)

// arrivals are sockets that the system has named as having something to read.
type arrivals struct {
	events [256]syscall.EpollEvent
	count  int
}

// all returns their file descriptors, and whether the socket has an end or an error
// to tell.
func (a *arrivals) all() iter.Seq2[int, bool] {
	const end = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
	return func(yield func(int, bool) bool) {
		for i := range a.count {
			if !yield(int(a.events[i].Fd), a.events[i].Events&end != 0) {
				return
			}
		}
	}
}

// epollet is EPOLLET, whose value in package syscall has the wrong sign.
const epollet = 1 << 31

// open makes the system's queue (epoll(7)). It is waited for like a socket, by the
// runtime, and takes no thread.
func (p *Poller) open() error {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	p.file = os.NewFile(uintptr(fd), "epoll")
	return nil
}

// watch has the system name a socket whenever something more has arrived, once for
// each time.
func (p *Poller) watch(socket int) (err error) {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | epollet, Fd: int32(socket)}
	controlErr := p.raw.Control(func(fd uintptr) {
		err = syscall.EpollCtl(int(fd), syscall.EPOLL_CTL_ADD, socket, &event)
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}

// collect takes the sockets that have something to read, and reports whether there
// are any.
func (p *Poller) collect(fd uintptr) bool {
	count, err := epollAtOnce(fd, p.arrivals.events[:])
	p.arrivals.count = max(0, count)
	return err == nil && count > 0
}
