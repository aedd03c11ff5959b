//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// restart ends the scenario's passerelle and starts it again with the same data.
func (s *scenario) restart() {
	s.Helper()
	if err := shared.workspace.RestartGateway(s.Context(), s.gateway); err != nil {
		s.Fatal(err)
	}
}

// archived is a message of the archive.
type archived struct{ id, messageID, nick, body, at string }

// archive asks for a page of a room's archive; content is what stands in the query.
func (u *user) archive(room, content string) []archived {
	u.s.Helper()
	page, _ := u.archivePage(room, content)
	return page
}

// archivePage is archive, and returns what ends the page too.
func (u *user) archivePage(room, content string) ([]archived, *Element) {
	u.s.Helper()
	query := u.NewID()
	answer := u.ask("set", room, "<query xmlns='urn:xmpp:mam:2' queryid='"+query+"'>"+content+"</query>")
	var page []archived
	for _, message := range u.Seen(Message().From(room).Has("{urn:xmpp:mam:2}result")) {
		result := message.First("{urn:xmpp:mam:2}result")
		if result.Attribute("queryid") != query {
			continue
		}
		inner := result.First("{urn:xmpp:forward:0}forwarded/{jabber:client}message")
		if inner == nil {
			u.s.Fatalf("an archived message without a message: %s", message)
		}
		page = append(page, archived{result.Attribute("id"), inner.ID(), inner.From()[len(room)+1:], inner.TextAt("{jabber:client}body"),
			result.AttributeAt("{urn:xmpp:forward:0}forwarded/{urn:xmpp:delay}delay", "stamp")})
	}
	return page, answer.First("{urn:xmpp:mam:2}fin")
}

// awaitArchived asks for the newest page of the archive of the scenario's channel until a
// message is in it.
func (u *user) awaitArchived(body string) {
	u.s.Helper()
	const newest = "<set xmlns='http://jabber.org/protocol/rsm'><before/></set>"
	within, cancel := context.WithTimeout(u.s.Context(), endLimit)
	defer cancel()
	for !slices.Contains(bodiesOf(u.archive(u.s.room(), newest)), body) {
		if err := within.Err(); err != nil {
			u.s.Fatalf("waiting for %q in the archive: %v", body, err)
		}
	}
}

func bodiesOf(page []archived) (bodies []string) {
	for _, message := range page {
		bodies = append(bodies, message.body)
	}
	return bodies
}

func TestArchiveHasWhatWasSaid(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.say("one")
		live := juliet.expect(Message().From(romeo.occupant()).Body("one"))
		mine := juliet.say("two")
		juliet.expect(Message().From(juliet.occupant()).Body("two"))
		romeo.say("three")
		juliet.expect(Message().From(romeo.occupant()).Body("three"))

		page := juliet.archive(s.room(), "")
		if got := bodiesOf(page); !slices.Equal(got, []string{"one", "two", "three"}) {
			s.Fatalf("the archive has %v", got)
		}
		if page[0].id != stanzaID(live) || page[0].messageID != live.ID() || page[1].messageID != mine || page[1].nick != juliet.nick {
			s.Errorf("the archive has %+v; live was %s", page, live)
		}
		const last = "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><before/></set>"
		if got := bodiesOf(juliet.archive(s.room(), last)); !slices.Equal(got, []string{"three"}) {
			s.Errorf("the last page has %v", got)
		}
		search := "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>" +
			"<field var='{urn:xmpp:fulltext:0}fulltext'><value>two</value></field></x>"
		if got := bodiesOf(juliet.archive(s.room(), search)); !slices.Equal(got, []string{"two"}) {
			s.Errorf("searching finds %v", got)
		}
		// What is archived for one is for nobody else.
		tybalt := s.user("tybalt")
		if got := tybalt.archive(s.room(), ""); len(got) > 0 {
			s.Errorf("a stranger sees %v", got)
		}
	})
}

func TestHistoryComesWithAJoin(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		for number := range 5 {
			romeo.say(fmt.Sprintf("line %d", number))
		}
		live := juliet.expect(Message().From(romeo.occupant()).Body("line 4"))
		phone := juliet.otherResource()
		phone.sendf("<presence to='%s'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='2'/></x></presence>", juliet.occupant())
		var got []string
		for _, stanza := range phone.expectThrough(Message().From(s.room()).Has("subject")) {
			if stanza.First("{urn:xmpp:delay}delay") == nil || stanza.First("body") == nil {
				continue
			}
			got = append(got, stanza.TextAt("body"))
			if stanza.TextAt("body") == "line 4" && (stanza.ID() != live.ID() || stanzaID(stanza) != stanzaID(live) || occupantID(stanza) != occupantID(live)) {
				s.Errorf("as history it is %s, live it was %s", stanza, live)
			}
		}
		if !slices.Equal(got, []string{"line 3", "line 4"}) {
			s.Errorf("the history is %v", got)
		}
	})
}

// XEP-0045 §7.2.13: the client says how much history it wants.
func TestHistoryIsAsMuchAsIsWanted(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		for number := range 4 {
			romeo.say(fmt.Sprintf("line %d", number))
		}
		juliet.expect(Message().From(romeo.occupant()).Body("line 3"))
		phone := juliet.otherResource()
		for wanted, lines := range map[string]int{
			"seconds='3600'": 4, "since='2020-01-01T00:00:00Z'": 4, "since='2120-01-01T00:00:00Z'": 0,
			"maxchars='0'": 0, "maxchars='100000'": 4, "maxchars='100'": 0, "maxstanzas='1' seconds='3600'": 1,
		} {
			phone.sendf("<presence to='%s'><x xmlns='http://jabber.org/protocol/muc'><history "+wanted+"/></x></presence>", juliet.occupant())
			got := 0
			for _, stanza := range phone.expectThrough(Message().From(s.room()).Has("subject")) {
				if stanza.First("body") != nil && stanza.First("{urn:xmpp:delay}delay") != nil {
					got++
				}
			}
			if got != lines {
				s.Errorf("%s brings %d messages, want %d", wanted, got, lines)
			}
			phone.sendf("<presence type='unavailable' to='%s'/>", juliet.occupant())
			phone.expect(Presence().From(juliet.occupant()).Type("unavailable"))
		}
	})
}

func TestArchiveSurvivesARestart(t *testing.T) {
	s := beginAlone(t, nil)
	juliet, romeo := s.meeting()
	romeo.say("for ever")
	juliet.expect(Message().From(romeo.occupant()).Body("for ever"))
	s.restart()
	if got := bodiesOf(juliet.archive(s.room(), "")); !slices.Equal(got, []string{"for ever"}) {
		t.Errorf("the archive has %v", got)
	}
}

func TestPersistentRoomKeepsWhatWasMissed(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		juliet.tell("set " + s.channel + "%" + s.network + " persistent true")
		juliet.sendf("<presence type='unavailable' to='%s'/>", juliet.occupant())
		juliet.expect(Presence().From(juliet.occupant()).Type("unavailable"))
		romeo.say("are you there?")
		romeo.Send("WHOIS %s", juliet.nick)
		if is := romeo.expect("319", romeo.Nick(), juliet.nick); !contains(is.Last(), s.channel) {
			s.Errorf("juliet is in %s", is.Last())
		}
		juliet.awaitArchived("are you there?")
		juliet.sendJoin(s.room(), juliet.nick, "")
		juliet.expect(Message().From(romeo.occupant()).Body("are you there?").Has("{urn:xmpp:delay}delay"))
		juliet.expect(Message().From(s.room()).Has("subject"))
		juliet.say("/part")
		romeo.expectFrom(juliet.nick, "PART", s.channel)
	})
}

func TestWhatIsNotToBeRecorded(t *testing.T) {
	for name, where := range map[string]func(*scenario) string{
		"one channel": func(s *scenario) string { return s.channel + "%" + s.network + " " },
		"everything":  func(*scenario) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			juliet, romeo := s.meeting()
			juliet.tell("set " + where(s) + "record_history false")
			romeo.say("off the record")
			juliet.expect(Message().From(romeo.occupant()).Body("off the record"))
			if got := juliet.archive(s.room(), ""); len(got) > 0 {
				t.Errorf("the archive has %v", got)
			}
		})
	}
}

// What was said to one person is not in the archive of the room that it went through.
func TestPrivateMessagesAreNotArchived(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		juliet.chat(romeo.occupant(), "psst")
		romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "psst")
		romeo.Send("PRIVMSG %s :what?", juliet.nick)
		juliet.expect(Message().From(romeo.occupant()).Type("chat").Body("what?"))
		romeo.say("nothing")
		juliet.expect(Message().From(romeo.occupant()).Body("nothing"))
		if got := bodiesOf(juliet.archive(s.room(), "")); !slices.Equal(got, []string{"nothing"}) {
			s.Errorf("the archive has %v", got)
		}
	})
}
