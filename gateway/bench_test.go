package gateway

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

// discard is a stream that nothing is kept of.
type discard struct{}

func (discard) Send([]byte) error  { return nil }
func (discard) Offer([]byte) error { return nil }

func (discard) OfferAs(*component.Sender, []byte) error { return nil }

func (discard) SendAs(*component.Sender, []byte) error { return nil }

// BenchmarkMessageToRoom is the way of one line from IRC to one session.
func BenchmarkMessageToRoom(b *testing.B) {
	w := connected(b)
	w.g.out = discard{}
	n := w.network()
	ev := ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "what light through yonder window breaks"}
	b.ReportAllocs()
	for b.Loop() {
		w.do(func() { n.handle(ev) })
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

// BenchmarkLinesOfManyUsers is the way of lines from the readers of several
// connections, each of its own user of one gateway, through the inlets to the
// component.
func BenchmarkLinesOfManyUsers(b *testing.B) {
	g := connected(b).g
	var number, minutes atomic.Int64
	// With a minute between two looks at the clock, nobody who is sent so much pauses.
	g.now = func() time.Time { return time.Now().Add(time.Duration(minutes.Add(1)) * time.Minute) }
	g.out, g.timer = discard{}, time.AfterFunc
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		w := connected(b)
		w.u.g = g
		w.u.scratch, w.u.in.running = nil, false
		w.u.jid = component.JID{Local: "juliet" + strconv.FormatInt(number.Add(1), 10), Domain: "xmpp.test"}
		from := &wire{u: w.u, network: "irc.test", generation: w.network().generation}
		var ev ircconn.Event = ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "what light through yonder window breaks"}
		heard := time.Now()
		for i := 0; pb.Next(); i++ {
			if i%16 == 0 {
				heard = time.Now() // a read brings several lines
			}
			from.post(ev, heard, never, nil)
		}
		finished := make(chan struct{})
		w.u.post(func(*User) { close(finished) }, nil)
		<-finished
	})
}

// BenchmarkArchivePage is a page of 100 messages out of archives of several sizes.
func BenchmarkArchivePage(b *testing.B) {
	for _, lines := range []int{5_000, 50_000} {
		b.Run(strconv.Itoa(lines), func(b *testing.B) {
			w := archived(b, lines)
			w.g.out = discard{}
			s := w.askPage(lines)
			b.ReportAllocs()
			for b.Loop() {
				w.do(func() { w.u.handleStanza(s) })
			}
		})
	}
}

// BenchmarkNetsplit is a member of a room of 1,000 leaving in a netsplit and coming
// back, shown to one session. Half of the members do, one after the other.
func BenchmarkNetsplit(b *testing.B) {
	w := connected(b)
	w.g.out = discard{}
	n := w.network()
	for i := range 997 {
		n.channel("#chan").add("m"+strconv.Itoa(i), 0)
	}
	var events []ircconn.Event
	for i := range 500 {
		events = append(events, ircconn.Quit{Source: source("m" + strconv.Itoa(i*2)), Reason: "*.net *.split"})
	}
	for i := range 500 {
		events = append(events, ircconn.Joined{Source: source("m" + strconv.Itoa(i*2)), Channel: "#chan"})
	}
	n.channel("#chan").members.sortAndMerge(n.support.Casemapping)
	b.ReportAllocs()
	for i := 0; b.Loop(); i = (i + 1) % len(events) {
		w.do(func() { n.handle(events[i]) })
	}
}
