package gateway

import (
	"errors"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

func (w *world) say(from, id, body string) {
	w.t.Helper()
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='%s'><body>%s</body><origin-id xmlns='urn:xmpp:sid:0' id='%s'/></message>`, from, room, id, body, id)
}

func TestReflectionFollowsTheWrite(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "hello")
	w.expectLines("PRIVMSG #chan hello")
	w.expect()
	w.event(ircconn.Written{Receipt: 1})
	w.expect(`<message from='` + room + `/juliet' to='` + desk + `' type='groupchat' id='m1'><body>hello</body>` +
		`<origin-id xmlns='urn:xmpp:sid:0' id='m1'/><stanza/><occupant/></message>`)
}

func TestReflectionFollowsTheEcho(t *testing.T) {
	for _, caps := range [][]string{{"echo-message"}, {"echo-message", "labeled-response"}} {
		w := connected(t, caps...)
		w.say(desk, "m1", "one&#10;two")
		label := w.irc.sent[1].Label
		w.expectLines("PRIVMSG #chan one", "PRIVMSG #chan two")
		if len(caps) < 2 {
			label = ""
		}
		w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: "one", Self: true, Meta: ircconn.Meta{Label: firstLabel(w, label)}})
		w.expect()
		w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: "two", Self: true, Meta: ircconn.Meta{Label: label}})
		w.expectOne(`id='m1'`, "<body>one\ntwo</body>")
	}
}

// firstLabel is the label of the first line of the oldest message on its way.
func firstLabel(w *world, label string) string {
	if label == "" {
		return ""
	}
	return w.network().outbox[0].labels[0]
}

// A server that says no more than that it carried a message out.
func TestReflectionFollowsTheAcknowledgement(t *testing.T) {
	w := connected(t, "echo-message", "labeled-response")
	w.say(desk, "m1", "one&#10;two")
	first, second := w.irc.sent[0].Label, w.irc.sent[1].Label
	w.event(ircconn.Acknowledged{Meta: ircconn.Meta{Label: first}}, ircconn.Acknowledged{Meta: ircconn.Meta{Label: first}})
	w.expect()
	w.event(ircconn.BatchEnded{Meta: ircconn.Meta{Label: second}, Type: "labeled-response"})
	w.expectOne(`id='m1'`)

	w = connected(t, "echo-message")
	w.say(desk, "m1", "one")
	w.event(ircconn.CapsChanged{Caps: ircconn.NewCaps("server-time")})
	w.expectOne(`id='m1'`)
}

func TestSameIDsForAllSessions(t *testing.T) {
	w := connected(t)
	w.join(phone, "juliet")
	w.forget()
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hi"})
	text := w.out.text.String()
	ids := randomIDs.FindAllString(text, -1)
	if len(ids) != 4 || ids[0] != ids[2] || ids[1] != ids[3] || ids[0] != ids[1] {
		t.Errorf("ids %v in\n%s", ids, text)
	}
	if occupants := occupantIDs.FindAllString(text, -1); len(occupants) != 2 || occupants[0] != occupants[1] {
		t.Errorf("occupant ids %v", occupants)
	}
}

func TestForgedMarksAreRemoved(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='m1'><body>x</body><stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='%s'/>`+
		`<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>`, desk, room, room)
	w.event(ircconn.Written{Receipt: 1})
	got := w.sent()[0]
	if strings.Contains(got, "forged") || !strings.Contains(got, "markable") {
		t.Error(got)
	}
}

func TestRefusedMessages(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "one")
	w.say(desk, "m2", "two")
	w.event(ircconn.Written{Receipt: 1}, ircconn.Written{Receipt: 2})
	w.forget()
	w.event(ircconn.Refused{Numeric: 404, Target: "#chan", Params: []string{"#chan"}, Text: "Cannot send"})
	w.expectOne(`type='error' id='m2'`, "<forbidden ", "Cannot send")

	w = connected(t, "echo-message", "labeled-response")
	w.say(desk, "m1", "one")
	w.say(desk, "m2", "two")
	w.event(ircconn.Refused{Numeric: 404, Target: "#chan", Text: "no", Meta: ircconn.Meta{Label: w.network().outbox[0].labels[0]}})
	w.expectOne(`type='error' id='m1'`)
}

func TestMessageWithoutServer(t *testing.T) {
	w := connected(t, "echo-message")
	w.say(desk, "m1", "one")
	w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindServerClosed}})
	got := strings.Join(w.sent(), "\n")
	if !strings.Contains(got, `type='error' id='m1'`) {
		t.Errorf("the message was swallowed:\n%s", got)
	}
	w = connected(t)
	w.irc.refusing = ircconn.ErrQueueFull
	w.say(desk, "m1", "one")
	w.expectOne(`type='error' id='m1'`, `resource-constraint`)
	w.irc.refusing = ircconn.ErrClosed
	w.say(desk, "m2", "one")
	w.expectOne(`type='error' id='m2'`, `recipient-unavailable`)
	w.irc.refusing = errors.New("a fault")
	w.say(desk, "m3", "one")
	w.expectOne(`type='error' id='m3'`, `internal-server-error`)
	if strings.Contains(w.out.text.String(), "a fault") {
		t.Error("an internal error is shown")
	}
}

func TestTooManyLines(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "1&#10;2&#10;3&#10;4")
	w.expectLines()
	w.expectOne(`type='error' id='m1'`, `policy-violation`)
	w.say(desk, "m2", strings.Repeat("long ", 400))
	w.expectLines()
	w.expectOne(`policy-violation`)
}

func TestLongMessageFitsTheLine(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", strings.Repeat("word ", 150))
	for _, line := range w.irc.sent {
		whole := ":juliet!user@host.test PRIVMSG #chan :" + line.Params[1] + "\r\n"
		if len(whole) > 512 {
			t.Errorf("a line of %d bytes", len(whole))
		}
	}
	if len(w.irc.sent) != 2 {
		t.Errorf("%d lines", len(w.irc.sent))
	}
}

func TestStylingToIRC(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "so *bold*")
	w.expectLines("PRIVMSG #chan so \x02bold\x02")
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='m2'><body>so *bold*</body><unstyled xmlns='urn:xmpp:styling:0'/></message>`, desk, room)
	w.expectLines("PRIVMSG #chan so *bold*")
}

func TestEncryptedMessagesStay(t *testing.T) {
	for _, payload := range []string{
		`<encryption xmlns='urn:xmpp:eme:0' namespace='x'/><body>I sent you an OMEMO message</body>`,
		`<encrypted xmlns='eu.siacs.conversations.axolotl'/><body>I sent you an OMEMO message</body>`,
		`<encrypted xmlns='eu.siacs.conversations.axolotl'/>`,
		`<body>?OTRv23?</body>`,
	} {
		w := connected(t)
		w.stanza(`<message from='%s' to='%s' type='groupchat' id='m1'>%s</message>`, desk, room, payload)
		w.expectLines()
		w.expectOne(`type='error'`, `not-acceptable`, `encrypt`)
		w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' type='chat' id='m1'>%s</message>`, desk, payload)
		w.expectLines()
		w.expectOne(`type='error'`, `not-acceptable`)
	}
}

func TestSilentStanzas(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`, desk, room)
	w.stanza(`<message from='%s' to='%s/romeo' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`, desk, room)
	w.expectLines()
	w.expect()
}

// How what was said on IRC appears in the room.
func TestMessagesFromIRC(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		message ircconn.Message
		want    []string
	}{
		"plain":  {ircconn.Message{Text: "hi"}, []string{`from='` + room + `/romeo'`, `<body>hi</body>`, `<occupant/>`, `<stanza/>`}},
		"action": {ircconn.Message{Text: "waves", Action: true}, []string{`<body>/me waves</body>`}},
		"notice": {ircconn.Message{Text: "beep", Notice: true}, []string{`<body>[notice] beep</body>`}},
		"ops":    {ircconn.Message{Text: "psst", Status: "@"}, []string{`<body>(ops) psst</body>`}},
		"bold":   {ircconn.Message{Text: "a \x02b\x02 c"}, []string{`<body>a *b* c</body>`}},
		"stars":  {ircconn.Message{Text: "a *b* c"}, []string{`<body>a *b* c</body>`, `<unstyled xmlns='urn:xmpp:styling:0'/>`}},
		"late": {
			ircconn.Message{Text: "old", Meta: ircconn.Meta{Time: now.Add(-time.Minute)}},
			[]string{`<delay xmlns='urn:xmpp:delay' from='` + room + `' stamp='2026-11-21T11:59:00.000Z'/>`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := connected(t)
			test.message.Source, test.message.Target = source("romeo"), "#chan"
			w.event(test.message)
			w.expectOne(test.want...)
		})
	}
	w := connected(t)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "just now", Meta: ircconn.Meta{Time: now.Add(-time.Second)}})
	if got := w.sent(); strings.Contains(got[0], "delay") {
		t.Errorf("a fresh message is delayed: %s", got[0])
	}
	w.event(ircconn.Message{Source: ircconn.Source{Host: "irc.test"}, Target: "#chan", Text: "from the server", Notice: true})
	w.expectOne(`from='` + room + `' `)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "\x02\x0f"})
	w.expect()
}

// Another client of ours, behind a bouncer, spoke.
func TestOwnMessageFromElsewhere(t *testing.T) {
	w := connected(t, "echo-message")
	w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: "from my bouncer", Self: true})
	w.expectOne(`from='`+room+`/juliet'`, `from my bouncer`)
}

func TestGroupchatWithoutBeingIn(t *testing.T) {
	w := connected(t)
	w.say(phone, "m1", "hello")
	w.expectOne(`type='error' id='m1'`, `not-acceptable`)
	w.stanza(`<message from='%s' to='%s/romeo' type='groupchat' id='m1'><body>x</body></message>`, desk, room)
	w.expectOne(`bad-request`)
	w.stanza(`<message from='%s' to='irc.test@gw.test' type='groupchat' id='m1'><body>x</body></message>`, desk)
	w.expectOne(`bad-request`)
	w.expectLines()
}

func TestPrivateMessages(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' type='chat' id='p1'><body>/me hi</body></message>`, desk)
	w.expectLines("PRIVMSG romeo \x01ACTION hi\x01")
	w.event(ircconn.Written{Receipt: 1})
	w.expect()
	w.event(ircconn.Message{Source: source("Romeo"), Target: "juliet", Text: "hello"})
	w.expect(`<message from='romeo%irc.test@gw.test' to='juliet@xmpp.test' type='chat' id='ID'><body>hello</body></message>`)
	w.event(ircconn.Refused{Numeric: 401, Target: "romeo", Params: []string{"romeo"}, Text: "No such nick"})
	w.expectOne(`from='romeo%irc.test@gw.test'`, `type='error' id='p1'`, `item-not-found`)
}

// biboumi's users write to people through rooms that they are not in, and where a
// nick does not fit before the @.
func TestPrivateMessagesWithoutARoom(t *testing.T) {
	for _, to := range []string{"%irc.test@gw.test/Tybalt", "#elsewhere%irc.test@gw.test/Tybalt"} {
		w := connected(t)
		w.stanza(`<message from='%s' to='%s' type='chat' id='m1'><body>hi</body></message>`, desk, to)
		w.expectLines("PRIVMSG Tybalt hi")
		w.expect()
		w.event(ircconn.Message{Source: source("Tybalt"), Target: "juliet", Text: "yes?"})
		w.expectOne(`<message from='tybalt%irc.test@gw.test' to='juliet@xmpp.test' type='chat'`, `yes?`)
	}
	w := connected(t)
	for to, want := range map[string]string{
		"#chan%other.test@gw.test/Tybalt":       "you are not in #chan",
		"%other.test@gw.test/Tybalt":            "you are not connected to other.test",
		"%irc.test@gw.test":                     "item-not-found",
		"%@gw.test/Tybalt":                      "item-not-found",
		"%irc.test@gw.test/a,b":                 "is not the nick of one person",
		"#elsewhere%irc.test@gw.test/#chan":     "is not the nick of one person",
		"%irc.test@gw.test/two words":           "is not the nick of one person",
		"#elsewhere%irc.test@gw.test/two words": "is not the nick of one person",
	} {
		w.stanza(`<message from='%s' to='%s' type='chat' id='m1'><body>hi</body></message>`, desk, to)
		w.expectLines()
		w.expectOne(`type='error' id='m1'`, want)
	}
	w.stanza(`<iq from='%s' to='%%irc.test@gw.test/Tybalt' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`, desk)
	w.expectOne(`item-not-found`)
}

func TestPrivateMessagesInTheRoom(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s/romeo' type='chat' id='p1'><body>psst</body></message>`, desk, room)
	w.expectLines("PRIVMSG romeo psst")
	w.event(ircconn.Message{Source: source("romeo"), Target: "juliet", Text: "what?"})
	w.expect(`<message from='` + room + `/romeo' to='` + desk + `' type='chat' id='ID'><body>what?</body><x xmlns='http://jabber.org/protocol/muc#user'/><occupant/></message>`)
	w.clock = w.clock.Add(queryMemory + time.Second)
	w.event(ircconn.Message{Source: source("romeo"), Target: "juliet", Text: "later"})
	w.expectOne(`from='romeo%irc.test@gw.test'`)
	w.stanza(`<message from='%s' to='%s/tybalt' type='chat' id='p2'><body>psst</body></message>`, desk, room)
	w.expectOne(`item-not-found`)
}

func TestHelpfulAnswers(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s' type='chat' id='p1'><body>hello?</body></message>`, desk, room)
	w.expectOne(`type='error'`, `group chat`)
	w.stanza(`<message from='%s' to='gw.test' type='chat' id='p1'><body>hello?</body></message>`, desk)
	w.expectOne(`from='gw.test' to='`+desk+`'`, `#channel%irc.server@gw.test`)
	w.stanza(`<message from='%s' to='nick%%other.test@gw.test' type='chat' id='p1'><body>hello?</body></message>`, desk)
	w.expectOne(`recipient-unavailable`, `join one of its channels`)
	w.expectLines()
}

func TestNoticesAndContext(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Message{Source: ircconn.Source{Host: "irc.test"}, Target: "juliet", Text: "maintenance", Notice: true})
	w.expectOne(`from='irc.test@gw.test'`, `maintenance`)
	w.event(ircconn.Message{Source: source("ChanServ"), Target: "juliet", Text: "[#chan] welcome", Notice: true})
	w.expectOne(`from='`+room+`/ChanServ'`, `type='groupchat'`, `[notice] [#chan] welcome`)
	w.event(ircconn.Message{Source: source("bot"), Target: "juliet", Text: "result", Meta: ircconn.Meta{ChannelContext: "#chan"}})
	w.expectOne(`from='`+room+`/bot'`, `type='groupchat'`)
	w.event(ircconn.Message{Source: source("NickServ"), Target: "juliet", Text: "[#other] nothing", Notice: true})
	w.expectOne(`from='nickserv%irc.test@gw.test'`, `type='chat'`)
}

func TestSlashCommands(t *testing.T) {
	tests := []struct {
		body string
		line string
	}{
		{"/msg romeo good night", "PRIVMSG romeo good night"},
		{"/notice #chan beep", "NOTICE #chan beep"},
		{"/notice romeo beep", "NOTICE romeo beep"},
		{"/nick jul", "NICK jul"},
		{"/topic New things", "TOPIC #chan New things"},
		{"/kick romeo", "KICK #chan romeo "},
		{"/kick romeo out with you", "KICK #chan romeo out with you"},
		{"/ban *!*@bad.test", "MODE #chan +b *!*@bad.test\nMODE #chan"},
		{"/unban *!*@bad.test", "MODE #chan -b *!*@bad.test\nMODE #chan"},
		{"/mode", "MODE #chan"},
		{"/mode +v romeo", "MODE #chan +v romeo"},
		{"/mode juliet +i", "MODE juliet +i"},
		{"/invite tybalt", "INVITE tybalt #chan"},
		{"/whois romeo", "WHOIS romeo"},
		{"/quote LUSERS", "LUSERS"},
		{"/part so long", "PART #chan so long"},
		{"//etc is a folder", "PRIVMSG #chan /etc is a folder"},
		{"/etc/passwd is a file", "PRIVMSG #chan /etc/passwd is a file"},
		{"/ alone", "PRIVMSG #chan / alone"},
		{"/me waves", "PRIVMSG #chan \x01ACTION waves\x01"},
	}
	for _, test := range tests {
		w := connected(t)
		w.say(desk, "c1", test.body)
		var got []string
		for _, line := range w.irc.sent {
			got = append(got, strings.Join(append([]string{line.Command}, line.Params...), " "))
		}
		want := strings.TrimRight(test.line, " ")
		if joined := strings.TrimRight(strings.Join(got, "\n"), " "); joined != want {
			t.Errorf("%s sends %q, want %q", test.body, joined, want)
		}
	}
}

func TestSlashCommandErrors(t *testing.T) {
	for body, want := range map[string]string{
		"/dance":         "item-not-found",
		"/msg romeo":     "bad-request",
		"/kick":          "bad-request",
		"/msg a b&#10;c": "bad-request",
	} {
		w := connected(t)
		w.say(desk, "c1", body)
		w.expectLines()
		got := strings.Join(w.sent(), "\n")
		if !strings.Contains(got, `type='error' id='c1'`) || !strings.Contains(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
	w := connected(t)
	w.say(desk, "c1", "/kick romeo")
	w.forget()
	w.event(ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "You're not channel operator"})
	w.expectOne(`type='error' id='c1'`, `forbidden`)
	w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' type='chat' id='c2'><body>/kick romeo</body></message>`, desk)
	w.expectOne(`type='error' id='c2'`, `works in a channel`)
}

func TestCommandAnswersGoToTheAsker(t *testing.T) {
	w := connected(t)
	w.say(desk, "c1", "/whois romeo")
	w.forget()
	w.event(ircconn.Reply{Numeric: 311, Params: []string{"romeo", "romeo", "romeo.test", "*", "Romeo M."}})
	w.expectOne(`from='`+room+`' to='`+desk+`' type='groupchat'`, `romeo romeo romeo.test * Romeo M.`)
	w.stanza(`<message from='%s' to='%s' type='chat' id='r1'><body>LUSERS</body></message>`, phone, server)
	w.expectLines("LUSERS")
	w.event(ircconn.Reply{Numeric: 251, Params: []string{"There are 3 users"}})
	w.expectOne(`from='`+server+`' to='`+phone+`' type='chat'`, `There are 3 users`)
	w.event(ircconn.Refused{Numeric: 421, Target: "FOO", Text: "Unknown command"})
	w.expectOne(`to='`+phone+`'`, `FOO: Unknown command`)
	w.event(ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "nurse", Prefixes: "@"}}})
	w.expectOne(`to='`+phone+`'`, `#chan: @nurse`)
	w.clock = w.clock.Add(w.g.live().AnswerTimeout)
	w.event(ircconn.Reply{Numeric: 251, Params: []string{"late"}})
	w.expectOne(`to='juliet@xmpp.test'`)
	w.stanza(`<message from='%s' to='%s' type='chat' id='r2'><body>PRIVMSG</body></message>`, phone, "other.test@gw.test")
	w.expectOne(`recipient-unavailable`)
}

func TestCTCP(t *testing.T) {
	w := connected(t)
	for _, query := range []string{"VERSION", "PING", "TIME", "CLIENTINFO"} {
		w.event(ircconn.CTCP{Source: source("romeo"), Target: "juliet", Command: query, Params: "12 34"})
	}
	w.expectLines("NOTICE romeo \x01VERSION passerelle 1.0\x01", "NOTICE romeo \x01PING 12 34\x01",
		"NOTICE romeo \x01TIME Sat, 21 Nov 2026 12:00:00 +0000\x01", "NOTICE romeo \x01CLIENTINFO ACTION CLIENTINFO PING TIME VERSION\x01")
	w.event(ircconn.CTCP{Source: source("romeo"), Target: "juliet", Command: "VERSION"})
	w.expectLines() // too many at once
	w.clock = w.clock.Add(time.Minute)
	w.event(ircconn.CTCP{Source: source("romeo"), Target: "juliet", Command: "DCC", Params: "SEND x"})
	w.expectLines()
	w.event(ircconn.CTCP{Source: source("romeo"), Target: "juliet", Command: "PING", Params: strings.Repeat("x", 600)})
	if got := len(w.irc.sent[0].Params[1]); got > 500 {
		t.Errorf("a reply of %d bytes", got)
	}
	w.expect()
}

// Whoever asks about somebody on IRC gets the answer of their client.
func TestCTCPQueries(t *testing.T) {
	w := connected(t)
	w.stanza(`<iq from='%s' to='%s/romeo' type='get' id='q1'><query xmlns='jabber:iq:version'/></iq>`, desk, room)
	w.expectLines("PRIVMSG romeo \x01VERSION\x01")
	w.event(ircconn.CTCP{Source: source("romeo"), Target: "juliet", Command: "VERSION", Params: "WeeChat 4.1", Reply: true})
	w.expectOne(`type='result' id='q1'`, `<name>WeeChat</name><version>4.1</version>`)
	w.stanza(`<iq from='%s' to='romeo%%irc.test@gw.test' type='get' id='q2'><ping xmlns='urn:xmpp:ping'/></iq>`, desk)
	w.event(ircconn.Refused{Numeric: 401, Target: "romeo", Params: []string{"romeo"}, Text: "No such nick"})
	w.expectOne(`type='error' id='q2'`, `item-not-found`)
	w.stanza(`<iq from='%s' to='%s/romeo' type='get' id='q3'><time xmlns='urn:xmpp:time'/></iq>`, desk, room)
	w.event(ircconn.CTCP{Source: source("romeo"), Command: "TIME", Params: "Sat, 21 Nov 2026 13:00:00 +0100", Reply: true})
	w.expectOne(`id='q3'`, `<tzo>+01:00</tzo><utc>2026-11-21T12:00:00Z</utc>`)
	w.stanza(`<iq from='%s' to='%s/romeo' type='get' id='q4'><time xmlns='urn:xmpp:time'/></iq>`, desk, room)
	w.event(ircconn.CTCP{Source: source("romeo"), Command: "TIME", Params: "tea time", Reply: true})
	w.expectOne(`id='q4'`, `tea time`)
	w.stanza(`<iq from='%s' to='%s/romeo' type='get' id='q5'><ping xmlns='urn:xmpp:ping'/></iq>`, desk, room)
	w.pass(w.g.live().AnswerTimeout)
	w.expectOne(`id='q5'`, `remote-server-timeout`)
	w.stanza(`<iq from='%s' to='%s/tybalt' type='get' id='q6'><ping xmlns='urn:xmpp:ping'/></iq>`, desk, room)
	w.expectOne(`id='q6'`, `item-not-found`)
}

// Namespaces that a client declares once are written with every element.
func TestNamespacesDoNotMultiply(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='m1' xmlns:p='%s'><body>x</body>%s</message>`,
		desk, room, strings.Repeat("n", 1000), strings.Repeat("<p:e/>", 1000))
	w.expectLines()
	w.expectOne(`type='error' id='m1'`, `policy-violation`)
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='m2'><body>x</body><a b="%s"/></message>`, desk, room, strings.Repeat("'", 50000))
	w.expectLines()
	w.expectOne(`type='error' id='m2'`, `policy-violation`)
}

// The server began to echo between the sending of a message and its echo.
func TestEchoThatWasNotExpected(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "one")
	w.event(ircconn.Written{Receipt: 1})
	w.expectOne(`id='m1'`)
	w.event(ircconn.CapsChanged{Caps: ircconn.NewCaps("echo-message")})
	w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: "one", Self: true})
	w.expect()
	w.say(desk, "m2", "two")
	w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: "two", Self: true})
	w.expectOne(`id='m2'`)

	w = connected(t, "labeled-response")
	w.say(desk, "m1", "one")
	label := w.irc.sent[0].Label
	w.event(ircconn.CapsChanged{Caps: ircconn.NewCaps("labeled-response", "echo-message")})
	w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: "one", Self: true, Meta: ircconn.Meta{Label: label}})
	w.expectOne(`id='m1'`)
	w.event(ircconn.Written{Receipt: 1})
	w.expect()

	w = connected(t, "labeled-response")
	w.say(desk, "m1", "one")
	label = w.irc.sent[0].Label
	w.event(ircconn.Written{Receipt: 1})
	w.expectOne(`id='m1'`)
	w.event(ircconn.CapsChanged{Caps: ircconn.NewCaps("labeled-response", "echo-message")})
	w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: "one", Self: true, Meta: ircconn.Meta{Label: label}})
	w.expect()
}
