package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// paged asks for three messages after one of the archive, and returns what comes.
func (w *world) paged(after string) string {
	w.t.Helper()
	if after != "" {
		after = "<after>" + after + "</after>"
	}
	w.archive(fmt.Sprintf(rsm, "<max>3</max>"+after))
	defer w.forget()
	return w.out.text.String()
}

// What was read ahead is what would have been read.
func TestReadAhead(t *testing.T) {
	w := spoken(t, 13)
	ids := w.archiveIDs()
	w.paged("")
	ahead := make(map[int]string)
	for _, from := range []int{2, 5} {
		reading := w.u.ahead
		if reading == nil {
			t.Fatalf("nothing is read ahead after message %d", from)
		}
		if ahead[from] = w.paged(ids[from]); w.u.ahead != reading {
			t.Errorf("what is read ahead is not gone on with after message %d", from)
		}
	}
	for from, page := range ahead {
		w.u.dropAhead()
		if again := w.paged(ids[from]); again != page || !strings.Contains(page, fmt.Sprintf(">line %d<", from+1)) {
			t.Errorf("read ahead after message %d:\n%s\nelse:\n%s", from, page, again)
		}
	}
	// Whoever goes on from elsewhere, or backwards, gets that.
	contains(t, w.paged(ids[0]), ">line 1<", ">line 3<")
	w.paged(ids[0])
	w.archive(fmt.Sprintf(rsm, "<max>3</max><before/>"))
	contains(t, w.out.text.String(), ">line 10<", ">line 12<")
	if w.u.ahead != nil {
		t.Error("something is read ahead of the last page")
	}
}

// The last page has what was said since it was read ahead.
func TestLastPageIsFresh(t *testing.T) {
	w := spoken(t, 4)
	ids := w.archiveIDs()
	w.paged("")
	if _, more := <-w.u.ahead.pages; more { // before the next is said
		t.Error("the last page of the archive is read ahead")
	}
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hark"})
	w.forget()
	contains(t, w.paged(ids[2]), ">line 3<", ">hark<", "<count>5</count>", "complete='true'")
}

// A page that nobody asks for is let go of, by whoever stops to read.
func TestReadAheadEnds(t *testing.T) {
	w := spoken(t, 10)
	w.paged("")
	w.pass(readAheadTime / 2)
	ids := w.archiveIDs() // the whole archive, so nothing is ahead of it
	if w.u.ahead != nil {
		t.Fatal("something is read ahead of a whole archive")
	}
	w.paged("")
	w.pass(readAheadTime / 2) // the first page's time is over, and not this one's
	if w.u.ahead == nil {
		t.Fatal("a page is let go of too early")
	}
	w.pass(readAheadTime)
	if w.u.ahead != nil || w.u.aheadWatched {
		t.Error("a page that nobody asked for is kept")
	}
	w.paged("")
	w.clock = w.clock.Add(readAheadTime + time.Second)
	if w.u.aheadOf(&w.u.ahead.query) != nil {
		t.Error("an old page is taken")
	}
	// Nothing of somebody who has left the gateway is kept.
	w.paged(ids[1])
	w.stanza(`<iq from='%s' to='gw.test' type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>`, desk)
	if w.u.ahead != nil {
		t.Error("a page of a user who was removed is kept")
	}
}

// A user without a connection stays for as long as something is read ahead: nobody else
// would end that.
func TestReadAheadWithoutConnection(t *testing.T) {
	w := spoken(t, 13)
	w.network().quit("bye")
	w.g.users[w.u.jid] = w.u
	w.timers = nil
	s, err := parseStanza(fmt.Sprintf(`<iq from='%s' to='%s' type='set' id='a'><query xmlns='urn:xmpp:mam:2'>`+rsm+`</query></iq>`, desk, room, "<max>3</max>"))
	if err != nil {
		t.Fatal(err)
	}
	w.u.in.postStanza(s, func() {})
	w.u.run()
	reading := w.u.ahead
	if reading == nil || w.g.Users() != 1 {
		t.Fatalf("%d users, who have %v read", w.g.Users(), reading)
	}
	w.u.in.running = true // nobody else works for this user
	for _, timer := range w.due(readAheadTime) {
		timer.run()
	}
	w.u.run()
	for range reading.pages { // until the end, which comes only when nobody reads on
	}
	if w.u.ahead != nil || w.g.Users() != 0 {
		t.Errorf("%d users are left, who have %v read", w.g.Users(), w.u.ahead)
	}
}

// Nothing is read on for somebody whom a fault has ended.
func TestReadAheadEndsWithTheUser(t *testing.T) {
	w := spoken(t, 13)
	w.paged("")
	w.faults++
	w.do(func() { panic("a fault") })
	if w.u.ahead != nil {
		t.Error("something is read ahead for a user who has ended")
	}
}
