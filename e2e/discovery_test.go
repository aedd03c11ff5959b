//go:build e2e

package e2e

import (
	"slices"
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

const (
	discoInfo  = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
	discoItems = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
)

// described is an answer to disco#info, in short.
type described struct {
	identities, features []string
}

func (u *user) describe(jid string) described {
	u.s.Helper()
	answer := u.ask("get", jid, discoInfo)
	var d described
	for _, identity := range answer.Find("query/identity") {
		d.identities = append(d.identities, identity.Attribute("category")+"/"+identity.Attribute("type"))
	}
	for _, feature := range answer.Find("query/feature") {
		d.features = append(d.features, feature.Attribute("var"))
	}
	return d
}

func (d described) check(t *testing.T, jid string, identities, features, absent []string) {
	t.Helper()
	for _, identity := range identities {
		if !slices.Contains(d.identities, identity) {
			t.Errorf("%s lacks the identity %s among %q", jid, identity, d.identities)
		}
	}
	for _, feature := range features {
		if !slices.Contains(d.features, feature) {
			t.Errorf("%s lacks the feature %s among %q", jid, feature, d.features)
		}
	}
	for _, feature := range absent {
		if slices.Contains(d.features, feature) || slices.Contains(d.identities, feature) {
			t.Errorf("%s has %s, which is not true", jid, feature)
		}
	}
}

func TestDiscoveryOfTheGateway(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet := s.user("juliet")
		juliet.describe(s.gateway.Hostname).check(s.T, s.gateway.Hostname,
			[]string{"gateway/irc", "conference/irc"},
			[]string{"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/muc", "urn:xmpp:ping", "jabber:iq:version", "urn:xmpp:time"},
			[]string{"conference/text"})
		juliet.ask("get", s.gateway.Hostname, discoItems)
	})
}

func TestDiscoveryOfAServer(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	juliet.describe(s.server()).check(t, s.server(), []string{"gateway/irc", "conference/irc"},
		[]string{"http://jabber.org/protocol/muc", "urn:xmpp:ping"}, []string{"conference/text"})
}

func TestDiscoveryOfARoom(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	features := []string{"http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#self-ping-optimization",
		"urn:xmpp:sid:0", "urn:xmpp:occupant-id:0", "muc_semianonymous"}
	absent := []string{"muc_nonanonymous", "muc_membersonly"}
	juliet.describe(s.room()).check(t, "a room that is not joined", nil, features, absent)
	juliet.join()
	joined := juliet.describe(s.room())
	joined.check(t, "a joined room", nil, features, absent)
	if !slices.Contains(joined.identities, "conference/text") && !slices.Contains(joined.identities, "conference/irc") {
		t.Errorf("a room has the identities %q", joined.identities)
	}
	info := juliet.ask("get", s.room(), discoInfo)
	if !IQ().Has("query/{jabber:x:data}x").Matches(info) {
		t.Errorf("no roominfo form: %s", info)
	}
}

func TestDiscoveryShowsTheModesOfARoom(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.Send("MODE %s +mk balcony", s.channel)
	juliet.expect(Presence().From(juliet.occupant()).Item("none", "visitor"))
	juliet.describe(s.room()).check(t, s.room(), nil,
		[]string{"muc_moderated", "muc_passwordprotected"}, []string{"muc_unmoderated", "muc_unsecured"})
}

func TestDiscoveryNodesOfARoom(t *testing.T) {
	s := begin(t)
	juliet, _ := s.meeting()
	juliet.ask("get", s.room(), "<query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/muc#traffic'/>")
	reserved := juliet.ask("get", s.room(), "<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/>")
	if got := reserved.AttributeAt("query/identity", "name"); got != juliet.nick {
		t.Errorf("the reserved nick is %q, want %q", got, juliet.nick)
	}
}

func TestDiscoveryItemsOfARoomAreItsOccupants(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	answer := juliet.ask("get", s.room(), discoItems)
	var jids []string
	for _, item := range answer.Find("query/item") {
		jids = append(jids, item.Attribute("jid"))
	}
	if !slices.Contains(jids, romeo.occupant()) {
		t.Errorf("%s is not among %q", romeo.occupant(), jids)
	}
}

func TestSelfPing(t *testing.T) {
	everywhere(t, func(s *scenario) {
		const ping = "<ping xmlns='urn:xmpp:ping'/>"
		juliet, romeo := s.meeting()
		tablet := juliet.otherResource()
		juliet.ask("get", juliet.occupant(), ping)
		if answer := tablet.request("get", juliet.occupant(), ping); !IQ().Error("not-acceptable").Matches(answer) {
			s.Errorf("a resource that has not joined got %s", answer)
		}
		romeo.settle()
		romeo.refuteSeen("PRIVMSG", s.channel)
	})
}

func TestPingVersionAndTime(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	for _, jid := range []string{s.gateway.Hostname, s.server(), s.room()} {
		juliet.ask("get", jid, "<ping xmlns='urn:xmpp:ping'/>")
		version := juliet.ask("get", jid, "<query xmlns='jabber:iq:version'/>")
		if version.TextAt("query/name") == "" || version.TextAt("query/version") == "" {
			t.Errorf("%s has the version %s", jid, version)
		}
		time := juliet.ask("get", jid, "<time xmlns='urn:xmpp:time'/>")
		if time.TextAt("time/utc") == "" || time.TextAt("time/tzo") == "" {
			t.Errorf("%s has the time %s", jid, time)
		}
	}

	// An occupant's client is asked on IRC.
	id := juliet.NewID()
	juliet.sendf("<iq type='get' to='%s' id='%s'><query xmlns='jabber:iq:version'/></iq>", romeo.occupant(), id)
	romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "\x01VERSION\x01")
	romeo.Send("NOTICE %s :\x01VERSION Globe 1.599 on Thames\x01", juliet.nick)
	answer := juliet.expect(IQ().From(romeo.occupant()).ID(id).Type("result"))
	if !contains(answer.String(), "Globe") {
		t.Errorf("got %s", answer)
	}
}

func TestUnknownRequestsGetServiceUnavailable(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.meeting()
		for _, jid := range []string{s.gateway.Hostname, s.server(), s.room(), romeo.occupant(), s.private(romeo.Nick())} {
			for _, kind := range []string{"get", "set"} {
				answer := juliet.request(kind, jid, "<query xmlns='urn:example:unknown'/>")
				if !IQ().Error("service-unavailable").Matches(answer) {
					s.Errorf("%s answered %s", jid, answer)
				}
			}
		}
	})
}
