//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"passerelle/internal/harness"
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

// The list comes in pages from each end and by index (XEP-0059), each with how many
// channels there are.
func TestChannelListPages(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	romeo := s.member("romeo")
	for _, garden := range []string{"-a", "-b", "-c"} {
		romeo.join(s.channel + garden)
	}
	juliet.join()
	list := func(set string) ([]string, *Element) {
		s.Helper()
		answer := juliet.ask("get", s.server(), "<query xmlns='http://jabber.org/protocol/disco#items'>"+set+"</query>")
		var rooms []string
		for _, item := range answer.Find("query/item") {
			rooms = append(rooms, item.Attribute("jid"))
		}
		return rooms, answer.First("query/set")
	}
	all, whole := list(rsm("<max>1000</max>"))
	const at = 1
	for _, channel := range []string{"", "-a", "-b", "-c"} {
		if !slices.Contains(all, s.roomOf(s.channel+channel)) {
			s.Fatalf("the list has %v", all)
		}
	}
	if whole.TextAt("count") != strconv.Itoa(len(all)) {
		s.Errorf("a list of %d ends with %s", len(all), whole)
	}
	for set, from := range map[string]int{
		"<max>2</max><after>" + Escape(all[at]) + "</after>":     at + 1,
		"<max>2</max><before>" + Escape(all[at+2]) + "</before>": at,
		"<max>2</max><before/>":                                  len(all) - 2,
		"<max>2</max><index>" + strconv.Itoa(at+1) + "</index>":  at + 1,
		"<max>2</max>": 0,
	} {
		rooms, end := list(rsm(set))
		if !slices.Equal(rooms, all[from:from+2]) || end.TextAt("first") != all[from] || end.TextAt("last") != all[from+1] ||
			end.AttributeAt("first", "index") != strconv.Itoa(from) || end.TextAt("count") != strconv.Itoa(len(all)) {
			s.Errorf("%s brings %v and %s; want two from number %d of %v", set, rooms, end, from, all)
		}
	}
	if rooms, end := list(rsm("<max>0</max>")); len(rooms) != 0 || end.TextAt("count") != strconv.Itoa(len(all)) {
		s.Errorf("a page of nothing is %v and %s", rooms, end)
	}
	answer := juliet.request("get", s.server(), "<query xmlns='http://jabber.org/protocol/disco#items'>"+rsm("<after>unknown</after>")+"</query>")
	if answer.First("error/item-not-found") == nil {
		s.Errorf("behind a channel that there is not comes %s", answer)
	}
}

// Who goes through the list page by page meets each channel once, in the order in which
// IRC names them, and need not wait for the end of it.
func TestChannelListIsStreamed(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	romeo := s.member("romeo")
	var want []string
	for i := range harness.ChannelsEach - 2 {
		channel := fmt.Sprint(s.channel, "-", i)
		romeo.join(channel)
		want = append(want, s.roomOf(channel))
	}
	juliet.join()
	const size = 5
	met := make(map[string]bool)
	for after, page := "", 0; ; page++ {
		answer := juliet.ask("get", s.server(), "<query xmlns='http://jabber.org/protocol/disco#items'>"+
			rsm("<max>"+strconv.Itoa(size)+"</max>"+after)+"</query>")
		items, end := answer.Find("query/item"), answer.First("query/set")
		for _, item := range items {
			jid := item.Attribute("jid")
			if met[jid] {
				s.Errorf("%s is in the list twice", jid)
			}
			met[jid] = true
		}
		if page == 0 && (len(items) != size || end.First("count") != nil) {
			s.Errorf("the first page waited for the end of the list: %s", answer)
		}
		if len(items) < size {
			if got := end.TextAt("count"); got != strconv.Itoa(len(met)) {
				s.Errorf("%d channels came, and %s were counted", len(met), got)
			}
			break
		}
		after = "<after>" + Escape(end.TextAt("last")) + "</after>"
	}
	for _, room := range want {
		if !met[room] {
			s.Errorf("%s is missing in the list", room)
		}
	}
}

// Whoever is invited on XMPP gets the key, comes in with it, or declines, which is told to
// who invited them and only by who was invited.
func TestInvitationsOnXMPP(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.Send("MODE %s +k sesame", s.channel)
	juliet.expect(Message().From(s.room()).Status("104"))
	tybalt, paris := s.user("tybalt"), s.user("paris")
	bare := func(u *user) string { return u.account + "@" + s.xmpp.Domain }
	juliet.sendf("<message to='%s'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='%s'><reason>a feast</reason></invite><invite to='%s'/></x></message>",
		s.room(), bare(tybalt), bare(paris))
	invited := tybalt.expect(Message().From(s.room()).Has("{http://jabber.org/protocol/muc#user}x/invite"))
	if x := invited.First("{http://jabber.org/protocol/muc#user}x"); x.TextAt("password") != "sesame" || x.TextAt("invite/reason") != "a feast" ||
		x.AttributeAt("invite", "from") != bare(juliet) || invited.AttributeAt("{jabber:x:conference}x", "password") != "sesame" {
		s.Errorf("tybalt is sent %s", invited)
	}
	tybalt.sendJoin(s.room(), tybalt.nick, invited.TextAt("{http://jabber.org/protocol/muc#user}x/password"))
	tybalt.expect(selfPresence(tybalt.occupant()))

	paris.expect(Message().From(s.room()).Has("{http://jabber.org/protocol/muc#user}x/invite"))
	decline := "<message id='%s' to='%s'><x xmlns='http://jabber.org/protocol/muc#user'><decline to='%s'><reason>too late</reason></decline></x></message>"
	paris.sendf(decline, paris.NewID(), s.room(), bare(juliet))
	declined := juliet.expect(Message().From(s.room()).Has("{http://jabber.org/protocol/muc#user}x/decline")).First("{http://jabber.org/protocol/muc#user}x")
	if declined.AttributeAt("decline", "from") != bare(paris) || declined.TextAt("decline/reason") != "too late" {
		s.Errorf("juliet is sent %s", declined)
	}
	nurse := s.user("nurse")
	nurse.sendf(decline, nurse.NewID(), s.room(), bare(juliet))
	nurse.expect(Message().From(s.room()).Error("item-not-found"))
}

// A nick is invited however it is written, as with biboumi.
func TestNicksAreInvitedInAllWays(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
		juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
		for _, way := range []string{"%s", "%s%%anything@" + s.gateway.Hostname, "anything@" + s.gateway.Hostname + "/%s"} {
			tybalt := s.person("tybalt")
			juliet.sendf("<message to='%s'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='%s'/></x></message>", s.room(), fmt.Sprintf(way, tybalt.Nick()))
			tybalt.expectFrom(juliet.nick, "INVITE", tybalt.Nick(), s.channel)
		}
		hall := s.channel + "-hall"
		romeo.join(hall)
		juliet.sendf("<message to='%s' type='chat'><body>psst</body></message>", s.roomOf(hall)+"/"+romeo.Nick()) // not in there
		romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "psst")
		juliet.sendf("<message to='%s' type='chat'><body>again</body></message>", "%"+s.network+"@"+s.gateway.Hostname+"/"+romeo.Nick())
		romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "again")
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
	if desc := juliet.ask("get", s.gateway.Hostname, "<query xmlns='jabber:iq:gateway'/>").TextAt("query/prompt"); desc == "" {
		t.Error("nothing is asked for")
	}
	for prompt, want := range map[string]string{
		s.channel + "@" + s.network:                      s.room(),
		s.channel + "%" + s.network:                      s.room(),
		"Romeo@" + s.network:                             s.private("romeo"),
		"irc://" + s.network + "/" + s.channel:           s.room(),
		"ircs://" + s.network + ":6697/" + s.channel[1:]: s.room(),
		"irc://" + s.network + "/romeo,isnick":           s.private("romeo"),
		"ircs://" + s.network:                            s.server(),
	} {
		answer := juliet.ask("set", s.gateway.Hostname, "<query xmlns='jabber:iq:gateway'><prompt>"+Escape(prompt)+"</prompt></query>")
		if got := answer.TextAt("query/jid"); got != want {
			t.Errorf("the address of %s is %q", prompt, got)
		}
	}
	answer := juliet.ask("set", s.server(), "<query xmlns='jabber:iq:gateway'><prompt>"+Escape(s.channel)+"</prompt></query>")
	if got := answer.TextAt("query/jid"); got != s.room() {
		t.Errorf("the address is %q on the server", got)
	}
	if answer := juliet.request("set", s.gateway.Hostname, "<query xmlns='jabber:iq:gateway'><prompt>two words</prompt></query>"); answer.First("error/item-not-found") == nil {
		t.Errorf("two words give %s", answer)
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
