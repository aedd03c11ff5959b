package gateway

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

// logged is a world with an admin, juliet, and a log to read from level info on.
func logged(t *testing.T) (*world, *bytes.Buffer) {
	t.Helper()
	w := connected(t)
	asAdmin(w)
	var text bytes.Buffer
	w.g.logLevel = new(slog.LevelVar)
	w.g.log = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: w.g.logLevel}))
	return w, &text
}

// heard is a message of romeo's, which shows in the log when juliet is traced.
func (w *world) heard(text string) {
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: text})
}

func TestTraceOfOneUser(t *testing.T) {
	w, log := logged(t)
	other := newUser(w.g, component.JID{Local: "nurse", Domain: "xmpp.test"}).log()
	w.heard("before")
	if answer := w.chat("trace-user juliet@xmpp.test/desk 5"); !strings.Contains(answer, "for 5 minutes") {
		t.Error(answer)
	}
	w.heard("while")
	w.network().log().Log(t.Context(), ircconn.LevelTrace, "of the network made before")
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='m1'><body>yonder</body></message>`, desk, room)
	other.Log(t.Context(), ircconn.LevelTrace, "of somebody else")
	w.pass(5*time.Minute - time.Second)
	w.heard("at the end")
	w.pass(2 * time.Second)
	w.heard("after")
	for _, want := range []string{"while", "at the end", "yonder", "direction=in", "direction=out", "user=juliet@xmpp.test", "traced no more"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	for _, never := range []string{"before", "after", "somebody else"} {
		if strings.Contains(strings.ReplaceAll(log.String(), "made before", ""), never) {
			t.Errorf("the log has %q:\n%s", never, log)
		}
	}
}

// A connection's logger is made before anybody thinks of a trace.
func TestTraceReachesLoggersMadeBefore(t *testing.T) {
	w, log := logged(t)
	early := w.u.log().With("network", "irc.test").WithGroup("wire")
	w.chat("trace-user juliet@xmpp.test")
	early.Log(t.Context(), ircconn.LevelTrace, "line", "text", "PING")
	if !strings.Contains(log.String(), "network=irc.test wire.text=PING") {
		t.Error(log)
	}
}

func TestTraceIsEndedAndProlonged(t *testing.T) {
	w, log := logged(t)
	w.chat("trace-user juliet@xmpp.test 1")
	w.chat("trace-user juliet@xmpp.test 3")
	w.pass(2 * time.Minute)
	w.heard("prolonged")
	if answer := w.chat("trace-user juliet@xmpp.test off"); !strings.Contains(answer, "not traced any more") {
		t.Error(answer)
	}
	log.Reset()
	w.heard("ended")
	if answer := w.chat("trace-user juliet@xmpp.test off"); !strings.Contains(answer, "was not traced") || log.Len() > 0 {
		t.Errorf("%s\n%s", answer, log)
	}
}

func TestTraceRefusals(t *testing.T) {
	others := connected(t)
	contains(t, others.chat("trace-user juliet@xmpp.test"), "forbidden")
	contains(t, others.chat("log-level debug"), "forbidden")
	w, _ := logged(t)
	for command, want := range map[string]string{
		"trace-user":           "something is missing",
		"trace-user xmpp.test": "is not a JID",
		"trace-user a@b 61":    "from 1 to 60",
		"trace-user a@b -1":    "from 1 to 60",
		"trace-user a@b long":  "from 1 to 60",
		"trace-user a@b 1 2":   "name a user",
		"log-level":            "something is missing",
		"log-level trace":      "trace-user shows",
	} {
		if answer := w.chat(command); !strings.Contains(answer, want) {
			t.Errorf("%s: %s\nlacks %q", command, answer, want)
		}
	}
	for i := range mostTraces {
		w.chat(fmt.Sprintf("trace-user user%d@xmpp.test", i))
	}
	if answer := w.chat("trace-user late@xmpp.test"); !strings.Contains(answer, "16 users are traced already") {
		t.Error(answer)
	}
	w.pass(usualTrace * time.Minute)
	if w.g.traces.some.Load() {
		t.Error("traces go on after their time")
	}
}

func TestLogLevelCommand(t *testing.T) {
	w, log := logged(t)
	w.u.log().Debug("quiet")
	if answer := w.chat("log-level debug"); !strings.Contains(answer, "From level debug on") {
		t.Error(answer)
	}
	w.u.log().Debug("loud")
	if strings.Contains(log.String(), "quiet") || !strings.Contains(log.String(), "loud") || !strings.Contains(log.String(), "by=juliet@xmpp.test") {
		t.Error(log)
	}
	w.g.logLevel = nil
	if answer := w.chat("log-level info"); !strings.Contains(answer, "cannot be changed here") {
		t.Error(answer)
	}
}

func TestLogCommandsByForm(t *testing.T) {
	w, log := logged(t)
	answer, id := w.command("gw.test", "log-level", "", "")
	contains(t, answer, "<field var='level' type='list-single'", "<required/><value>info</value>", "<value>debug</value></option>")
	answer, _ = w.command("gw.test", "log-level", "sessionid='"+id+"'", fieldXML("level", "error"))
	contains(t, answer, "completed", "From level error on")
	_, id = w.command("gw.test", "trace-user", "", "")
	answer, _ = w.command("gw.test", "trace-user", "sessionid='"+id+"'", fieldXML("accountjid", "Juliet@xmpp.test")+fieldXML("minutes", "2"))
	contains(t, answer, "completed", "for juliet@xmpp.test", "2 minutes")
	w.heard("hark")
	contains(t, log.String(), "hark")
	_, id = w.command("gw.test", "trace-user", "", "")
	answer, _ = w.command("gw.test", "trace-user", "sessionid='"+id+"'", fieldXML("accountjid", "juliet@xmpp.test")+fieldXML("minutes", "0"))
	contains(t, answer, "completed", "not traced any more")
	w.g.logLevel = nil
	answer, _ = w.command("gw.test", "log-level", "", "")
	contains(t, answer, "cannot be changed here")
}

func TestSecretsAreMasked(t *testing.T) {
	tests := []struct{ name, stanza, shown string }{
		{"talk", `<message from='%s' to='#chan%%irc.test@gw.test' type='groupchat'><body>soft</body></message>`, "soft"},
		{"join", `<presence from='%s' to='#chan%%irc.test@gw.test/j'><x xmlns='http://jabber.org/protocol/muc'><password>s3cret</password></x></presence>`, "<password>***</password>"},
		{"slash", `<message from='%s' to='#chan%%irc.test@gw.test' type='groupchat'><body>/ns identify s3cret</body></message>`, "/ns ***"},
		{"me", `<message from='%s' to='#chan%%irc.test@gw.test' type='groupchat'><body>/me waves</body></message>`, "/me waves"},
		{"services", `<message from='%s' to='nickserv%%irc.test@gw.test' type='chat'><body>IDENTIFY s3cret</body></message>`, "IDENTIFY ***"},
		{"person", `<message from='%s' to='romeo%%irc.test@gw.test' type='chat'><body>hello there</body></message>`, "hello there"},
		{"raw", "<message from='%s' to='irc.test@gw.test' type='chat'><body>WHOIS romeo\nOPER juliet s3cret</body></message>", "WHOIS romeo\nOPER juliet ***"},
		{"gateway", `<message from='%s' to='gw.test' type='chat'><body>set irc.test pass s3cret</body></message>`, "set ***"},
		{"form", `<iq from='%s' to='irc.test@gw.test' type='set'><command xmlns='http://jabber.org/protocol/commands'><x xmlns='jabber:x:data' type='submit'>` +
			`<field var='FORM_TYPE'><value>form</value></field><field var='nick'><value>jul</value></field>` +
			`<field var='pass'><value>s3cret</value></field><field var='unheard'><value>s3cret</value></field></x></command></iq>`,
			"<field var='FORM_TYPE'><value>form</value></field><field var='nick'><value>jul</value></field><field var='pass'><value>***</value></field><field var='unheard'><value>***</value></field>"},
		{"registration", `<iq from='%s' to='gw.test' type='set'><query xmlns='jabber:iq:register'><username>j</username><password>s3cret</password></query></iq>`, "<username>j</username>"},
		{"odd address", `<message from='%s' to='%%%%@gw.test' type='chat'><body>s3cret</body></message>`, "***"},
		{"answer", `<message from='gw.test' to='%s' type='chat'><body>set name value</body></message>`, "set name value"},
		{"modes", `<message from='#chan%%irc.test@gw.test' to='%s' type='groupchat'><body>nurse sets mode +k s3cret</body></message>`, "nurse sets mode +k ***"},
		{"all modes", `<message from='#chan%%irc.test@gw.test' to='%s' type='groupchat'><body>#chan modes: +knt s3cret</body></message>`, "#chan modes: +knt ***"},
		{"all modes from the server", `<message from='irc.test@gw.test' to='%s' type='chat'><body>#chan modes: +knt s3cret</body></message>`, "#chan modes: +knt ***"},
		{"reflection", `<message from='#chan%%irc.test@gw.test/j' to='%s' type='groupchat'><body>/ns identify s3cret</body></message>`, "/ns ***"},
	}
	w := newWorld(t)
	for _, test := range tests {
		s, err := parseStanza(fmt.Sprintf(test.stanza, desk))
		if err != nil {
			t.Fatal(err)
		}
		before := s.Children[0]
		masked := w.g.maskStanza(s)
		if !strings.Contains(masked, test.shown) || strings.Contains(masked, "s3cret") {
			t.Errorf("%s: %s, want %s", test.name, masked, test.shown)
		}
		if fmt.Sprint(before) != fmt.Sprint(s.Children[0]) {
			t.Errorf("%s: the stanza itself was changed", test.name)
		}
	}
}

func TestStanzasAreReadBack(t *testing.T) {
	var e component.Encoder
	from, to := component.JID{Local: "#chan%irc.test", Domain: "gw.test", Resource: "romeo"}, component.JID{Local: "juliet", Domain: "xmpp.test", Resource: "desk"}
	for _, id := range []string{"1", "2"} {
		e.Stanza(component.Message, from, to, "groupchat", id)
		e.Leaf("body", "", "<&'>")
		e.Leaf("no-store", nsHints, "")
		e.Close()
	}
	stanzas, err := parseStanzas(e.Bytes())
	if err != nil || len(stanzas) != 2 {
		t.Fatalf("%d stanzas, %v", len(stanzas), err)
	}
	if s := stanzas[1]; s.From != from || s.To != to || s.ID != "2" || s.ChildText("", "body") != "<&'>" || s.Child(nsHints, "no-store") == nil {
		t.Errorf("got %+v", s)
	}
	if stanzas, err = parseStanzas([]byte("<message from='gw.test' to='a@b'/><message")); err == nil || len(stanzas) != 1 {
		t.Errorf("%d stanzas and %v of a text that breaks off", len(stanzas), err)
	}
}
