package ircconn

import (
	"syscall"
	"unsafe"
)

// These are read(2), write(2) and epoll_pwait(2) for descriptors that never wait,
// without the word to the Go runtime that they might. With it, whenever the kernel
// takes longer than usual, the runtime gives the processor to another thread, wakes
// one for it, and the goroutine has to get one back.

func readAtOnce(fd uintptr, p []byte) (int, error) {
	return transferAtOnce(syscall.SYS_READ, fd, p)
}

func writeAtOnce(fd uintptr, p []byte) (int, error) {
	return transferAtOnce(syscall.SYS_WRITE, fd, p)
}

func transferAtOnce(call, fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func epollAtOnce(fd uintptr, events []syscall.EpollEvent) (int, error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
