package gateway

import (
	"testing"

	"passerelle/ircconn"
)

// What is done for each line and stanza allocates no more than this, under the race
// detector too, which takes one more for a member; times are for benchmarks.
func TestAllocations(t *testing.T) {
	w := connected(t)
	w.g.out = discard{}
	n := w.network()
	on := func(ev ircconn.Event) func() {
		return func() { w.u.guard(func() { n.handle(ev) }) }
	}
	in := func(xml string) func() {
		s, err := parseStanza(xml)
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			w.irc.sent = w.irc.sent[:0]
			w.u.guard(func() { w.u.handleStanza(s) })
		}
	}
	joined, left := on(ircconn.Joined{Source: source("mercutio"), Channel: "#chan"}), on(ircconn.Quit{Source: source("mercutio"), Reason: "*.net *.split"})
	for _, test := range []struct {
		name   string
		budget float64
		do     func()
	}{
		{"a message to a room", 2, on(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "what light through yonder window breaks"})},
		{"a member who comes and goes", 2, func() { joined(); left() }},
		{"a message to IRC", 8, in("<message from='" + desk + "' to='" + room + "' type='groupchat' id='1'><body>what light through yonder window breaks</body></message>")},
	} {
		if got := leastAllocations(test.do); got > test.budget {
			t.Errorf("%s: %v allocations, at most %v are allowed", test.name, got, test.budget)
		}
	}
}

// leastAllocations is how much one run allocates of many: the race detector has a pool
// lose what was put in it, now and then.
func leastAllocations(do func()) float64 {
	least := testing.AllocsPerRun(1, do)
	for range 200 {
		least = min(least, testing.AllocsPerRun(1, do))
	}
	return least
}

// A page of the archive allocates a little for each of its messages, in the store and
// here.
func TestArchivePageAllocations(t *testing.T) {
	w := archived(t, 1000)
	w.g.out = discard{}
	s := w.askPage(1000)
	const budget = 205
	if got := leastAllocations(func() { w.do(func() { w.u.handleStanza(s) }) }); got > budget {
		t.Errorf("a page of 100 messages: %v allocations, at most %v are allowed", got, budget)
	}
}
