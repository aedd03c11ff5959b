//go:build e2e

package e2e

import (
	"slices"
	"syscall"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

const adminCommands = "http://jabber.org/protocol/admin#"

// beginWithAdmin starts a scenario with a passerelle that has an admin, and that lets users
// connect to the servers of its configuration only.
func beginWithAdmin(t *testing.T) (s *scenario, admin *user) {
	t.Helper()
	return beginGoverned(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["listed_servers_only"] = true })
}

// beginGoverned starts a scenario with a passerelle that has an admin, and whose options the
// scenario may change.
func beginGoverned(t *testing.T, change func(*harness.GatewayOptions)) (s *scenario, admin *user) {
	t.Helper()
	account := "prince" + shared.number()
	s = beginAlone(t, func(o *harness.GatewayOptions) {
		o.Settings["gateway"]["admins"] = []string{account + "@" + o.XMPP.Domain}
		if change != nil {
			change(o)
		}
	})
	if err := s.xmpp.AddAccount(t.Context(), account, password); err != nil {
		t.Fatal(err)
	}
	return s, s.login(account)
}

// run fills in a command of the gateway and returns its end.
func (u *user) run(node string, fields map[string]string) *Element {
	u.s.Helper()
	form := u.command(u.s.gateway.Hostname, node, "", nil)
	answer := u.command(u.s.gateway.Hostname, node, form.Attribute("sessionid"), fields)
	if answer.Attribute("status") != "completed" {
		u.s.Fatalf("%s ends with %s", node, answer)
	}
	return answer
}

func TestAdminsAnnounce(t *testing.T) {
	s, prince := beginWithAdmin(t)
	juliet, _ := s.meeting()
	prince.run(adminCommands+"announce", map[string]string{"subject": "A decree", "announcement": "no more brawls"})
	juliet.expect(Message().From(s.gateway.Hostname).Body("no more brawls").Text("subject", "A decree"))
	if list := prince.command(s.gateway.Hostname, adminCommands+"get-online-users-list", "", nil); !contains(list.String(), juliet.account+"@") {
		t.Errorf("online are %s", list)
	}
}

func TestAdminsDisconnectUsers(t *testing.T) {
	for _, test := range []struct{ node, field string }{
		{"disconnect-user", "jids"},
		{adminCommands + "end-user-session", "accountjids"},
	} {
		t.Run(test.field, func(t *testing.T) {
			s, prince := beginWithAdmin(t)
			juliet, romeo := s.meeting()
			prince.run(test.node, map[string]string{test.field: juliet.account + "@" + s.xmpp.Domain})
			romeo.expectFrom(juliet.nick, "QUIT")
			juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110"))
		})
	}
}

func TestOthersAreNoAdmins(t *testing.T) {
	s, _ := beginWithAdmin(t)
	juliet, _ := s.meeting()
	for _, node := range []string{"disconnect-user", "reload", adminCommands + "announce", adminCommands + "shutdown"} {
		answer := juliet.request("set", s.gateway.Hostname, "<command xmlns='http://jabber.org/protocol/commands' node='"+node+"'/>")
		if answer.First("error/{urn:ietf:params:xml:ns:xmpp-stanzas}forbidden") == nil {
			t.Errorf("%s answers %s", node, answer)
		}
	}
	if nodes := juliet.commandsOf(s.gateway.Hostname); !slices.Contains(nodes, "hello") || slices.Contains(nodes, "reload") {
		t.Errorf("juliet is offered %v", nodes)
	}
}

func TestAdminsShutDown(t *testing.T) {
	s, prince := beginWithAdmin(t)
	juliet, romeo := s.meeting()
	prince.run(adminCommands+"shutdown", map[string]string{"announcement": "the play is over"})
	juliet.expect(Message().From(s.gateway.Hostname).Body("the play is over"))
	romeo.expectFrom(juliet.nick, "QUIT")
	if code, err := s.gateway.Wait(endLimit); err != nil || code != 0 {
		t.Errorf("got exit code %d, %v", code, err)
	}
}

// at is the scenario on another of its passerelle's networks.
func (s *scenario) at(network string) *scenario {
	other := *s
	other.network = network
	return &other
}

// addServer writes another name of the scenario's IRC server into the configuration.
func (s *scenario) addServer(name string) {
	s.Helper()
	s.change(func(sections map[string]map[string]any) {
		servers := sections["irc"]["servers"].([]any)
		sections["irc"]["servers"] = append(servers, map[string]any{"name": name, "addresses": []string{"ircs://" + s.irc.TLSAddress}})
	})
}

func (s *scenario) change(change func(sections map[string]map[string]any)) {
	s.Helper()
	if err := s.gateway.ChangeConfiguration(change); err != nil {
		s.Fatal(err)
	}
}

func TestConfigurationIsReloadedByCommand(t *testing.T) {
	s, prince := beginWithAdmin(t)
	juliet, romeo := s.meeting()
	prince.s = s.at("new.test")
	prince.joinFails(s.channel, "not-allowed")
	s.addServer("new.test")
	prince.command(s.gateway.Hostname, "reload", "", nil)
	prince.join()
	// Who was connected has not been disturbed.
	juliet.say("still here")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "still here")

	// A configuration with a fault changes nothing, not even what is right in it.
	s.change(func(sections map[string]map[string]any) {
		sections["gateway"]["admins"] = []string{}
		sections["gateway"]["max_lines"] = -1
	})
	reload := "<command xmlns='http://jabber.org/protocol/commands' node='reload'/>"
	if answer := prince.request("set", s.gateway.Hostname, reload); answer.Type() != "error" || !contains(answer.String(), "max_lines") {
		t.Errorf("a configuration with a fault is answered with %s", answer)
	}
	prince.run(adminCommands+"announce", map[string]string{"announcement": "an admin still"})
	juliet.expect(Message().From(s.gateway.Hostname).Body("an admin still"))
}

func TestConfigurationIsReloadedBySignal(t *testing.T) {
	s, prince := beginWithAdmin(t)
	s.addServer("new.test")
	if err := s.gateway.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	prince.s = s.at("new.test")
	answered := Presence().From(prince.occupant()).Where("the answer to a join", func(e *Element) bool {
		return e.Type() == "error" || e.HasStatus("110")
	})
	for {
		prince.sendJoin(prince.s.room(), prince.nick, "")
		if prince.expect(answered).Type() != "error" {
			break
		}
	}
}
