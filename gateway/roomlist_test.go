package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

func listLine(name string, users int, topic string) ircconn.Reply {
	return ircconn.Reply{Numeric: 322, Params: []string{name, fmt.Sprint(users), topic}}
}

func (w *world) items(set string) {
	w.stanza(`<iq from='%s' to='%s' type='get' id='l'><query xmlns='http://jabber.org/protocol/disco#items'>%s</query></iq>`, desk, server, set)
}

const rsm = `<set xmlns='http://jabber.org/protocol/rsm'>%s</set>`

func TestChannelList(t *testing.T) {
	w := connected(t)
	w.items("")
	w.items("")
	w.expectLines("LIST")
	w.expect()
	w.event(ircconn.Reply{Numeric: 321}, listLine("#b", 3, "\x02Bold\x02"), listLine("#A", 5, ""), ircconn.Reply{Numeric: 323, Params: []string{"End"}})
	answer := `<iq from='` + server + `' to='` + desk + `' type='result' id='l'><query xmlns='http://jabber.org/protocol/disco#items'>` +
		`<item jid='#a%irc.test@gw.test' name='#A (5)'/><item jid='#b%irc.test@gw.test' name='#b (3) Bold'/>` +
		`<set xmlns='http://jabber.org/protocol/rsm'><first index='0'>#a%irc.test@gw.test</first><last>#b%irc.test@gw.test</last><count>2</count></set></query></iq>`
	w.expect(answer, answer)
	w.items("")
	w.expectLines()
	w.expect(answer)
	w.clock = w.clock.Add(listMemory)
	w.items("")
	w.expectLines("LIST")
	w.event(ircconn.Refused{Numeric: 263, Text: "busy"})
	w.expectOne(`type='error'`, `resource-constraint`)
	w.items("")
	w.expectLines("LIST")
}

func TestChannelListPages(t *testing.T) {
	w := connected(t)
	w.items("")
	for i := range 10 {
		w.event(listLine(fmt.Sprintf("#c%d", i), i, ""))
	}
	w.event(ircconn.Reply{Numeric: 323})
	w.forget()
	jid := func(i int) string { return fmt.Sprintf("#c%d%%irc.test@gw.test", i) }
	tests := []struct {
		set      string
		from, to int // inclusive; -1 for an empty page
	}{
		{"<max>3</max>", 0, 2},
		{"<max>3</max><after>" + jid(2) + "</after>", 3, 5},
		{"<max>3</max><before>" + jid(6) + "</before>", 3, 5},
		{"<max>3</max><before/>", 7, 9},
		{"<max>3</max><index>4</index>", 4, 6},
		{"<max>0</max>", -1, -1},
	}
	for _, test := range tests {
		w.items(fmt.Sprintf(rsm, test.set))
		if test.from < 0 {
			w.expectOne(`<count>10</count>`)
			continue
		}
		w.expectOne(fmt.Sprintf("<first index='%d'>%s</first><last>%s</last><count>10</count>", test.from, jid(test.from), jid(test.to)))
	}
	for _, set := range []string{"<after>nobody</after>", "<index>11</index>"} {
		w.items(fmt.Sprintf(rsm, set))
		w.expectOne(`item-not-found`)
	}
	w.items(fmt.Sprintf(rsm, "<max>-1</max>"))
	w.expectOne(`bad-request`)
}

func TestChannelListOpensNoConnection(t *testing.T) {
	w := newWorld(t)
	w.items("")
	w.expectOne(`type='result'`)
	if w.irc != nil {
		t.Error("a connection was opened")
	}
}

func TestChannelSearch(t *testing.T) {
	w := connected(t)
	w.stanza(`<iq from='%s' to='%s' type='get' id='s'><query xmlns='jabber:iq:search'/></iq>`, desk, server)
	w.expectOne(`var='text'`, `var='least'`)
	w.stanza(`<iq from='%s' to='%s' type='set' id='s'><query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'>%s%s</x></query></iq>`,
		desk, server, fieldXML("text", "TEA"), fieldXML("least", "3"))
	w.event(listLine("#tea", 2, ""), listLine("#coffee", 9, "no tea"), listLine("#milk", 9, ""), ircconn.Reply{Numeric: 323})
	got := strings.Join(w.sent(), "")
	contains(t, got, `<reported>`, `#coffee%irc.test@gw.test`, `<value>no tea</value>`)
	lacks(t, got, `#milk`, `#tea%`)
}

func TestWhoisAsCards(t *testing.T) {
	w := connected(t)
	ask := func(to, payload string) {
		w.stanza(`<iq from='%s' to='%s' type='get' id='v'>%s</iq>`, desk, to, payload)
	}
	ask(room+"/romeo", `<vCard xmlns='vcard-temp'/>`)
	w.expectLines("WHOIS romeo romeo")
	w.event(ircconn.Reply{Numeric: 311, Params: []string{"romeo", "rom", "verona.test", "*", "Romeo M."}},
		ircconn.Reply{Numeric: 312, Params: []string{"romeo", "irc.test", "a server"}},
		ircconn.Reply{Numeric: 319, Params: []string{"romeo", "@#chan #balcony"}},
		ircconn.Reply{Numeric: 330, Params: []string{"romeo", "montague", "is logged in as"}},
		ircconn.Reply{Numeric: 671, Params: []string{"romeo", "is using a secure connection"}},
		ircconn.Reply{Numeric: 317, Params: []string{"romeo", "90", "1", "seconds idle"}},
		ircconn.AwayReply{Nick: "romeo", Text: "at the ball"},
		ircconn.Reply{Numeric: 318, Params: []string{"romeo", "End"}})
	w.expectOne(`<FN>romeo</FN>`, `<NOTE>Romeo M.</NOTE>`, `rom@verona.test`, `Account: montague`, `Channels: @#chan #balcony`, `secure connection`, `Away: at the ball`)
	w.clock = w.clock.Add(10 * time.Second)
	ask("romeo%irc.test@gw.test", `<query xmlns='jabber:iq:last'/>`)
	w.expectLines() // still remembered
	w.expectOne(`seconds='100'`)
	ask(room+"/romeo", `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>`)
	w.expectOne(`<fn><text>romeo</text></fn>`)
	w.clock = w.clock.Add(time.Minute)
	ask("romeo%irc.test@gw.test", `<vCard xmlns='vcard-temp'/>`)
	w.expectLines("WHOIS romeo romeo")
	w.event(ircconn.Refused{Numeric: 401, Target: "romeo", Text: "No such nick"})
	w.expectOne(`item-not-found`)
	ask("gw.test", `<query xmlns='jabber:iq:last'/>`)
	w.expectOne(`seconds=`)
	ask(room+"/nobody", `<vCard xmlns='vcard-temp'/>`)
	w.expectOne(`item-not-found`)
}

// Where the server counts, it is asked for channels of so many people only.
func TestSearchIsFilteredByTheServer(t *testing.T) {
	w := connected(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"ELIST=CMNTU"})})
	search := func() {
		w.stanza(`<iq from='%s' to='%s' type='set' id='s'><query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'>%s</x></query></iq>`,
			desk, server, fieldXML("least", "10"))
	}
	search()
	w.expectLines("LIST >9")
	w.event(listLine("#large", 12, ""), ircconn.Reply{Numeric: 323})
	contains(t, strings.Join(w.sent(), ""), `#large%irc.test@gw.test`)
	w.items("") // a part is not taken for the whole
	w.expectLines("LIST")
	w.event(listLine("#large", 12, ""), listLine("#small", 2, ""), ircconn.Reply{Numeric: 323})
	contains(t, strings.Join(w.sent(), ""), `#small%irc.test@gw.test`)
	search()
	w.expectLines() // the whole is there
}
