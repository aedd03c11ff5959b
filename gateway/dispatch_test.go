package gateway

import (
	"regexp"
	"strings"
	"testing"

	"passerelle/ircconn"
)

// The addresses that stanzas go to, by their kinds.
var addresses = []struct{ kind, jid string }{
	{"gateway", "gw.test"},
	{"server", server},
	{"room", room},
	{"occupant", room + "/romeo"},
	{"nick", "romeo%irc.test@gw.test"},
	{"nonsense", "%@gw.test"},
}

var conditionTag = regexp.MustCompile(`<error type='[a-z]+'><([a-z-]+) `)

// outcome says what became of a stanza: "said" when something was sent back,
// "line" when something went to IRC, an error's condition, or "" when nothing
// happened.
func (w *world) outcome() string {
	w.t.Helper()
	stanzas := strings.Join(w.sent(), "\n")
	switch condition := conditionTag.FindStringSubmatch(stanzas); {
	case condition != nil && len(w.irc.sent) == 0:
		return condition[1]
	case condition != nil:
		return "both"
	case len(w.irc.sent) > 0:
		return "line"
	case stanzas != "":
		return "said"
	}
	return ""
}

// No stanza is lost: it is answered, passed on, or means nothing to anybody.
func TestEveryStanza(t *testing.T) {
	const bad = "item-not-found"
	tests := []struct {
		kind, stanzaType, content string
		// by address: gateway, server, room, occupant, nick, nonsense
		want [6]string
	}{
		{"message", "", "<body>x</body>", [6]string{"said", "line", "not-acceptable", "line", "line", bad}},
		{"message", "normal", "<body>x</body>", [6]string{"said", "line", "not-acceptable", "line", "line", bad}},
		{"message", "chat", "<body>x</body>", [6]string{"said", "line", "not-acceptable", "line", "line", bad}},
		{"message", "odd", "<body>x</body>", [6]string{"said", "line", "not-acceptable", "line", "line", bad}},
		{"message", "groupchat", "<body>x</body>", [6]string{"bad-request", "bad-request", "line", "bad-request", "bad-request", bad}},
		{"message", "headline", "<body>x</body>", [6]string{"", "", "", "", "", bad}},
		{"message", "error", "<body>x</body>", [6]string{}},
		{"message", "chat", "<active xmlns='http://jabber.org/protocol/chatstates'/>", [6]string{"", "", "", "", "", bad}},
		{"message", "groupchat", "<active xmlns='http://jabber.org/protocol/chatstates'/>", [6]string{"bad-request", "bad-request", "", "bad-request", "bad-request", bad}},
		{"presence", "", "", [6]string{"", "", "jid-malformed", "line", "", bad}},
		{"presence", "", "<x xmlns='http://jabber.org/protocol/muc'/>", [6]string{"", "", "jid-malformed", "line", "", bad}},
		{"presence", "unavailable", "", [6]string{"", "", "line", "line", "", ""}},
		{"presence", "error", "", [6]string{}},
		{"presence", "subscribe", "", [6]string{"said", "said", "said", "said", "said", bad}},
		{"presence", "subscribed", "", [6]string{}},
		{"presence", "unsubscribe", "", [6]string{"said", "said", "", "", "said", ""}},
		{"presence", "unsubscribed", "", [6]string{}},
		{"presence", "probe", "", [6]string{"said", "said", "", "", "said", ""}},
		{"presence", "odd", "", [6]string{}},
		{"iq", "get", "", [6]string{"bad-request", "bad-request", "bad-request", "bad-request", "bad-request", bad}},
		{"iq", "get", "<a xmlns='a'/><b xmlns='b'/>", [6]string{"bad-request", "bad-request", "bad-request", "bad-request", "bad-request", bad}},
		{"iq", "result", "", [6]string{}},
		{"iq", "error", "", [6]string{}},
	}
	for _, test := range tests {
		for i, address := range addresses {
			w := connected(t)
			w.stanza(`<%s from='%s' to='%s' type='%s' id='s1'>%s</%[1]s>`, test.kind, desk, address.jid, test.stanzaType, test.content)
			if got := w.outcome(); got != test.want[i] {
				t.Errorf("%s of type %q with %q to the %s: %q, want %q", test.kind, test.stanzaType, test.content, address.kind, got, test.want[i])
			}
		}
	}
}

// Whoever asks for what nobody has heard of hears service-unavailable, always.
func TestUnknownQueries(t *testing.T) {
	for _, iqType := range []string{"get", "set"} {
		for _, payload := range []string{
			`<query xmlns='urn:example:unknown'/>`, `<query xmlns='jabber:iq:private'/>`, `<query xmlns='urn:xmpp:http:upload:0'/>`,
			`<pubsub xmlns='http://jabber.org/protocol/pubsub'/>`, `<query/>`, `<odd xmlns='urn:xmpp:ping'/>`, `<error/>`,
			`<query xmlns='jabber:iq:roster'/>`, `<jingle xmlns='urn:xmpp:jingle:1'/>`,
		} {
			for _, address := range addresses[:5] {
				for _, from := range []string{desk, phone, "juliet@xmpp.test"} {
					w := connected(t)
					w.stanza(`<iq from='%s' to='%s' type='%s' id='s1'>%s</iq>`, from, address.jid, iqType, payload)
					w.expectOne(`<iq from='`+address.jid+`' to='`+from+`' type='error' id='s1'>`, `<service-unavailable `)
					w.expectLines()
				}
			}
		}
	}
}

// What means nothing on XMPP is not shown, and harms nothing.
func TestEventsWithoutMeaning(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Acknowledged{}, ircconn.BatchEnded{Type: "netsplit"}, ircconn.WhoEnd{Mask: "#chan"}, ircconn.SelfAway{Away: true},
		ircconn.RealNameChanged{Source: source("romeo"), RealName: "Romeo M."}, ircconn.ListMode{Channel: "#chan", Mode: 'b'},
		ircconn.CapsChanged{}, ircconn.SupportChanged{Support: support}, ircconn.Written{Receipt: 99}, ircconn.Reply{Numeric: 329, Params: []string{"#chan", "1"}})
	w.expect()
	w.expectLines()
}

// The rest is said to the user, from the server's address.
func TestEventsThatAreSaid(t *testing.T) {
	for want, ev := range map[string]ircconn.Event{
		"Trying":                 ircconn.Progress{Text: "Trying"},
		"WALLOPS hello there":    ircconn.Unhandled{Source: source("oper"), Command: "WALLOPS", Params: []string{"hello", "\x02there"}},
		"one\ntwo":               ircconn.Motd{Lines: []string{"one", "\x0304two"}},
		"x: no such thing":       ircconn.Refused{Numeric: 421, Target: "x", Text: "no such thing"},
		"not now":                ircconn.Refused{Numeric: 500, Text: "not now"},
		"a b":                    ircconn.Reply{Numeric: 999, Params: []string{"a", "b"}},
		"CTCP VERSION from x: y": ircconn.CTCP{Source: source("x"), Command: "VERSION", Params: "y", Reply: true},
	} {
		w := connected(t)
		w.event(ev)
		w.expect(`<message from='` + server + `' to='juliet@xmpp.test' type='chat' id='ID'><body>` + want + `</body><no-store xmlns='urn:xmpp:hints'/></message>`)
	}
}
