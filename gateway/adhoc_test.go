package gateway

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"passerelle/component"
)

var sessionIDs = regexp.MustCompile(`sessionid='([0-9a-f]{32})'`)

// command sends a step of a command and returns the answer and its session.
func (w *world) command(to, node, attrs, fields string) (answer, session string) {
	w.t.Helper()
	if fields != "" {
		fields = `<x xmlns='jabber:x:data' type='submit'>` + fields + `</x>`
	}
	w.stanza(`<iq from='%s' to='%s' type='set' id='c'><command xmlns='http://jabber.org/protocol/commands' node='%s' %s>%s</command></iq>`, desk, to, node, attrs, fields)
	text := w.out.text.String()
	w.out.text.Reset()
	if id := sessionIDs.FindStringSubmatch(text); id != nil {
		session = id[1]
	}
	return text, session
}

func fieldXML(name string, values ...string) string {
	text := `<field var='` + name + `'>`
	for _, value := range values {
		text += `<value>` + value + `</value>`
	}
	return text + `</field>`
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s\nlacks %s", text, part)
		}
	}
}

func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%s\nhas %s", text, part)
		}
	}
}

func TestCommandInOneStep(t *testing.T) {
	w := newWorld(t)
	answer, _ := w.command("gw.test", "ping", "", "")
	contains(t, answer, `status='completed'`, `<note type='info'>Pong</note>`)
	if len(w.u.adhoc) != 0 {
		t.Error("a session is left")
	}
}

func TestCommandWithForm(t *testing.T) {
	w := newWorld(t)
	answer, id := w.command("gw.test", "hello", "action='execute'", "")
	contains(t, answer, `status='executing'`, `<actions execute='complete'><complete/></actions>`, `<field var='name' type='text-single' label='Your name'><required/></field>`)
	answer, same := w.command("gw.test", "hello", "sessionid='"+id+"'", fieldXML("other", "x"))
	if same != id {
		t.Error("a form with a fault begins another session")
	}
	contains(t, answer, `status='executing'`, `<note type='error'>Your name: a value is needed</note>`)
	answer, _ = w.command("gw.test", "hello", "sessionid='"+id+"' action='complete'", fieldXML("name", "Juliet"))
	contains(t, answer, `status='completed'`, `Hello Juliet!`)
	answer, _ = w.command("gw.test", "hello", "sessionid='"+id+"'", fieldXML("name", "Juliet"))
	contains(t, answer, `bad-request`, `<bad-sessionid xmlns='http://jabber.org/protocol/commands'/>`)
}

func TestCommandErrors(t *testing.T) {
	w := newWorld(t)
	_, id := w.command("gw.test", "hello", "", "")
	for attrs, want := range map[string]string{
		"sessionid='nonsense'":                  "bad-sessionid",
		"sessionid='" + id + "' action='prev'":  "bad-action",
		"sessionid='" + id + "' action='dance'": "malformed-action",
		"sessionid='" + id + "'":                "bad-payload",
	} {
		answer, _ := w.command("gw.test", "hello", attrs, "")
		contains(t, answer, `type='error'`, want)
	}
	answer, _ := w.command("gw.test", "ping", "sessionid='"+id+"'", fieldXML("name", "x"))
	contains(t, answer, `bad-sessionid`)
	answer, _ = w.command("gw.test", "dance", "", "")
	contains(t, answer, `item-not-found`)
	answer, _ = w.command("gw.test", "reload", "", "")
	contains(t, answer, `forbidden`)
	w.stanza(`<iq from='%s' to='gw.test' type='set' id='c'><command xmlns='http://jabber.org/protocol/commands' node='hello' sessionid='%s' action='cancel'/></iq>`, phone, id)
	w.expectOne(`bad-sessionid`)
	answer, _ = w.command("gw.test", "hello", "sessionid='"+id+"' action='cancel'", "")
	contains(t, answer, `status='canceled'`)
	answer, _ = w.command("gw.test", "hello", "sessionid='"+id+"' action='cancel'", "")
	contains(t, answer, `bad-sessionid`)
}

func TestCommandsExpireAndAreFew(t *testing.T) {
	w := newWorld(t)
	_, first := w.command("gw.test", "hello", "", "")
	for range adhocLimit {
		w.clock = w.clock.Add(time.Second)
		w.command("gw.test", "hello", "", "")
	}
	if len(w.u.adhoc) != adhocLimit || w.u.adhoc[first] != nil {
		t.Errorf("%d sessions, the first among them: %v", len(w.u.adhoc), w.u.adhoc[first] != nil)
	}
	w.pass(adhocExpiry + 2*time.Second)
	if len(w.u.adhoc) != 0 {
		t.Errorf("%d sessions are left", len(w.u.adhoc))
	}
}

func TestCommandsAreDiscovered(t *testing.T) {
	w := newWorld(t)
	list := func(to string) string {
		w.stanza(`<iq from='%s' to='%s' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`, desk, to)
		return strings.Join(w.sent(), "")
	}
	contains(t, list("gw.test"), `node='ping'`, `node='hello'`, `node='configure'`, `node='disconnect-from-irc-server'`)
	lacks(t, list("gw.test"), `node='reload'`, `node='get-irc-connection-info'`)
	contains(t, list(server), `node='configure'`, `node='get-irc-connection-info'`)
	contains(t, list(room), `node='configure'`)
	lacks(t, list(room), `node='ping'`)
	w.change(func(c *Live) { c.Admins = []string{"juliet@xmpp.test"} })
	contains(t, list("gw.test"), `node='reload'`, `node='disconnect-user'`, `node='http://jabber.org/protocol/admin#announce'`)
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info' node='ping'/></iq>`, desk)
	w.expectOne(`category='automation' type='command-node'`, `jabber:x:data`)
}

func asAdmin(w *world) {
	w.change(func(c *Live) { c.Admins = []string{"juliet@xmpp.test"} })
	w.g.users[w.u.jid] = w.u
}

func TestDisconnectFromServers(t *testing.T) {
	w := connected(t)
	answer, id := w.command("gw.test", "disconnect-from-irc-server", "", "")
	contains(t, answer, `<option label='irc.test'><value>irc.test</value></option>`)
	answer, _ = w.command("gw.test", "disconnect-from-irc-server", "sessionid='"+id+"'", fieldXML("irc-servers", "irc.test")+fieldXML("quit-message", "bye"))
	contains(t, answer, `status='completed'`, `was disconnected from irc.test`, `type='unavailable'`)
	if w.irc.quit != "bye" || len(w.u.networks) != 0 {
		t.Errorf("quit %q, %d networks", w.irc.quit, len(w.u.networks))
	}
}

func TestAdminDisconnectsInTwoSteps(t *testing.T) {
	w := connected(t)
	asAdmin(w)
	answer, id := w.command("gw.test", "disconnect-from-irc-server", "", "")
	contains(t, answer, `<actions execute='next'><next/></actions>`, `juliet@xmpp.test`)
	answer, _ = w.command("gw.test", "disconnect-from-irc-server", "sessionid='"+id+"' action='next'", fieldXML("jid", "juliet@xmpp.test"))
	contains(t, answer, `<actions execute='complete'><prev/><complete/></actions>`)
	answer, _ = w.command("gw.test", "disconnect-from-irc-server", "sessionid='"+id+"' action='prev'", "")
	contains(t, answer, `<actions execute='next'><next/></actions>`)
}

func TestConnectionInfo(t *testing.T) {
	w := connected(t)
	answer, _ := w.command(server, "get-irc-connection-info", "", "")
	contains(t, answer, `Connected to IRC server irc.test`, `as juliet since 2026-11-21 12:00:00 UTC`, `#chan: 3 members, 1 of your clients (desk)`)
	answer, _ = w.command("other.test@gw.test", "get-irc-connection-info", "", "")
	contains(t, answer, `You are not connected to the IRC server other.test`)
}

func TestAdminCommands(t *testing.T) {
	w := connected(t)
	asAdmin(w)
	const admin = "http://jabber.org/protocol/admin#"
	answer, _ := w.command("gw.test", admin+"get-online-users-num", "", "")
	contains(t, answer, `type='result'`, `onlineusersnum`, `<value>1</value>`)
	answer, _ = w.command("gw.test", admin+"get-online-users-list", "", "")
	contains(t, answer, `<value>juliet@xmpp.test</value>`)
	_, id := w.command("gw.test", admin+"user-stats", "", "")
	answer, _ = w.command("gw.test", admin+"user-stats", "sessionid='"+id+"'", fieldXML("accountjid", "juliet@xmpp.test"))
	contains(t, answer, `connected to 1 networks: irc.test`)
	_, id = w.command("gw.test", "disconnect-user", "", "")
	answer, _ = w.command("gw.test", "disconnect-user", "sessionid='"+id+"'", fieldXML("jids", "juliet@xmpp.test")+fieldXML("quit-message", "off you go"))
	contains(t, answer, `1 user has been disconnected.`)
	if w.irc.quit != "off you go" {
		t.Errorf("quit %q", w.irc.quit)
	}
	answer, _ = w.command("gw.test", "reload", "", "")
	contains(t, answer, `feature-not-implemented`)
	w.g.reload = func() (string, error) { return "", fmt.Errorf("line 3: no") }
	answer, _ = w.command("gw.test", "reload", "", "")
	contains(t, answer, `not-acceptable`, `line 3: no`)
}

func (w *world) chat(body string) string {
	w.t.Helper()
	w.stanza(`<message from='%s' to='gw.test' type='chat' id='m'><body>%s</body></message>`, desk, body)
	return strings.Join(w.sent(), "")
}

func TestChatCommands(t *testing.T) {
	w := connected(t)
	contains(t, w.chat("ping"), `<body>Pong</body>`)
	contains(t, w.chat("hello Romeo"), `Hello Romeo!`)
	contains(t, w.chat("hello"), `type='error'`, `something is missing: hello name`)
	contains(t, w.chat("get-irc-connection-info irc.test"), `Connected to IRC server irc.test`)
	contains(t, w.chat("help"), `set [server or #channel%server]`)
	lacks(t, w.chat("help"), `announce`)
	contains(t, w.chat("announce hi"), `forbidden`)
	asAdmin(w)
	contains(t, w.chat("help"), `announce text`)
	contains(t, w.chat("get-online-users-num"), `1 users`, `irc.test: 1 connections`)
	contains(t, w.chat("disconnect-from-irc-server nowhere"), `item-not-found`)
	contains(t, w.chat("disconnect-from-irc-server irc.test"), `Disconnected from irc.test`)
}

func TestAnnouncement(t *testing.T) {
	w := connected(t)
	asAdmin(w)
	if answer := w.chat("announce the kettle boils"); !strings.Contains(answer, "Announced to 1 users") {
		t.Error(answer)
	}
	// Others do their part on their own goroutines; this user's is the test's.
	done := make(chan struct{})
	go func() {
		for {
			if _, events := w.u.in.waiting(); events > 0 {
				close(done)
				return
			}
		}
	}()
	<-done
	w.pass(0)
	w.expectOne(`from='gw.test' to='juliet@xmpp.test' type='headline'`, `the kettle boils`)
}

func TestFormChecks(t *testing.T) {
	number := field{label: "n", kind: textSingle, least: 1, most: 5}
	tests := []struct {
		field  field
		values []string
		ok     bool
	}{
		{number, []string{"3"}, true}, {number, []string{"6"}, false}, {number, []string{"x"}, false}, {number, nil, true},
		{number, []string{"1", "2"}, false},
		{field{kind: boolean}, []string{"1"}, true}, {field{kind: boolean}, []string{"yes"}, false},
		{field{kind: listSingle, options: unsetOrBoolean}, []string{"unset"}, true},
		{field{kind: listSingle, options: unsetOrBoolean}, []string{"maybe"}, false},
		{field{kind: jidMulti}, []string{"a@b", "@"}, false},
		{field{kind: textMulti}, []string{"a", "b"}, true},
		{field{kind: textSingle, required: true}, nil, false},
	}
	for _, test := range tests {
		if err := test.field.check(test.values); (err == nil) != test.ok {
			t.Errorf("%+v with %q: %v", test.field, test.values, err)
		}
	}
	var e component.Encoder
	number.write(&e)
	contains(t, string(e.Bytes()), `<validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:integer'><range min='1' max='5'/></validate>`)
}

func TestRosterExchange(t *testing.T) {
	w := withStore(t)
	w.presenceTo(romeoJID, "subscribe")
	w.chat("set libera nick Jule")
	w.forget()
	contains(t, w.chat("roster"), `4 items`, `<x xmlns='http://jabber.org/protocol/rosterx'><item action='add' jid='gw.test' name='IRC'><group>IRC</group></item>`,
		`jid='irc.test@gw.test'`, `jid='libera@gw.test'`, `jid='romeo%irc.test@gw.test' name='romeo'`)
}

// One timer watches all commands that wait, however often they are touched.
func TestOpenCommandsKeepOneTimer(t *testing.T) {
	w := newWorld(t)
	for range adhocLimit {
		w.command("gw.test", "hello", "", "")
	}
	for range 5 {
		w.pass(adhocExpiry - time.Minute)
		for id := range w.u.adhoc {
			w.command("gw.test", "hello", "sessionid='"+id+"'", fieldXML("other", "x"))
		}
	}
	if len(w.timers) > 1 || len(w.u.adhoc) != adhocLimit {
		t.Errorf("%d timers for %d commands", len(w.timers), len(w.u.adhoc))
	}
}

// Who is no admin any more cannot go on with an admin's command.
func TestAdminRightsEnd(t *testing.T) {
	w := connected(t)
	asAdmin(w)
	_, id := w.command("gw.test", "http://jabber.org/protocol/admin#announce", "", "")
	w.change(func(c *Live) { c.Admins = nil })
	answer, _ := w.command("gw.test", "http://jabber.org/protocol/admin#announce", "sessionid='"+id+"'", fieldXML("announcement", "x"))
	contains(t, answer, `forbidden`)
	w.change(func(c *Live) { c.Admins = []string{"Juliet@XMPP.test"} })
	if !w.u.isAdmin() {
		t.Error("an admin whose JID is written in capitals is none")
	}
}
