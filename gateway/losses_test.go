package gateway

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/store"
)

// Who was in which room is asked for again when the store did not say at the start.
func TestSecondAttemptToReadWhatWasKept(t *testing.T) {
	w := newWorld(t)
	cfg := store.DefaultConfig()
	cfg.Directory = t.TempDir()
	away, err := store.Open(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := away.Close(); err != nil {
		t.Fatal(err)
	}
	w.g.store = away
	w.g.restore()
	w.openStore()
	w.pass(restorePause - time.Second)
	if kept := w.keptSessions(); len(kept) > 0 {
		t.Fatalf("the gateway says that it runs before it has read what there was: %v", kept)
	}
	w.pass(time.Second)
	if kept := w.keptSessions(); len(kept) != 1 || kept[0].State != stamp(w.clock) {
		t.Errorf("it was not tried again: kept %v", kept)
	}
}

// A user whose settings cannot be read at the start is brought back when they can.
func TestSecondAttemptToBringAUserBack(t *testing.T) {
	w := withStore(t)
	w.configure("gw.test", fieldXML("persistent", "true"))
	kept := w.keptSessions()
	next := newWorld(t)
	next.clock, next.g.store = w.clock.Add(time.Minute), w.g.store
	next.g.users[next.u.jid] = next.u
	if err := next.g.askStore(time.Millisecond, hang); err == nil {
		t.Fatal("there was an answer")
	}
	last := lifeOf(kept, next.clock)
	next.do(func() { next.u.restore(kept, last) })
	next.pass(restorePause - time.Second)
	if asked := next.inquired(); len(asked) > 0 {
		t.Fatalf("asked %v", asked)
	}
	next.pass(time.Second)
	if asked := next.inquired(); len(asked) != 1 || asked[desk] == "" {
		t.Errorf("it was not tried again: asked %v", asked)
	}
}

// The time that the server had to answer an earlier JOIN is not that of the next.
func TestSecondJoinHasItsOwnTime(t *testing.T) {
	w := patient(t)
	w.change(func(c *Live) { c.AnswerTimeout = 2 * rejoinPause })
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet")
	w.forget()
	w.event(ircconn.Refused{Numeric: 477, Target: "#chan", Params: []string{"#chan"}, Text: "You need to be identified"})
	w.pass(rejoinPause)
	w.expectLines("JOIN #chan")
	w.pass(rejoinPause) // until the first would have been too late
	w.expect()
	w.pass(rejoinPause)
	w.expectOne(`type='unavailable'`, "did not answer the request to join #chan")
}

// A user whose goroutine does not come to the next attempt takes no turn away from
// others.
func TestBusyUserTakesNoTurn(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.clock = w.clock.Add(time.Minute)
	for _, timer := range slices.Clone(w.timers) {
		if !timer.at.After(w.clock) {
			timer.run() // what it makes waits in the inlet
		}
	}
	if at := w.g.knocks.turn("irc.test", w.clock, time.Hour); !at.Equal(w.clock) {
		t.Errorf("the next has to wait until %v", at)
	}
}

// A user who has too much to do holds up nobody's return to the stream.
func TestBusyUserHoldsUpNobody(t *testing.T) {
	w := connected(t)
	busy := newUser(w.g, component.JID{Local: "busy", Domain: "xmpp.test"})
	busy.in.running = true
	for range inletEvents + inletOthers {
		busy.post(func(*User) {}, nil)
	}
	w.g.users[busy.jid], w.g.users[w.u.jid] = busy, w.u
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	woken := make(chan struct{})
	go func() {
		defer close(woken)
		w.g.wake()
	}()
	select {
	case <-woken:
	case <-ctx.Done():
		t.Fatal("everybody waits for one who is busy")
	}
	if work := w.u.in.take(false); work.len() != 1 {
		t.Errorf("juliet has %d things to do", work.len())
	}
}

// What is held for a user is kept also when they have nothing else any more.
func TestHeldMessagesOfAUserWithoutNetworks(t *testing.T) {
	w := connected(t)
	w.g.users[w.u.jid] = w.u
	w.loseStream()
	w.event(ircconn.Message{Source: source("romeo"), Target: "juliet", Text: "psst"})
	w.cut(brokenPipe)
	if len(w.u.networks) > 0 {
		t.Fatal("the network is still there")
	}
	w.rest()
	if w.g.users[w.u.jid] != w.u {
		t.Fatal("the user is forgotten, with what is held")
	}
	w.streamBack()
	contains(t, strings.Join(w.sent(), "\n"), `<body>psst</body>`)
	w.rest()
	if w.g.users[w.u.jid] != nil {
		t.Error("the user stays for ever")
	}
}

// rest is the end of the user's goroutine when there is nothing to do.
func (w *world) rest() {
	w.u.run()
	w.u.in.running = true
	w.u.scratch = w.g.meter.newScratch()
}

// Clients that were taken out of a room in an outage are not asked about by the
// next start.
func TestClientsAreNotKeptWhenAnOutageIsGivenUp(t *testing.T) {
	w := withStore(t)
	w.change(func(c *Live) { c.OutageLimit, c.Persistent = time.Hour, true })
	isKept := func() bool {
		return slices.ContainsFunc(w.keptSessions(), func(s store.Session) bool {
			return s.Channel == "#chan" && strings.Contains(s.State, "desk")
		})
	}
	w.cut(brokenPipe)
	if !isKept() {
		t.Error("a client that is still in the room is not kept")
	}
	w.pass(time.Hour)
	if isKept() {
		t.Error("a client that was taken out of the room is kept")
	}
	if kept := w.keptSessions(); !slices.ContainsFunc(kept, func(s store.Session) bool { return s.Channel == "#chan" }) {
		t.Errorf("the room is not kept: %+v", kept)
	}
}
