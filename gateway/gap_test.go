package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
	"passerelle/store"
)

var historyCaps = []string{"batch", "server-time", "message-tags", "draft/chathistory"}

// past is a line of history.
func past(nick, text, id string, at time.Time) ircconn.Message {
	return ircconn.Message{
		Source: source(nick), Target: "#chan", Text: text,
		Meta: ircconn.Meta{Batch: "chathistory", MessageID: id, Time: at},
	}
}

func historyEnd() ircconn.BatchEnded { return ircconn.BatchEnded{Type: "chathistory"} }

// withHistory is a user in #chan of a server that keeps history, who has heard one
// line there, at the world's time.
func withHistory(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.openStore()
	w.change(func(c *Live) { c.OutageLimit = time.Hour })
	w.join(desk, "juliet")
	w.register("juliet", historyCaps...)
	w.enter("@nurse romeo juliet")
	w.event(historyEnd())
	heard := past("romeo", "heard", "m1", w.clock)
	heard.Batch = ""
	w.event(heard)
	w.forget()
	return w
}

// What was missed in an outage is asked for, archived with its time, and shown
// once.
func TestGapIsFilled(t *testing.T) {
	w := withHistory(t)
	from := w.clock.Add(-gapFuzz)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet", historyCaps...)
	w.irc.sent = nil
	w.enter("@nurse romeo juliet")
	w.expectLines("MODE #chan", fmt.Sprintf("CHATHISTORY AFTER #chan timestamp=%s %d", stamp(from), gapPage))
	w.forget()
	start := w.clock.Add(-5 * time.Second)
	w.event(
		past("romeo", "heard", "m1", from.Add(gapFuzz)),
		past("HistServ", "paris joined the channel", "m1b", start),
		past("romeo", "missed one", "m2", start),
		past("paris", "missed two", "m3", start.Add(time.Second)),
	)
	w.expect()
	w.event(historyEnd())
	got := w.sent()
	if bodies(got) != "missed one missed two" {
		t.Fatalf("shown:\n%s", strings.Join(got, "\n"))
	}
	contains(t, got[0], `from='#chan%irc.test@gw.test/romeo'`, `<delay xmlns='urn:xmpp:delay' from='#chan%irc.test@gw.test' stamp='`+stamp(start)+`'/>`)
	if err := w.g.store.Flushed(context.Background()); err != nil {
		t.Fatal(err)
	}
	page, err := w.g.store.Page(context.Background(), store.Query{User: "juliet@xmpp.test", Server: "irc.test", Channel: "#chan", Max: 10})
	if err != nil || len(page.Lines) != 3 || page.Lines[1].Body != "missed one" || !page.Lines[1].At.Equal(start) {
		t.Errorf("archived %+v, %v", page.Lines, err)
	}
	// The same again brings nothing.
	w.event(past("romeo", "missed one", "m2", start), historyEnd())
	w.expect()
}

// Long gaps are fetched page by page, and for several channels one after the
// other.
func TestGapOfSeveralPages(t *testing.T) {
	w := withHistory(t)
	w.cut(brokenPipe)
	w.redialled()
	w.event(ircconn.Registered{Nick: "juliet", Source: source("juliet"), Support: support.With([]string{"CHATHISTORY=2"}), Caps: ircconn.NewCaps(historyCaps...)})
	w.enter("@nurse romeo juliet")
	w.forget()
	start := w.clock
	w.event(past("romeo", "one", "m2", start), past("romeo", "two", "m3", start.Add(time.Second)), historyEnd())
	w.pass(0)
	w.expect()
	w.expectLines("CHATHISTORY AFTER #chan timestamp=" + stamp(start.Add(time.Second-time.Millisecond)) + " 2")
	w.event(past("romeo", "three", "m4", start.Add(2*time.Second)), historyEnd())
	if got := bodies(w.sent()); got != "one two three" {
		t.Errorf("shown %q", got)
	}
}

// Where the server takes ids, the next page comes after the last line of the one before,
// and not after all that were said in the same millisecond.
func TestNextPageByID(t *testing.T) {
	for name, test := range map[string]struct{ types, id, after string }{
		"ids":          {"MSGREFTYPES=msgid,timestamp", "m3", "msgid=m3"},
		"times":        {"MSGREFTYPES=timestamp", "m3", ""},
		"not said":     {"NETWORK=x", "m3", ""},
		"without one":  {"MSGREFTYPES=timestamp,msgid", "", ""},
		"unfit for it": {"MSGREFTYPES=timestamp,msgid", "m 3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := withHistory(t)
			w.cut(brokenPipe)
			w.redialled()
			support := support.With([]string{"CHATHISTORY=2", test.types})
			w.event(ircconn.Registered{Nick: "juliet", Source: source("juliet"), Support: support, Caps: ircconn.NewCaps(historyCaps...)})
			w.enter("@nurse romeo juliet")
			w.forget()
			if test.after == "" {
				test.after = "timestamp=" + stamp(w.clock.Add(-time.Millisecond))
			}
			w.event(past("romeo", "one", "m2", w.clock.Add(-time.Second)), past("romeo", "two", test.id, w.clock), historyEnd())
			w.pass(0)
			w.expectLines("CHATHISTORY AFTER #chan " + test.after + " 2")
			w.event(past("romeo", "three", "m4", w.clock), historyEnd())
			if got := bodies(w.sent()); got != "one two three" {
				t.Errorf("shown %q", got)
			}
		})
	}
}

// Where it takes times only, the millisecond in which a page ended is asked for again, and
// what the page had of it is not shown twice; but no page is asked for three times.
func TestNextPageByTime(t *testing.T) {
	w := withHistory(t)
	w.cut(brokenPipe)
	w.redialled()
	w.event(ircconn.Registered{Nick: "juliet", Source: source("juliet"), Support: support.With([]string{"CHATHISTORY=3"}), Caps: ircconn.NewCaps(historyCaps...)})
	w.enter("@nurse romeo juliet")
	w.forget()
	first, then := w.clock, w.clock.Add(time.Second)
	w.event(past("romeo", "one", "", first), past("romeo", "ha", "", then), past("romeo", "ha", "", then), historyEnd())
	w.pass(0)
	w.expectLines("CHATHISTORY AFTER #chan timestamp=" + stamp(then.Add(-time.Millisecond)) + " 3")
	w.event(past("romeo", "ha", "", then), past("romeo", "ha", "", then), past("romeo", "ha", "", then), historyEnd())
	w.pass(0)
	w.expectLines("CHATHISTORY AFTER #chan timestamp=" + stamp(then) + " 3")
	w.event(past("romeo", "ha", "", then.Add(time.Second)), historyEnd())
	if got := bodies(w.sent()); got != "one ha ha ha ha" {
		t.Errorf("shown %q", got)
	}
}

// A room that is new to the user begins with the latest lines, which are part of
// its history, and a server that does not answer does not keep anybody out.
func TestHistoryOfANewRoom(t *testing.T) {
	for name, answer := range map[string]func(w *world){
		"given":   func(w *world) { w.event(past("romeo", "earlier", "m1", w.clock.Add(-time.Hour)), historyEnd()) },
		"refused": func(w *world) { w.event(ircconn.Refused{Command: "CHATHISTORY", Code: "MESSAGE_ERROR", Text: "no"}) },
		"silent":  func(w *world) { w.pass(gapTime) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.openStore()
			w.join(desk, "juliet")
			w.register("juliet", historyCaps...)
			w.enter("@nurse romeo juliet")
			w.expectLines("JOIN #chan", "MODE #chan", "CHATHISTORY LATEST #chan * 20")
			w.forget()
			answer(w)
			text := strings.Join(w.sent(), "\n")
			contains(t, text, `<status code='110'/>`, `<subject/>`)
			if name == "given" && strings.Index(text, "earlier") < strings.Index(text, `code='110'`) {
				t.Errorf("the history is not where it belongs:\n%s", text)
			}
		})
	}
}

// Connection lost while history is awaited: nobody waits for ever.
func TestGapIsInterrupted(t *testing.T) {
	w := withHistory(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet", historyCaps...)
	w.enter("@nurse romeo juliet")
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet", historyCaps...)
	w.enter("@nurse romeo juliet")
	w.forget()
	w.event(past("romeo", "missed", "m2", w.clock), historyEnd())
	if got := bodies(w.sent()); got != "missed" {
		t.Errorf("shown %q", got)
	}
}

// ZNC's playback module is asked in its own way, and nobody waits for it.
func TestPlaybackOfABouncer(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet", "batch", "server-time", "znc.in/playback")
	w.enter("@nurse romeo juliet")
	w.expectLines("JOIN #chan", "MODE #chan", "PRIVMSG *playback PLAY #chan 0")
	w.forget()
	line := past("romeo", "earlier", "", w.clock.Add(-time.Hour))
	line.Batch = "znc.in/playback"
	again := line
	again.Time = line.Time.Add(time.Second)
	w.event(line, again)
	w.expect()
	w.event(ircconn.BatchEnded{Type: "znc.in/playback"})
	got := w.sent()
	if len(got) != 2 {
		t.Fatalf("shown %s", got)
	}
	contains(t, got[0], `<body>earlier</body>`, `<delay `)
}

// Without batches or times, history could not be told from what is said now.
func TestNoHistoryWithoutTimes(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet", "batch", "draft/chathistory")
	w.enter("@nurse romeo juliet")
	w.expectLines("JOIN #chan", "MODE #chan")
}

// A server that has no history after all keeps nobody waiting more than once, and
// one that lets us in again and again fills nothing.
func TestServersThatBreakTheirPromiseOfHistory(t *testing.T) {
	w := connected(t, historyCaps...)
	for i := range 10 {
		name := fmt.Sprintf("#room%d", i)
		w.stanza(`<presence from='%s' to='%s%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk, name)
		for range 3 {
			w.event(ircconn.Joined{Source: source("juliet"), Channel: name, Self: true}, ircconn.NamesEnd{Channel: name})
		}
	}
	if gaps := len(w.network().gaps); gaps > 11 {
		t.Errorf("%d gaps", gaps)
	}
	w.pass(gapTime)
	for _, ch := range w.network().channels {
		if len(ch.waiting) > 0 {
			t.Errorf("a client still waits for %s", ch.name)
		}
	}
	w.stanza(`<presence from='%s' to='#late%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.forget()
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#late", Self: true}, ircconn.NamesEnd{Channel: "#late"})
	w.expectLines("MODE #late")
}

// What was fetched while the stream was lost is shown when it is back, however old
// it is.
func TestGapIsFilledWithoutAStream(t *testing.T) {
	w := withHistory(t)
	said := w.clock.Add(30 * time.Second)
	w.cut(brokenPipe)
	w.clock = w.clock.Add(time.Minute)
	w.loseStream()
	w.redialled()
	w.register("juliet", historyCaps...)
	w.enter("@nurse romeo juliet")
	w.event(past("romeo", "in the gap", "m2", said), historyEnd())
	w.streamBack()
	w.isThere(desk, w.inquired()[desk])
	if got := bodies(w.sent()); !strings.Contains(got, "in the gap") {
		t.Errorf("shown %q", got)
	}
}

// What the user has said is known in whatever form IRC got it: in several lines, as an
// action, with formatting, as a notice.
func TestOwnWordsAreNoGap(t *testing.T) {
	w := withHistory(t)
	lines := []ircconn.Message{}
	for i, body := range []string{"one\ntwo", "/me *waves*", strings.Repeat("long ", 120)} {
		w.irc.sent = nil
		w.stanza(`<message from='%s' to='%s' type='groupchat' id='m%d'><body>%s</body></message>`, desk, room, i, body)
		for range w.network().outbox {
			w.event(ircconn.Written{Receipt: uint64(w.network().receipts)})
		}
		for _, sent := range w.irc.sent {
			text, action := strings.CutPrefix(sent.Params[1], "\x01ACTION ")
			line := past("juliet", strings.TrimSuffix(text, "\x01"), fmt.Sprint("own", len(lines)), w.clock)
			line.Action = action
			lines = append(lines, line)
		}
	}
	if len(lines) != 5 {
		t.Fatalf("sent %v", lines)
	}
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet", historyCaps...)
	w.enter("@nurse romeo juliet")
	w.forget()
	other := past("juliet", "elsewhere", "own9", w.clock) // said by another client
	for _, line := range append(lines, other) {
		w.event(line)
	}
	w.event(historyEnd())
	if got := bodies(w.sent()); got != "elsewhere" {
		t.Errorf("shown again: %q", got)
	}
}

// Where nothing is archived, what was heard before the loss is known by its time.
func TestGapWithoutAnArchive(t *testing.T) {
	w := newWorld(t)
	w.change(func(c *Live) { c.OutageLimit = time.Hour })
	w.join(desk, "juliet")
	w.register("juliet", historyCaps...)
	w.enter("@nurse romeo juliet")
	w.event(historyEnd())
	heard, missed := past("romeo", "heard", "m1", w.clock), past("romeo", "missed", "m2", w.clock.Add(2*time.Second))
	live := heard
	live.Batch = ""
	w.event(live)
	for range 2 {
		w.cut(brokenPipe)
		w.redialled()
		w.register("juliet", historyCaps...)
		w.enter("@nurse romeo juliet")
		w.forget()
		w.event(heard, missed, historyEnd())
		if got := bodies(w.sent()); got != "missed" {
			t.Errorf("shown %q", got)
		}
		heard, missed = missed, past("romeo", "missed", "m3", missed.Time.Add(2*time.Second))
	}
}

// Programs are asked things in rooms, too. What is past of that is not answered, and
// counts as a part of a page.
func TestPastQueries(t *testing.T) {
	w := withHistory(t)
	w.cut(brokenPipe)
	w.redialled()
	w.event(ircconn.Registered{Nick: "juliet", Source: source("juliet"), Support: support.With([]string{"CHATHISTORY=2"}), Caps: ircconn.NewCaps(historyCaps...)})
	w.enter("@nurse romeo juliet")
	w.forget()
	query := ircconn.CTCP{Source: source("romeo"), Target: "#chan", Command: "VERSION", Meta: ircconn.Meta{Batch: "chathistory", Time: w.clock.Add(time.Second)}}
	w.event(past("romeo", "one", "m2", w.clock), query, historyEnd())
	w.pass(0)
	w.expectLines("CHATHISTORY AFTER #chan timestamp=" + stamp(w.clock.Add(time.Second-time.Millisecond)) + " 2")
	w.event(past("romeo", "two", "m3", w.clock.Add(2*time.Second)), historyEnd())
	if got := bodies(w.sent()); got != "one two" {
		t.Errorf("shown %q", got)
	}
}

// Who leaves a room while its history is read, and comes back, is shown it once, and
// nothing of the first answer later.
func TestLeavingWhileHistoryIsRead(t *testing.T) {
	w := withHistory(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet", historyCaps...)
	w.enter("@nurse romeo juliet")
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.event(ircconn.Parted{Source: source("juliet"), Channel: "#chan", Self: true})
	w.join(desk, "juliet")
	w.enter("@nurse romeo juliet")
	w.forget()
	missed := past("romeo", "missed", "m2", w.clock)
	w.event(missed, historyEnd())
	w.event(missed, historyEnd())
	if got := bodies(w.sent()); !strings.HasSuffix(got, "missed") || strings.Count(got, "missed") != 1 {
		t.Errorf("shown %q", got)
	}
	if past := w.network().channel("#chan").past; len(past) != 0 {
		t.Errorf("kept %v", past)
	}
}
