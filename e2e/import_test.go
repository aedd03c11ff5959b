//go:build e2e

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// configureBiboumi fills in biboumi's form "configure" at a JID.
func (u *user) configureBiboumi(jid string, fields map[string][]string) {
	u.s.Helper()
	u.fillInBiboumi(jid, "configure", fields)
}

// fillInBiboumi fills in one of biboumi's forms, and leaves the fields that are not named
// empty.
func (u *user) fillInBiboumi(jid, node string, fields map[string][]string) {
	u.s.Helper()
	command := "<command xmlns='http://jabber.org/protocol/commands' node='" + node + "'"
	answer := u.ask("set", jid, command+" action='execute'/>")
	var form strings.Builder
	for name, values := range fields {
		form.WriteString("<field var='" + name + "'>")
		for _, value := range values {
			form.WriteString("<value>" + Escape(value) + "</value>")
		}
		form.WriteString("</field>")
	}
	session := answer.AttributeAt("command", "sessionid")
	done := u.ask("set", jid, command+" action='complete' sessionid='"+Escape(session)+"'><x xmlns='jabber:x:data' type='submit'>"+form.String()+"</x></command>")
	if got := done.AttributeAt("command", "status"); got != "completed" {
		u.s.Fatalf("biboumi's form ended with %s", done)
	}
}

// told is a message of an archive as every gateway shows it.
type told struct{ id, from, body, stamp string }

// wholeArchive asks for the archive of a room.
func (u *user) wholeArchive(room string) []told {
	u.s.Helper()
	query := u.NewID()
	u.ask("set", room, "<query xmlns='urn:xmpp:mam:2' queryid='"+query+"'><set xmlns='http://jabber.org/protocol/rsm'><max>100</max></set></query>")
	var archive []told
	for _, message := range u.Seen(Message().From(room).Has("{urn:xmpp:mam:2}result")) {
		result := message.First("{urn:xmpp:mam:2}result")
		if result.Attribute("queryid") != query {
			continue
		}
		const forwarded = "{urn:xmpp:forward:0}forwarded/"
		archive = append(archive, told{
			result.Attribute("id"), result.AttributeAt(forwarded+"{jabber:client}message", "from"), result.TextAt(forwarded + "{jabber:client}message/{jabber:client}body"),
			strings.TrimSuffix(strings.TrimSuffix(result.AttributeAt(forwarded+"{urn:xmpp:delay}delay", "stamp"), "Z"), ".000"),
		})
	}
	return archive
}

// chatted sends a line to the gateway and returns the answer.
func (u *user) chatted(line string) string {
	u.s.Helper()
	u.chat(u.s.gateway.Hostname, line)
	return u.expect(Message().From(u.s.gateway.Hostname).Has("body")).TextAt("body")
}

// The real biboumi is talked through and stopped, and passerelle takes its place.
func TestMovingInFromBiboumi(t *testing.T) {
	t.Parallel()
	moveIn(t, "")
}

func TestMovingInFromBiboumiOnPostgreSQL(t *testing.T) {
	t.Parallel()
	database, err := shared.workspace.StartPostgreSQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Stop() })
	moveIn(t, strings.Replace(database.URL, "postgres://", "postgresql://", 1)) // as biboumi has it
}

// moveIn takes over from a biboumi with a database.
func moveIn(t *testing.T, database string) {
	t.Helper()
	options := privateOptions(nil)
	biboumi, err := shared.workspace.StartBiboumi(shared.prosody, harness.BiboumiOptions{
		Hostname: options.Hostname, Admin: "nurse@" + shared.prosody.Domain, Database: database,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { biboumi.Stop() })
	standIn := &harness.Gateway{Process: biboumi.Process, Hostname: options.Hostname}
	s := newScenario(t, place{shared.prosody, standIn, shared.inspircd, inspircdName})
	juliet, romeo := s.user("juliet"), s.member("romeo")
	juliet.reachable(t.Context())

	_, plainPort, _ := strings.Cut(shared.inspircd.PlainAddress, ":")
	juliet.configureBiboumi(options.Hostname, map[string][]string{"max_history_length": {"2"}, "record_history": {"true"}})
	juliet.configureBiboumi(s.server(), map[string][]string{
		"address": {"127.0.0.1"}, "ports": {plainPort}, "nick": {"Chosen" + juliet.nick}, "pass": {"sésame"}, "realname": {"Juliet <C>"},
		"throttle_limit": {"-1"}, "after_connect_commands": {"PRIVMSG " + romeo.Nick() + " :here I am", "AWAY :balcony"},
	})
	juliet.configureBiboumi(s.room(), map[string][]string{"persistent": {"true"}, "record_history": {"unset"}})
	juliet.sendf("<presence type='subscribe' to='%s'/>", s.server())
	juliet.expect(Presence().From(s.server()).Type("subscribe"))

	nick := "Chosen" + juliet.nick
	juliet.sendJoin(s.room(), juliet.nick, "")
	juliet.expect(selfPresence(s.room() + "/" + nick))
	romeo.expectFrom(nick, "PRIVMSG", romeo.Nick(), "here I am")
	said := []string{"wherefore <art> thou & co", "*bold* words", "été ☀ 🌹", "/me sighs"}
	romeo.say(said[0])
	romeo.say(said[1])
	romeo.say("\x0304\x02été\x0f ☀ 🌹")
	romeo.say("\x01ACTION sighs\x01")
	juliet.expect(Message().From(romeo.occupant()).Body(said[3]))
	for _, line := range []string{"my own\nin two lines", "last of all"} {
		juliet.say(line)
	}
	romeo.expectFrom(nick, "PRIVMSG", s.channel, "last of all")
	juliet.expect(Message().From(s.room() + "/" + nick).Body("last of all"))
	said = append(said, "my own", "in two lines", "last of all")

	before := juliet.wholeArchive(s.room())
	if got := toldBodies(before); !slices.Equal(got, said) {
		t.Fatalf("biboumi's archive has %q", got)
	}
	if slices.ContainsFunc(before, func(m told) bool { return m.id == "" || m.stamp == "" }) {
		t.Fatalf("biboumi's archive has no ids or no times: %q", before)
	}
	if code := biboumi.Stop(); code != 0 {
		t.Fatalf("biboumi ended with code %d:\n%s", code, biboumi.Output())
	}
	romeo.expectFrom(nick, "QUIT")

	folder := t.TempDir()
	output := filepath.Join(folder, "config.yaml")
	move := func(arguments ...string) string {
		t.Helper()
		code, text, err := harness.RunGateway(t.Context(), shared.program, append([]string{"import-biboumi", "--config", biboumi.ConfigurationFile, "--output", output}, arguments...)...)
		if err != nil || code != 0 {
			t.Fatalf("the import ended with code %d, %v:\n%s", code, err, text)
		}
		return text
	}
	for _, step := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"--dry-run"}, "messages       7 in 1 channels"},
		{nil, "contacts       1\n"},
		{nil, "7 were here already"},
	} {
		if summary := move(step.arguments...); !strings.Contains(summary, step.want) {
			t.Errorf("%q is not in the summary\n%s", step.want, summary)
		}
	}
	if code, text, err := harness.RunGateway(t.Context(), shared.program, "check", "--config", output); err != nil || code != 0 {
		t.Errorf("the configuration does not work: code %d, %v:\n%s", code, err, text)
	}

	options.Settings["store"] = map[string]any{"directory": filepath.Join(folder, "data")}
	options.Settings["gateway"]["access"] = map[string]any{"local_networks": []string{"127.0.0.0/8"}, "ports": []string{plainPort}}
	gateway, err := shared.workspace.StartGateway(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		gateway.Stop()
		if fault := faultIn(gateway); fault != nil {
			t.Error(fault)
		}
	})
	s.gateway = gateway
	juliet.reachable(t.Context())
	if after := juliet.wholeArchive(s.room()); !slices.Equal(after, before) {
		t.Errorf("the archive was\n%q\nand is\n%q", before, after)
	}
	for where, want := range map[string][]string{
		"":                          {"max_history_length = 2", "record_history = true", "persistent = false"},
		s.network:                   {"address = 127.0.0.1", "ports = " + plainPort, "nick = " + nick, "pass = (set)", "realname = Juliet <C>", "throttle_limit = -1", "after_connect_commands = (set)"},
		s.channel + "%" + s.network: {"persistent = true", "record_history is not set (true counts)"},
	} {
		shown := strings.Split(juliet.chatted("show "+where), "\n")
		for _, line := range want {
			if !slices.Contains(shown, line) {
				t.Errorf("show %s says %q, without %q", where, shown, line)
			}
		}
	}

	// She comes back: the same server, nick and commands, and the end of the history.
	juliet = juliet.otherResource()
	juliet.sendJoin(s.room(), juliet.nick, "")
	romeo.expectFrom(nick, "PRIVMSG", romeo.Nick(), "here I am")
	var history []string
	for _, stanza := range juliet.expectThrough(Message().From(s.room()).Has("subject")) {
		if stanza.First("{urn:xmpp:delay}delay") != nil && stanza.First("body") != nil {
			history = append(history, stanza.TextAt("body"))
		}
	}
	if !slices.Equal(history, said[len(said)-2:]) {
		t.Errorf("the history is %q", history)
	}
}

func toldBodies(archive []told) []string {
	bodies := make([]string, len(archive))
	for i, message := range archive {
		bodies[i] = message.body
	}
	return bodies
}
