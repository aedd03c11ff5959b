package gateway

import (
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

func TestContactAddresses(t *testing.T) {
	w := connected(t)
	info := func(to string) string {
		w.stanza(`<iq from='%s' to='%s' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, desk, to)
		return strings.Join(w.sent(), "\n")
	}
	lacks(t, info("gw.test"), "jabber:x:data'")
	w.changeConfig(func(c *Config) {
		c.Contact = ContactConfig{Abuse: []string{"mailto:abuse@gw.test", "xmpp:nurse@xmpp.test"}, Status: []string{"https://gw.test/status"}}
	})
	contains(t, info("gw.test"), `<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field>`+
		`<field var='abuse-addresses' type='list-multi'><value>mailto:abuse@gw.test</value><value>xmpp:nurse@xmpp.test</value></field>`+
		`<field var='status-addresses' type='list-multi'><value>https://gw.test/status</value></field></x>`)
	lacks(t, info(server), "serverinfo")
	lacks(t, info(room), "serverinfo")
}

// People on IRC learn whom to complain to, and nothing else.
func TestContactByCTCP(t *testing.T) {
	w := connected(t)
	ask := func(queries ...string) {
		w.clock = w.clock.Add(time.Minute)
		for _, query := range queries {
			w.event(ircconn.CTCP{Source: source("romeo"), Target: "juliet", Command: query})
		}
	}
	ask("USERINFO", "FINGER")
	w.expectLines()
	for _, test := range []struct {
		contact ContactConfig
		want    string
	}{
		{ContactConfig{Admin: []string{"mailto:admin@gw.test"}, Support: []string{"mailto:support@gw.test"}}, "mailto:admin@gw.test"},
		{ContactConfig{Abuse: []string{"mailto:abuse@gw.test", "xmpp:nurse@xmpp.test"}, Admin: []string{"mailto:admin@gw.test"}}, "mailto:abuse@gw.test xmpp:nurse@xmpp.test"},
	} {
		w.changeConfig(func(c *Config) { c.Contact = test.contact })
		ask("USERINFO", "FINGER", "CLIENTINFO")
		about := "somebody on XMPP, by way of the gateway gw.test; complaints to " + test.want
		w.expectLines("NOTICE romeo \x01USERINFO "+about+"\x01", "NOTICE romeo \x01FINGER "+about+"\x01",
			"NOTICE romeo \x01CLIENTINFO ACTION CLIENTINFO FINGER PING TIME USERINFO VERSION\x01")
	}
}

func TestContactFaults(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Contact = ContactConfig{Abuse: []string{"abuse@example.org"}, Security: []string{"mailto:security@example.org", "%"}}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	contains(t, err.Error(), `gateway.contact.abuse: "abuse@example.org"`, `gateway.contact.security: "%"`)
	lacks(t, err.Error(), "mailto:security")
}
