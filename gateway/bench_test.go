package gateway

import (
	"testing"

	"passerelle/ircconn"
)

// discard is a stream that nothing is kept of.
type discard struct{}

func (discard) Send([]byte) error  { return nil }
func (discard) Offer([]byte) error { return nil }

// BenchmarkMessageToRoom is the way of one line from IRC to one session.
func BenchmarkMessageToRoom(b *testing.B) {
	w := connected(b)
	w.g.out = discard{}
	n := w.network()
	ev := ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "what light through yonder window breaks"}
	b.ReportAllocs()
	for b.Loop() {
		w.u.guard(func() { n.handle(ev) })
	}
}

// BenchmarkJoinLargeRoom is showing a room of 10,000 to one session.
func BenchmarkJoinLargeRoom(b *testing.B) {
	w := connected(b)
	w.g.out = discard{}
	ch := w.network().channel("#chan")
	for i := range 10000 {
		ch.add("somebody"+newID()[:8], uint8(i%2))
	}
	s, stanza := ch.sessions[0], mustStanza(b)
	b.ReportAllocs()
	for b.Loop() {
		ch.welcome(s, stanza)
		w.u.flush()
	}
}
