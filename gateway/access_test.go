package gateway

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/store"
	"passerelle/translate"
)

// restrict puts other rules in force.
func (w *world) restrict(access AccessConfig) {
	w.t.Helper()
	w.changeConfig(func(c *Config) { c.Access = access })
}

// changeConfig is change with what it has for those who are connected.
func (w *world) changeConfig(change func(*Config)) {
	w.t.Helper()
	w.change(func(c *Live) {
		change(&c.Config)
		if err := c.Validate(); err != nil {
			w.t.Fatal(err)
		}
	})
	w.do(func() { w.u.leaveRefused() }) // enforce goes to those whom the gateway has counted
}

func TestUserPatterns(t *testing.T) {
	juliet := component.JID{Local: "juliet", Domain: "xmpp.test"}
	for text, matches := range map[string]bool{
		"juliet@xmpp.test": true, "JULIET@XMPP.TEST": true, " juliet@xmpp.test ": true, "xmpp.test": true, "*.test": true, "*": true,
		"*@*.test": true, "j?liet@xmpp.test": true, "*@xmpp.test": true, "jul*": false, "uliet@xmpp.test": false, "juliet@xmpp.tes": false,
		"test": false, "xmpp?test": true, "xmppxtest": false, "j.liet@xmpp.test": false, "(.*)@xmpp.test": false,
	} {
		p, err := parseUser(text)
		if err != nil || p.matchesUser(juliet) != matches {
			t.Errorf("%q: %v, matches %v", text, err, !matches)
		}
	}
	for _, text := range []string{"", " ", "@xmpp.test", "juliet@", "juliet@xmpp.test/desk", "two words", strings.Repeat("x", longestPattern+1)} {
		if _, err := parseUser(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestServerPatterns(t *testing.T) {
	for text, hosts := range map[string]map[string]bool{
		"irc.test":      {"irc.test": true, "IRC.TEST": true, "irc.test.org": false, "xirc.test": false},
		"*.test":        {"irc.test": true, "test": false},
		"192.0.2.0/24":  {"192.0.2.7": true, "::ffff:192.0.2.7": true, "192.0.3.7": false, "irc.test": false},
		"2001:db8::/32": {"2001:db8::1": true, "2001:db9::1": false},
		"192.0.2.7":     {"192.0.2.7": true, "192.0.2.8": false},
	} {
		p, err := parseServer(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		for host, matches := range hosts {
			if p.matchesHost(host) != matches {
				t.Errorf("%q and %q: %v", text, host, !matches)
			}
		}
	}
	for _, text := range []string{"", "irc test", "irc.test:6697", "nick@irc.test", "#chan%irc.test", "10.0.0.0/33"} {
		if _, err := parseServer(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// FuzzPatterns looks for names that make no pattern but a panic.
func FuzzPatterns(f *testing.F) {
	for _, seed := range []string{"*@*.example", "irc.test", "10.0.0.0/8", "\xff*", "[", "\\E*"} {
		f.Add(seed, "irc.test")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		if p, err := parseUser(text); err == nil {
			p.matchesUser(component.JID{Local: name, Domain: name})
		}
		if p, err := parseServer(text); err == nil && p.name != nil && !p.matchesHost(strings.ToLower(strings.TrimSpace(text))) && !strings.ContainsAny(text, "*?") {
			t.Errorf("%q does not match itself", text)
		}
	})
}

func TestAccessFaults(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Access = AccessConfig{
		AllowUsers: []string{""}, DenyUsers: []string{"a b"}, AllowServers: []string{"x:1"}, DenyServers: []string{"@"},
		LocalNetworks: []string{"home"}, Ports: []string{"0"},
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, key := range []string{"allow_users", "deny_users", "allow_servers", "deny_servers", "local_networks", "ports"} {
		contains(t, err.Error(), "gateway.access."+key)
	}
}

func TestWhoMayUseTheGateway(t *testing.T) {
	tests := []struct {
		name    string
		access  AccessConfig
		admins  []string
		refusal string // empty for none
	}{
		{"nothing said", AccessConfig{}, nil, ""},
		{"denied by JID", AccessConfig{DenyUsers: []string{"juliet@xmpp.test"}}, nil, "juliet@xmpp.test may not use this gateway; ask its admin why"},
		{"denied by domain", AccessConfig{DenyUsers: []string{"xmpp.test"}}, nil, "may not use this gateway"},
		{"another denied", AccessConfig{DenyUsers: []string{"romeo@xmpp.test"}}, nil, ""},
		{"allowed", AccessConfig{AllowUsers: []string{"*@xmpp.test"}}, nil, ""},
		{"not allowed", AccessConfig{AllowUsers: []string{"romeo@xmpp.test"}}, nil, "for certain users only"},
		{"allowed and denied", AccessConfig{AllowUsers: []string{"*"}, DenyUsers: []string{"juliet@*"}}, nil, "may not use this gateway"},
		{"an admin", AccessConfig{DenyUsers: []string{"*"}}, []string{"juliet@xmpp.test"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.changeConfig(func(c *Config) { c.Access, c.Admins = test.access, test.admins })
			w.join(desk, "juliet")
			if test.refusal == "" {
				w.register("juliet")
				return
			}
			w.expectOne(`type='error'`, `<forbidden `, test.refusal)
			if len(w.u.networks) > 0 {
				t.Error("a connection was made")
			}
			// Whom to ask, and how to be forgotten, is for everybody.
			w.stanza(`<iq from='%s' to='gw.test' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, desk)
			w.expectOne(`type='result' id='d'`)
			w.stanza(`<iq from='%s' to='gw.test' type='set' id='r'><query xmlns='jabber:iq:register'/></iq>`, desk)
			w.expectOne(`type='error'`, `<forbidden `)
			w.openStore()
			w.stanza(`<iq from='%s' to='gw.test' type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>`, desk)
			contains(t, w.sent()[0], `type='result' id='r'`)
			// What asks for nothing is not answered.
			w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
			w.stanza(`<message from='%s' to='%s' type='error'/>`, desk, room)
			w.expect()
		})
	}
}

func TestWhichServers(t *testing.T) {
	listed := Servers{"irc.test": {Addresses: []ircconn.Address{{Host: "10.0.0.7", Port: 6667}}}}
	tests := []struct {
		name    string
		access  AccessConfig
		servers Servers
		own     store.Settings // of the user
		refusal string         // empty for none
		want    ircconn.Destinations
	}{
		{name: "nothing said"},
		{name: "the admin's", servers: listed, want: ircconn.Destinations{Local: ircconn.Everywhere()}},
		{name: "the admin's, on a port of one's own", servers: listed, own: store.Settings{setTLSPorts: {"22"}}},
		{name: "the admin's by name only", servers: listed, own: store.Settings{setAddress: {"127.0.0.1"}}},
		{name: "the admin's with another nick", servers: listed, own: store.Settings{setNick: {"jules"}}, want: ircconn.Destinations{Local: ircconn.Everywhere()}},
		{name: "networks and ports", access: AccessConfig{LocalNetworks: []string{"10.0.0.0/8"}, Ports: []string{"6697"}},
			want: ircconn.Destinations{Local: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Ports: []ircconn.PortRange{{First: 6697, Last: 6697}}}},
		{name: "denied", access: AccessConfig{DenyServers: []string{"irc.test"}}, refusal: "does not connect to irc.test"},
		{name: "the admin's denied", access: AccessConfig{DenyServers: []string{"*.test"}}, servers: listed, refusal: "does not connect to irc.test"},
		{name: "the admin's denied by its address", access: AccessConfig{DenyServers: []string{"10.0.0.0/8"}}, servers: listed, refusal: "does not connect to irc.test"},
		{name: "denied by the user's address", access: AccessConfig{DenyServers: []string{"irc.evil"}}, own: store.Settings{setAddress: {"irc.evil"}}, refusal: "does not connect to irc.test"},
		{name: "a network denied", access: AccessConfig{DenyServers: []string{"192.0.2.0/24"}}, want: ircconn.Destinations{Refused: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
		{name: "allowed", access: AccessConfig{AllowServers: []string{"irc.test"}}},
		{name: "not allowed", access: AccessConfig{AllowServers: []string{"irc.other"}}, refusal: "certain IRC servers only, and irc.test is not among them"},
		{name: "allowed and denied", access: AccessConfig{AllowServers: []string{"*"}, DenyServers: []string{"irc.*"}}, refusal: "does not connect to irc.test"},
		{name: "the admin's need not be allowed", access: AccessConfig{AllowServers: []string{"irc.other"}}, servers: listed, want: ircconn.Destinations{Local: ircconn.Everywhere()}},
		{name: "an allowed name for another address", access: AccessConfig{AllowServers: []string{"irc.test"}}, own: store.Settings{setAddress: {"irc.evil"}}, refusal: "certain IRC servers only"},
		{name: "one of two addresses allowed", access: AccessConfig{AllowServers: []string{"irc.one"}}, own: store.Settings{setAddress: {"irc.one", "irc.two"}}, refusal: "certain IRC servers only"},
		{name: "a network allowed", access: AccessConfig{AllowServers: []string{"irc.other", "192.0.2.0/24"}}, want: ircconn.Destinations{Only: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.openStore()
			w.change(func(c *Live) { c.Access, c.Servers = test.access, test.servers })
			if err := w.u.choose(w.u.scope(translateServer), test.own); err != nil {
				t.Fatal(err)
			}
			w.join(desk, "juliet")
			if test.refusal != "" {
				w.expectOne(`type='error'`, `<not-allowed `, test.refusal)
				return
			}
			w.expect()
			got := w.dialled.Destinations
			if got == nil {
				t.Fatal("there are no limits to where it leads")
			}
			for i, lists := range [][2][]netip.Prefix{{got.Local, test.want.Local}, {got.Refused, test.want.Refused}, {got.Only, test.want.Only}} {
				if !slices.Equal(lists[0], lists[1]) {
					t.Errorf("list %d is %v, not %v", i, lists[0], lists[1])
				}
			}
			if !slices.Equal(got.Ports, test.want.Ports) {
				t.Errorf("the ports are %v, not %v", got.Ports, test.want.Ports)
			}
		})
	}
}

// A gateway to one server may have it anywhere.
func TestFixedServerMayBeAnywhere(t *testing.T) {
	w := newWorld(t)
	w.g.addressing.Fixed = "irc.test"
	w.stanza(`<presence from='%s' to='#chan@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	if !slices.Equal(w.dialled.Destinations.Local, ircconn.Everywhere()) {
		t.Errorf("it may be at %v only", w.dialled.Destinations.Local)
	}
}

// Who is connected and may not be any more is disconnected, and told why.
func TestRulesAreEnforced(t *testing.T) {
	tests := []struct {
		name   string
		access AccessConfig
		told   string // empty for nothing
	}{
		{"still allowed", AccessConfig{AllowUsers: []string{"xmpp.test"}, AllowServers: []string{"irc.test"}}, ""},
		{"the user", AccessConfig{DenyUsers: []string{"xmpp.test"}}, "You are disconnected: juliet@xmpp.test may not use this gateway; ask its admin why."},
		{"the server", AccessConfig{DenyServers: []string{"irc.test"}}, "You are disconnected from irc.test: this gateway does not connect to irc.test; ask its admin why."},
		{"its address", AccessConfig{DenyServers: []string{"93.184.0.0/16"}}, "You are disconnected from irc.test: this gateway does not connect to that network."},
		{"another address", AccessConfig{DenyServers: []string{"93.185.0.0/16"}}, ""},
		{"not among the allowed networks", AccessConfig{AllowServers: []string{"93.185.0.0/16"}}, "You are disconnected from irc.test: this gateway connects to certain networks only"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := connected(t)
			w.network().remote = netip.MustParseAddr("93.184.216.34")
			w.restrict(test.access)
			got := w.sent()
			if test.told == "" {
				if len(got) > 0 || len(w.u.networks) == 0 {
					t.Errorf("disconnected: %s", strings.Join(got, "\n"))
				}
				return
			}
			text := strings.Join(got, "\n")
			contains(t, text, test.told, `type='unavailable'`, `<status code='332'/>`)
			if w.irc.quit != byRule || len(w.u.networks) > 0 {
				t.Errorf("IRC was told %q, %d networks are left", w.irc.quit, len(w.u.networks))
			}
			w.join(desk, "juliet")
			if strings.HasPrefix(test.told, "You are disconnected:") {
				w.expectOne(`<forbidden `)
			}
		})
	}
}

// quitting is a connection that says when it is left.
type quitting struct {
	lines
	left chan struct{}
}

func (q *quitting) Quit(string) { close(q.left) }

// The gateway tells all its users to look again.
func TestRulesReachEverybody(t *testing.T) {
	w := connected(t)
	conn := &quitting{left: make(chan struct{})}
	w.network().conn = conn
	w.g.users[w.u.jid] = w.u
	w.u.in.running = false // from now on the user works on its own goroutine
	w.change(func(c *Live) { c.Access.DenyUsers = []string{"*"} })
	<-conn.left
}

// translateGateway and translateServer are the addresses of everything and of irc.test.
var (
	translateGateway = translate.Address{}
	translateServer  = translate.Address{Kind: translate.Server, Network: "irc.test"}
)

// Rules that were made while a server was being connected to count for it.
func TestRulesOfTheMeantime(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.restrict(AccessConfig{DenyServers: []string{"93.184.0.0/16"}})
	w.expect()
	conn := w.irc
	w.event(ircconn.Registered{Nick: "juliet", Peer: netip.MustParseAddr("93.184.216.34"), Support: support})
	text := strings.Join(w.sent(), "\n")
	contains(t, text, `type='error'`, "You are disconnected from irc.test: this gateway does not connect to that network.")
	lacks(t, text, "Connected to")
	if conn.quit != byRule || len(w.u.networks) > 0 {
		t.Errorf("IRC was told %q, %d networks are left", conn.quit, len(w.u.networks))
	}
}

// No spelling of a server's name leads to where its name does not.
func TestSpellingsOfADeniedServer(t *testing.T) {
	for _, name := range []string{"irc.bad.test", "irc.bad.test.", "IRC.bad.test"} {
		w := newWorld(t)
		w.openStore()
		w.change(func(c *Live) { c.Access.DenyServers = []string{"irc.bad.test"} })
		w.stanza(`<presence from='%s' to='#chan%%%s@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk, name)
		w.configure("irc.test@gw.test", fieldXML("address", name))
		w.join(desk, "juliet")
		if w.irc != nil {
			t.Errorf("%s: connected to %v", name, w.dialled.Addresses)
		}
	}
}
