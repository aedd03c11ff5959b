//go:build e2e

package e2e

import (
	"fmt"
	"strconv"
	"testing"

	"passerelle/internal/harness"
	"passerelle/internal/harness/ircclient"
	. "passerelle/internal/harness/xmppclient"
)

// XEP-0045 §7.2.2 ff.: the others, oneself, the subject, and then what is said.
func TestJoinOrder(t *testing.T) {
	everywhere(t, func(s *scenario) {
		romeo, mercutio := s.member("romeo"), s.member("mercutio")
		juliet := s.user("juliet")
		juliet.sendJoin(s.room(), juliet.nick, "")
		romeo.expectFrom(juliet.nick, "JOIN", s.channel)
		romeo.say("good morrow")
		received := juliet.expectThrough(Message().From(romeo.occupant()).Body("good morrow"))

		var order []string
		for _, stanza := range received {
			switch {
			case Presence().From(romeo.occupant()).WithoutStatus("110").Type("").Matches(stanza):
				order = append(order, "other")
			case Presence().From(mercutio.occupant()).WithoutStatus("110").Type("").Matches(stanza):
				order = append(order, "other")
			case selfPresence(juliet.occupant()).WithoutStatus("210").Matches(stanza):
				order = append(order, "self")
			case Message().From(s.room()).Type("groupchat").Subject("").Matches(stanza):
				order = append(order, "subject")
			case Message().From(romeo.occupant()).Type("groupchat").Body("good morrow").Matches(stanza):
				order = append(order, "live")
			case stanza.From() == s.room() || Presence().Matches(stanza) && stanza.From() != juliet.JID:
				s.Errorf("not expected in a join: %s", stanza)
			}
		}
		if got, want := fmt.Sprint(order), "[other other self subject live]"; got != want {
			s.Errorf("got the order %s, want %s\n%s", got, want, juliet.Transcript())
		}
	})
}

func TestRoomIsSemiAnonymous(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	mercutio := s.member("mercutio")
	seen := juliet.expect(Presence().From(mercutio.occupant()).WithoutStatus("100"))
	if jid := seen.AttributeAt("x/item", "jid"); jid != "" {
		t.Errorf("somebody who is no moderator sees the JID %q", jid)
	}
	romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
	benvolio := s.member("benvolio")
	seen = juliet.expect(Presence().From(benvolio.occupant()))
	if got, want := seen.AttributeAt("x/item", "jid"), s.private(benvolio.Nick()); got != want {
		t.Errorf("a moderator sees the JID %q, want %q", got, want)
	}
}

func TestJoinOfKeyProtectedChannel(t *testing.T) {
	s := begin(t)
	romeo := s.member("romeo")
	romeo.Send("MODE %s +k balcony", s.channel)
	romeo.expect("MODE", s.channel, "+k")
	juliet := s.user("juliet")
	juliet.joinFails(s.channel, "not-authorized")
	juliet.sendJoin(s.room(), juliet.nick, "balcony")
	juliet.expect(selfPresence(juliet.occupant()))
	romeo.expectFrom(juliet.nick, "JOIN", s.channel)
}

func TestNickIsImposedWhenInUse(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet := s.user("juliet")
		thief := s.personNamed(juliet.nick)
		juliet.sendJoin(s.room(), juliet.nick, "")
		self := juliet.expect(Presence().Type("").Status("110", "210"))
		if self.From() == s.room()+"/"+thief.Nick() {
			s.Errorf("got the nick that somebody else has: %s", self)
		}
	})
}

// A client that has lost its state joins again and gets everything again, and only it.
func TestJoinOfJoinedResource(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	tablet := juliet.otherResource()
	tablet.join()
	juliet.settle()

	tablet.sendJoin(s.room(), tablet.nick, "")
	tablet.expect(Presence().From(romeo.occupant()).Type(""))
	tablet.expect(selfPresence(tablet.occupant()))
	tablet.expect(Message().From(s.room()).Has("subject"))
	juliet.settle()
	juliet.refuteSeen(Presence().From(romeo.occupant()))
	romeo.settle()
	romeo.refuteSeen("JOIN", s.channel)
}

func TestResourcesShareOneNick(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	tablet := juliet.otherResource()
	tablet.join()
	tablet.expect(Presence().From(romeo.occupant()))

	romeo.say("which light")
	first := juliet.expect(Message().From(romeo.occupant()).Body("which light"))
	second := tablet.expect(Message().From(romeo.occupant()).Body("which light"))
	if first.ID() == "" || first.ID() != second.ID() {
		t.Errorf("one message has the ids %q and %q", first.ID(), second.ID())
	}

	id := tablet.say("breaks")
	juliet.expect(Message().From(juliet.occupant()).Body("breaks").ID(id))
	tablet.expect(Message().From(juliet.occupant()).Body("breaks").ID(id))

	tablet.sendf("<presence type='unavailable' to='%s'/>", tablet.occupant())
	tablet.expect(Presence().From(tablet.occupant()).Type("unavailable").Status("110"))
	juliet.settle()
	juliet.refuteSeen(Presence().Type("unavailable"))
	romeo.settle()
	romeo.refuteSeen("PART", s.channel)
}

func TestLeaveOfLastResourceParts(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		juliet.sendf("<presence type='unavailable' to='%s'><status>to bed</status></presence>", juliet.occupant())
		juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110"))
		part := romeo.expectFrom(juliet.nick, "PART", s.channel)
		if part.Last() != "to bed" {
			s.Errorf("the reason is %q", part.Last())
		}
	})
}

func TestLogoutParts(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	if err := juliet.Cut(); err != nil {
		t.Fatal(err)
	}
	if _, err := romeo.ExpectOneOf([]string{"PART", "QUIT"}); err != nil {
		t.Error(err)
	}
}

// The room bounces off a client that is gone without having said so.
func TestGhostResourceIsRemoved(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	tablet := juliet.otherResource()
	tablet.join()
	tablet.sendf("<message type='error' to='%s' id='ghost'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", romeo.occupant())
	juliet.settle()
	romeo.say("anybody there")
	juliet.expect(Message().From(romeo.occupant()).Body("anybody there"))
	tablet.request("get", s.gateway.Hostname, "<ping xmlns='urn:xmpp:ping'/>")
	tablet.refuteSeen(Message().Body("anybody there"))

	juliet.sendf("<message type='error' to='%s' id='ghost'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", romeo.occupant())
	romeo.expectFrom(juliet.nick, "PART", s.channel)
}

func TestRefusedJoins(t *testing.T) {
	for _, test := range []struct {
		name      string
		modes     string
		condition string
	}{
		{"471 full", "+l 1", "service-unavailable"},
		{"473 invitation only", "+i", "registration-required"},
		{"474 banned", "+b juliet*!*@*", "forbidden"},
		{"475 key", "+k balcony", "not-authorized"},
	} {
		t.Run(test.name, func(t *testing.T) {
			everywhere(t, func(s *scenario) {
				romeo := s.member("romeo")
				romeo.Send("MODE %s %s", s.channel, test.modes)
				romeo.expect("MODE", s.channel)
				juliet := s.user("juliet")
				juliet.joinFails(s.channel, test.condition)
				juliet.isNotJoined()
			})
		})
	}
}

// isNotJoined proves that a refused join left nothing behind.
func (u *user) isNotJoined() {
	u.s.Helper()
	id := u.say("is anybody there")
	u.expect(Message().From(u.s.room()).ID(id).Error("not-acceptable"))
	answer := u.request("get", u.occupant(), "<ping xmlns='urn:xmpp:ping'/>")
	if !IQ().Error("not-acceptable").Matches(answer) {
		u.s.Errorf("a self-ping in a room that was not joined gave %s", answer)
	}
}

func TestJoinOfForbiddenChannel(t *testing.T) {
	s := begin(t)
	s.channel = "#forbidden" + shared.number()
	juliet := s.user("juliet")
	refused := juliet.sendJoinAndExpectError(s.room())
	if refused.TextAt("error/text") == "" {
		t.Errorf("no word of why: %s", refused)
	}
	juliet.isNotJoined()
}

func (u *user) sendJoinAndExpectError(room string) *Element {
	u.s.Helper()
	u.sendJoin(room, u.nick, "")
	return u.expect(Presence().From(room + "/" + u.nick).Type("error"))
}

// The channel lets in only those whose connection is encrypted: 489.
func TestJoinOfEncryptedChannelInPlainText(t *testing.T) {
	s := begin(t)
	founder := s.user("founder")
	founder.join()
	admin := s.operator("admin")
	admin.Send("SAMODE %s +z", s.channel)
	founder.settle()
	s.network = plainName
	juliet := s.user("juliet")
	juliet.joinFails(s.channel, "policy-violation")
	juliet.isNotJoined()
}

// A full channel that names another one: 470.
func TestJoinIsSentOnToAnotherChannel(t *testing.T) {
	s := begin(t)
	other := s.channel + "-overflow"
	romeo := s.member("romeo")
	romeo.join(other)
	romeo.Send("MODE %s +lL 1 %s", s.channel, other)
	romeo.expect("MODE", s.channel)
	juliet := s.user("juliet")
	refused := juliet.joinFails(s.channel, "gone")
	if got, want := refused.TextAt("error/gone"), "xmpp:"; len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("the error points to %q", got)
	}
}

// Joins that come too fast: 437 or its like, to be tried again later.
func TestJoinOfFloodedChannel(t *testing.T) {
	s := begin(t)
	romeo := s.member("romeo")
	romeo.Send("MODE %s +j 1:600", s.channel)
	romeo.expect("MODE", s.channel)
	s.member("mercutio")
	juliet := s.user("juliet")
	refused := juliet.sendJoinAndExpectError(s.room())
	if got := refused.AttributeAt("error", "type"); got != "wait" {
		t.Errorf("a join to be tried again later was refused with type %q: %s", got, refused)
	}
	juliet.isNotJoined()
}

func TestJoinOfOneChannelTooMany(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	for number := range harness.ChannelsEach {
		juliet.joinRoom(s.roomOf(s.channel + "-" + strconv.Itoa(number)))
	}
	juliet.joinFails(s.channel, "resource-constraint")
	juliet.isNotJoined()
}

func TestJoinOfNamesThatNoServerAllows(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	long := "#"
	for len(long) < 80 {
		long += "wherefore"
	}
	refused := juliet.sendJoinAndExpectError(s.roomOf(long))
	if refused.First("error") == nil {
		t.Errorf("got %s", refused)
	}
}

func TestJoinWithoutNickIsRefused(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	juliet.sendf("<presence to='%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", s.room())
	juliet.expect(Presence().From(s.room()).Error("jid-malformed"))
}

// Channel names are the same in any case, and brackets are small and capital letters too.
func TestChannelNamesAreFolded(t *testing.T) {
	s := begin(t)
	romeo := s.person("romeo")
	romeo.join("#Verona" + s.channel[1:])
	s.channel = "#verona" + s.channel[1:]
	juliet := s.user("juliet")
	juliet.join()
	juliet.expect(Presence().From(romeo.occupant()))
	romeo.Send("PRIVMSG %s :case", "#VERONA"+s.channel[len("#verona"):])
	juliet.expect(Message().From(romeo.occupant()).Body("case"))
}

// The stream goes on after rooms that an address library would refuse.
func TestRoomWithAnyLettersCanBeJoined(t *testing.T) {
	s := begin(t)
	s.channel = "#été-日本-" + shared.number()
	juliet := s.user("juliet")
	juliet.join()
	romeo := s.person("romeo")
	romeo.Send("JOIN %s", s.channel)
	romeo.expect("366", ircclient.Any, s.channel)
	juliet.say("bonjour")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "bonjour")
}

// A nick that IRC cannot have becomes one that it can, and the client is told.
func TestNickThatIRCDoesNotAllow(t *testing.T) {
	everywhere(t, func(s *scenario) {
		romeo := s.member("romeo")
		juliet := s.user("juliet")
		juliet.sendJoin(s.room(), "Juliet of Verona "+shared.number(), "")
		self := juliet.expect(Presence().Type("").Status("110", "210"))
		nick := self.From()[len(s.room())+1:]
		romeo.expectFrom(nick, "JOIN", s.channel)
	})
}
