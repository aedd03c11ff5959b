package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

func (w *world) raw(body string) {
	w.stanza(`<message from='%s' to='%s' type='chat' id='r1'><body>%s</body></message>`, desk, server, body)
}

func TestRawCommands(t *testing.T) {
	w := connected(t)
	w.raw("MODE #chan +b&#10;LUSERS")
	w.expectLines("MODE #chan +b", "LUSERS")
	w.expect()
	w.raw("")
	w.expect()
	for body, condition := range map[string]string{
		"1&#10;2&#10;3&#10;4":  "policy-violation",
		":source PRIVMSG":      "bad-request",
		"?OTRv23?":             "not-acceptable",
		"@tag=x PRIVMSG #chan": "bad-request",
	} {
		w.raw(body)
		w.expectOne(`<message from='`+server+`' to='`+desk+`' type='error' id='r1'>`, "<"+condition+" ")
		w.expectLines()
	}
	w = newWorld(t)
	w.raw("LUSERS")
	w.expectOne(`recipient-unavailable`)
}

// What is asked on joining is not what somebody asked for.
func TestOwnQuestionsAreNotAnswers(t *testing.T) {
	w := connected(t, "away-notify")
	w.event(ircconn.WhoEnd{Mask: "#chan"})
	w.raw("LUSERS")
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	self := source("juliet")
	w.event(ircconn.Joined{Source: self, Channel: "#two", Self: true}, ircconn.Names{Channel: "#two", Members: []ircconn.NamesEntry{{Nick: "juliet"}}},
		ircconn.NamesEnd{Channel: "#two"}, ircconn.ChannelModes{Channel: "#two"}, ircconn.WhoEntry{Channel: "#two", Nick: "juliet"})
	if got := strings.Join(w.sent(), "\n"); strings.Contains(got, `<message from='`+server+`'`) {
		t.Errorf("the asker got\n%s", got)
	}
	w.event(ircconn.WhoEnd{Mask: "#two"}, ircconn.WhoEntry{Channel: "#two", Nick: "juliet", User: "u", Host: "h", Account: "capulet"})
	w.expectOne(`from='`+server+`' to='`+desk+`'`, `#two juliet!u@h account capulet`)
}

// How answers read that otherwise change only what is shown of a room.
func TestDescribe(t *testing.T) {
	for want, ev := range map[string]ircconn.Event{
		"#chan topic: All things":                        ircconn.TopicReply{Channel: "#chan", Topic: "\x02All\x02 things"},
		"#chan modes: +nk x":                             ircconn.ChannelModes{Channel: "#chan", Changes: modeChanges("+nk x")},
		"#chan: @nurse romeo":                            ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "nurse", Prefixes: "@"}, {Nick: "romeo"}}},
		"#chan +b *!*@x by nurse\n#chan: end of list +b": ircconn.ListMode{Channel: "#chan", Mode: 'b', Items: []ircconn.ListItem{{Mask: "*!*@x", Setter: "nurse"}}},
		"#chan: end of list +e":                          ircconn.ListMode{Channel: "#chan", Mode: 'e'},
		"You are marked as away.":                        ircconn.SelfAway{Away: true},
		"You are no longer marked as away.":              ircconn.SelfAway{},
		"tybalt is away: out":                            ircconn.AwayReply{Nick: "tybalt", Text: "\x02out"},
	} {
		if got, said := describe(ev); got != want || !said {
			t.Errorf("%T reads %q, want %q", ev, got, want)
		}
	}
	if _, said := describe(ircconn.Quit{}); said {
		t.Error("a QUIT is said as an answer")
	}
}
