//go:build e2e

package e2e

import (
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

func TestContactsComeAndGo(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet := s.user("juliet")
		juliet.join()
		romeo := s.person("romeo")
		juliet.ask("get", juliet.account+"@"+s.xmpp.Domain, "<query xmlns='jabber:iq:roster'/>") // Prosody tells of subscriptions only who has asked for the roster
		juliet.sendf("<presence type='subscribe' to='%s'/>", s.private(romeo.Nick()))
		juliet.expect(Presence().From(s.private(romeo.Nick())).Type("subscribed"))
		juliet.expect(Presence().From(s.private(romeo.Nick())).Type(""))
		tybalt := s.person("tybalt") // who shares no channel with juliet
		tybalt.Send("AWAY :at the ball")
		tybalt.expect("306")
		juliet.sendf("<presence type='subscribe' to='%s'/>", s.private(tybalt.Nick()))
		juliet.expect(Presence().From(s.private(tybalt.Nick())).Text("show", "away").Text("status", "at the ball"))
		if s.network == inspircdName { // ngIRCd has no MONITOR, and is asked once a minute
			if err := romeo.Quit("gone"); err != nil {
				s.Fatal(err)
			}
			juliet.expect(Presence().From(s.private(romeo.Nick())).Type("unavailable"))
		}
	})
}

func TestProfilesAreFromWhois(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		for _, jid := range []string{romeo.occupant(), s.private(romeo.Nick())} {
			card := juliet.ask("get", jid, "<vCard xmlns='vcard-temp'/>")
			if card.TextAt("{vcard-temp}vCard/{vcard-temp}FN") != romeo.Nick() || !contains(card.TextAt("{vcard-temp}vCard/{vcard-temp}DESC"), "@") {
				s.Errorf("the profile of %s is %s", jid, card)
			}
		}
		card := juliet.ask("get", romeo.occupant(), "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>")
		if !contains(card.String(), "<text>"+romeo.Nick()+"</text>") {
			s.Errorf("the vCard4 is %s", card)
		}
		idle := juliet.ask("get", romeo.occupant(), "<query xmlns='jabber:iq:last'/>")
		if idle.AttributeAt("{jabber:iq:last}query", "seconds") == "" {
			s.Errorf("romeo's idle time is %s", idle)
		}
	})
}

func TestChannelListAndSearch(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("TOPIC %s :the balcony", s.channel)
		juliet.expect(Message().From(romeo.occupant()).Subject("the balcony"))
		search := juliet.ask("set", s.server(), "<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'>"+
			"<field var='text'><value>"+s.channel+"</value></field></x></query>")
		if !contains(search.String(), s.room()) || !contains(search.String(), "the balcony") {
			s.Errorf("searching finds %s", search)
		}
		page := juliet.ask("get", s.server(), "<query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='http://jabber.org/protocol/rsm'><max>1</max></set></query>")
		if items := page.Find("{http://jabber.org/protocol/disco#items}query/{http://jabber.org/protocol/disco#items}item"); len(items) != 1 {
			s.Errorf("a page of one channel is %s", page)
		}
	})
}

func TestInvitationsInBothForms(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
	tybalt := s.person("tybalt")
	juliet.sendf("<message to='%s'><x xmlns='jabber:x:conference' jid='%s'/></message>", s.private(tybalt.Nick()), s.room())
	tybalt.expect("INVITE", tybalt.Nick(), s.channel)
	hall := "#hall" + shared.number()
	tybalt.join(hall)
	tybalt.Send("INVITE %s %s", juliet.nick, hall)
	juliet.expect(Message().From(s.roomOf(hall)).Has("{http://jabber.org/protocol/muc#user}x/{http://jabber.org/protocol/muc#user}invite").Has("{jabber:x:conference}x"))
	juliet.sendf("<message to='%s'><x xmlns='http://jabber.org/protocol/muc#user'><decline to='%s'><reason>too late</reason></decline></x></message>",
		s.roomOf(hall), s.private(tybalt.Nick()))
	if said := tybalt.expectFrom(juliet.nick, "NOTICE"); !contains(said.Last(), "too late") {
		t.Errorf("tybalt hears %q", said.Last())
	}
}

func TestNetworkInTheRoster(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	juliet.ask("get", juliet.account+"@"+s.xmpp.Domain, "<query xmlns='jabber:iq:roster'/>") // Prosody tells of subscriptions only who has asked for the roster
	juliet.sendf("<presence type='subscribe' to='%s'/>", s.server())
	juliet.expect(Presence().From(s.server()).Type("subscribed"))
	juliet.expect(Presence().From(s.server()).Type("unavailable"))
	juliet.join()
	juliet.expect(Presence().From(s.server()).Type(""))
}

func TestPromptGivesAddresses(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	answer := juliet.ask("set", s.gateway.Hostname, "<query xmlns='jabber:iq:gateway'><prompt>"+s.channel+"@"+s.network+"</prompt></query>")
	if got := answer.TextAt("{jabber:iq:gateway}query/{jabber:iq:gateway}jid"); got != s.room() {
		t.Errorf("the address is %q", got)
	}
}

func TestRosterExchange(t *testing.T) {
	s := begin(t)
	juliet, _ := s.meeting()
	juliet.chat(s.gateway.Hostname, "roster")
	offer := juliet.expect(Message().From(s.gateway.Hostname).Has("{http://jabber.org/protocol/rosterx}x"))
	if !contains(offer.String(), s.server()) {
		t.Errorf("offered is %s", offer)
	}
}

// Whom somebody in mode +g does not know yet asks to be let in, and is.
func TestStrangersAskToBeAccepted(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	juliet.chat(s.server(), "MODE "+juliet.nick+" +g\nMODE "+juliet.nick)
	juliet.expect(Message().From(s.server()).BodyContains("+g"))
	romeo.Send("PRIVMSG %s :let me in", juliet.nick)
	romeo.expect("716", romeo.Nick(), juliet.nick)
	juliet.expect(Message().From(s.server()).BodyContains(romeo.Nick() + " (").BodyContains("wants to write to you"))
	juliet.expect(Presence().From(s.private(romeo.Nick())).Type("subscribe"))
	juliet.sendf("<presence type='subscribed' to='%s'/>", s.private(romeo.Nick()))
	juliet.chat(s.server(), "ACCEPT *")
	juliet.expect(Message().From(s.server()).BodyContains(romeo.Nick()))
	romeo.Send("PRIVMSG %s :here I am", juliet.nick)
	juliet.expect(Message().From(s.private(romeo.Nick())).Body("here I am"))
}
