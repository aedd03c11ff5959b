package ircconn

import (
	"strings"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

// What a server asks is answered before the rest of what it has sent is worked on: that
// may be a flood without an end, and servers do not wait for their answer for ever.
func TestAnswersWithinAFlood(t *testing.T) {
	for name, server := range map[string]*irctest.Server{"plain": irctest.NewServer(t), "TLS": irctest.NewTLSServer(t, "127.0.0.1")} {
		t.Run(name, func(t *testing.T) {
			answered := make(chan struct{})
			events := newRecorder()
			config := testConfig()
			c := Start(&config, testOptions(server), func(c *Conn, event Event) {
				if said, ok := event.(Message); ok && said.Text == "last" {
					select {
					case <-answered:
					case <-time.After(patience / 4):
						t.Error("the server has no answer while there is more to read")
					}
				}
				events.sink(c, event)
			}, nil)
			t.Cleanup(func() { c.Close(); waitDone(t, c) })
			script := server.Accept()
			script.Register(irctest.Registration{})
			waitFor[Registered](t, events, nil)
			line := ":romeo!r@verona PRIVMSG juliet :"
			script.SendRaw("PING now\r\n" + strings.Repeat(line+"hark\r\n", 4*readBufferBytes/len(line)) + line + "last\r\n")
			script.Expect("PONG now")
			close(answered)
			waitFor(t, events, func(said Message) bool { return said.Text == "last" })
		})
	}
}
