//go:build e2e

package e2e

import (
	"strings"
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func TestTopicFromIRC(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("TOPIC %s :the balcony", s.channel)
		juliet.expect(Message().From(romeo.occupant()).Type("groupchat").Subject("the balcony"))
		romeo.Send("TOPIC %s :", s.channel)
		juliet.expect(Message().From(romeo.occupant()).Type("groupchat").Subject(""))
	})
}

func TestTopicOnJoinHasSetterAndTime(t *testing.T) {
	everywhere(t, func(s *scenario) {
		romeo := s.member("romeo")
		romeo.Send("TOPIC %s :the balcony", s.channel)
		romeo.expect("TOPIC", s.channel)
		juliet := s.user("juliet")
		juliet.sendJoin(s.room(), juliet.nick, "")
		juliet.expect(Message().From(romeo.occupant()).Type("groupchat").Subject("the balcony").Has("{urn:xmpp:delay}delay"))
	})
}

func TestTopicFromXMPP(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
		juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
		for _, test := range []struct{ subject, topic string }{
			{"the orchard", "the orchard"},
			{"two\nlines", "two lines"},
			{"", ""},
		} {
			juliet.setSubject(test.subject)
			if topic := romeo.expectFrom(juliet.nick, "TOPIC", s.channel); topic.Last() != test.topic {
				s.Errorf("the subject %q became the topic %q, want %q", test.subject, topic.Last(), test.topic)
			}
			juliet.expect(Message().From(juliet.occupant()).Type("groupchat").Subject(test.topic))
		}
	})
}

// setSubject sets the subject of the scenario's channel and returns the message's id.
func (u *user) setSubject(subject string) string {
	id := u.NewID()
	u.sendf("<message type='groupchat' to='%s' id='%s'><subject>%s</subject></message>", u.s.room(), id, subject)
	return id
}

func TestTopicIsCutToWhatTheNetworkAllows(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
	long := strings.Repeat("é", 400)
	juliet.setSubject(long)
	topic := romeo.expectFrom(juliet.nick, "TOPIC", s.channel).Last()
	if topic == "" || !strings.HasPrefix(long, topic) {
		t.Errorf("the topic is not the beginning of the subject: %q", topic)
	}
}

func TestTopicSetByWhoMayNotIsRefused(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		romeo.Send("MODE %s +t", s.channel)
		romeo.settle()
		id := juliet.setSubject("mine")
		juliet.expect(Message().From(s.room()).ID(id).Error("forbidden"))
	})
}
