package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// archive asks for a page of the room's archive.
func (w *world) archive(content string) {
	w.t.Helper()
	w.stanza(`<iq from='%s' to='%s' type='set' id='a'><query xmlns='urn:xmpp:mam:2' queryid='q'>%s</query></iq>`, desk, room, content)
}

// spoken has n lines by romeo in the room, a second apart.
func spoken(t *testing.T, n int) *world {
	w := withStore(t)
	for i := range n {
		w.clock = w.clock.Add(time.Second)
		w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: fmt.Sprintf("line %d", i)})
	}
	w.forget()
	return w
}

func bodies(stanzas []string) string {
	var said []string
	for _, s := range stanzas {
		if _, rest, ok := strings.Cut(s, "<body>"); ok {
			body, _, _ := strings.Cut(rest, "</body>")
			said = append(said, strings.TrimPrefix(body, "line "))
		}
	}
	return strings.Join(said, " ")
}

func TestHistoryOnJoin(t *testing.T) {
	w := spoken(t, 30)
	tests := map[string]string{
		"":                                        "10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29",
		"<history maxstanzas='3'/>":               "27 28 29",
		"<history maxstanzas='0'/>":               "",
		"<history maxchars='0'/>":                 "",
		"<history maxchars='900'/>":               "28 29",
		"<history seconds='4'/>":                  "25 26 27 28 29",
		"<history since='2026-11-21T12:00:28Z'/>": "27 28 29",
		"<history seconds='4' maxstanzas='1'/>":   "29",
	}
	for history, want := range tests {
		w.stanza(`<presence from='%s' to='%s/juliet'><x xmlns='http://jabber.org/protocol/muc'>%s</x></presence>`, phone, room, history)
		if got := bodies(w.sent()); got != want {
			t.Errorf("%s brings %s; want %s", history, got, want)
		}
		w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, phone, room)
		w.forget()
	}
}

// A message is the same live, as history and from the archive.
func TestHistoryIsWhatWasLive(t *testing.T) {
	w := withStore(t)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "\x02soft\x02"})
	live := strings.TrimSuffix(w.out.text.String(), "</message>")
	_, live, _ = strings.Cut(live, `type='groupchat' `)
	w.forget()
	w.join(phone, "juliet")
	history := w.out.text.String()
	contains(t, history, live+`<delay xmlns='urn:xmpp:delay' from='`+room+`' stamp='2026-11-21T12:00:00.000Z'/></message>`)
	w.forget()
	w.archive("")
	contains(t, w.out.text.String(), live+`</message></forwarded></result></message>`)
}

func TestWhatIsNotArchived(t *testing.T) {
	w := withStore(t)
	w.chat("set #chan%irc.test record_history false")
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "off the record"})
	w.chat("set #chan%irc.test record_history true")
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "on the record"})
	w.event(ircconn.Message{Source: source("romeo"), Target: "juliet", Text: "between us"})
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='m1'><body>unkept</body><no-store xmlns='urn:xmpp:hints'/></message>`, desk, room)
	w.say(desk, "m2", "my own")
	w.event(ircconn.Written{Receipt: 1}, ircconn.Written{Receipt: 2})
	w.forget()
	w.archive("")
	if got := bodies(w.sent()); got != "on the record my own" {
		t.Errorf("archived: %s", got)
	}
}

// Who comes back gets all that was missed, also more than usual.
func TestMissedHistory(t *testing.T) {
	w := withStore(t)
	w.chat("set #chan%irc.test persistent true")
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "line before"})
	w.clock = w.clock.Add(time.Minute)
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	for i := range 50 {
		w.clock = w.clock.Add(time.Second)
		w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: fmt.Sprintf("line %d", i)})
	}
	w.forget()
	w.join(desk, "juliet")
	if got := strings.Fields(bodies(w.sent())); len(got) != 50 || got[0] != "0" {
		t.Errorf("missed: %v", got)
	}
	w.join(phone, "juliet")
	if got := strings.Fields(bodies(w.sent())); len(got) != 20 {
		t.Errorf("another client gets %d", len(got))
	}
}

// A room is entered without its history where that cannot be read.
func TestHistoryOfABrokenDatabase(t *testing.T) {
	w := spoken(t, 3)
	healthy := w.g.store
	broken := newWorld(t)
	broken.openStore()
	if err := broken.g.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.g.store = broken.g.store
	w.join(phone, "juliet")
	if got := w.sent(); bodies(got) != "" || !strings.Contains(got[len(got)-1], "<subject") {
		t.Errorf("without a database: %v", got)
	}
	w.g.store = healthy
	w.join("juliet@xmpp.test/tablet", "juliet")
	if got := bodies(w.sent()); got != "0 1 2" {
		t.Errorf("afterwards: %s", got)
	}
}
