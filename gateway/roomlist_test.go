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

// listed is the server naming channels of the numbers from first to before end.
func (w *world) listed(first, end int) {
	w.t.Helper()
	for i := first; i < end; i++ {
		w.event(listLine(fmt.Sprintf("#c%d", i), i, ""))
	}
}

// search asks for channels with a word, and with at least so many people.
func (w *world) search(text, least string) {
	w.stanza(`<iq from='%s' to='%s' type='set' id='s'><query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'>%s%s</x></query></iq>`,
		desk, server, fieldXML("text", text), fieldXML("least", least))
}

// listedAs is the address of a channel of a number.
func listedAs(i int) string { return fmt.Sprintf("#c%d%%irc.test@gw.test", i) }

var listEnd = ircconn.Reply{Numeric: 323, Params: []string{"End"}}

// expectPage looks for a page of channels from one number to another, both in it, and
// for what its end says.
func (w *world) expectPage(from, to int, count string) {
	w.t.Helper()
	w.expectOne(fmt.Sprintf("<item jid='%s'", listedAs(from)),
		fmt.Sprintf("<first index='%d'>%s</first><last>%s</last>%s</set>", from, listedAs(from), listedAs(to), count))
}

const rsm = `<set xmlns='http://jabber.org/protocol/rsm'>%s</set>`

func TestChannelList(t *testing.T) {
	w := connected(t)
	w.items("")
	w.items("")
	w.expectLines("LIST")
	w.expect()
	w.event(ircconn.Reply{Numeric: 321}, listLine("#b", 3, "\x02Bold\x02"), listLine("#A", 5, ""), listEnd)
	answer := `<iq from='` + server + `' to='` + desk + `' type='result' id='l'><query xmlns='http://jabber.org/protocol/disco#items'>` +
		`<item jid='#b%irc.test@gw.test' name='#b (3) Bold'/><item jid='#a%irc.test@gw.test' name='#A (5)'/>` +
		`<set xmlns='http://jabber.org/protocol/rsm'><first index='0'>#b%irc.test@gw.test</first><last>#a%irc.test@gw.test</last><count>2</count></set></query></iq>`
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
	w.listed(0, 10)
	w.event(listEnd)
	w.forget()
	tests := []struct {
		set      string
		from, to int // inclusive; -1 for an empty page
	}{
		{"<max>3</max>", 0, 2},
		{"<max>3</max><after>" + listedAs(2) + "</after>", 3, 5},
		{"<max>3</max><after>" + listedAs(8) + "</after>", 9, 9},
		{"<max>3</max><after>" + listedAs(9) + "</after>", -1, -1},
		{"<max>3</max><before>" + listedAs(6) + "</before>", 3, 5},
		{"<max>3</max><before>" + listedAs(1) + "</before>", 0, 0},
		{"<max>3</max><before>" + listedAs(0) + "</before>", -1, -1},
		{"<max>3</max><before/>", 7, 9},
		{"<max>3</max><index>4</index>", 4, 6},
		{"<max>3</max><index>10</index>", -1, -1},
		{"<max>3</max><index>9223372036854775807</index>", -1, -1},
		{"<max>0</max>", -1, -1},
	}
	for _, test := range tests {
		w.items(fmt.Sprintf(rsm, test.set))
		if test.from < 0 {
			w.expectOne(`<set xmlns='http://jabber.org/protocol/rsm'><count>10</count></set>`)
			continue
		}
		w.expectPage(test.from, test.to, "<count>10</count>")
	}
	for _, set := range []string{"<after>nobody</after>", "<after>#c1%irc.test@elsewhere.test</after>", "<before>nobody</before>"} {
		w.items(fmt.Sprintf(rsm, set))
		w.expectOne(`item-not-found`)
	}
	w.items(fmt.Sprintf(rsm, "<max>-1</max>"))
	w.expectOne(`bad-request`)
}

// A page is sent when its channels have come, which a large network's list needs long
// for. How many there are is known at its end.
func TestChannelListIsStreamed(t *testing.T) {
	w := connected(t)
	page := func(set string) { w.items(fmt.Sprintf(rsm, set)) }
	page("<max>3</max>")
	w.expectLines("LIST")
	w.listed(0, 2)
	w.expect()
	w.listed(2, 3)
	w.expectPage(0, 2, "")
	page("<max>2</max>") // of what is there
	w.expectPage(0, 1, "")
	page("<max>2</max><before>" + listedAs(2) + "</before>")
	w.expectPage(0, 1, "")
	page("<max>2</max><index>1</index>")
	w.expectPage(1, 2, "")
	page("<max>3</max><after>" + listedAs(2) + "</after>")
	w.listed(3, 5)
	w.expect()
	w.listed(5, 6)
	w.expectPage(3, 5, "")
	page("<max>2</max><after>" + listedAs(7) + "</after>") // which has not come
	w.listed(6, 9)
	w.expect()
	w.listed(9, 10)
	w.expectPage(8, 9, "")
	page("<max>2</max><before>" + listedAs(11) + "</before>")
	w.listed(10, 12)
	w.expectPage(9, 10, "")
	w.expectLines() // one list for all
	w.event(listEnd)
	w.expect()
	page("<max>3</max>")
	w.expectPage(0, 2, "<count>12</count>")
}

// What needs the end of the list waits for it.
func TestPagesThatNeedTheWholeList(t *testing.T) {
	page := func(from, to int) string {
		return fmt.Sprintf("<first index='%d'>%s</first><last>%s</last><count>5</count></set>", from, listedAs(from), listedAs(to))
	}
	const nothing, unknown = `<set xmlns='http://jabber.org/protocol/rsm'><count>5</count></set>`, `<item-not-found `
	for set, want := range map[string]string{
		"<max>0</max>":                                   nothing,
		"<max>6</max>":                                   page(0, 4),
		"<max>2</max><before/>":                          page(3, 4),
		"<max>2</max><index>4</index>":                   page(4, 4),
		"<max>2</max><index>17</index>":                  nothing,
		"<after>" + listedAs(3) + "</after>":             page(4, 4),
		"<after>" + listedAs(4) + "</after>":             nothing,
		"<max>1</max><after>nobody</after>":              unknown,
		"<max>1</max><before>nobody</before>":            unknown,
		"<max>0</max><after>#c1%irc.test</after>":        unknown,
		"<max>0</max><after>" + listedAs(1) + "</after>": nothing,
	} {
		w := connected(t)
		w.items(fmt.Sprintf(rsm, set))
		w.listed(0, 5)
		w.expect()
		w.event(listEnd)
		w.expectOne(want)
	}
	w := connected(t)
	w.items("") // who does not page gets the first ones, and how many there are
	w.listed(0, defaultItems+1)
	w.expect()
	w.event(listEnd)
	w.expectPage(0, defaultItems-1, fmt.Sprintf("<count>%d</count>", defaultItems+1))
}

// Who still waits when the list does not end is told, and the next question is a new one.
func TestChannelListThatDoesNotEnd(t *testing.T) {
	for name, end := range map[string]struct {
		happens func(*world)
		want    string
	}{
		"too many at once": {func(w *world) { w.event(ircconn.Refused{Numeric: 263, Text: "busy"}) }, "resource-constraint"},
		"silence":          {func(w *world) { w.pass(listTime) }, "remote-server-timeout"},
		"disconnected":     {func(w *world) { w.event(ircconn.Disconnected{WasRegistered: true}) }, "remote-server-timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			w := connected(t)
			w.items(fmt.Sprintf(rsm, "<max>2</max>"))
			w.items(fmt.Sprintf(rsm, "<max>5</max>"))
			w.search("c", "")
			w.listed(0, 3)
			w.expectPage(0, 1, "")
			end.happens(w)
			answers := 0
			for _, answer := range w.sent() {
				if strings.HasPrefix(answer, "<iq ") {
					answers++
					contains(t, answer, `type='error'`, end.want)
				}
			}
			if answers != 2 {
				t.Errorf("%d of 2 who wait were answered", answers)
			}
			if n := w.u.networks.of("irc.test"); n != nil && n.channelList != nil {
				t.Error("a part is taken for the whole")
			}
		})
	}
}

// Only so many requests wait for one list.
func TestReadersOfOneList(t *testing.T) {
	w := connected(t)
	for range listReaders {
		w.items("")
	}
	w.expect()
	w.items("")
	w.expectOne(`resource-constraint`, fmt.Sprintf("%d requests wait for the list", listReaders))
	w.listed(0, 3)
	w.items(fmt.Sprintf(rsm, "<max>3</max>")) // which need not wait
	w.expectPage(0, 2, "")
	w.event(listEnd)
	if got := len(w.sent()); got != listReaders {
		t.Errorf("%d requests were answered", got)
	}
}

// A channel that the server names twice is in the list once.
func TestChannelListedTwice(t *testing.T) {
	w := connected(t)
	w.items("")
	w.event(listLine("#C0", 1, ""))
	w.listed(0, 2)
	w.event(listEnd)
	w.expectPage(0, 1, "<count>2</count>")
}

// A server that names channels without end, and long ones, fills no memory.
func TestMemoryOfAChannelList(t *testing.T) {
	w := connected(t)
	w.items("")
	before := heap()
	for i := range listLimit + 10_000 {
		w.event(ircconn.Reply{Numeric: 322, Params: []string{
			fmt.Sprintf("#%s%d", strings.Repeat("n", longestListed-10), i), "5", strings.Repeat("t", 5*longestListed),
		}})
	}
	if held := heap() - before; held > 64<<20 {
		t.Errorf("%d KiB are kept", held>>10)
	}
	w.event(listEnd)
	w.pass(listMemory)
	if held := heap() - before; held > 1<<20 {
		t.Errorf("%d KiB are kept of a list that is forgotten", held>>10)
	}
}

// Channels beyond those that are kept are counted, and no page says that they are not
// there.
func TestMoreChannelsThanAreKept(t *testing.T) {
	w := connected(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"ELIST=U"})})
	w.items("")
	const all = listLimit + 600
	w.listed(0, all)
	w.event(listEnd)
	w.forget()
	count := fmt.Sprintf("<count>%d</count>", all)
	page := func(set string) { w.items(fmt.Sprintf(rsm, set)) }
	page("<max>10</max><after>" + listedAs(listLimit-4) + "</after>")
	w.expectPage(listLimit-3, listLimit-1, count)
	page("<max>10</max><before>" + listedAs(listLimit-1) + "</before>")
	w.expectPage(listLimit-11, listLimit-2, count)
	for _, set := range []string{
		"<max>10</max><after>" + listedAs(listLimit-1) + "</after>", "<max>10</max><before/>", "<max>500</max><before/>",
		fmt.Sprintf("<max>10</max><index>%d</index>", listLimit), fmt.Sprintf("<max>10</max><index>%d</index>", all-1),
	} {
		page(set)
		w.expectOne("feature-not-implemented", fmt.Sprintf("irc.test has %d channels, of which only the first %d are kept", all, listLimit))
	}
	for _, set := range []string{fmt.Sprintf("<index>%d</index>", all), "<max>0</max>", "<max>0</max><before/>"} {
		page(set)
		w.expectOne("<set xmlns='http://jabber.org/protocol/rsm'>" + count + "</set>")
	}
	w.expectLines()
	w.search("#c7", "")
	w.expectOne("<title>1111 channels found, of which at most 500 are shown</title>",
		fmt.Sprintf("has %d channels, of which only the first %d were searched", all, listLimit), listedAs(7))
	w.expectLines()
	w.search("", fmt.Sprint(listLimit)) // for which the server is asked, who knows them all
	w.expectLines(fmt.Sprintf("LIST >%d", listLimit-1))
	w.listed(listLimit, all)
	w.event(listEnd)
	w.expectOne("<title>600 channels found", listedAs(listLimit))
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
	w.search("TEA", "3")
	w.event(listLine("#tea", 2, ""), listLine("#coffee", 9, "no tea"), listLine("#milk", 9, ""), listLine("#assam", 3, "tea"), listEnd)
	got := strings.Join(w.sent(), "")
	contains(t, got, `<title>2 channels found</title>`, `<reported>`, `#coffee%irc.test@gw.test`, `<value>no tea</value>`)
	lacks(t, got, `#milk`, `#tea%`)
	if strings.Index(got, "#assam%") > strings.Index(got, "#coffee%") {
		t.Errorf("what was found is not in order:\n%s", got)
	}
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
	w.search("", "10")
	w.expectLines("LIST >9")
	w.event(listLine("#large", 12, ""), ircconn.Reply{Numeric: 323})
	contains(t, strings.Join(w.sent(), ""), `#large%irc.test@gw.test`)
	w.items("") // a part is not taken for the whole
	w.expectLines("LIST")
	w.event(listLine("#large", 12, ""), listLine("#small", 2, ""), ircconn.Reply{Numeric: 323})
	contains(t, strings.Join(w.sent(), ""), `#small%irc.test@gw.test`)
	w.search("", "10")
	w.expectLines() // the whole is there
}
