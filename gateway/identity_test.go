package gateway

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/store"
)

func TestConnectionOptions(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	servers, err := ParseServers([]ServerConfig{{
		Name: "irc.test", Addresses: []string{"ircs://irc.test"}, Proxy: "socks5://127.0.0.1:9050", SourceNetwork: "2001:db8:1::/64",
		WEBIRC: &WEBIRCConfig{Password: "trusted", Network: "fd00:1::/64"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.change(func(c *Live) { c.Servers = servers })
	w.configure(server, fieldXML("sasl_password", "secret")+fieldXML("sasl_account", "capulet")+fieldXML("sasl_mechanism", "PLAIN")+
		fieldXML("throttle_limit", "3")+
		fieldXML("after_connect_commands", "PRIVMSG NickServ :identify {account} {password}", "MODE {nick} +B")+fieldXML("encoding_out", "koi8-r"))
	w.join(desk, "juliet")
	o := w.dialled
	if o.SASL.Account != "capulet" || o.SASL.Password != "secret" || strings.Join(o.SASL.Mechanisms, " ") != "PLAIN" {
		t.Errorf("SASL %+v", o.SASL)
	}
	if o.Verify != ircconn.VerifyCertificate || len(o.Fingerprints) != 0 || o.Proxy != "socks5://127.0.0.1:9050" {
		t.Errorf("options %+v", o)
	}
	if o.Pace == nil || o.Pace.Burst != 3 || o.Pace.LineInterval != time.Second {
		t.Errorf("pace %+v", o.Pace)
	}
	if len(o.AfterConnect) != 2 || o.AfterConnect[0].Params[1] != "identify capulet secret" || o.AfterConnect[1].Params[0] != "juliet" || o.WaitForLogin == 0 {
		t.Errorf("after connecting %+v, %v", o.AfterConnect, o.WaitForLogin)
	}
	if got := string(o.Encode("да")); got != "\xc4\xc1" {
		t.Errorf("encoded %q", got)
	}
	if o.WEBIRC == nil || o.WEBIRC.Password != "trusted" || !netip.MustParsePrefix("fd00:1::/64").Contains(o.WEBIRC.Address) || !strings.HasSuffix(o.WEBIRC.Host, ".gw.test") {
		t.Errorf("WEBIRC %+v", o.WEBIRC)
	}
	if !netip.MustParsePrefix("2001:db8:1::/64").Contains(o.SourceAddress) || o.Ident == "" {
		t.Errorf("source %v, ident %q", o.SourceAddress, o.Ident)
	}
}

// A login that fails ends the connection, unless the user chose otherwise for that
// network.
func TestLoginThatMayFail(t *testing.T) {
	for way, choose := range map[string]func(*world){
		"form": func(w *world) { w.configure(server, fieldXML("sasl_required", "false")) },
		"chat": func(w *world) { w.chat("set irc.test sasl_required false") },
	} {
		w := newWorld(t)
		w.openStore()
		if policy := w.u.connectionOptions(store.Scope{User: w.u.jid.String(), Server: "irc.test"}, "juliet").SASL.Policy; policy != ircconn.SASLRequired {
			t.Errorf("%s: the policy is %v at first", way, policy)
		}
		choose(w)
		for network, want := range map[string]ircconn.SASLPolicy{"irc.test": ircconn.SASLOptional, "irc.other": ircconn.SASLRequired} {
			if policy := w.u.connectionOptions(store.Scope{User: w.u.jid.String(), Server: network}, "juliet").SASL.Policy; policy != want {
				t.Errorf("%s: the policy for %s is %v", way, network, policy)
			}
		}
		contains(t, w.chat("set irc.test sasl_required maybe"), `not-acceptable`)
		w.configure(server, fieldXML("nick", "jule")) // a field that is missing was left empty
		if policy := w.u.connectionOptions(store.Scope{User: w.u.jid.String(), Server: "irc.test"}, "juliet").SASL.Policy; policy != ircconn.SASLRequired {
			t.Errorf("%s: the policy is %v without a choice", way, policy)
		}
	}
}

// Each user is somebody else to IRC, and always the same.
func TestUsersAreToldApart(t *testing.T) {
	w := newWorld(t)
	prefix := netip.MustParsePrefix("2001:db8::/56")
	seen := make(map[string]bool)
	for _, local := range []string{"juliet", "romeo", "nurse"} {
		jid := component.JID{Local: local, Domain: "xmpp.test"}
		address, ident := w.g.addressIn(prefix, jid), w.g.ident(jid)
		if address != w.g.addressIn(prefix, jid) || ident != w.g.ident(jid) {
			t.Errorf("%s changes", local)
		}
		if !prefix.Contains(address) || len(ident) != identLength || strings.Contains(ident, local) {
			t.Errorf("%s: %v %s", local, address, ident)
		}
		if seen[address.String()] || seen[ident] {
			t.Errorf("%s is taken for somebody else", local)
		}
		seen[address.String()], seen[ident] = true, true
	}
	if got := w.g.addressIn(netip.MustParsePrefix("192.0.2.7/32"), component.JID{Local: "x"}); got.String() != "192.0.2.7" {
		t.Errorf("one address is %v", got)
	}
}

func TestCertificateCommand(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	answer, id := w.command(server, "certificate", "", "")
	contains(t, answer, `You have no client certificate for irc.test.`, `<value>generate</value>`)
	answer, _ = w.command(server, "certificate", "sessionid='"+id+"'", fieldXML("action", "generate"))
	contains(t, answer, `PRIVMSG NickServ :CERT ADD`, `SHA-256 `, `SHA-1 `, `SHA-512 `)
	first := w.chat("certificate irc.test")
	contains(t, first, `SHA-256 `)
	w.u.unload()
	w.join(desk, "juliet")
	if w.dialled.Certificate == nil || len(w.dialled.Certificate.Certificate) != 1 {
		t.Error("the certificate is not shown")
	}
	w.forget()
	contains(t, w.chat("certificate irc.test generate"), `SHA-256 `)
	if w.chat("certificate irc.test") == first {
		t.Error("a new certificate has the old fingerprint")
	}
	contains(t, w.chat("certificate irc.test remove"), `You have no client certificate`)
	contains(t, w.chat("certificate irc.test dance"), `bad-request`)
	contains(t, w.chat("certificate global"), `bad-request`)
	lacks(t, w.chat("show irc.test"), `PRIVATE KEY`)
}

// A server that wants TLS gets nothing else until that is over.
func TestStrictTransportSecurity(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.join(desk, "juliet")
	w.event(ircconn.STSReceived{Host: "irc.test", Port: 6697, Duration: time.Hour, Secure: true})
	w.event(ircconn.Disconnected{})
	w.join(desk, "juliet")
	if got := w.dialled.STS; got.Host != "irc.test" || got.Port != 6697 {
		t.Errorf("policy %+v", got)
	}
	w.event(ircconn.Disconnected{})
	// The same host under another name.
	w.configure("other@gw.test", fieldXML("address", "irc.test"))
	w.stanza(`<presence from='%s' to='#chan%%other@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	if got := w.dialled.STS; got.Host != "irc.test" || got.Port != 6697 {
		t.Errorf("policy under an alias %+v", got)
	}
	w.clock = w.clock.Add(2 * time.Hour)
	w.join(desk, "juliet")
	if w.dialled.STS.Port != 0 {
		t.Errorf("the policy has not ended: %+v", w.dialled.STS)
	}
	w.event(ircconn.STSReceived{Host: "irc.test", Port: 6697, Duration: time.Hour, Secure: true},
		ircconn.STSReceived{Host: "irc.test", Duration: 0, Secure: true}, ircconn.Disconnected{})
	w.join(desk, "juliet")
	if w.dialled.STS.Port != 0 {
		t.Errorf("the policy was not taken back: %+v", w.dialled.STS)
	}
}

func TestLoginIsTold(t *testing.T) {
	w := connected(t)
	w.event(ircconn.LoggedIn{Account: "capulet"})
	w.expectOne(`You are logged in to irc.test as capulet.`)
	w.event(ircconn.LoggedOut{})
	w.expectOne(`not logged in`)
}

func TestListedServersOnly(t *testing.T) {
	w := newWorld(t)
	w.change(func(c *Live) {
		c.ListedServersOnly = true
		c.Servers = Servers{"irc.test": {Addresses: []ircconn.Address{{Host: "irc.test", Port: 6697, TLS: true}}}}
	})
	w.stanza(`<presence from='%s' to='#chan%%other.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.expectOne(`not-allowed`)
	w.join(desk, "juliet")
	if w.irc == nil {
		t.Error("a listed server is refused")
	}
}

func TestRealNames(t *testing.T) {
	for _, test := range []struct {
		own, fromJID bool
		chosen       string
		name         string
		realName     string
	}{
		{true, false, "", "jule", "jule"},
		{true, true, "", "juliet", "juliet@xmpp.test"},
		{true, true, fieldXML("username", "jj"), "jj", "juliet@xmpp.test"},
		{true, true, fieldXML("realname", "Juliet C."), "juliet", "Juliet C."},
		{true, false, fieldXML("realname", "Juliet C.") + fieldXML("username", "jj"), "jj", "Juliet C."},
		{false, true, fieldXML("realname", "Juliet C.") + fieldXML("username", "jj"), "juliet", "juliet@xmpp.test"},
		{false, false, fieldXML("realname", "Juliet C.") + fieldXML("username", "jj"), "jule", "jule"},
	} {
		w := newWorld(t)
		w.openStore()
		w.configure(server, test.chosen)
		w.change(func(c *Live) { c.OwnRealName, c.RealNameFromJID = test.own, test.fromJID })
		w.join(desk, "jule")
		if o := w.dialled; o.Username != test.name || o.RealName != test.realName {
			t.Errorf("%+v: %q, %q", test, o.Username, o.RealName)
		}
	}
}

// Nobody is offered what does not count.
func TestOwnNamesAreOfferedWhereTheyCount(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	answer, _ := w.command(server, "configure", "", "")
	contains(t, answer, `var='username'`, `var='realname'`)
	w.change(func(c *Live) { c.OwnRealName = false })
	answer, _ = w.command(server, "configure", "", "")
	contains(t, answer, `var='nick'`)
	lacks(t, answer, `var='username'`, `var='realname'`)
	contains(t, w.chat("set irc.test realname Juliet"), `there is no setting`)
}

func TestFixedServer(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.g.addressing.Fixed = "irc.test"
	w.stanza(`<presence from='%s' to='#chan@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.register("juliet")
	w.forget()
	w.enter("juliet")
	got := strings.Join(w.sent(), "\n")
	contains(t, got, `from='#chan@gw.test/juliet'`)
	w.irc.sent = nil
	w.stanza(`<message from='%s' to='gw.test' type='chat' id='m'><body>LUSERS</body></message>`, desk)
	w.expectLines("LUSERS")
	contains(t, w.chat("set persistent true"), `saved`)
	for _, node := range []string{"global-configure", "server-configure", "get-irc-connection-info"} {
		answer, _ := w.command("gw.test", node, "", "")
		lacks(t, answer, `type='error'`)
	}
	answer, _ := w.command("gw.test", "global-configure", "", "")
	contains(t, answer, `Settings for all networks`)
	answer, _ = w.command("gw.test", "server-configure", "", "")
	contains(t, answer, `Settings for irc.test`, `var='sasl_password'`)
	contains(t, w.chat("set irc.test nick Jule"), `saved`)
	contains(t, w.chat("show irc.test"), `nick = Jule`)
	contains(t, w.chat("set #chan@other.test encoding_in koi8-r"), `saved`)
	if w.u.chosen[store.Scope{User: "juliet@xmpp.test", Server: "irc.test", Channel: "#chan@other.test"}] == nil {
		t.Errorf("settings are saved for a server that there is not: %v", w.u.chosen)
	}
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='s'><query xmlns='jabber:iq:search'/></iq>`, desk)
	w.expectOne(`type='result'`)
}

func TestCharsetsOfChannels(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.chat("set irc.test encoding_in koi8-r")
	w.chat("set #alt%irc.test encoding_in windows-1251")
	w.chat("set #alt%irc.test encoding_out windows-1251")
	w.join(desk, "juliet")
	for line, want := range map[string]string{
		":a PRIVMSG #chan :\xc4\xc1":  ":a PRIVMSG #chan :да",
		":a PRIVMSG #ALT :\xe4\xe0":   ":a PRIVMSG #ALT :да",
		":a PRIVMSG #chan :#alt \xc4": ":a PRIVMSG #chan :#alt д",
	} {
		if got := string(w.dialled.Decode([]byte(line))); got != want {
			t.Errorf("%q is read as %q", line, got)
		}
	}
	for line, want := range map[string]string{
		"PRIVMSG #chan :да": "PRIVMSG #chan :да",
		"PRIVMSG #alt :да":  "PRIVMSG #alt :\xe4\xe0",
	} {
		if got := string(w.dialled.Encode(line)); got != want {
			t.Errorf("%q is written as %q", line, got)
		}
	}
}

// What the admin keeps for a server is not for another that a user puts in its
// place, but it is for those who only wrote down what holds anyway, such as
// everybody who comes from biboumi.
func TestAdminsSecretsGoNowhereElse(t *testing.T) {
	const nothing, noPassword, everything = 0, 1, 2
	for _, test := range []struct {
		chosen store.Settings
		want   int
	}{
		{store.Settings{setAddress: {"evil.test"}}, nothing},
		{store.Settings{setAddress: {"irc.test", "evil.test"}}, nothing},
		{store.Settings{setTLSPorts: {"7001"}}, nothing},
		{store.Settings{setTLSPorts: {"6667"}}, nothing},
		{store.Settings{setPorts: {"6697"}}, nothing},
		{store.Settings{setAddress: {"evil.test"}, setPorts: {"6667"}, setTLSPorts: {"6697", "6670"}}, nothing},
		{store.Settings{setVerify: {"false"}}, noPassword},
		{store.Settings{setFingerprint: {strings.Repeat("ab", 32)}}, noPassword},
		{store.Settings{}, everything},
		{store.Settings{setVerify: {"true"}}, everything},
		{store.Settings{setAddress: {"IRC.test"}, setTLSPorts: {"7000"}}, everything},
		{store.Settings{setPorts: {"6667"}, setTLSPorts: {"6697", "6670"}, setVerify: {"true"}}, everything}, // biboumi's
	} {
		w := newWorld(t)
		w.openStore()
		w.change(func(c *Live) {
			c.Servers = Servers{"irc.test": {
				Addresses: []ircconn.Address{{Host: "irc.test", Port: 7000, TLS: true}}, Proxy: "socks5://127.0.0.1:9050",
				WEBIRC: &WEBIRC{Password: "trusted", Network: netip.MustParsePrefix("fd00::/64")}, Source: netip.MustParsePrefix("2001:db8::/64"),
			}}
		})
		if err := w.u.choose(store.Scope{User: w.u.jid.String(), Server: "irc.test"}, test.chosen); err != nil {
			t.Fatal(err)
		}
		w.join(desk, "juliet")
		o := w.dialled
		if hasWay := o.Proxy != "" && o.SourceAddress.IsValid(); hasWay != (test.want != nothing) {
			t.Errorf("with %v the proxy is %q and the source %v on the way to %v", test.chosen, o.Proxy, o.SourceAddress, o.Addresses)
		}
		if hasPassword := o.WEBIRC != nil; hasPassword != (test.want == everything) || hasPassword && !o.WEBIRC.TLSOnly {
			t.Errorf("with %v WEBIRC is %+v on the way to %v", test.chosen, o.WEBIRC, o.Addresses)
		}
		if isAdmins := len(o.Destinations.Local) > 0; isAdmins != (test.want != nothing) {
			t.Errorf("with %v the local network is open %v on the way to %v", test.chosen, isAdmins, o.Addresses)
		}
	}
	w := newWorld(t)
	w.openStore()
	w.configure(server, fieldXML("verify_cert", "false")+fieldXML("fingerprint", strings.Repeat("ab", 32)))
	w.join(desk, "juliet")
	if o := w.dialled; o.Verify != ircconn.AcceptAnyCertificate || len(o.Fingerprints) != 1 {
		t.Errorf("options %+v", o)
	}
}

// Where the admin lists the servers, users cannot say that one is elsewhere.
func TestListedServersStayWhereTheyAre(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.configure(server, fieldXML("address", "evil.test"))
	w.change(func(c *Live) {
		c.ListedServersOnly = true
		c.Servers = Servers{"irc.test": {Addresses: []ircconn.Address{{Host: "irc.test", Port: 6697, TLS: true}}}}
	})
	answer, _ := w.command(server, "configure", "", "")
	lacks(t, answer, `var='address'`, `var='ports'`)
	w.join(desk, "juliet")
	if got := w.dialled.Addresses[0].Host; got != "irc.test" {
		t.Errorf("dialled %s", got)
	}
}
