//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// commandsOf lists the nodes of an address's ad-hoc commands.
func (u *user) commandsOf(to string) (nodes []string) {
	u.s.Helper()
	list := u.ask("get", to, "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>")
	for _, item := range list.Find("{http://jabber.org/protocol/disco#items}query/{http://jabber.org/protocol/disco#items}item") {
		nodes = append(nodes, item.Attribute("node"))
	}
	return nodes
}

func TestGatewayToOneServer(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["fixed_server"] = inspircdName })
	s.network = ""
	juliet, romeo := s.meeting()
	romeo.say("no server in sight")
	juliet.expect(Message().From(romeo.occupant()).Body("no server in sight"))

	gateway := s.gateway.Hostname
	juliet.chat(gateway, "WHOIS "+romeo.Nick())
	juliet.expect(Message().From(gateway).BodyContains(romeo.Nick() + " of the tests"))

	nodes := juliet.commandsOf(gateway)
	if !slices.Contains(nodes, "global-configure") || !slices.Contains(nodes, "server-configure") || slices.Contains(nodes, "configure") {
		t.Errorf("the gateway has the commands %v", nodes)
	}
	form := juliet.command(gateway, "server-configure", "", nil)
	juliet.command(gateway, "server-configure", form.Attribute("sessionid"), map[string]string{"realname": "Juliet Capulet"})
	if form := juliet.command(gateway, "server-configure", "", nil); !contains(form.String(), "Juliet Capulet") {
		t.Errorf("the server's settings are %s", form)
	}
	form = juliet.command(gateway, "global-configure", "", nil)
	juliet.command(gateway, "global-configure", form.Attribute("sessionid"), map[string]string{"max_history_length": "7"})
	if form := juliet.command(gateway, "global-configure", "", nil); !contains(form.String(), ">7<") {
		t.Errorf("the settings for everything are %s", form)
	}

	prompt := "<query xmlns='jabber:iq:gateway'><prompt>%s</prompt></query>"
	if answer := juliet.ask("set", gateway, fmt.Sprintf(prompt, s.channel)); answer.TextAt("query/jid") != s.room() {
		t.Errorf("the address is %s", answer)
	}
	answer := juliet.request("set", gateway, fmt.Sprintf(prompt, s.channel+"@elsewhere.test"))
	if answer.First("error/item-not-found") == nil || !contains(answer.TextAt("error/text"), inspircdName+" only") {
		t.Errorf("a channel elsewhere is answered with %s", answer)
	}
}

// Who may not choose their own names is not asked for them.
func TestNamesAreTheGateways(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Settings["gateway"]["own_realname"], o.Settings["gateway"]["realname_from_jid"] = false, true
	})
	juliet, romeo := s.meeting()
	form := juliet.command(s.server(), "configure", "", nil)
	if form.First("x") == nil || contains(form.String(), "'realname'") || contains(form.String(), "'username'") {
		t.Errorf("the settings are %s", form)
	}
	romeo.Send("WHOIS %s", juliet.nick)
	if is := romeo.expect("311", romeo.Nick(), juliet.nick); is.Last() != juliet.account+"@"+s.xmpp.Domain {
		t.Errorf("juliet's real name is %q", is.Last())
	}
}

func TestServersThatAreNotListedAreRefused(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["listed_servers_only"] = true })
	juliet := s.user("juliet")
	elsewhere := *s
	elsewhere.network = "elsewhere.test"
	juliet.s = &elsewhere
	juliet.joinFails(s.channel, "not-allowed")
	// Nor is a listed name a way to another address.
	juliet.s = s
	juliet.chat(s.gateway.Hostname, "set "+s.network+" address "+elsewhere.network)
	juliet.expect(Message().From(s.gateway.Hostname).Error("item-not-found"))
	juliet.join()
}

func TestOnlyTheRegisteredMayConnect(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["registered_only"] = true })
	juliet := s.user("juliet")
	juliet.joinFails(s.channel, "registration-required")
	juliet.ask("set", s.gateway.Hostname, "<query xmlns='jabber:iq:register'/>")
	juliet.join()
	juliet.ask("set", s.gateway.Hostname, "<query xmlns='jabber:iq:register'><remove/></query>")
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable"))
	juliet.joinFails(s.channel, "registration-required")
}
