package ircconn

import (
	"bytes"
	"crypto/tls"
	"maps"
	"reflect"
	"strings"
	"testing"

	"passerelle/internal/irctest"
)

// TestTLSBufferFields fails with a Go release that has other fields: then look
// at what crypto/tls does now.
func TestTLSBufferFields(t *testing.T) {
	if !tlsBufferFields.known {
		t.Error("crypto/tls keeps its input elsewhere: idle TLS connections take several times the memory")
	}
	fields := map[string]reflect.Type{
		"input":    reflect.TypeFor[bytes.Reader](),
		"rawInput": reflect.TypeFor[bytes.Buffer](),
		"hand":     reflect.TypeFor[bytes.Buffer](),
	}
	if !findTLSBuffers(structOf(fields)).known {
		t.Error("a struct with all three fields was not recognised")
	}
	for name := range fields {
		missing, retyped := maps.Clone(fields), maps.Clone(fields)
		delete(missing, name)
		retyped[name] = reflect.TypeFor[[]byte]()
		if findTLSBuffers(structOf(missing)).known || findTLSBuffers(structOf(retyped)).known {
			t.Errorf("without the right %s a struct was taken for tls.Conn", name)
		}
	}
}

func structOf(fields map[string]reflect.Type) reflect.Type {
	var list []reflect.StructField
	for name, kind := range fields {
		list = append(list, reflect.StructField{Name: name, PkgPath: "crypto/tls", Type: kind})
	}
	return reflect.StructOf(list)
}

// TestTLSRecordsInPieces cuts the encrypted stream everywhere: whatever a read
// brings, and with the buffers let go of in between, no line is lost.
func TestTLSRecordsInPieces(t *testing.T) {
	server := irctest.NewTLSServer(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := newRecorder()
		options := testOptions(server)
		options.TLS.MaxVersion = version
		c := Start(new(testConfig()), options, r.sink, nil)
		cut := &cuttingConn{Conn: server.AcceptRaw()}
		script := irctest.Converse(t, tls.Server(cut, server.TLS()))
		script.Register(irctest.Registration{Caps: modernCaps})
		waitFor[Registered](t, r, nil)
		cut.size = 7
		body := strings.Repeat("x", 400)
		for range 20 {
			script.Send(":a!b@c PRIVMSG #c :"+body, ":a!b@c PRIVMSG #c :"+body)
		}
		script.Send(":a!b@c PRIVMSG #c :last")
		waitFor(t, r, func(m Message) bool { return m.Text == "last" })
		got := eventsOf[Message](r.all())
		if len(got) != 41 {
			t.Fatalf("%d messages", len(got))
		}
		for _, m := range got[:40] {
			if m.Text != body {
				t.Fatalf("got %q", m.Text)
			}
		}
		c.Close()
		waitDone(t, c)
	}
}
