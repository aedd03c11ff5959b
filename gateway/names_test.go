package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

// The list of names may come again, or never end.
func TestNamesAgain(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "romeo", Prefixes: "+"}, {Nick: "nurse", Prefixes: "@"}, {Nick: "tybalt"}}},
		ircconn.NamesEnd{Channel: "#chan"})
	w.expect(presence("romeo", desk, "member", "participant", noItem), presence("tybalt", desk, "none", "participant", noItem))
	w.event(ircconn.Names{Channel: "#elsewhere", Members: []ircconn.NamesEntry{{Nick: "x"}}}, ircconn.NamesEnd{Channel: "#elsewhere"})
	w.expect()
}

func TestNamesWithoutEnd(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
	w.forget()
	w.pass(w.g.live().AnswerTimeout)
	if got := w.sent(); len(got) != 2 || !strings.Contains(got[1], "<subject/>") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

// Sessions that wait for one channel: the password of any of them serves.
func TestPasswordOfASecondSession(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.stanza(`<presence from='%s' to='%s/juliet'><x xmlns='http://jabber.org/protocol/muc'><password>sesame</password></x></presence>`, phone, room)
	w.register("juliet")
	w.expectLines("JOIN #chan sesame")
	w.forget()
	w.enter("juliet")
	text := strings.Join(w.sent(), "\n")
	for _, to := range []string{desk, phone} {
		if strings.Count(text, `to='`+to+`' type='groupchat'`) != 1 {
			t.Errorf("%s is not in:\n%s", to, text)
		}
	}
}

func TestNewIDsDiffer(t *testing.T) {
	if first, second := newID(), newID(); first == second || len(first) != 32 {
		t.Errorf("%s and %s", first, second)
	}
}
