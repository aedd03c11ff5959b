package gateway

import (
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

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
