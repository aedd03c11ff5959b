package ircconn

import (
	"strings"
	"testing"
)

// What a server sends is reported, whether or not it makes events.
func TestReceived(t *testing.T) {
	for _, example := range []struct {
		name  string
		text  string
		times int
		most  int // lines without an event at a time
		lines int // without an event, in all
	}{
		{"PING", "PING :x\r\n", 10 * receivedLines, receivedLines + readBufferBytes/9, 10 * receivedLines},
		{"half a line", strings.Repeat("z", readBufferBytes), 64, 0, 0},
		{"empty lines", strings.Repeat("\r", readBufferBytes), 64, 0, 0},
		{"messages", ":a!u@h PRIVMSG #c :" + strings.Repeat("x", 400) + "\n", 1600, 0, 0},
		{"messages and as many PINGs", ":a!u@h PRIVMSG #c :hi\nPING :xxxxxxxxxxxxxx\n", 4 * receivedLines, receivedLines + readBufferBytes/43, 4 * receivedLines},
	} {
		t.Run(example.name, func(t *testing.T) {
			bytes, lines := 0, 0
			sink := func(_ *Conn, event Event) {
				got, ok := event.(Received)
				if !ok {
					return
				}
				bytes += got.Bytes
				lines += got.Lines
				if got.Lines > example.most || got.Bytes > receivedBytes+readBufferBytes {
					t.Errorf("%+v at once", got)
				}
			}
			r := talkingReader(t, Options{Nick: "juliet"}, sink)
			registerReader(r)
			r.session.received = received{}
			for range example.times {
				r.step([]byte(example.text), nil)
			}
			if missing := example.times*len(example.text) - bytes; missing < 0 || missing >= receivedBytes+readBufferBytes {
				t.Errorf("%d bytes were reported of %d", bytes, example.times*len(example.text))
			}
			if missing := example.lines - lines; missing < 0 || missing >= receivedLines {
				t.Errorf("%d lines without an event were reported of %d", lines, example.lines)
			}
		})
	}
}
