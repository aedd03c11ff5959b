//go:build e2e

package e2e

import (
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// act goes on with a command in another way than by filling in its form, and returns the answer,
// which may be an error.
func (u *user) act(to, node, session, action string) *Element {
	u.s.Helper()
	return u.request("set", to, "<command xmlns='http://jabber.org/protocol/commands' node='"+node+"' sessionid='"+session+"' action='"+action+"'/>")
}

func isBadSession(answer *Element) bool {
	return answer.First("error/{urn:ietf:params:xml:ns:xmpp-stanzas}bad-request") != nil &&
		answer.First("error/{http://jabber.org/protocol/commands}bad-sessionid") != nil
}

func TestPingAndHelloAnswer(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet := s.user("juliet")
		gateway := s.gateway.Hostname
		pong := juliet.command(gateway, "ping", "", nil)
		if pong.Attribute("status") != "completed" || pong.TextAt("{http://jabber.org/protocol/commands}note") != "Pong" {
			s.Errorf("ping answers %s", pong)
		}
		if said := juliet.tell("hello Romeo"); said != "Hello Romeo!" {
			s.Errorf("hello answers %q", said)
		}
		form := juliet.command(gateway, "hello", "", nil)
		session := form.Attribute("sessionid")
		again := juliet.command(gateway, "hello", session, map[string]string{"name": ""})
		if again.Attribute("status") != "executing" || !contains(again.String(), "a value is needed") {
			s.Errorf("a form without a name is answered with %s", again)
		}
		greeting := juliet.command(gateway, "hello", session, map[string]string{"name": "Juliet"})
		if greeting.Attribute("status") != "completed" || !contains(greeting.String(), "Hello Juliet!") {
			s.Errorf("hello ends with %s", greeting)
		}
		if answer := juliet.act(gateway, "hello", session, "cancel"); !isBadSession(answer) {
			s.Errorf("a command that has ended is cancelled with %s", answer)
		}
	})
}

// A command belongs to the client that began it (XEP-0050 §3.3).
func TestCommandsAreOfOneClient(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet := s.user("juliet")
		phone := juliet.otherResource()
		gateway := s.gateway.Hostname
		session := juliet.command(gateway, "hello", "", nil).Attribute("sessionid")
		for _, action := range []string{"execute", "prev", "complete", "cancel"} {
			if answer := phone.act(gateway, "hello", session, action); !isBadSession(answer) {
				s.Errorf("%s by another client is answered with %s", action, answer)
			}
		}
		greeting := juliet.command(gateway, "hello", session, map[string]string{"name": "Juliet"})
		if greeting.Attribute("status") != "completed" {
			s.Errorf("hello ends with %s", greeting)
		}
	})
}

func TestAdminsGoBackInACommand(t *testing.T) {
	s, prince := beginWithAdmin(t)
	juliet, romeo := s.meeting()
	const node, previous = "disconnect-from-irc-server", "{http://jabber.org/protocol/commands}command/{http://jabber.org/protocol/commands}actions/{http://jabber.org/protocol/commands}prev"
	gateway := s.gateway.Hostname
	jid := juliet.account + "@" + s.xmpp.Domain
	users := prince.command(gateway, node, "", nil)
	session := users.Attribute("sessionid")
	servers := prince.command(gateway, node, session, map[string]string{"jid": jid})
	if servers.Attribute("sessionid") != session || !contains(servers.String(), "<prev") || !contains(servers.String(), s.network) {
		t.Errorf("the second page is %s", servers)
	}
	back := prince.act(gateway, node, session, "prev")
	if !contains(back.String(), jid) || back.First(previous) != nil {
		t.Errorf("the page before is %s", back)
	}
	if answer := prince.act(gateway, node, session, "prev"); answer.First("error/{http://jabber.org/protocol/commands}bad-action") == nil {
		t.Errorf("before the first page is %s", answer)
	}
	prince.command(gateway, node, session, map[string]string{"jid": jid})
	end := prince.command(gateway, node, session, map[string]string{"irc-servers": s.network, "quit-message": "the lark"})
	if end.Attribute("status") != "completed" {
		t.Errorf("the command ends with %s", end)
	}
	if quit := romeo.expectFrom(juliet.nick, "QUIT"); !contains(quit.Last(), "the lark") {
		t.Errorf("IRC was told %q", quit.Last())
	}
}

func TestAdminsCountUsers(t *testing.T) {
	s, prince := beginWithAdmin(t)
	juliet, _ := s.meeting()
	jid := juliet.account + "@" + s.xmpp.Domain
	number := prince.command(s.gateway.Hostname, adminCommands+"get-online-users-num", "", nil)
	if value := number.TextAt("{jabber:x:data}x/{jabber:x:data}field/{jabber:x:data}value"); !contains(number.String(), "onlineusersnum") || !contains(number.String(), ">2<") {
		t.Errorf("juliet and the prince are %q: %s", value, number)
	}
	stats := prince.run(adminCommands+"user-stats", map[string]string{"accountjid": jid})
	if !contains(stats.String(), "connected to 1 networks: "+s.network) {
		t.Errorf("juliet's figures are %s", stats)
	}
	if told := prince.tell("user-stats " + jid); !contains(told, s.network) {
		t.Errorf("in words they are %q", told)
	}
	refused := juliet.request("set", s.gateway.Hostname, "<command xmlns='http://jabber.org/protocol/commands' node='"+adminCommands+"user-stats'/>")
	if refused.First("error/{urn:ietf:params:xml:ns:xmpp-stanzas}forbidden") == nil {
		t.Errorf("who is no admin gets %s", refused)
	}
}
