package gateway

import (
	"net/netip"
	"strings"
	"testing"

	"passerelle/component"
	"passerelle/store"
)

func TestWhoisIdent(t *testing.T) {
	w := governed(t)
	servers, err := ParseServers([]ServerConfig{
		{Name: "six", Addresses: []string{"ircs://irc.six"}, SourceNetwork: "2001:db8:1::/64"},
		{Name: "web", Addresses: []string{"ircs://irc.web"}, WEBIRC: &WEBIRCConfig{Password: "trusted", Network: "10.64.0.0/10"}},
		{Name: "one", Addresses: []string{"ircs://irc.one"}, SourceNetwork: "192.0.2.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.change(func(c *Live) { c.Servers = servers })
	romeo := component.JID{Local: "romeo", Domain: "xmpp.test"}
	if err := w.g.store.SaveSettings(t.Context(), store.Scope{User: romeo.String()}, store.Settings{setNick: {"x"}}, nil); err != nil {
		t.Fatal(err)
	}
	w.join(desk, "juliet")
	w.forget()
	juliet := w.u.jid
	const isJuliet, isRomeo, nobody = "juliet@xmpp.test, connected to irc.test<", "romeo@xmpp.test, not connected now<", "Nobody who is here"
	tests := []struct{ text, want string }{
		{w.g.ident(juliet), isJuliet},
		{strings.ToUpper(w.g.ident(juliet)), isJuliet},
		{"~" + w.g.ident(romeo), isRomeo},
		{"nick!" + w.g.ident(juliet) + "@some.host", isJuliet},
		{"~" + w.g.ident(romeo) + "@some.host", isRomeo},
		{w.g.ident(romeo) + ".gw.test", isRomeo},
		{"nick!user@" + w.g.ident(romeo) + ".gw.test", isRomeo},
		{w.g.addressIn(netip.MustParsePrefix("2001:db8:1::/64"), romeo).String(), isRomeo},
		{"user@[" + w.g.addressIn(netip.MustParsePrefix("2001:db8:1::/64"), juliet).String() + "]", isJuliet},
		{"::ffff:" + w.g.addressIn(netip.MustParsePrefix("10.64.0.0/10"), romeo).String(), isRomeo},
		{w.g.ident(component.JID{Local: "tybalt", Domain: "xmpp.test"}), nobody},
		{"2001:db8:1::1", nobody},
		{"192.0.2.1", nobody}, // which all share
		{"juliet", "no ident of 9 letters"},
		{"nick!user@some.host", "no ident of 9 letters"},
		{"10000000.", "no ident of 9 letters"},
	}
	for _, test := range tests {
		answer := w.fill("whois-ident", fieldXML("ident", test.text))
		contains(t, answer, test.want)
		if strings.Contains(answer, "juliet@xmpp.test,") && test.want != isJuliet || strings.Contains(answer, "romeo@xmpp.test,") && test.want != isRomeo {
			t.Errorf("%s: %s", test.text, answer)
		}
	}
	contains(t, w.ask("whois-ident "+w.g.ident(romeo)), isRomeo)
	w.changeConfig(func(c *Config) { c.Admins = nil })
	contains(t, w.ask("whois-ident "+w.g.ident(romeo)), `<forbidden `)
	if err := w.g.store.Close(); err != nil {
		t.Fatal(err)
	}
	asAdmin(w)
	contains(t, w.ask("whois-ident "+w.g.ident(romeo)), `<resource-constraint `)
}

func TestUsernameFromIdent(t *testing.T) {
	w := newWorld(t)
	w.changeConfig(func(c *Config) { c.UsernameFromIdent = true })
	w.join(desk, "juliet")
	if w.dialled.Username != w.g.ident(w.u.jid) {
		t.Errorf("the user name is %q", w.dialled.Username)
	}
}
