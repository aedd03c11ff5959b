//go:build !unix

package ircconn

import "errors"

// canReadRaw is whether sockets can be waited for without a buffer.
const canReadRaw = false

func (in *input) nextRaw() error { return errors.ErrUnsupported }

func (in *input) readRaw(uintptr) bool { return true }
