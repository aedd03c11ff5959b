package gateway

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// lingering is connected, to a gateway that waits for clients to come back.
func lingering(t *testing.T) *world {
	t.Helper()
	w := connected(t)
	w.change(func(c *Live) { c.Linger = time.Minute })
	return w
}

var inquiryID = regexp.MustCompile(`<iq from='gw.test' to='([^']*)' type='get' id='([0-9a-f]+)'>`)

// inquired returns the ids of the questions whether clients are there, by client.
func (w *world) inquired() map[string]string {
	w.t.Helper()
	ids := make(map[string]string)
	for _, found := range inquiryID.FindAllStringSubmatch(w.out.text.String(), -1) {
		ids[found[1]] = found[2]
	}
	w.out.text.Reset()
	return ids
}

func (w *world) isThere(client, id string) {
	w.stanza(`<iq from='%s' to='gw.test' type='result' id='%s'/>`, client, id)
}

// isGone is how a server answers for a client that is not there: to the first
// question, and then to the second.
func (w *world) isGone(client, id string) {
	w.t.Helper()
	bounce := `<iq from='%s' to='gw.test' type='error' id='%s'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`
	w.stanza(bounce, client, id)
	again := w.inquired()[client]
	if again == "" {
		w.t.Fatal("a client that may not know pings was not asked in another way")
	}
	w.stanza(bounce, client, again)
}

func (w *world) leaves(client string) {
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, client, room)
}

// Who leaves a room leaves the channel at once: the client is still there.
func TestDirectedLeave(t *testing.T) {
	w := lingering(t)
	w.leaves(desk)
	w.expectLines()
	w.isThere(desk, w.inquired()[desk])
	w.expectLines("PART #chan")
}

// Who goes offline stays in the channel for a while.
func TestGoingOffline(t *testing.T) {
	w := lingering(t)
	w.leaves(desk)
	w.isGone(desk, w.inquired()[desk])
	w.expectLines("AWAY no client")
	w.pass(59 * time.Second)
	w.expectLines()
	w.pass(time.Second)
	w.expectLines("PART #chan offline")
}

func TestComingBackInTime(t *testing.T) {
	w := lingering(t)
	w.leaves(desk)
	w.isGone(desk, w.inquired()[desk])
	w.pass(30 * time.Second)
	w.forget()
	w.join(phone, "juliet")
	w.expectLines("AWAY")
	contains(t, strings.Join(w.sent(), ""), `<presence from='#chan%irc.test@gw.test/romeo' to='`+phone+`'>`)
	w.pass(time.Hour)
	w.expectLines()
}

// A client that answers nothing at all has left: it said so.
func TestLeaveOfASilentClient(t *testing.T) {
	w := lingering(t)
	w.leaves(desk)
	w.pass(departTime)
	w.expectLines("PART #chan")
}

// A client whose server says that it is gone is waited for without asking.
func TestVanishedClient(t *testing.T) {
	w := lingering(t)
	w.stanza(`<message from='%s' to='%s/romeo' type='error'><error type='cancel'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, desk, room)
	w.expectLines("AWAY no client")
	w.pass(time.Minute)
	w.expectLines("PART #chan your client could not be reached")
}

// A client that does not know pings, but is there.
func TestClientWithoutPings(t *testing.T) {
	w := lingering(t)
	w.leaves(desk)
	id := w.inquired()[desk]
	w.stanza(`<iq from='%s' to='gw.test' type='error' id='%s'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`, desk, id)
	w.isThere(desk, w.inquired()[desk])
	w.expectLines("PART #chan")
}

// Answers of others, and answers to nothing, count for nothing.
func TestForgedAnswers(t *testing.T) {
	w := lingering(t)
	w.leaves(desk)
	id := w.inquired()[desk]
	w.isThere(phone, id)
	w.isThere(desk, "something else")
	w.expectLines()
	w.isThere(desk, id)
	w.isThere(desk, id)
	w.expectLines("PART #chan")
}

// Somebody who leaves before being in has nothing to come back to.
func TestLeaveBeforeBeingIn(t *testing.T) {
	w := newWorld(t)
	w.change(func(c *Live) { c.Linger = time.Minute })
	w.join(desk, "juliet")
	w.register("juliet")
	w.expectLines("JOIN #chan")
	w.leaves(desk)
	w.expectLines("PART #chan")
}

// A channel that ends while a client is asked about is left alone.
func TestEndWhileAsking(t *testing.T) {
	w := lingering(t)
	w.leaves(desk)
	id := w.inquired()[desk]
	w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "juliet", Self: true})
	w.forget()
	w.isThere(desk, id)
	w.expectLines()
}

// Who comes back is shown what was said since they could last be told anything: also
// before it was found out that they were gone.
func TestMissedBeforeTheAbsenceWasFound(t *testing.T) {
	say := func(w *world) {
		for i := range 30 {
			w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "missed " + string(rune('a'+i))})
		}
	}
	for name, goes := range map[string]func(w *world){
		"offline": func(w *world) {
			w.leaves(desk)
			id := w.inquired()[desk]
			say(w)
			w.clock = w.clock.Add(time.Second)
			w.isGone(desk, id)
		},
		"with the stream": func(w *world) {
			w.loseStream()
			say(w)
			w.streamBack()
			w.isGone(desk, w.inquired()[desk])
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := withStore(t)
			w.change(func(c *Live) { c.Linger = time.Hour })
			w.clock = w.clock.Add(time.Second)
			goes(w)
			w.forget()
			w.join(desk, "juliet")
			got := bodies(w.sent())
			contains(t, got, "missed a", "missed z")
		})
	}
}

// Who chooses to stay while the client that left last is asked, stays.
func TestStayingChosenWhileAsked(t *testing.T) {
	w := withStore(t)
	w.change(func(c *Live) { c.Linger = time.Minute })
	w.leaves(desk)
	id := w.inquired()[desk]
	w.configure("gw.test", fieldXML("persistent", "true"))
	w.isThere(desk, id)
	w.expectLines("AWAY no client")
	if w.network().channel("#chan") == nil {
		t.Error("the room was left")
	}
}
