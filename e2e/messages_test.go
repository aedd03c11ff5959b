//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	. "passerelle/internal/harness/xmppclient"
)

func TestMessagesBothWays(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.say("it is my lady <&> my love")
		juliet.expect(Message().From(romeo.occupant()).Type("groupchat").Body("it is my lady <&> my love"))
		id := juliet.say("ay me 🌹 < é")
		if said := romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel); said.Last() != "ay me 🌹 < é" {
			s.Errorf("IRC got %q", said.Last())
		}
		juliet.expect(Message().From(juliet.occupant()).Type("groupchat").ID(id).Body("ay me 🌹 < é"))
	})
}

// XEP-0359 and XEP-0421: what every message in a room carries.
func TestIdentifiersOfMessages(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.say("live")
		live := juliet.expect(Message().From(romeo.occupant()).Body("live"))
		checkIdentifiers(s, live)

		id := juliet.NewID()
		juliet.sendf("<message type='groupchat' to='%s' id='%s'><body>mine</body><origin-id xmlns='urn:xmpp:sid:0' id='origin-of-mine'/>"+
			"<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='%s'/></message>", s.room(), id, s.room())
		mine := juliet.expect(Message().From(juliet.occupant()).Body("mine").ID(id))
		checkIdentifiers(s, mine)
		if got := mine.AttributeAt("{urn:xmpp:sid:0}origin-id", "id"); got != "origin-of-mine" {
			s.Errorf("the origin-id is %q: %s", got, mine)
		}
		if got := mine.AttributeAt("{urn:xmpp:sid:0}stanza-id", "id"); got == "forged" {
			s.Errorf("a forged stanza-id came through: %s", mine)
		}

		romeo.say("again")
		again := juliet.expect(Message().From(romeo.occupant()).Body("again"))
		if first, second := occupantID(live), occupantID(again); first != second || first == occupantID(mine) {
			s.Errorf("the occupant ids are %q and %q of romeo, %q of juliet", first, second, occupantID(mine))
		}
		if live.ID() == again.ID() || stanzaID(live) == stanzaID(again) {
			s.Errorf("two messages have the same ids: %s and %s", live, again)
		}
	})
}

func checkIdentifiers(s *scenario, message *Element) {
	s.Helper()
	ids := message.Find("{urn:xmpp:sid:0}stanza-id")
	if len(ids) != 1 || ids[0].Attribute("by") != s.room() || ids[0].Attribute("id") == "" {
		s.Errorf("there is not one stanza-id by the room: %s", message)
	}
	if message.ID() == "" || occupantID(message) == "" {
		s.Errorf("an id is missing: %s", message)
	}
}

func occupantID(e *Element) string { return e.AttributeAt("{urn:xmpp:occupant-id:0}occupant-id", "id") }
func stanzaID(e *Element) string   { return e.AttributeAt("{urn:xmpp:sid:0}stanza-id", "id") }

func TestOccupantIDIsInPresenceToo(t *testing.T) {
	s := begin(t)
	juliet, _ := s.meeting()
	mercutio := s.member("mercutio")
	arrived := juliet.expect(Presence().From(mercutio.occupant()))
	mercutio.say("ask for me tomorrow")
	said := juliet.expect(Message().From(mercutio.occupant()).Body("ask for me tomorrow"))
	if occupantID(arrived) == "" || occupantID(arrived) != occupantID(said) {
		t.Errorf("the occupant id is %q in presence and %q in a message", occupantID(arrived), occupantID(said))
	}
}

func TestMessageThatTheServerRefuses(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("MODE %s +m", s.channel)
		juliet.expect(Presence().From(juliet.occupant()).Item("none", "visitor"))
		id := juliet.say("may I speak")
		juliet.expect(Message().From(s.room()).ID(id).Error("forbidden"))
		if s.irc == shared.inspircd {
			// Where the server echoes what it accepts, nothing is shown before it does.
			juliet.refuteSeen(Message().Type("groupchat").Body("may I speak"))
		}
	})
}

func TestPrivateMessagesByServerWideAddress(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("PRIVMSG %s :art thou there", juliet.nick)
		juliet.expect(Message().From(s.private(romeo.Nick())).Type("chat").Body("art thou there"))
		juliet.chat(s.private(romeo.Nick()), "I am")
		romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "I am")
	})
}

func TestPrivateMessageByOccupantAddress(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		id := juliet.NewID()
		juliet.sendf("<message type='chat' to='%s' id='%s'><body>come hither</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>", romeo.occupant(), id)
		romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "come hither")
	})
}

func TestPrivateMessageToNobody(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, _ := s.meeting()
		id := juliet.chat(s.private("nobody"+shared.number()), "hello")
		juliet.expect(Message().ID(id).Error("item-not-found"))
	})
}

// That somebody is away is their presence, and not a line of chat for each message.
func TestPrivateMessageToSomebodyAway(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.Send("AWAY :to Mantua")
	juliet.expect(Presence().From(romeo.occupant()).Text("show", "away"))
	for _, text := range []string{"one", "two"} {
		juliet.chat(s.private(romeo.Nick()), text)
		romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), text)
	}
	juliet.settle()
	juliet.refuteSeen(Message().From(s.private(romeo.Nick())))
}

func TestPrivateMessageToARoomIsRefusedWithHelp(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	id := juliet.chat(s.room(), "who reads this")
	refused := juliet.expect(Message().From(s.room()).ID(id).Type("error"))
	if refused.TextAt("error/text") == "" {
		t.Errorf("no help: %s", refused)
	}
	romeo.settle()
	romeo.refuteSeen("PRIVMSG", s.channel)
}

func TestMessageToTheGatewayIsAnswered(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	id := juliet.chat(s.gateway.Hostname, "help")
	answer := juliet.expect(Message().From(s.gateway.Hostname))
	if answer.TextAt("body") == "" && answer.TextAt("error/text") == "" {
		t.Errorf("message %s got no words: %s", id, answer)
	}
}

func TestActionsBothWays(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.say("\x01ACTION climbs the wall\x01")
		juliet.expect(Message().From(romeo.occupant()).Body("/me climbs the wall"))
		juliet.say("/me sighs")
		romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "\x01ACTION sighs\x01")
		juliet.expect(Message().From(juliet.occupant()).Body("/me sighs"))
		juliet.chat(s.private(romeo.Nick()), "/me waves")
		romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "\x01ACTION waves\x01")
	})
}

func TestNoticesBothWays(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("NOTICE %s :the watch comes", s.channel)
		juliet.expect(Message().From(romeo.occupant()).Type("groupchat").BodyContains("the watch comes"))
		romeo.Send("NOTICE %s :quietly", juliet.nick)
		juliet.expect(Message().From(s.private(romeo.Nick())).BodyContains("quietly"))
		juliet.say("/notice " + s.channel + " hark")
		romeo.expectFrom(juliet.nick, "NOTICE", s.channel, "hark")
	})
}

// A bot that answers in private names the channel that it means.
func TestNoticeThatNamesAChannelGoesToTheRoom(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.Send("NOTICE %s :[%s] welcome", juliet.nick, s.channel)
	juliet.expect(Message().From(romeo.occupant()).BodyContains("welcome"))
}

func TestQuestionsOfClientsAreAnswered(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	for _, test := range []struct{ question, answer string }{
		{"VERSION", "\x01VERSION passerelle"},
		{"PING 12345", "\x01PING 12345\x01"},
		{"TIME", "\x01TIME "},
		{"CLIENTINFO", "\x01CLIENTINFO "},
	} {
		romeo.Send("PRIVMSG %s :\x01%s\x01", juliet.nick, test.question)
		if answer := romeo.expectFrom(juliet.nick, "NOTICE", romeo.Nick()); !strings.HasPrefix(answer.Last(), test.answer) {
			t.Errorf("%s got %q, want %q…", test.question, answer.Last(), test.answer)
		}
	}
	juliet.settle()
	juliet.refuteSeen(Message().From(s.private(romeo.Nick())))
}

func TestAnswersToQuestionsAreLimited(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	const asked = 50
	for number := range asked {
		romeo.Send("PRIVMSG %s :\x01PING %d\x01", juliet.nick, number)
	}
	romeo.say("enough")
	juliet.expect(Message().From(romeo.occupant()).Body("enough"))
	juliet.settle()
	romeo.settle()
	if got := len(romeo.Seen("NOTICE", romeo.Nick())); got == 0 || got > asked/2 {
		t.Errorf("%d of %d questions in a row were answered", got, asked)
	}
}

func TestMessageToTheOperatorsOnly(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
	romeo.Send("PRIVMSG @%s :between us", s.channel)
	juliet.expect(Message().From(romeo.occupant()).Type("groupchat").BodyContains("between us"))
}

func TestCommandsInARoom(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	tybalt, nurse := s.member("tybalt"), s.person("nurse")
	romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))

	juliet.say("/msg " + romeo.Nick() + " in secret")
	romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "in secret")
	juliet.say("/topic the tomb")
	romeo.expectFrom(juliet.nick, "TOPIC", s.channel, "the tomb")
	juliet.say("/mode +n-t")
	romeo.expectFrom(juliet.nick, "MODE", s.channel)
	juliet.say("/invite " + nurse.Nick())
	nurse.expectFrom(juliet.nick, "INVITE", nurse.Nick(), s.channel)
	juliet.say("/kick " + tybalt.Nick() + " thou villain")
	tybalt.expectFrom(juliet.nick, "KICK", s.channel, tybalt.Nick(), "thou villain")
	juliet.say("/ban " + tybalt.Nick())
	romeo.expectFrom(juliet.nick, "MODE", s.channel, "+b")
	juliet.say("/quote PRIVMSG " + s.channel + " :in the raw")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "in the raw")
	juliet.say("//topic is a command")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "/topic is a command")
	juliet.say("/whois " + romeo.Nick())
	juliet.expect(Message().BodyContains(romeo.Nick()).Where("not from oneself", func(e *Element) bool { return e.From() != juliet.occupant() }))
	changed := "capulet" + shared.number()
	juliet.say("/nick " + changed)
	romeo.expectFrom(juliet.nick, "NICK", changed)
}

func TestUnknownCommandIsRefusedAndNotSent(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	id := juliet.say("/slay tybalt")
	juliet.expect(Message().From(s.room()).ID(id).Type("error"))
	juliet.settle()
	romeo.settle()
	for _, line := range romeo.Seen("PRIVMSG", s.channel) {
		if contains(line.Last(), "tybalt") {
			t.Errorf("IRC got %q", line.Last())
		}
	}
}

func TestRawCommandsToTheServer(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		juliet.chat(s.server(), "PRIVMSG "+s.channel+" :by hand")
		romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "by hand")
		juliet.chat(s.server(), "WHOIS "+romeo.Nick())
		juliet.expect(Message().From(s.server()).BodyContains(romeo.Nick()))
	})
}

func TestFormattingFromIRC(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	for _, test := range []struct{ irc, body string }{
		{"\x02bold\x02 and plain", "*bold* and plain"},
		{"\x1ditalic\x1d", "_italic_"},
		{"\x1estrike\x1e", "~strike~"},
		{"\x11mono\x11", "`mono`"},
		{"\x0304,01red\x03 plain", "red plain"},
		{"\x1funderlined\x0f", "underlined"},
	} {
		romeo.say(test.irc)
		got := juliet.expect(Message().From(romeo.occupant()).Has("body")).TextAt("body")
		if got != test.body {
			t.Errorf("%q became %q, want %q", test.irc, got, test.body)
		}
	}
	romeo.say("2 *3* 4 is not bold")
	juliet.expect(Message().From(romeo.occupant()).Body("2 *3* 4 is not bold").Has("{urn:xmpp:styling:0}unstyled"))
}

func TestFormattingFromXMPP(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	for _, test := range []struct{ body, irc string }{
		{"*bold* and plain", "\x02bold\x02 and plain"},
		{"_italic_", "\x1ditalic\x1d"},
		{"~strike~", "\x1estrike\x1e"},
		{"`mono`", "\x11mono\x11"},
		{"2 * 3 * 4", "2 * 3 * 4"},
	} {
		juliet.say(test.body)
		if got := romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel).Last(); got != test.irc {
			t.Errorf("%q became %q, want %q", test.body, got, test.irc)
		}
	}
	juliet.sendf("<message type='groupchat' to='%s'><body>*as it is*</body><unstyled xmlns='urn:xmpp:styling:0'/></message>", s.room())
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "*as it is*")
}

func TestTextThatIsNotUTF8(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.say("caf\xe9 \x9350\x80\x94")
		juliet.expect(Message().From(romeo.occupant()).Body("café “50€”"))
	})
}

func TestControlCharactersDoNotReachXMPP(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.say("a\x05b\x7fc\ufffed")
	got := juliet.expect(Message().From(romeo.occupant()).Has("body")).TextAt("body")
	if strings.ContainsAny(got, "\x05\x7f\ufffe") {
		t.Errorf("got %q", got)
	}
}

func TestLongMessageIsSplit(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		var words []string
		for number := range 120 {
			words = append(words, fmt.Sprintf("żółw👩‍👩‍👧%d", number))
		}
		body := strings.Join(words, " ")
		juliet.say(body)
		var received []string
		for total := 0; total < len(words); {
			line := romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel).Last()
			if !utf8.ValidString(line) {
				s.Fatalf("a line is cut inside a character: %q", line)
			}
			parts := strings.Fields(line)
			received = append(received, parts...)
			total += len(parts)
		}
		if got := strings.Join(received, " "); got != body {
			s.Errorf("got  %q\nwant %q", got, body)
		}
	})
}

func TestMessageOfSeveralLines(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		juliet.say("one\ntwo\r\nQUIT :three")
		for _, line := range []string{"one", "two", "QUIT :three"} {
			romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, line)
		}
		juliet.settle()
	})
}

func TestMessageOfTooManyLinesIsRefusedWhole(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	id := juliet.say(strings.Repeat("too long\n", 200))
	juliet.expect(Message().From(s.room()).ID(id).Error("policy-violation"))
	juliet.settle()
	romeo.settle()
	romeo.refuteSeen("PRIVMSG", s.channel, "too long")
}

func TestEncryptedMessagesAreRefused(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	for name, payload := range map[string]string{
		"XEP-0380": "<body>this message is encrypted</body><encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:openpgp:0'/>",
		"OMEMO":    "<body>this message is encrypted</body><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>",
		"OMEMO 2":  "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/></encrypted>",
		"OTR":      "<body>?OTR:AAMC this message is encrypted</body>",
	} {
		for to, kind := range map[string]string{s.room(): "groupchat", s.private(romeo.Nick()): "chat"} {
			id := juliet.NewID()
			juliet.Send(fmt.Sprintf("<message type='%s' to='%s' id='%s'>%s</message>", kind, to, id, payload))
			refused := juliet.expect(Message().ID(id).Type("error"))
			if refused.TextAt("error/text") == "" {
				t.Errorf("%s: no word of why: %s", name, refused)
			}
		}
	}
	juliet.settle()
	romeo.settle()
	for _, line := range romeo.Seen("PRIVMSG") {
		if contains(line.Last(), "encrypted") || contains(line.Last(), "OTR") {
			t.Errorf("IRC got %q", line.Last())
		}
	}
}

// What a client sends besides text, such as chat states, is not shown as text.
func TestMessagesWithoutABodyAreNotSent(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	juliet.sendf("<message type='groupchat' to='%s'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", s.room())
	juliet.say("after")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "after")
	romeo.refuteSeen("PRIVMSG", s.channel)
}

func TestInvitationsBothWays(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	other := s.channel + "-garden"
	romeo.join(other)
	romeo.Send("INVITE %s %s", juliet.nick, other)
	juliet.expect(Message().From(s.roomOf(other)).Has("{http://jabber.org/protocol/muc#user}x/invite"))

	nurse := s.person("nurse")
	romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
	juliet.sendf("<message to='%s'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='%s'/></x></message>", s.room(), s.private(nurse.Nick()))
	nurse.expectFrom(juliet.nick, "INVITE", nurse.Nick(), s.channel)
}
