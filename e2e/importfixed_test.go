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

// The real biboumi for one server only is talked through and stopped, and passerelle starts
// with what the import has written.
func TestMovingInFromBiboumiOfOneServer(t *testing.T) {
	t.Parallel()
	address, plainPort, _ := strings.Cut(shared.inspircd.PlainAddress, ":")
	options := privateOptions(nil)
	biboumi, err := shared.workspace.StartBiboumi(shared.prosody, harness.BiboumiOptions{Hostname: options.Hostname, FixedServer: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { biboumi.Stop() })
	standIn := &harness.Gateway{Process: biboumi.Process, Hostname: options.Hostname}
	s := newScenario(t, place{shared.prosody, standIn, shared.inspircd, ""})
	juliet, romeo := s.user("juliet"), s.member("romeo")
	juliet.reachable(t.Context())
	juliet.fillInBiboumi(options.Hostname, "global-configure", map[string][]string{"max_history_length": {"2"}, "record_history": {"true"}})
	juliet.fillInBiboumi(options.Hostname, "server-configure", map[string][]string{
		"ports": {plainPort}, "tls_ports": {}, "username": {"capulet"}, "realname": {"Juliet <C>"}, "throttle_limit": {"-1"},
		"after_connect_commands": {"PRIVMSG " + romeo.Nick() + " :here I am"},
	})
	juliet.configureBiboumi(s.room(), map[string][]string{"persistent": {"true"}, "record_history": {"unset"}})

	juliet.sendJoin(s.room(), juliet.nick, "")
	juliet.expect(selfPresence(juliet.occupant()))
	romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "here I am")
	romeo.say("no server in sight")
	juliet.expect(Message().From(romeo.occupant()).Body("no server in sight"))
	juliet.say("nor any %")
	juliet.expect(Message().From(juliet.occupant()).Body("nor any %"))
	before := juliet.wholeArchive(s.room())
	if got := toldBodies(before); !slices.Equal(got, []string{"no server in sight", "nor any %"}) {
		t.Fatalf("biboumi's archive has %q", got)
	}
	if code := biboumi.Stop(); code != 0 {
		t.Fatalf("biboumi ended with code %d:\n%s", code, biboumi.Output())
	}
	romeo.expectFrom(juliet.nick, "QUIT")

	output := filepath.Join(t.TempDir(), "config.yaml")
	code, summary, err := harness.RunGateway(t.Context(), shared.program, "import-biboumi", "--config", biboumi.ConfigurationFile, "--output", output)
	if err != nil || code != 0 || !strings.Contains(summary, "messages       2 in 1 channels") ||
		!strings.Contains(summary, "users with the ports of irc://"+shared.inspircd.PlainAddress+": 1") {
		t.Fatalf("the import ended with code %d, %v:\n%s", code, err, summary)
	}
	s.startImported(output)
	juliet.reachable(t.Context())
	if after := juliet.wholeArchive(s.room()); !slices.Equal(after, before) {
		t.Errorf("the archive was\n%q\nand is\n%q", before, after)
	}
	for node, want := range map[string][]string{
		"global-configure": {"max_history_length 2", "record_history true"},
		"server-configure": {"username capulet", "realname Juliet <C>", "throttle_limit -1", "after_connect_commands PRIVMSG " + romeo.Nick() + " :here I am"},
	} {
		form := juliet.command(options.Hostname, node, "", nil)
		for _, field := range want {
			name, value, _ := strings.Cut(field, " ")
			if got := fieldOf(form, name); got != value {
				t.Errorf("%s has %q for %s, not %q", node, got, name, value)
			}
		}
	}

	juliet = juliet.otherResource()
	juliet.join()
	romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick(), "here I am")
	romeo.Send("WHOIS %s", juliet.nick)
	if is := romeo.expect("311", romeo.Nick(), juliet.nick); is.Last() != "Juliet <C>" {
		t.Errorf("whois says %v", is)
	}
	exchange(juliet, romeo, "again, she", "again, he")
	juliet.sendf("<presence to='%s' type='unavailable'/>", juliet.occupant())
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable"))
	romeo.say("for later")
	juliet.awaitArchived("for later")
	romeo.refuteSeen("PART", s.channel)
	juliet.sendJoin(s.room(), juliet.nick, "")
	juliet.expect(Message().From(romeo.occupant()).Body("for later").Has("delay"))
}

// startImported starts passerelle in place of biboumi with a configuration that the import has
// written, changed only where the summary tells the admin to, and where tests beside each other
// need it.
func (s *scenario) startImported(file string) {
	s.Helper()
	listen, err := shared.workspace.FreeAddress()
	if err != nil {
		s.Fatal(err)
	}
	gateway := &harness.Gateway{ConfigurationFile: file, Hostname: s.gateway.Hostname}
	err = gateway.ChangeConfiguration(func(sections map[string]map[string]any) {
		host, _, _ := strings.Cut(s.irc.PlainAddress, ":")
		sections["irc"] = map[string]any{"servers": []map[string]any{{"name": host, "addresses": []string{"irc://" + s.irc.PlainAddress}}}}
		sections["http"] = map[string]any{"listen": listen}
		sections["log"] = map[string]any{"level": logLevel()}
	})
	if err != nil {
		s.Fatal(err)
	}
	if s.gateway, err = shared.workspace.StartGatewayWith(s.Context(), shared.program, file, s.gateway.Hostname); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		s.gateway.Stop()
		if fault := faultIn(s.gateway); fault != nil {
			s.Error(fault)
		}
	})
}

// fieldOf is the value of a field in a form.
func fieldOf(form *Element, name string) string {
	for _, field := range form.Find("{jabber:x:data}x/{jabber:x:data}field") {
		if field.Attribute("var") == name {
			return field.TextAt("{jabber:x:data}value")
		}
	}
	return ""
}
