//go:build e2e

package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// fingerprint is the SHA-256 of the certificate that a server shows.
func fingerprint(t *testing.T, server *harness.IRCServer) string {
	t.Helper()
	connection, err := tls.Dial("tcp", server.TLSAddress, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	digest := sha256.Sum256(connection.ConnectionState().PeerCertificates[0].Raw)
	return hex.EncodeToString(digest[:])
}

// A server whose certificate nobody vouches for is trusted by its fingerprint, and by no
// other, or when the user does not want to know.
func TestUsersChooseWhichCertificateIsGood(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Settings["irc"]["ca_file"] = "" })
	right := fingerprint(t, s.irc)
	for _, test := range []struct {
		fields map[string]string
		isGood bool
	}{
		{map[string]string{"fingerprint": right}, true},
		{map[string]string{"fingerprint": strings.Repeat("ab", sha256.Size)}, false},
		{map[string]string{"verify_cert": "false"}, true},
		{map[string]string{"verify_cert": "true"}, false},
	} {
		juliet := s.user("juliet")
		juliet.configure(s.server(), test.fields)
		if test.isGood {
			juliet.join()
			continue
		}
		if refused := juliet.sendJoinAndExpectError(s.room()); !contains(refused.TextAt("error/text"), "certificate") {
			t.Errorf("with %v the error does not name the certificate: %s", test.fields, refused)
		}
	}
}

func TestAlternativeNicksAreTried(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet, romeo := s.user("juliet"), s.member("romeo")
		free := "Jule" + shared.number()
		juliet.configure(s.server(), map[string]string{"alternative_nicks": romeo.Nick() + "\n" + free})
		juliet.sendJoin(s.room(), romeo.Nick(), "")
		juliet.expect(selfPresence(s.room() + "/" + free).Status("210"))
	})
}

// What is chosen for a network holds for private messages too.
func TestEncodingsOfAnOldNetwork(t *testing.T) {
	s := begin(t)
	const text = "Отринь отца"
	encoded, err := charmap.KOI8R.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	juliet, romeo := s.user("juliet"), s.member("romeo")
	juliet.configure(s.server(), map[string]string{"encoding_in": "koi8-r", "encoding_out": "koi8-r", "throttle_limit": "5"})
	juliet.join()
	romeo.Send("PRIVMSG %s :%s", juliet.nick, encoded)
	juliet.expect(Message().From(s.private(romeo.Nick())).Body(text))
	juliet.chat(s.private(romeo.Nick()), text)
	if said := romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick()); said.Last() != encoded {
		t.Errorf("IRC got %q", said.Last())
	}
}

// The ad-hoc command makes a certificate that the server sees, and takes it away again.
func TestCertificateByAdHocCommand(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	run := func(action string) string {
		t.Helper()
		form := juliet.command(s.server(), "certificate", "", nil)
		answer := juliet.command(s.server(), "certificate", form.Attribute("sessionid"), map[string]string{"action": action})
		if answer.Attribute("status") != "completed" {
			t.Fatalf("%s: %s", action, answer)
		}
		return answer.String()
	}
	_, made, found := strings.Cut(run("generate"), "SHA-256 ")
	if !found || len(made) < 2*sha256.Size {
		t.Fatalf("no fingerprint in %q", made)
	}
	made = made[:2*sha256.Size]
	if shown := run("show"); !contains(shown, made) {
		t.Errorf("another is shown than %s: %s", made, shown)
	}
	juliet.join()
	juliet.chat(s.server(), "WHOIS "+juliet.nick)
	juliet.expect(Message().From(s.server()).BodyContains("certificate fingerprint " + made))
	run("remove")
	juliet.reconnect()
	juliet.chat(s.gateway.Hostname, "help")
	juliet.expectThrough(Message().From(s.gateway.Hostname).BodyContains("disconnect-from-irc-server")) // what was said before is done with
	juliet.chat(s.server(), "WHOIS "+juliet.nick)
	said := juliet.expectThrough(Message().From(s.server()).BodyContains("idle"))
	for _, element := range said {
		if contains(element.TextAt("body"), "certificate fingerprint") {
			t.Errorf("the server still sees a certificate: %s", element)
		}
	}
}

// Who registers is asked for a subscription, and who has the gateway in the roster sees
// it go and come.
func TestGatewayInTheRoster(t *testing.T) {
	s := beginAlone(t, nil)
	juliet := s.user("juliet")
	juliet.ask("get", juliet.account+"@"+s.xmpp.Domain, "<query xmlns='jabber:iq:roster'/>") // Prosody tells of subscriptions only who has asked for the roster
	juliet.ask("set", s.gateway.Hostname, "<query xmlns='jabber:iq:register'/>")
	juliet.expect(Presence().From(s.gateway.Hostname).Type("subscribe"))
	juliet.sendf("<presence type='subscribed' to='%s'/>", s.gateway.Hostname)
	juliet.sendf("<presence type='subscribe' to='%s'/>", s.gateway.Hostname)
	juliet.expect(Presence().From(s.gateway.Hostname).Type("subscribed"))
	juliet.expect(Presence().From(s.gateway.Hostname).Type(""))
	s.restart()
	juliet.expect(Presence().From(s.gateway.Hostname).Type("unavailable"))
	juliet.expect(Presence().From(s.gateway.Hostname).Type(""))
}
