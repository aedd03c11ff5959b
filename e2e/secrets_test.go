//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// secrets are what must never be seen, by what they are.
type secrets map[string]string

// of makes up a secret.
func (s secrets) of(what string) string {
	s[what] = "hush-" + what + "-" + shared.number()
	return s[what]
}

// checkAbsent looks for all of them in a text, as they are and as SASL PLAIN has them.
func (s secrets) checkAbsent(t *testing.T, where, text string) {
	t.Helper()
	for what, secret := range s {
		encoded := strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "=")
		for _, form := range []string{secret, encoded[:len(encoded)-2]} {
			if i := strings.Index(text, form); i >= 0 {
				start := strings.LastIndexByte(text[:i], '\n') + 1
				line, _, _ := strings.Cut(text[start:], "\n")
				t.Errorf("%s has %s: %s", where, what, line)
			}
		}
	}
	if strings.Contains(text, "PRIVATE KEY") {
		t.Errorf("%s has a private key", where)
	}
}

// A passerelle that logs all there is to log is given every kind of secret, in every way.
func TestSecretsAreNeverSeen(t *testing.T) {
	hidden := make(secrets)
	proxy, err := harness.NewSOCKSProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	storeKey := strings.Repeat("0123456789abcdef", 4)
	hidden["the store's key"] = storeKey
	s, prince := beginGoverned(t, func(o *harness.GatewayOptions) {
		o.Settings["log"] = map[string]any{"level": "trace"}
		o.Settings["http"] = map[string]any{"token": hidden.of("token-of-the-page")}
		o.Settings["store"] = map[string]any{"key": storeKey}
		hidden["the component's"] = o.XMPP.Secret
		hidden["WEBIRC's"] = harness.WEBIRCPassword
		o.ServerSettings[inspircdName] = map[string]any{
			"proxy":  "socks5://somebody:" + hidden.of("proxy") + "@" + proxy.Address(),
			"webirc": map[string]any{"password": harness.WEBIRCPassword, "network": "fd00:1:2:5::/64"},
		}
	})
	prince.tell("log-level debug") // which does not undo the trace of a user
	juliet := s.user("juliet")
	prince.tell("trace-user " + juliet.account + "@" + s.xmpp.Domain + " 30")

	// By form and in words; refused by the server, and then without SASL.
	juliet.configure(s.server(), map[string]string{
		"sasl_password": hidden.of("sasl"), "pass": hidden.of("pass"), "auto_join": "#auto" + shared.number() + " " + hidden.of("autojoin"),
		"after_connect_commands": "PRIVMSG NickServ :IDENTIFY " + hidden.of("identify") + "\nOPER juliet " + hidden.of("oper"),
	})
	juliet.joinFails(s.channel, "not-authorized")
	juliet.tell("set " + s.network + " sasl_password " + hidden.of("words"))
	juliet.tell("show " + s.network)
	juliet.joinFails(s.channel, "not-authorized")
	juliet.tell("set " + s.network + " sasl_password")
	juliet.tell("certificate " + s.network + " generate")

	// Keys of channels, set and given in each way.
	key := hidden.of("key")
	romeo := s.member("romeo")
	romeo.Send("MODE %s +k %s", s.channel, key)
	romeo.expectFrom(romeo.Nick(), "MODE", s.channel, "+k", key)
	juliet.sendJoin(s.room(), juliet.nick, hidden.of("wrongkey"))
	juliet.expect(Presence().From(juliet.occupant()).Error("not-authorized"))
	juliet.sendJoin(s.room(), juliet.nick, key)
	juliet.expect(selfPresence(juliet.occupant()))
	romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
	formKey := hidden.of("formkey")
	juliet.ask("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>"+
		"<field var='muc#roomconfig_passwordprotectedroom'><value>1</value></field><field var='muc#roomconfig_roomsecret'><value>"+formKey+"</value></field></x></query>")
	romeo.expectFrom(juliet.nick, "MODE", s.channel)
	juliet.say("/mode +k " + hidden.of("slash"))

	// Raw lines and services.
	for _, line := range []string{
		"OPER juliet " + hidden.of("rawoper"), "JOIN #raw" + shared.number() + " " + hidden.of("rawkey"), "PASS " + hidden.of("rawpass"),
		"PRIVMSG NickServ :IDENTIFY " + hidden.of("rawidentify"), "NS IDENTIFY " + hidden.of("ns"),
	} {
		juliet.chat(s.server(), line)
	}
	juliet.chat(s.private("NickServ"), "IDENTIFY juliet "+hidden.of("nickserv"))
	juliet.expect(Message().From(s.private("NickServ")).Error("item-not-found"))

	// A configuration with faults.
	s.change(func(sections map[string]map[string]any) {
		server := sections["irc"]["servers"].([]any)[0].(map[string]any)
		server["proxy"] = "socks9://somebody:" + hidden.of("faultyproxy") + "@nowhere"
		sections["store"]["database"] = "mysql://somebody:" + hidden.of("database") + "@nowhere/"
		sections["store"]["key"] = hidden.of("faultykey")
		sections["component"]["adress"] = "x:" + hidden.of("unknown")
	})
	refusal := prince.request("set", s.gateway.Hostname, "<command xmlns='http://jabber.org/protocol/commands' node='reload'/>")
	if refusal.Type() != "error" {
		t.Errorf("a configuration with faults is taken: %s", refusal)
	}
	s.awaitLog("level=TRACE", "IDENTIFY ***")

	hidden.checkAbsent(t, "the log", s.gateway.Output())
	hidden.checkAbsent(t, "the answer to reload", refusal.String())
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz"} {
		if _, text, err := s.gateway.Get(t.Context(), path); err != nil {
			t.Error(err)
		} else {
			hidden.checkAbsent(t, path, text)
		}
	}
	for _, name := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.gateway.ID(), name))
		if err != nil {
			t.Error(err)
		}
		hidden.checkAbsent(t, "the process list's "+name, string(text))
	}
}
