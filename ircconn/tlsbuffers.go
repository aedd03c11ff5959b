package ircconn

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// tlsBuffers says where a tls.Conn keeps its input. Its buffers grow to the
// largest record seen and stay so, which takes tens of kilobytes of an idle
// connection; nothing in the package's interface lets go of them.
//
// COMPAT: these are private fields of crypto/tls (Go 1.26). Where one is missing
// or of another type, known is false and the buffers stay.
type tlsBuffers struct {
	input, rawInput, hand uintptr
	known                 bool
}

var tlsBufferFields = findTLSBuffers(reflect.TypeFor[tls.Conn]())

func findTLSBuffers(conn reflect.Type) tlsBuffers {
	input, hasInput := conn.FieldByName("input")
	rawInput, hasRawInput := conn.FieldByName("rawInput")
	hand, hasHand := conn.FieldByName("hand")
	return tlsBuffers{
		input:    input.Offset,
		rawInput: rawInput.Offset,
		hand:     hand.Offset,
		known: hasInput && input.Type == reflect.TypeFor[bytes.Reader]() &&
			hasRawInput && rawInput.Type == reflect.TypeFor[bytes.Buffer]() &&
			hasHand && hand.Type == reflect.TypeFor[bytes.Buffer](),
	}
}

// releaseTLSBuffers lets go of the input buffers of conn if they hold nothing.
// Only the goroutine that reads conn may call it, and not during a read: nothing
// else touches these fields after the handshake.
func releaseTLSBuffers(conn *tls.Conn) {
	if !tlsBufferFields.known {
		return
	}
	input := (*bytes.Reader)(unsafe.Add(unsafe.Pointer(conn), tlsBufferFields.input))
	rawInput := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(conn), tlsBufferFields.rawInput))
	hand := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(conn), tlsBufferFields.hand))
	if input.Len() > 0 || rawInput.Len() > 0 || hand.Len() > 0 {
		return
	}
	// The reader's bytes are part of the raw buffer and would keep it.
	*input = bytes.Reader{}
	*rawInput = bytes.Buffer{}
	*hand = bytes.Buffer{}
}
