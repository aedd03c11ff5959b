package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

// away is the presence of a member who shows something.
func away(nick, to, show, status, affiliation, role, rest string) string {
	plain := presence(nick, to, affiliation, role, rest)
	head, tail, _ := strings.Cut(plain, ">")
	return head + "><show>" + show + "</show><status>" + status + "</status>" + tail
}

// Availability becomes AWAY, when it has changed.
func TestAwayFromXMPP(t *testing.T) {
	w := connected(t)
	steps := []struct{ children, line string }{
		{`<show>away</show>`, "AWAY away"},
		{`<show>away</show>`, ""},
		{`<show>away</show><status>tea&#10;time</status>`, "AWAY tea time"},
		{`<show>dnd</show><status>ääääääää</status>`, "AWAY äääää"}, // AWAYLEN counts bytes
		{`<show>chat</show>`, "AWAY"},
		{`<status>just a word</status>`, ""},
		{`<show>nonsense</show>`, ""},
	}
	for _, step := range steps {
		w.present(desk, "juliet", step.children)
		if step.line == "" {
			w.expectLines()
		} else {
			w.expectLines(step.line)
		}
	}
	w.forget()
	w.present(desk, "juliet", `<show>away</show><status>tea</status>`)
	w.expect(away("juliet", desk, "away", "tea", "none", "participant", selfItem))
}

// The most available session speaks for all, in all rooms.
func TestBestSession(t *testing.T) {
	w := connected(t)
	w.present(desk, "juliet", `<show>away</show>`)
	w.expectLines("AWAY away")
	w.join(phone, "juliet")
	w.expectLines("AWAY")
	w.present(phone, "juliet", `<show>xa</show><status>in bed</status>`)
	w.expectLines("AWAY away")
	w.forget()
	w.present(desk, "juliet", `<show>dnd</show><status>busy</status>`)
	w.expectLines("AWAY busy")
	w.present(desk, "juliet", `<show>xa</show>`)
	w.irc.sent = nil
	w.forget()
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.expectLines("AWAY in bed")
	if got := w.sent(); len(got) != 2 || got[1] != away("juliet", phone, "xa", "in bed", "none", "participant", selfItem) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

func TestAwayAtOnce(t *testing.T) {
	w := newWorld(t)
	w.stanza(`<presence from='%s' to='%s/juliet'><x xmlns='http://jabber.org/protocol/muc'/><show>away</show></presence>`, desk, room)
	w.register("juliet")
	w.enter("juliet")
	w.expectLines("JOIN #chan", "MODE #chan", "AWAY away")
}

func TestAwayThatCannotBeSent(t *testing.T) {
	w := connected(t)
	w.irc.refusing = ircconn.ErrQueueFull
	w.present(desk, "juliet", `<show>away</show>`)
	w.irc.refusing = nil
	w.present(desk, "juliet", `<show>away</show>`)
	w.expectLines("AWAY away")
}

func TestAwayFromIRC(t *testing.T) {
	w := connected(t, "away-notify")
	w.event(ircconn.AwayChanged{Source: source("Romeo"), Text: "\x02gone\x02"})
	w.expect(away("romeo", desk, "away", "gone", "none", "participant", noItem))
	w.event(ircconn.AwayChanged{Source: source("romeo"), Text: "gone"})
	w.expect()
	// Who joins later sees it.
	w.join(phone, "juliet")
	if got := w.sent(); got[1] != away("romeo", phone, "away", "gone", "none", "participant", noItem) {
		t.Errorf("got %s", got[1])
	}
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, phone, room)
	w.forget()
	w.event(ircconn.AwayChanged{Source: source("romeo")})
	w.expect(presence("romeo", desk, "none", "participant", noItem))
	w.event(ircconn.AwayChanged{Source: source("stranger"), Text: "gone"}, ircconn.AwayChanged{Source: source("juliet"), Text: "gone"})
	w.expect()
}

// 301 is a presence for an occupant, and said once of somebody else.
func TestAwayReply(t *testing.T) {
	w := connected(t)
	w.event(ircconn.AwayReply{Nick: "romeo", Text: "tea"})
	w.expect(away("romeo", desk, "away", "tea", "none", "participant", noItem))
	w.event(ircconn.AwayReply{Nick: "romeo", Text: "tea"})
	w.expect()
	w.event(ircconn.AwayReply{Nick: "nurse"})
	w.expect(away("nurse", desk, "away", "away", "admin", "moderator", noItem))
	w.event(ircconn.AwayReply{Nick: "tybalt", Text: "\x02out\x02"})
	w.expectOne(`from='tybalt%irc.test@gw.test' to='juliet@xmpp.test' type='chat'`, `<body>tybalt is away: out</body>`)
	w.event(ircconn.AwayReply{Nick: "tybalt", Text: "\x02out\x02"})
	w.expect()
	w.event(ircconn.AwayReply{Nick: "tybalt", Text: "asleep"})
	w.expectOne(`tybalt is away: asleep`)
	// Who has spoken since is told of again.
	w.event(ircconn.Message{Source: source("tybalt"), Target: "juliet", Text: "hi"})
	w.forget()
	w.event(ircconn.AwayReply{Nick: "tybalt", Text: "asleep"})
	w.expectOne(`tybalt is away: asleep`)
}

// Where nobody tells that they are back, what they say does, and WHO.
func TestBackWithoutAwayNotify(t *testing.T) {
	for _, back := range []ircconn.Event{
		ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hi"}, ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "h"},
	} {
		w := connected(t)
		w.event(ircconn.AwayReply{Nick: "romeo", Text: "tea"})
		w.forget()
		w.event(back)
		if got := w.sent(); len(got) == 0 || got[0] != presence("romeo", desk, "none", "participant", noItem) {
			t.Errorf("after %T: %s", back, strings.Join(got, "\n"))
		}
	}
	w := connected(t, "away-notify")
	w.event(ircconn.AwayChanged{Source: source("romeo"), Text: "tea"})
	w.forget()
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "still drinking"})
	w.expectOne(`still drinking`)
}

// Where changes are told, WHO tells how things stand on joining.
func TestAwayOnJoining(t *testing.T) {
	w := connected(t, "away-notify")
	w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "h", Away: true},
		ircconn.WhoEntry{Channel: "#chan", Nick: "nurse", User: "n", Host: "h"}, ircconn.WhoEntry{Channel: "#chan", Nick: "stranger", Away: true},
		ircconn.WhoEntry{Channel: "*", Nick: "romeo"})
	w.expect(away("romeo", desk, "away", "away", "none", "participant", noItem))
}

func TestWhoOnlyOfSmallChannels(t *testing.T) {
	for members, want := range map[int]string{whoLimit - 1: "WHO #chan", whoLimit: ""} {
		w := newWorld(t)
		w.join(desk, "juliet")
		w.register("juliet", "away-notify")
		w.forget()
		names := []string{"juliet"}
		for i := range members {
			names = append(names, "n"+strings.Repeat("x", i))
		}
		w.enter(strings.Join(names, " "))
		want := strings.TrimSpace("MODE #chan\n" + want)
		w.expectLines(strings.Split(want, "\n")...)
	}
}
