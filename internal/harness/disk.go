//go:build linux

package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Disk is a small file system of its own, which can be filled up.
type Disk struct {
	// Directory is its root.
	Directory string

	ballast string
}

// MountDisk makes a file system that holds so many bytes, in memory. Only root can do that,
// and not in every container: the error says what it needs.
func (w *Workspace) MountDisk(size int64) (*Disk, error) {
	directory, err := w.folder("disk")
	if err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", directory, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, fmt.Sprintf("size=%d,mode=0755", size)); err != nil {
		return nil, fmt.Errorf("mounting a small disk, which takes root and CAP_SYS_ADMIN: %w", err)
	}
	return &Disk{Directory: directory, ballast: filepath.Join(directory, "ballast")}, nil
}

// Fill writes the disk full, in the manner of some other program's log.
func (d *Disk) Fill() error {
	ballast, err := os.OpenFile(d.ballast, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("filling the disk: %w", err)
	}
	for _, piece := range [][]byte{make([]byte, 1<<20), make([]byte, os.Getpagesize())} {
		for err == nil {
			_, err = ballast.Write(piece)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return errors.Join(fmt.Errorf("filling the disk: %w", err), ballast.Close())
		}
		err = nil
	}
	return ballast.Close()
}

// Free makes the room again that Fill took.
func (d *Disk) Free() error {
	if err := os.Remove(d.ballast); err != nil {
		return fmt.Errorf("freeing the disk: %w", err)
	}
	return nil
}

// Close takes the disk away, with what is on it.
func (d *Disk) Close() error {
	if err := unix.Unmount(d.Directory, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("taking the disk away: %w", err)
	}
	return nil
}
