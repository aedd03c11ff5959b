//go:build e2e

package e2e

import (
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

func TestNickChangeFromXMPP(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		old, changed := juliet.occupant(), "capulet"+shared.number()
		juliet.sendf("<presence to='%s'/>", s.room()+"/"+changed)
		gone := juliet.expect(Presence().From(old).Type("unavailable").Status("303", "110"))
		if got := gone.AttributeAt("x/item", "nick"); got != changed {
			s.Errorf("the new nick is %q, want %q", got, changed)
		}
		juliet.expect(selfPresence(s.room() + "/" + changed))
		if got := romeo.expectFrom(juliet.nick, "NICK").Last(); got != changed {
			s.Errorf("IRC sees the nick %q, want %q", got, changed)
		}
	})
}

func TestNickChangeFromIRC(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		old, changed := romeo.occupant(), "montague"+shared.number()
		romeo.Send("NICK %s", changed)
		gone := juliet.expect(Presence().From(old).Type("unavailable").Status("303").WithoutStatus("110"))
		if got := gone.AttributeAt("x/item", "nick"); got != changed {
			s.Errorf("the new nick is %q, want %q", got, changed)
		}
		juliet.expect(Presence().From(s.room() + "/" + changed).Type("").WithoutStatus("110"))
	})
}

func TestNickChangeIsRefused(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		wanted := s.room() + "/" + romeo.Nick()
		juliet.sendf("<presence to='%s'/>", wanted)
		juliet.expect(Presence().From(wanted).Error("conflict"))
		// She still has her old one.
		juliet.settle()
	})
}

// Presence in a room that changes no nick sends no NICK, whatever else it says.
func TestPresenceWithTheSameNickSendsNoNick(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	juliet.sendf("<presence to='%s'><show>away</show><status>asleep</status></presence>", juliet.occupant())
	juliet.sendf("<presence to='%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", juliet.occupant())
	juliet.settle()
	romeo.settle()
	romeo.refuteSeen("NICK")
}

func TestKickFromIRC(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		mercutio := s.member("mercutio")
		juliet.expect(Presence().From(mercutio.occupant()))
		romeo.Send("KICK %s %s :a plague", s.channel, mercutio.Nick())
		kicked := juliet.expect(Presence().From(mercutio.occupant()).Type("unavailable").Status("307").WithoutStatus("110"))
		checkKick(s, kicked, romeo.Nick(), "a plague")

		romeo.Send("KICK %s %s :go", s.channel, juliet.nick)
		kicked = juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("307", "110"))
		checkKick(s, kicked, romeo.Nick(), "go")
		juliet.isNotJoined()
	})
}

func checkKick(s *scenario, kicked *Element, actor, reason string) {
	s.Helper()
	if got := kicked.AttributeAt("x/item/actor", "nick"); got != actor {
		s.Errorf("the actor is %q, want %q: %s", got, actor, kicked)
	}
	if got := kicked.TextAt("x/item/reason"); got != reason {
		s.Errorf("the reason is %q, want %q: %s", got, reason, kicked)
	}
	if got := kicked.AttributeAt("x/item", "role"); got != "none" {
		s.Errorf("the role is %q, want none: %s", got, kicked)
	}
}

func TestKickFromXMPP(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		mercutio := s.member("mercutio")
		romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
		juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
		juliet.ask("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='"+mercutio.Nick()+
			"' role='none'><reason>peace</reason></item></query>")
		kick := mercutio.expectFrom(juliet.nick, "KICK", s.channel, mercutio.Nick())
		if kick.Last() != "peace" {
			s.Errorf("the reason is %q", kick.Last())
		}
		juliet.expect(Presence().From(mercutio.occupant()).Type("unavailable").Status("307"))
	})
}

func TestKickByWhoMayNotIsRefused(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		answer := juliet.request("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='"+romeo.Nick()+"' role='none'/></query>")
		if !IQ().Error("forbidden").Matches(answer) {
			s.Errorf("got %s", answer)
		}
	})
}

func TestPartAndQuitReasons(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		mercutio := s.member("mercutio")
		juliet.expect(Presence().From(mercutio.occupant()).Type(""))
		mercutio.Send("PART %s :to supper", s.channel)
		gone := juliet.expect(Presence().From(mercutio.occupant()).Type("unavailable"))
		if !Presence().Where("", func(e *Element) bool { return contains(e.TextAt("status"), "to supper") }).Matches(gone) {
			s.Errorf("the reason of a PART is missing: %s", gone)
		}
		if err := romeo.Quit("banished"); err != nil {
			s.Fatal(err)
		}
		gone = juliet.expect(Presence().From(romeo.occupant()).Type("unavailable"))
		if !contains(gone.TextAt("status"), "banished") {
			s.Errorf("the reason of a QUIT is missing: %s", gone)
		}
	})
}

func TestKillOfAnOccupant(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	s.operator("prince").Send("KILL %s :thy life", romeo.Nick())
	gone := juliet.expect(Presence().From(romeo.occupant()).Type("unavailable"))
	if !contains(gone.TextAt("status"), "thy life") {
		t.Errorf("the reason of a KILL is missing: %s", gone)
	}
}

func TestKillOfOneself(t *testing.T) {
	s := begin(t)
	juliet, _ := s.meeting()
	s.operator("prince").Send("KILL %s :thy life", juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110"))
}

func TestRolesFromPrefixes(t *testing.T) {
	s := begin(t)
	juliet, _ := s.meeting()
	prince := s.operator("prince")
	for _, test := range []struct{ mode, affiliation, role string }{
		{"q", "owner", "moderator"},
		{"a", "owner", "moderator"},
		{"o", "admin", "moderator"},
		{"h", "member", "moderator"},
		{"v", "member", "participant"},
	} {
		mercutio := s.member("mercutio")
		juliet.expect(Presence().From(mercutio.occupant()).Item("none", "participant"))
		prince.Send("SAMODE %s +%s %s", s.channel, test.mode, mercutio.Nick())
		juliet.expect(Presence().From(mercutio.occupant()).Item(test.affiliation, test.role))

		// The same for somebody who joins after.
		nurse := s.user("nurse")
		nurse.sendJoin(s.room(), nurse.nick, "")
		nurse.expect(Presence().From(mercutio.occupant()).Item(test.affiliation, test.role))

		prince.Send("SAMODE %s -%s %s", s.channel, test.mode, mercutio.Nick())
		juliet.expect(Presence().From(mercutio.occupant()).Item("none", "participant"))
	}
}

// The highest prefix counts, and the next one when it is taken away.
func TestRolesOfSeveralPrefixes(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		mercutio := s.member("mercutio")
		romeo.Send("MODE %s +v %s", s.channel, mercutio.Nick())
		juliet.expect(Presence().From(mercutio.occupant()).Item("member", "participant"))
		romeo.Send("MODE %s +o %s", s.channel, mercutio.Nick())
		juliet.expect(Presence().From(mercutio.occupant()).Item("admin", "moderator"))
		romeo.Send("MODE %s -o %s", s.channel, mercutio.Nick())
		juliet.expect(Presence().From(mercutio.occupant()).Item("member", "participant"))
		romeo.Send("MODE %s -v %s", s.channel, mercutio.Nick())
		juliet.expect(Presence().From(mercutio.occupant()).Item("none", "participant"))
	})
}

func TestModeratedChannelMakesVisitors(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("MODE %s +m", s.channel)
		juliet.expect(Presence().From(juliet.occupant()).Item("none", "visitor"))
		romeo.Send("MODE %s -m", s.channel)
		juliet.expect(Presence().From(juliet.occupant()).Item("none", "participant"))
	})
}

func TestRolesAreSetFromXMPP(t *testing.T) {
	s := begin(t)
	juliet, _ := s.meeting()
	mercutio := s.member("mercutio")
	s.operator("prince").Send("SAMODE %s +qo %s %s", s.channel, juliet.nick, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("owner", "moderator"))
	for _, test := range []struct {
		set, mode         string
		affiliation, role string
	}{
		{"role='moderator'", "+h", "member", "moderator"},
		{"role='participant'", "-h", "none", "participant"},
		{"affiliation='member'", "+v", "member", "participant"},
		{"affiliation='admin'", "+o", "admin", "moderator"},
		{"affiliation='owner'", "+q", "owner", "moderator"},
		{"affiliation='none'", "-", "none", "participant"},
	} {
		juliet.ask("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='"+mercutio.Nick()+"' "+test.set+"/></query>")
		juliet.expect(Presence().From(mercutio.occupant()).Item(test.affiliation, test.role))
		if mode := mercutio.expectFrom(juliet.nick, "MODE", s.channel); !contains(mode.Param(1), test.mode) {
			t.Errorf("setting %s sent MODE %q, want %s in it", test.set, mode.Params, test.mode)
		}
	}
}

func TestRolesSetByWhoMayNotAreRefused(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, _ := s.meeting()
		mercutio := s.member("mercutio")
		juliet.expect(Presence().From(mercutio.occupant()))
		for _, item := range []string{"role='moderator'", "affiliation='admin'", "affiliation='outcast'"} {
			answer := juliet.request("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='"+mercutio.Nick()+"' "+item+"/></query>")
			if answer.Type() != "error" {
				s.Errorf("setting %s gave %s", item, answer)
			}
		}
	})
}

func TestBansFromXMPP(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		tybalt := s.member("tybalt")
		romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
		juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))

		juliet.ask("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='"+tybalt.Nick()+
			"' affiliation='outcast'><reason>fury</reason></item></query>")
		ban := tybalt.expectFrom(juliet.nick, "MODE", s.channel, "+b")
		tybalt.expectFrom(juliet.nick, "KICK", s.channel, tybalt.Nick())
		juliet.expect(Presence().From(tybalt.occupant()).Type("unavailable"))

		list := juliet.ask("get", s.room(), "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast'/></query>")
		items := list.Find("query/item")
		if len(items) != 1 {
			s.Fatalf("one ban was set, and the list is %s", list)
		}
		juliet.ask("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='none' jid='"+
			Escape(items[0].Attribute("jid"))+"'/></query>")
		romeo.expectFrom(juliet.nick, "MODE", s.channel, "-b", ban.Param(2))
		list = juliet.ask("get", s.room(), "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast'/></query>")
		if len(list.Find("query/item")) != 0 {
			s.Errorf("the ban was lifted, and the list is %s", list)
		}
	})
}

func TestAwayFromXMPP(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		juliet.sendf("<presence to='%s'><show>away</show><status>in the garden</status></presence>", juliet.occupant())
		juliet.settle()
		romeo.Send("WHOIS %s", juliet.nick)
		if away := romeo.expect("301", romeo.Nick(), juliet.nick); away.Last() != "in the garden" {
			s.Errorf("IRC sees %q", away.Last())
		}
		romeo.expect("318")

		// The best of the resources counts.
		tablet := juliet.otherResource()
		tablet.join()
		juliet.settle()
		romeo.Send("WHOIS %s", juliet.nick)
		romeo.expect("318")
		romeo.refuteSeen("301", romeo.Nick(), juliet.nick)
	})
}

func TestAwayFromIRC(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.Send("AWAY :to Mantua")
	juliet.expect(Presence().From(romeo.occupant()).Type("").Text("show", "away").Text("status", "to Mantua"))
	romeo.Send("AWAY")
	juliet.expect(Presence().From(romeo.occupant()).Type("").Lacks("show"))
}
