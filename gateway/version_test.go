package gateway

import (
	"testing"
	"time"

	"passerelle/ircconn"
)

// Ours is said for everything that is not somebody else.
func TestVersion(t *testing.T) {
	w := connected(t)
	for _, to := range []string{"gw.test", server, room, room + "/juliet", "juliet%irc.test@gw.test", "#other%irc.test@gw.test", "other.test@gw.test"} {
		w.stanza(`<iq from='%s' to='%s' type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>`, desk, to)
		w.expect(`<iq from='` + to + `' to='` + desk + `' type='result' id='v1'><query xmlns='jabber:iq:version'><name>passerelle</name><version>1.0</version></query></iq>`)
	}
	w.expectLines()
	w.stanza(`<iq from='%s' to='%s' type='set' id='v1'><query xmlns='jabber:iq:version'/></iq>`, desk, room)
	w.expectOne(`service-unavailable`)
}

func TestVersionOfSomebodyElse(t *testing.T) {
	for reply, want := range map[string]string{
		"WeeChat 4.1.0 (2026)": `<name>WeeChat</name><version>4.1.0 (2026)</version>`,
		"irssi":                `<name>irssi</name><version/>`,
		"\x02mIRC\x02 \x01v7":  `<name>mIRC</name><version>v7</version>`,
	} {
		w := connected(t)
		w.stanza(`<iq from='%s' to='%s/romeo' type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>`, desk, room)
		w.expectLines("PRIVMSG romeo \x01VERSION\x01")
		w.event(ircconn.CTCP{Source: source("Romeo"), Command: "VERSION", Params: reply, Reply: true})
		w.expectOne(`from='`+room+`/romeo' to='`+desk+`' type='result' id='v1'`, want)
	}
	w := connected(t)
	w.stanza(`<iq from='%s' to='%s/romeo' type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>`, phone, room)
	w.expectOne(`not-acceptable`)
	w.expectLines()
}

// XEP-0202.
func TestTime(t *testing.T) {
	w := connected(t)
	for _, to := range []string{"gw.test", server, room, room + "/juliet"} {
		w.stanza(`<iq from='%s' to='%s' type='get' id='t1'><time xmlns='urn:xmpp:time'/></iq>`, desk, to)
		w.expect(`<iq from='` + to + `' to='` + desk + `' type='result' id='t1'><time xmlns='urn:xmpp:time'><tzo>Z</tzo><utc>2026-11-21T12:00:00Z</utc></time></iq>`)
	}
	w.expectLines()
}

func TestParseTime(t *testing.T) {
	want := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, reply := range []string{
		"Sat, 21 Nov 2026 13:00:00 +0100", "2026-11-21T13:00:00+01:00", "2026-11-21T12:00:00Z", "2026-11-21 13:00:00 +0100",
		"Sat Nov 21 13:00:00 +0100 2026", "Sat Nov 21 13:00:00 2026 +0100", "2026-11-21T13:00:00+0100",
	} {
		if got, ok := parseTime(reply); !ok || !got.Equal(want) {
			t.Errorf("%q is %v, %v", reply, got, ok)
		}
	}
	// A zone's name does not tell an offset.
	for _, reply := range []string{"", "tea time", "Sat Nov 21 13:00:00 2026", "Sat Nov 21 13:00:00 CET 2026"} {
		if got, ok := parseTime(reply); ok {
			t.Errorf("%q is %v", reply, got)
		}
	}
}
