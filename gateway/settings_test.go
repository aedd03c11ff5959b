package gateway

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"passerelle/ircconn"
	"passerelle/store"
)

// withStore is connected, with a store of its own.
func withStore(t *testing.T, caps ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.openStore()
	w.join(desk, "juliet")
	w.register("juliet", caps...)
	w.enter("@nurse romeo juliet")
	w.event(ircconn.ChannelModes{Channel: "#chan", Changes: plusNT})
	w.forget()
	return w
}

func (w *world) openStore() {
	w.t.Helper()
	cfg := store.DefaultConfig()
	cfg.Directory = w.t.TempDir()
	s, err := store.Open(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	w.g.store = s
}

// configure fills in and submits the form of the command "configure".
func (w *world) configure(to, fields string) string {
	w.t.Helper()
	_, id := w.command(to, "configure", "", "")
	answer, _ := w.command(to, "configure", "sessionid='"+id+"'", fields)
	return answer
}

func TestConfigureGlobal(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	answer, _ := w.command("gw.test", "configure", "", "")
	contains(t, answer, `<field var='record_history' type='boolean' label='Record history'><desc>`, `<value>true</value>`,
		`<field var='max_history_length'`, `<value>20</value>`, `<field var='persistent'`, `<value>false</value>`)
	answer = w.configure("gw.test", fieldXML("record_history", "false")+fieldXML("max_history_length", "5")+fieldXML("persistent", "1"))
	contains(t, answer, `status='completed'`, `The settings are saved.`)
	scope := store.Scope{User: "juliet@xmpp.test"}
	w.u.unload() // as after a restart
	if err := w.u.load(); err != nil {
		t.Fatal(err)
	}
	if w.u.isOn(setRecord, scope) || w.u.value(setMaxHistory, scope) != "5" || !w.u.isOn(setPersistent, scope) {
		t.Errorf("chosen: %v", w.u.chosen)
	}
	// A missing field is an empty one, which follows the admin again.
	w.configure("gw.test", fieldXML("persistent", "true"))
	if !w.u.isOn(setRecord, scope) || w.u.value(setMaxHistory, scope) != "20" {
		t.Errorf("chosen: %v", w.u.chosen)
	}
	answer = w.configure("gw.test", fieldXML("max_history_length", "many"))
	contains(t, answer, `status='executing'`, `<note type='error'>Max history length: "many" is not a whole number from 0 to 1000</note>`)
}

func TestConfigureServer(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	answer := w.configure(server, fieldXML("address", "irc1.test", "irc2.test")+fieldXML("tls_ports", "6697", "7000")+fieldXML("ports", "6667")+
		fieldXML("nick", "Jule")+fieldXML("username", "jj")+fieldXML("realname", "Juliet C.")+fieldXML("pass", "sesame")+
		fieldXML("alternative_nicks", "Jule_", "Jule__"))
	contains(t, answer, `status='completed'`, `from the next connection on`)
	w.u.unload()
	w.join(desk, "juliet")
	var addresses []string
	for _, address := range w.dialled.Addresses {
		addresses = append(addresses, address.String())
	}
	if got := strings.Join(addresses, " "); got != "ircs://irc1.test:6697 ircs://irc1.test:7000 ircs://irc2.test:6697 ircs://irc2.test:7000 irc://irc1.test:6667 irc://irc2.test:6667" {
		t.Errorf("addresses %s", got)
	}
	if o := w.dialled; o.Nick != "Jule" || o.Username != "jj" || o.RealName != "Juliet C." || o.Password != "sesame" || len(o.AlternativeNicks) != 2 {
		t.Errorf("options %+v", o)
	}
	for field, value := range map[string]string{
		"ports": "99999", "nick": "two words", "fingerprint": "abc", "after_connect_commands": "\x01", "encoding_in": "klingon", "address": "a b", "username": "a b",
	} {
		if field == "after_connect_commands" {
			value = ":"
		}
		contains(t, w.configure(server, fieldXML(field, value)), `status='executing'`, `<note type='error'>`)
	}
}

func TestSettingsInAChat(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	contains(t, w.chat("set persistent true"), `The settings are saved.`)
	contains(t, w.chat("show"), `persistent = true`, `record_history is not set (true counts)`)
	contains(t, w.chat("set irc.test nick Jule"), `from the next connection on`)
	contains(t, w.chat("set irc.test sasl_password secret"), `saved`)
	contains(t, w.chat("show irc.test"), `nick = Jule`, `sasl_password = (set)`)
	lacks(t, w.chat("show irc.test"), `= secret`)
	contains(t, w.chat("set #chan%irc.test record_history false"), `saved`)
	contains(t, w.chat("show #chan@irc.test"), `record_history = false`)
	contains(t, w.chat("set #chan%irc.test record_history"), `saved`)
	contains(t, w.chat("show #chan%irc.test"), `record_history is not set (true counts)`)
	contains(t, w.chat("set irc.test tls_ports 6697 | 7000"), `saved`)
	contains(t, w.chat("show irc.test"), `tls_ports = 6697 | 7000`)
	contains(t, w.chat("set persistent maybe"), `not-acceptable`)
	contains(t, w.chat("set colour red"), `item-not-found`)
	contains(t, w.chat("set irc.test colour red"), `there is no setting`)
}

func TestRegistrationAndRemoval(t *testing.T) {
	w := withStore(t)
	register := func(content string) string {
		w.stanza(`<iq from='%s' to='gw.test' type='set' id='r'><query xmlns='jabber:iq:register'>%s</query></iq>`, desk, content)
		return strings.Join(w.sent(), "\n")
	}
	const subscribe = `<presence from='gw.test' to='juliet@xmpp.test' type='subscribe'/>`
	contains(t, register(`<x xmlns='jabber:x:data' type='submit'>`+fieldXML("persistent", "true")+`</x>`), `type='result'`, subscribe)
	again := register("")
	contains(t, again, `type='result'`)
	lacks(t, again, subscribe)
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='r'><query xmlns='jabber:iq:register'/></iq>`, desk)
	w.expectOne(`<registered/>`, `var='record_history'`)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "soft!"})
	w.forget()
	answer := register(`<remove/>`)
	contains(t, answer, `type='result'`, `type='unsubscribed'`, `You are removed`, `<status code='332'/>`)
	if w.irc.quit == "" || len(w.u.networks) != 0 {
		t.Error("still on IRC")
	}
	if err := w.u.load(); err != nil || len(w.u.chosen) != 0 || w.u.isRegistered() {
		t.Errorf("left: %v, %v", w.u.chosen, err)
	}
	w.archive(``)
	lacks(t, strings.Join(w.sent(), ""), `soft!`)
}

func TestRegisteredUsersOnly(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.change(func(c *Live) { c.RegisteredOnly = true })
	w.join(desk, "juliet")
	w.expectOne(`registration-required`)
	w.stanza(`<iq from='%s' to='gw.test' type='set' id='r'><query xmlns='jabber:iq:register'/></iq>`, desk)
	w.forget()
	w.join(desk, "juliet")
	if w.irc == nil {
		t.Error("who is registered may not connect")
	}
}

// plusNT are the modes of most channels.
var plusNT = []ircconn.ModeChange{{Add: true, Mode: 'n'}, {Add: true, Mode: 't'}}

func TestSettingsAreSmall(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	many := make([]string, mostValues+1)
	for i := range many {
		many[i] = "nick"
	}
	contains(t, w.configure(server, fieldXML("alternative_nicks", many...)), `more than 50 values`)
	contains(t, w.configure(server, fieldXML("after_connect_commands", "PRIVMSG x :"+strings.Repeat("y", longestValue))), `more than 500 bytes`)
}
