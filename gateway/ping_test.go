package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

func (w *world) ping(from, to string) {
	w.stanza(`<iq from='%s' to='%s' type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>`, from, to)
}

func TestPing(t *testing.T) {
	w := newWorld(t)
	for _, to := range []string{"gw.test", server, room} {
		w.ping(desk, to)
		w.expect(`<iq from='` + to + `' to='` + desk + `' type='result' id='p1'/>`)
	}
	if len(w.u.networks) != 0 {
		t.Error("a ping has made a connection")
	}
}

// XEP-0410: by full JID, and IRC never hears of it.
func TestSelfPing(t *testing.T) {
	w := newWorld(t)
	w.ping(desk, room+"/juliet")
	w.expectOne(`from='`+room+`/juliet' to='`+desk+`' type='error' id='p1'`, `<not-acceptable `)

	w = connected(t)
	w.ping(desk, room+"/juliet")
	w.expect(`<iq from='` + room + `/juliet' to='` + desk + `' type='result' id='p1'/>`)
	w.ping(phone, room+"/juliet")
	w.expectOne(`to='`+phone+`' type='error'`, `<not-acceptable `)
	w.ping(desk, "#other%irc.test@gw.test/juliet")
	w.expectOne(`<not-acceptable `)
	w.expectLines()
	w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "juliet", Self: true})
	w.forget()
	w.ping(desk, room+"/juliet")
	w.expectOne(`<not-acceptable `)
	w.expectLines()
}

// A client that was given another nick may go on pinging the one it wanted.
func TestSelfPingByTheWantedNick(t *testing.T) {
	w := connected(t)
	w.join(phone, "jules")
	w.forget()
	w.ping(phone, room+"/jules")
	w.expectOne(`to='` + phone + `' type='result'`)
	w.ping(desk, room+"/jules")
	w.expectOne(`item-not-found`)
	w.expectLines()
	// But not when somebody else is called so.
	w.event(ircconn.Joined{Source: source("jules"), Channel: "#chan"})
	w.forget()
	w.ping(phone, room+"/jules")
	w.expect()
	if len(w.irc.sent) != 1 || !strings.HasPrefix(w.irc.sent[0].Params[1], "\x01PING ") {
		t.Errorf("sent %v", w.irc.sent)
	}
}

func TestPingOfSomebodyElse(t *testing.T) {
	for _, to := range []string{room + "/romeo", "romeo%irc.test@gw.test"} {
		w := connected(t)
		w.ping(desk, to)
		w.expect()
		if len(w.irc.sent) != 1 || w.irc.sent[0].Command != "PRIVMSG" || w.irc.sent[0].Params[0] != "romeo" {
			t.Fatalf("sent %v", w.irc.sent)
		}
		w.event(ircconn.CTCP{Source: source("nurse"), Command: "PING", Reply: true}, ircconn.CTCP{Source: source("romeo"), Command: "TIME", Reply: true})
		w.forgetStanzas()
		w.event(ircconn.CTCP{Source: source("romeo"), Command: "PING", Params: "x", Reply: true})
		w.expect(`<iq from='` + to + `' to='` + desk + `' type='result' id='p1'/>`)
	}
	w := connected(t)
	w.ping(desk, "juliet%irc.test@gw.test")
	w.expectOne(`type='result'`)
	w.expectLines()
	w.ping(desk, "romeo%other.test@gw.test")
	w.expectOne(`recipient-unavailable`)
}
