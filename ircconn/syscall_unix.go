//go:build unix && !linux

package ircconn

import "syscall"

func readAtOnce(fd uintptr, p []byte) (int, error)  { return syscall.Read(int(fd), p) }
func writeAtOnce(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
