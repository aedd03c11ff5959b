package gateway

import (
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/store"
)

// governed is a world with a store, whose user is an admin.
func governed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.openStore()
	asAdmin(w)
	return w
}

// fill runs a command and submits its form.
func (w *world) fill(node, fields string) string {
	w.t.Helper()
	_, id := w.command("gw.test", node, "", "")
	answer, _ := w.command("gw.test", node, "sessionid='"+id+"'", fields)
	return answer
}

// ask writes to the gateway and returns what it says.
func (w *world) ask(text string) string {
	w.t.Helper()
	w.stanza(`<message from='%s' to='gw.test' type='chat' id='m'><body>%s</body></message>`, desk, text)
	return strings.Join(w.sent(), "\n")
}

func refusalFor(g *Gateway, jid string) string {
	parsed, err := component.ParseJID(jid)
	if err != nil {
		panic(err)
	}
	if err := g.rules.Load().refuseUser(parsed); err != nil {
		return err.Error()
	}
	return ""
}

func TestBlocksOfUsers(t *testing.T) {
	w := governed(t)
	contains(t, w.fill("block-user", fieldXML("pattern", "*@Spam.example")+fieldXML("reason", "advertising")),
		`status='completed'`, `The user *@spam.example is blocked.`)
	contains(t, w.ask("block-user romeo@xmpp.test"), `The user romeo@xmpp.test is blocked.`)
	contains(t, w.ask("block-user romeo@xmpp.test too loud"), `The user romeo@xmpp.test is blocked.`)
	for jid, want := range map[string]string{
		"a@spam.example":    "a@spam.example may not use this gateway: advertising; ask its admin",
		"romeo@xmpp.test":   "romeo@xmpp.test may not use this gateway: too loud; ask its admin",
		"juliet@xmpp.test":  "",
		"mercutio@xmpp.net": "",
	} {
		if got := refusalFor(w.g, jid); got != want {
			t.Errorf("%s: %q, want %q", jid, got, want)
		}
	}
	// They survive a restart, and reading the configuration again.
	again := New(Options{Config: w.g.live().Config, Domain: "gw.test", Log: w.g.log, Store: w.g.store})
	again.Apply(*w.g.live())
	if refusalFor(again, "a@spam.example") == "" || len(again.blocked()) != 2 {
		t.Errorf("after a restart %v are blocked", again.blocked())
	}
	contains(t, w.ask("blocks"), `user *@spam.example, since 2026-11-21 12:00:00, by juliet@xmpp.test: advertising`, `user romeo@xmpp.test, since`)
	answer, _ := w.command("gw.test", "blocks", "", "")
	contains(t, answer, `user romeo@xmpp.test, since 2026-11-21 12:00:00, by juliet@xmpp.test: too loud`)
	contains(t, w.fill("unblock", fieldXML("blocks", "user *@spam.example")), `The user *@spam.example is not blocked any more.`)
	contains(t, w.ask("unblock user ROMEO@xmpp.test"), `is not blocked any more`)
	contains(t, w.ask("blocks"), `Nothing is blocked by command.`)
	answer, _ = w.command("gw.test", "unblock", "", "")
	contains(t, answer, `Nothing is blocked by command.`)
	if list, err := w.g.store.Blocks(t.Context()); err != nil || len(list) > 0 || refusalFor(w.g, "romeo@xmpp.test") != "" {
		t.Errorf("%v are left, %v", list, err)
	}
}

func TestBlocksByAccount(t *testing.T) {
	w := governed(t)
	const admin = "http://jabber.org/protocol/admin#"
	form := fieldXML("FORM_TYPE", "http://jabber.org/protocol/admin") + fieldXML("accountjids", "romeo@xmpp.test/orchard", "paris@xmpp.test")
	contains(t, w.fill(admin+"disable-user", form), `The user romeo@xmpp.test is blocked.`, `The user paris@xmpp.test is blocked.`)
	if refusalFor(w.g, "romeo@xmpp.test") == "" || refusalFor(w.g, "paris@xmpp.test") == "" {
		t.Error("not blocked")
	}
	contains(t, w.fill(admin+"disable-user", fieldXML("accountjids", "xmpp.test")), `is not the JID of a user`)
	contains(t, w.fill(admin+"reenable-user", form), `The user romeo@xmpp.test is not blocked any more.`)
	if len(w.g.blocked()) > 0 {
		t.Errorf("%v are left", w.g.blocked())
	}
}

func TestBlocksOfServers(t *testing.T) {
	w := governed(t)
	contains(t, w.fill("block-server", fieldXML("pattern", "irc.test")+fieldXML("reason", "a botnet")), `The server irc.test is blocked.`)
	contains(t, w.ask("block-server 192.0.2.7 hostile"), `The server 192.0.2.7/32 is blocked.`)
	w.join(desk, "juliet")
	w.expectOne(`<not-allowed `, `this gateway does not connect to irc.test: a botnet; ask its admin`)
	contains(t, w.ask("unblock server 192.0.2.7"), `not blocked any more`)
	contains(t, w.ask("unblock server irc.test"), `not blocked any more`)
	w.join(desk, "juliet")
	w.expect()
}

func TestBlocksThatAreNone(t *testing.T) {
	w := governed(t)
	for text, want := range map[string]string{
		"block-user":                  "something is missing",
		"block-user a@b/c":            "neither a bare JID",
		"block-server irc.test:6697":  "neither a server",
		"unblock user romeo@xmpp.net": "is not blocked by command",
		"unblock romeo@xmpp.net":      "say «user» or «server» first",
	} {
		contains(t, w.ask(text), `type='error'`, want)
	}
	w.changeConfig(func(c *Config) { c.Admins = nil })
	for _, node := range []string{"block-user", "block-server", "blocks", "unblock"} {
		contains(t, w.ask(node+" romeo@xmpp.test"), `<forbidden `)
		answer, _ := w.command("gw.test", node, "", "")
		contains(t, answer, `<forbidden `)
	}
	if len(w.g.blocked()) > 0 {
		t.Errorf("%v are blocked", w.g.blocked())
	}
}

// A block that cannot be kept is none: it would be gone after a restart.
func TestBlockThatCannotBeSaved(t *testing.T) {
	w := governed(t)
	if err := w.g.store.Close(); err != nil {
		t.Fatal(err)
	}
	contains(t, w.ask("block-user romeo@xmpp.test"), `<resource-constraint `, `that was not done, for it cannot be saved at the moment`)
	if refusalFor(w.g, "romeo@xmpp.test") != "" {
		t.Error("it is blocked")
	}
}

// Who is connected leaves, and is told the reason.
func TestBlockOfWhoIsConnected(t *testing.T) {
	w := connected(t)
	w.g.blocks.list = []store.Block{{Kind: blockedUser, Pattern: "juliet@xmpp.test", Reason: "too loud", At: time.Now()}}
	w.g.setRules()
	w.do(func() { w.u.leaveRefused() })
	contains(t, strings.Join(w.sent(), "\n"), `<status code='332'/>`, `You are disconnected: juliet@xmpp.test may not use this gateway: too loud; ask its admin.`)
	if w.irc.quit != byRule {
		t.Errorf("IRC was told %q", w.irc.quit)
	}
}
