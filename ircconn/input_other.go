//go:build !unix

package ircconn

import "errors"

// canReadNow is whether sockets can be read without waiting.
const canReadNow = false

func readSocket(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func writeSocket(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func hasInput(uintptr) (bool, error) { return false, nil }
