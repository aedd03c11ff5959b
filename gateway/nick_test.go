package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

// rename is both halves of a change of nick, as one session sees them.
func rename(old, renamed, to, affiliation, role, rest string, self bool) []string {
	code := ""
	if self {
		code = `<status code='110'/>`
	}
	item := `<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='` + affiliation + `' role='` + role + `'` + rest
	return []string{
		`<presence from='` + room + `/` + old + `' to='` + to + `' type='unavailable'>` + item + ` nick='` + renamed + `'/><status code='303'/>` + code + `</x><occupant/></presence>`,
		`<presence from='` + room + `/` + renamed + `' to='` + to + `'>` + item + `/>` + code + `</x><occupant/></presence>`,
	}
}

func (w *world) present(from, resource, show string) {
	w.t.Helper()
	w.stanza(`<presence from='%s' to='%s/%s' id='p1'>%s</presence>`, from, room, resource, show)
}

// XEP-0045 §7.6, from IRC.
func TestNickOfSomebodyElse(t *testing.T) {
	w := connected(t)
	w.event(ircconn.NickChanged{Source: source("romeo"), New: "montague"})
	w.expect(rename("romeo", "montague", desk, "none", "participant", "", false)...)
	w.event(ircconn.NickChanged{Source: source("nurse"), New: "Nurse"}) // the same name to IRC
	w.expect(rename("nurse", "Nurse", desk, "admin", "moderator", "", false)...)
	w.event(ircconn.NickChanged{Source: source("stranger"), New: "friend"})
	w.expect()
	if got := w.network().channel("#chan").members.len(); got != 3 {
		t.Errorf("%d members", got)
	}
}

func TestNickFromXMPP(t *testing.T) {
	w := connected(t)
	w.join(phone, "juliet")
	w.forget()
	w.present(desk, "Jul Capulet", "")
	w.expectLines("NICK Jul_Capulet")
	w.expect()
	w.event(ircconn.NickChanged{Source: source("juliet"), New: "Jul_Capulet", Self: true})
	first, second := rename("juliet", "Jul_Capulet", desk, "none", "participant", ` jid='juliet@xmpp.test'`, true),
		rename("juliet", "Jul_Capulet", phone, "none", "participant", ` jid='juliet@xmpp.test'`, true)
	w.expect(first[0], second[0], first[1], second[1])
}

func TestNickInEveryRoom(t *testing.T) {
	w := connected(t)
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#two", Self: true}, ircconn.NamesEnd{Channel: "#two"})
	w.forget()
	w.event(ircconn.NickChanged{Source: source("juliet"), New: "jul", Self: true})
	text := strings.Join(w.sent(), "\n")
	for _, want := range []string{room + "/jul'", room + "/juliet'", "#two%irc.test@gw.test/jul'", "#two%irc.test@gw.test/juliet'"} {
		if strings.Count(text, "from='"+want) != 1 {
			t.Errorf("not once: from='%s in\n%s", want, text)
		}
	}
}

// Only a resource that really is another nick is a wish for one (biboumi's away
// presences made a NICK each).
func TestPresenceThatIsNoNick(t *testing.T) {
	w := connected(t)
	w.present(desk, "juliet", `<show>away</show>`)
	w.expectLines("AWAY away")
	w.present(desk, "juliet", ``)
	w.expectLines("AWAY")
	w.present(desk, "ju\u200bliet", ``) // what IRC would call juliet
	w.expectLines()
}

func TestRefusedNicks(t *testing.T) {
	tests := []struct {
		numeric   int
		condition string
	}{{432, "not-acceptable"}, {433, "conflict"}, {437, "conflict"}, {438, "resource-constraint"}, {447, "not-acceptable"}}
	for _, test := range tests {
		for _, caps := range [][]string{nil, {"labeled-response"}} {
			w := connected(t, caps...)
			w.present(desk, "romeo", "")
			refused := ircconn.Refused{Numeric: test.numeric, Target: "romeo", Params: []string{"romeo"}, Text: "no"}
			if caps != nil {
				refused.Label = w.irc.sent[0].Label
			}
			w.event(refused)
			w.expectOne(`<presence from='`+room+`/romeo' to='`+desk+`' type='error' id='p1'>`, "<"+test.condition+" ", ">no<")
			w.expectLines("NICK romeo")
			// Trying it again is another try.
			w.present(desk, "romeo", "")
			w.expectLines("NICK romeo")
			if n := w.network(); n.nick() != "juliet" {
				t.Errorf("we are called %s", n.nick())
			}
		}
	}
}

func TestNickWithoutLettersWhileIn(t *testing.T) {
	w := connected(t)
	w.present(desk, "日本", "")
	w.expectLines()
	w.expectOne(`type='error' id='p1'`, `not-acceptable`)
}

func TestNickUnanswered(t *testing.T) {
	w := connected(t)
	w.present(desk, "jul", "")
	w.pass(w.g.live().AnswerTimeout)
	w.expectOne(`type='error' id='p1'`, `remote-server-timeout`)
	w = connected(t, "labeled-response")
	w.present(desk, "jul", "")
	w.event(ircconn.Acknowledged{Meta: ircconn.Meta{Label: w.irc.sent[0].Label}})
	w.pass(w.g.live().AnswerTimeout)
	w.expect()
}

// After somebody else has changed our nick, or another session has, the old one
// can be asked for again.
func TestOldNickAgain(t *testing.T) {
	w := connected(t)
	w.event(ircconn.NickChanged{Source: source("juliet"), New: "Guest123", Self: true})
	w.forget()
	w.present(desk, "juliet", "")
	w.expectLines("NICK juliet")
}

// Who joins again under another nick gets all there is to see, and the nick.
func TestJoinAgainAsSomebodyElse(t *testing.T) {
	w := connected(t)
	w.join(desk, "jul")
	w.expectLines("NICK jul")
	got := w.sent()
	if len(got) != 4 || !strings.Contains(got[2], "/juliet'") || !strings.Contains(got[2], "<status code='210'/>") || !strings.Contains(got[3], "<subject/>") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

// The network's own limits: nicks are cut to NICKLEN, other scripts go only
// where the server has them.
func TestLegalNick(t *testing.T) {
	w := connected(t)
	w.present(desk, "a234567890123456789", "")
	w.expectLines("NICK a234567890123456")
	w.present(desk, "J&#xFC;rgen", "")
	w.expectLines("NICK Jurgen")
	w.event(ircconn.SupportChanged{Support: support.With([]string{"CASEMAPPING=rfc7613"})})
	w.present(desk, "日本", "")
	w.expectLines("NICK 日本")
}
