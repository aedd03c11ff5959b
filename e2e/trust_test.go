//go:build e2e

package e2e

import (
	"maps"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// A gateway that is open to all is no way into its own network: not by an address, not by a name,
// and not by an address of one's own for another server.
func TestOwnNetworkIsOutOfReach(t *testing.T) {
	s, prince := beginGoverned(t, nil)
	juliet := s.user("juliet")
	for _, network := range []string{"127.0.0.1", "localhost", "10.255.255.1", "169.254.169.254"} {
		juliet.s = s.at(network)
		refusal := juliet.joinFails(s.channel, "not-allowed")
		if !contains(refusal.String(), "this gateway connects to public ones only") {
			t.Errorf("%s is refused with %s", network, refusal)
		}
	}
	juliet.s = s.at("elsewhere.test")
	_, port, _ := strings.Cut(s.irc.TLSAddress, ":")
	juliet.tell("set elsewhere.test address localhost")
	if refusal := juliet.joinFails(s.channel, "not-allowed"); !contains(refusal.String(), "connects to public ones only") {
		t.Errorf("an address of one's own is refused with %s", refusal)
	}
	juliet.tell("set elsewhere.test tls_ports " + port)
	if refusal := juliet.joinFails(s.channel, "not-allowed"); !contains(refusal.String(), "connects to the ports 6660-6669, ") {
		t.Errorf("a port of one's own is refused with %s", refusal)
	}
	// The admin may open it, without a restart.
	prince.govern(map[string]any{"access": map[string]any{"local_networks": []string{"127.0.0.0/8"}, "ports": []string{port}}})
	juliet.tell("set elsewhere.test address 127.0.0.1") // for which InspIRCd has a certificate
	juliet.join()
}

// govern changes keys of the section gateway, which count at once. The user is an admin.
func (u *user) govern(settings map[string]any) {
	u.s.Helper()
	u.s.change(func(sections map[string]map[string]any) { maps.Copy(sections["gateway"], settings) })
	if answer := u.command(u.s.gateway.Hostname, "reload", "", nil); answer.Attribute("status") != "completed" {
		u.s.Fatalf("reload ends with %s", answer)
	}
}

// Who may use the gateway can change while they use it.
func TestUsersAndServersAreDenied(t *testing.T) {
	s, prince := beginWithAdmin(t)
	juliet, romeo := s.meeting()
	nurse := s.user("nurse")
	nurse.join()
	deny := func(access map[string]any) {
		t.Helper()
		prince.govern(map[string]any{"access": access})
	}
	deny(map[string]any{"deny_users": []string{juliet.account[:len(juliet.account)-1] + "?@" + s.xmpp.Domain}})
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("332"))
	juliet.expect(Message().From(s.gateway.Hostname).BodyContains("may not use this gateway"))
	romeo.expectFrom(juliet.nick, "QUIT")
	juliet.joinFails(s.channel, "forbidden")
	juliet.ask("get", s.gateway.Hostname, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
	nurse.settle()

	// By address: nobody named it.
	deny(map[string]any{"deny_servers": []string{"127.0.0.0/8"}})
	nurse.expect(Presence().From(nurse.occupant()).Type("unavailable").Status("332"))
	nurse.expect(Message().From(s.server()).BodyContains("does not connect to"))
	romeo.expectFrom(nurse.nick, "QUIT")
	juliet.joinFails(s.channel, "not-allowed")
	deny(map[string]any{})
	juliet.join()
}

// Each refusal by a limit says which one it is.
func TestLimitsAreNamed(t *testing.T) {
	s, prince := beginGoverned(t, nil)
	juliet, romeo := s.meeting()
	limits := func(limits map[string]any) { prince.govern(map[string]any{"limits": limits}) }
	refused := func(refusal *Element, key string) {
		t.Helper()
		if !contains(refusal.String(), "(limits."+key+")") {
			t.Errorf("the refusal by %s is %s", key, refusal)
		}
	}
	limits(map[string]any{"channels": 1})
	refused(juliet.joinFails("#another"+shared.number(), "policy-violation"), "channels")
	limits(map[string]any{"servers": 1})
	juliet.s = s.at(ngircdName)
	refused(juliet.joinFails(s.channel, "policy-violation"), "servers")
	limits(map[string]any{"connections": 1})
	refused(juliet.joinFails(s.channel, "resource-constraint"), "connections")
	juliet.s = s
	limits(map[string]any{"messages_per_minute": 2})
	juliet.say("one")
	juliet.say("two")
	id := juliet.say("three")
	refused(juliet.expect(Message().From(s.room()).ID(id).Error("resource-constraint")), "messages_per_minute")
	limits(map[string]any{})
	juliet.say("four")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "two")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "four")
	romeo.refuteSeen("PRIVMSG", s.channel, "three")
}

// A blocked user is gone at once, and stays away after a restart, until an admin thinks better
// of it.
func TestBlocksSurviveARestart(t *testing.T) {
	s, prince := beginGoverned(t, nil)
	juliet, romeo := s.meeting()
	jid := juliet.account + "@" + s.xmpp.Domain
	prince.run("block-user", map[string]string{"pattern": jid, "reason": "too loud"})
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("332"))
	juliet.expect(Message().From(s.gateway.Hostname).BodyContains("may not use this gateway: too loud"))
	if quit := romeo.expectFrom(juliet.nick, "QUIT"); contains(quit.Last(), "loud") || contains(quit.Last(), "@") {
		t.Errorf("IRC was told %q", quit.Last())
	}
	juliet.joinFails(s.channel, "forbidden")
	prince.tell("block-server " + s.network + " under attack")
	prince.joinFails(s.channel, "not-allowed")

	if err := shared.workspace.RestartGateway(t.Context(), s.gateway); err != nil {
		t.Fatal(err)
	}
	prince.reachable(t.Context())
	if refusal := juliet.joinFails(s.channel, "forbidden"); !contains(refusal.String(), "too loud") {
		t.Errorf("after a restart juliet is refused with %s", refusal)
	}
	if refusal := prince.joinFails(s.channel, "not-allowed"); !contains(refusal.String(), "under attack") {
		t.Errorf("after a restart the server is refused with %s", refusal)
	}
	prince.run("unblock", map[string]string{"blocks": "user " + jid})
	prince.tell("unblock server " + s.network)
	if told := prince.tell("blocks"); !contains(told, "Nothing is blocked") {
		t.Errorf("blocked is %q", told)
	}
	juliet.join()
}

// An operator of the network complains, and the admin finds out about whom.
func TestUsersCanBeTraced(t *testing.T) {
	s, prince := beginGoverned(t, func(o *harness.GatewayOptions) {
		o.ServerSettings[inspircdName] = map[string]any{
			"webirc": map[string]any{"password": harness.WEBIRCPassword, "network": "fd00:1:2:4::/64"},
		}
		o.Settings["gateway"]["username_from_ident"] = true
		o.Settings["gateway"]["contact"] = map[string]any{"abuse": []string{"mailto:abuse@example.org"}}
	})
	juliet := s.user("juliet")
	juliet.join()
	operator := s.operator("romeo")
	operator.Send("PRIVMSG %s :\x01USERINFO\x01", juliet.nick)
	if told := operator.expectFrom(juliet.nick, "NOTICE", operator.Nick()); !contains(told.Last(), "complaints to mailto:abuse@example.org") {
		t.Errorf("USERINFO says %q", told.Last())
	}
	address := operator.originOf(juliet.nick).address
	operator.Send("WHOIS %s", juliet.nick)
	ident := operator.expect("311", operator.Nick(), juliet.nick).Param(2)
	jid := juliet.account + "@" + s.xmpp.Domain
	for _, text := range []string{address, juliet.nick + "!" + ident + "@" + address} {
		if told := prince.tell("whois-ident " + text); told != jid+", connected to "+s.network {
			t.Errorf("%s is %q", text, told)
		}
	}
	info := juliet.ask("get", s.gateway.Hostname, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
	if !contains(info.String(), "abuse-addresses") || !contains(info.String(), "mailto:abuse@example.org") {
		t.Errorf("the gateway says of itself %s", info)
	}
}
