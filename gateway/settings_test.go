package gateway

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
	"passerelle/store"
)

// withStore is connected, with a store of its own.
func withStore(t *testing.T, caps ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.openStore()
	w.join(desk, "juliet")
	w.register("juliet", caps...)
	w.enter("@nurse romeo juliet")
	w.event(ircconn.ChannelModes{Channel: "#chan", Changes: plusNT})
	w.forget()
	return w
}

func (w *world) openStore() {
	w.t.Helper()
	cfg := store.DefaultConfig()
	cfg.Directory = w.t.TempDir()
	s, err := store.Open(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	w.g.store = s
}

// configure fills in and submits the form of the command "configure".
func (w *world) configure(to, fields string) string {
	w.t.Helper()
	_, id := w.command(to, "configure", "", "")
	answer, _ := w.command(to, "configure", "sessionid='"+id+"'", fields)
	return answer
}

func TestConfigureGlobal(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	answer, _ := w.command("gw.test", "configure", "", "")
	contains(t, answer, `<field var='record_history' type='boolean' label='Record history'><desc>`, `<value>true</value>`,
		`<field var='max_history_length'`, `<value>20</value>`, `<field var='persistent'`, `<value>false</value>`)
	answer = w.configure("gw.test", fieldXML("record_history", "false")+fieldXML("max_history_length", "5")+fieldXML("persistent", "1"))
	contains(t, answer, `status='completed'`, `The settings are saved.`)
	scope := store.Scope{User: "juliet@xmpp.test"}
	w.u.chosen = nil // as after a restart
	if err := w.u.load(); err != nil {
		t.Fatal(err)
	}
	if w.u.isOn(setRecord, scope) || w.u.value(setMaxHistory, scope) != "5" || !w.u.isOn(setPersistent, scope) {
		t.Errorf("chosen: %v", w.u.chosen)
	}
	// A missing field is an empty one, which follows the admin again.
	w.configure("gw.test", fieldXML("persistent", "true"))
	if !w.u.isOn(setRecord, scope) || w.u.value(setMaxHistory, scope) != "20" {
		t.Errorf("chosen: %v", w.u.chosen)
	}
	answer = w.configure("gw.test", fieldXML("max_history_length", "many"))
	contains(t, answer, `status='executing'`, `<note type='error'>Max history length: "many" is not a whole number from 0 to 1000</note>`)
}

func TestConfigureServer(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	answer := w.configure(server, fieldXML("address", "irc1.test", "irc2.test")+fieldXML("tls_ports", "6697", "7000")+fieldXML("ports", "6667")+
		fieldXML("nick", "Jule")+fieldXML("username", "jj")+fieldXML("realname", "Juliet C.")+fieldXML("pass", "sesame")+
		fieldXML("alternative_nicks", "Jule_", "Jule__"))
	contains(t, answer, `status='completed'`, `from the next connection on`)
	w.u.chosen = nil
	w.join(desk, "juliet")
	var addresses []string
	for _, address := range w.dialled.Addresses {
		addresses = append(addresses, address.String())
	}
	if got := strings.Join(addresses, " "); got != "ircs://irc1.test:6697 ircs://irc1.test:7000 ircs://irc2.test:6697 ircs://irc2.test:7000 irc://irc1.test:6667 irc://irc2.test:6667" {
		t.Errorf("addresses %s", got)
	}
	if o := w.dialled; o.Nick != "Jule" || o.Username != "jj" || o.RealName != "Juliet C." || o.Password != "sesame" || len(o.AlternativeNicks) != 2 {
		t.Errorf("options %+v", o)
	}
	for field, value := range map[string]string{
		"ports": "99999", "nick": "two words", "fingerprint": "abc", "after_connect_commands": "\x01", "encoding_in": "klingon", "address": "a b", "username": "a b",
	} {
		if field == "after_connect_commands" {
			value = ":"
		}
		contains(t, w.configure(server, fieldXML(field, value)), `status='executing'`, `<note type='error'>`)
	}
}

func TestSettingsInAChat(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	contains(t, w.chat("set persistent true"), `The settings are saved.`)
	contains(t, w.chat("show"), `persistent = true`, `record_history is not set (true counts)`)
	contains(t, w.chat("set irc.test nick Jule"), `from the next connection on`)
	contains(t, w.chat("set irc.test sasl_password secret"), `saved`)
	contains(t, w.chat("show irc.test"), `nick = Jule`, `sasl_password = (set)`)
	lacks(t, w.chat("show irc.test"), `= secret`)
	contains(t, w.chat("set #chan%irc.test record_history false"), `saved`)
	contains(t, w.chat("show #chan@irc.test"), `record_history = false`)
	contains(t, w.chat("set #chan%irc.test record_history"), `saved`)
	contains(t, w.chat("show #chan%irc.test"), `record_history is not set (true counts)`)
	contains(t, w.chat("set irc.test tls_ports 6697 | 7000"), `saved`)
	contains(t, w.chat("show irc.test"), `tls_ports = 6697 | 7000`)
	contains(t, w.chat("set persistent maybe"), `not-acceptable`)
	contains(t, w.chat("set colour red"), `item-not-found`)
	contains(t, w.chat("set irc.test colour red"), `there is no setting`)
}

func TestRegistrationAndRemoval(t *testing.T) {
	w := withStore(t)
	register := func(content string) string {
		w.stanza(`<iq from='%s' to='gw.test' type='set' id='r'><query xmlns='jabber:iq:register'>%s</query></iq>`, desk, content)
		return strings.Join(w.sent(), "\n")
	}
	const subscribe = `<presence from='gw.test' to='juliet@xmpp.test' type='subscribe'/>`
	contains(t, register(`<x xmlns='jabber:x:data' type='submit'>`+fieldXML("persistent", "true")+`</x>`), `type='result'`, subscribe)
	again := register("")
	contains(t, again, `type='result'`)
	lacks(t, again, subscribe)
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='r'><query xmlns='jabber:iq:register'/></iq>`, desk)
	w.expectOne(`<registered/>`, `var='record_history'`)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "soft!"})
	w.forget()
	answer := register(`<remove/>`)
	contains(t, answer, `type='result'`, `type='unsubscribed'`, `You are removed`, `<status code='332'/>`)
	if w.irc.quit == "" || len(w.u.networks) != 0 {
		t.Error("still on IRC")
	}
	if err := w.u.load(); err != nil || len(w.u.chosen) != 0 || w.u.isRegistered() {
		t.Errorf("left: %v, %v", w.u.chosen, err)
	}
	w.archive(``)
	lacks(t, strings.Join(w.sent(), ""), `soft!`)
}

func TestRegisteredUsersOnly(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	live := *w.g.live()
	live.RegisteredOnly = true
	w.g.Apply(live)
	w.join(desk, "juliet")
	w.expectOne(`registration-required`)
	w.stanza(`<iq from='%s' to='gw.test' type='set' id='r'><query xmlns='jabber:iq:register'/></iq>`, desk)
	w.forget()
	w.join(desk, "juliet")
	if w.irc == nil {
		t.Error("who is registered may not connect")
	}
}

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

func TestArchivePages(t *testing.T) {
	w := spoken(t, 10)
	page := func(content string) (said string, fin string) {
		w.archive(content)
		said = bodies(w.sent())
		return said, ""
	}
	set := func(content string) string { return fmt.Sprintf(rsm, content) }
	filter := func(fields string) string {
		return `<x xmlns='jabber:x:data' type='submit'>` + fieldXML("FORM_TYPE", "urn:xmpp:mam:2") + fields + `</x>`
	}
	id := w.archiveIDs()
	tests := map[string]string{
		"":                           "0 1 2 3 4 5 6 7 8 9",
		set("<max>3</max>"):          "0 1 2",
		set("<max>3</max><before/>"): "7 8 9",
		set("<max>3</max><after>" + id[2] + "</after>"):   "3 4 5",
		set("<max>3</max><before>" + id[7] + "</before>"): "4 5 6",
		set("<max>3</max><before/>") + "<flip-page/>":     "9 8 7",
		filter(fieldXML("start", "2026-11-21T12:00:08Z")): "7 8 9",
		filter(fieldXML("end", "2026-11-21T12:00:02Z")):   "0 1",
		filter(fieldXML("after-id", id[7])):               "8 9",
		filter(fieldXML("before-id", id[2])):              "0 1",
		filter(fieldXML("ids", id[5], id[1])):             "1 5",
		filter(fieldXML("with", room+"/romeo")):           "0 1 2 3 4 5 6 7 8 9",
		filter(fieldXML("with", room+"/nurse")):           "",
		filter(fieldXML("with", "tybalt@elsewhere.test")): "",
		filter(fieldXML(fieldText, "")):                   "0 1 2 3 4 5 6 7 8 9",
		filter(fieldXML(fieldText, "5")):                  "5",
	}
	for _, name := range []string{"start", "end", "before-id", "after-id", "ids", "with"} {
		tests[filter(fieldXML(name, ""))] = tests[""] // left empty
		tests[filter(fieldXML(name))] = tests[""]
	}
	for content, want := range tests {
		if got, _ := page(content); got != want {
			t.Errorf("%s gives %q; want %q", content, got, want)
		}
	}
	for content, want := range map[string]string{
		set("<after>unknown</after>"):              "item-not-found",
		filter(fieldXML("after-id", "unknown")):    "item-not-found",
		filter(fieldXML("ids", id[0], "unknown")):  "item-not-found",
		filter(fieldXML("colour", "red")):          "feature-not-implemented",
		filter(fieldXML("start", "yesterday")):     "bad-request",
		set("<max>-3</max>"):                       "bad-request",
		`<x xmlns='jabber:x:data' type='submit'/>`: "bad-request",
	} {
		w.archive(content)
		w.expectOne(`type='error'`, want)
	}
}

// archiveIDs are the ids of all archived messages, in order.
func (w *world) archiveIDs() []string {
	w.archive("")
	var ids []string
	for _, part := range strings.Split(w.out.text.String(), "queryid='q' id='")[1:] {
		id, _, _ := strings.Cut(part, "'")
		ids = append(ids, id)
	}
	w.forget()
	return ids
}

func TestArchiveFin(t *testing.T) {
	w := spoken(t, 5)
	id := w.archiveIDs()
	w.archive(fmt.Sprintf(rsm, "<max>2</max><after>"+id[0]+"</after>"))
	got := w.out.text.String()
	contains(t, got, `<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><first index='1'>`+id[1]+`</first><last>`+id[2]+`</last><count>5</count></set></fin>`)
	w.forget()
	w.archive("")
	contains(t, w.out.text.String(), `<fin xmlns='urn:xmpp:mam:2' complete='true'>`)
	w.forget()
	w.archive(fmt.Sprintf(rsm, "<max>0</max>"))
	contains(t, w.out.text.String(), `<count>5</count>`)
	lacks(t, w.out.text.String(), `<result`)
	w.forget()
	w.stanza(`<iq from='%s' to='%s' type='get' id='a'><query xmlns='urn:xmpp:mam:2'/></iq>`, desk, room)
	w.expectOne(`var='with'`, `var='{urn:xmpp:fulltext:0}fulltext'`)
	w.stanza(`<iq from='%s' to='%s' type='get' id='a'><metadata xmlns='urn:xmpp:mam:2'/></iq>`, desk, room)
	contains(t, w.out.text.String(), `<start id='`+id[0]+`' timestamp='2026-11-21T12:00:01.000Z'/>`, `<end id='`+id[4]+`'`)
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

func TestPersistentRoom(t *testing.T) {
	w := withStore(t)
	w.chat("set #chan%irc.test persistent true")
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.expectLines("AWAY no client")
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "are you there?"})
	w.pass(time.Hour)
	w.forget()
	w.join(phone, "juliet")
	w.expectLines("AWAY")
	if got := bodies(w.sent()); got != "are you there?" {
		t.Errorf("missed: %q", got)
	}
	w.say(phone, "c1", "/part")
	w.expectLines("PART #chan")
}

// Modes with a parameter are texts in the room's form.
func TestRoomModesWithText(t *testing.T) {
	w := withStore(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"CHANMODES=beI,kfL,ljkf,imnpst"})})
	w.event(ircconn.ModeChanged{Channel: "#chan", Changes: []ircconn.ModeChange{
		{Add: true, Mode: 'f', Kind: ircconn.ModeAlways, Arg: "5:3"}, {Add: true, Mode: 'j', Kind: ircconn.ModeWhenSet, Arg: "9:1"}}})
	w.forget()
	w.stanza(`<iq from='%s' to='%s' type='get' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`, desk, room)
	form := strings.Join(w.sent(), "")
	contains(t, form, `var='irc#mode_f' type='text-single'`, `<value>5:3</value>`, `var='irc#mode_j' type='text-single'`, `<value>9:1</value>`, `var='irc#mode_L' type='text-single'`)
	lacks(t, form, `irc#mode_k`, `irc#mode_l`)
	if strings.Count(form, `irc#mode_f`) != 1 {
		t.Error("a mode that the server names twice is there twice")
	}
	set := func(fields string) {
		w.stanza(`<iq from='%s' to='%s' type='set' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>%s</x></query></iq>`, desk, room, fields)
	}
	for _, test := range []struct{ fields, line string }{
		{fieldXML("irc#mode_f", "5:3") + fieldXML("irc#mode_j", "9:1") + fieldXML("irc#mode_L"), ""},
		{fieldXML("persistent", "false"), ""},
		{fieldXML("irc#mode_f", "7:7") + fieldXML("irc#mode_L", "#hall"), "MODE #chan +fL 7:7 #hall"},
		{fieldXML("irc#mode_f", ""), "MODE #chan -f 5:3"},
		{fieldXML("irc#mode_j"), "MODE #chan -j"},
	} {
		set(test.fields)
		if test.line == "" {
			w.expectOne(`type='result'`)
			w.expectLines()
			continue
		}
		w.expectLines(test.line, "MODE #chan")
		w.event(ircconn.Refused{Numeric: 482, Target: "#chan", Text: "You're not channel operator"})
		w.expectOne(`forbidden`)
	}
	for _, wrong := range []string{"two words", ":x"} {
		set(fieldXML("irc#mode_f", wrong))
		w.expectOne(`not-acceptable`, `one word`)
		w.expectLines()
	}
}

func TestRoomConfiguration(t *testing.T) {
	w := withStore(t)
	get := func() string {
		w.stanza(`<iq from='%s' to='%s' type='get' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`, desk, room)
		return strings.Join(w.sent(), "")
	}
	set := func(fields string) {
		w.stanza(`<iq from='%s' to='%s' type='set' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>%s</x></query></iq>`, desk, room, fields)
	}
	contains(t, get(), `var='record_history'`, `<field var='muc#roomconfig_changesubject' type='boolean' label='Everybody may change the topic (-t)'><value>false</value>`,
		`<field var='muc#roomconfig_publicroom'`, `<field var='irc#mode_n' type='boolean' label='Channel mode +n'><value>true</value>`)
	set(fieldXML("persistent", "true") + fieldXML("muc#roomconfig_changesubject", "true") + fieldXML("muc#roomconfig_moderatedroom", "1") +
		fieldXML("muc#roomconfig_passwordprotectedroom", "1") + fieldXML("muc#roomconfig_roomsecret", "sesame") + fieldXML("muc#roomconfig_maxusers", "7"))
	w.expectLines("MODE #chan +m-t+lk 7 sesame", "MODE #chan")
	w.expect()
	w.event(ircconn.Refused{Numeric: 482, Target: "#chan", Text: "You're not channel operator"})
	w.expectOne(`type='error' id='o'`, `forbidden`)
	contains(t, w.chat("show #chan%irc.test"), `persistent = true`)
	set(fieldXML("persistent", "true"))
	w.expectOne(`type='result' id='o'`)
	w.expectLines()
	set(fieldXML("muc#roomconfig_passwordprotectedroom", "1"))
	w.expectOne(`not-acceptable`)
	w.stanza(`<iq from='%s' to='%s' type='set' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='cancel'/></query></iq>`, desk, room)
	w.expectOne(`type='result'`)
	w.stanza(`<iq from='%s' to='%s' type='set' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`, desk, room)
	w.expectOne(`not-allowed`)
}

// plusNT are the modes of most channels.
var plusNT = []ircconn.ModeChange{{Add: true, Mode: 'n'}, {Add: true, Mode: 't'}}

// Who does not want to stay any more is not left on IRC unseen.
func TestPersistenceIsTakenBack(t *testing.T) {
	w := withStore(t)
	w.chat("set #chan%irc.test persistent true")
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.irc.sent = nil
	w.chat("set #chan%irc.test persistent false")
	w.expectLines("PART #chan")
	w.pass(w.g.live().IdleQuit)
	if w.irc.quit == "" {
		t.Error("the connection stays")
	}
}

func TestSettingsAreSmall(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	many := make([]string, mostValues+1)
	for i := range many {
		many[i] = "nick"
	}
	contains(t, w.configure(server, fieldXML("alternative_nicks", many...)), `more than 50 values`)
	contains(t, w.configure(server, fieldXML("after_connect_commands", "PRIVMSG x :"+strings.Repeat("y", longestValue))), `more than 500 bytes`)
}

// A form without a field says nothing about it: clients send those they know.
func TestRoomFormOfFewFields(t *testing.T) {
	w := withStore(t)
	w.chat("set #chan%irc.test record_history false")
	w.chat("set #chan%irc.test persistent true")
	for _, fields := range []string{"", fieldXML("muc#roomconfig_roomname", "x")} {
		w.stanza(`<iq from='%s' to='%s' type='set' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>%s</x></query></iq>`, desk, room, fields)
		w.expectOne(`type='result'`)
	}
	contains(t, w.chat("show #chan%irc.test"), `record_history = false`, `persistent = true`)
	// What cannot be done leaves the rest as it was.
	w.stanza(`<iq from='%s' to='%s' type='set' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>%s%s</x></query></iq>`,
		desk, room, fieldXML("persistent", "false"), fieldXML("muc#roomconfig_maxusers", "many"))
	w.expectOne(`not-acceptable`)
	contains(t, w.chat("show #chan%irc.test"), `persistent = true`)
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
