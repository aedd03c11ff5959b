package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
	"passerelle/store"
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
	w := spoken(t, 10)
	ids := w.archiveIDs()
	w.paged("")
	for _, from := range []int{2, 5} {
		if w.u.ahead == nil {
			t.Fatalf("nothing is read ahead after message %d", from)
		}
		ahead := w.paged(ids[from])
		w.u.dropAhead()
		if again := w.paged(ids[from]); again != ahead || !strings.Contains(ahead, fmt.Sprintf(">line %d<", from+1)) {
			t.Errorf("read ahead after message %d:\n%s\nelse:\n%s", from, ahead, again)
		}
	}
	// Whoever goes on from elsewhere, or backwards, gets that.
	contains(t, w.paged(ids[0]), ">line 1<", ">line 3<")
	w.paged(ids[0])
	w.archive(fmt.Sprintf(rsm, "<max>3</max><before/>"))
	contains(t, w.out.text.String(), ">line 7<", ">line 9<")
	if w.u.ahead != nil {
		t.Error("something is read ahead of the last page")
	}
}

// The last page has what was said since it was read ahead.
func TestLastPageIsFresh(t *testing.T) {
	w := spoken(t, 4)
	ids := w.archiveIDs()
	w.paged("")
	page, read := make(chan store.Page, 1), w.u.ahead.page
	page <- <-read // before the next is said
	w.u.ahead.page = page
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
	if w.u.takeAhead(&w.u.ahead.query) != nil || w.u.ahead != nil {
		t.Error("an old page is taken")
	}
	// Nothing of somebody who has left the gateway is kept.
	w.paged(ids[1])
	w.stanza(`<iq from='%s' to='gw.test' type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>`, desk)
	if w.u.ahead != nil {
		t.Error("a page of a user who was removed is kept")
	}
}
