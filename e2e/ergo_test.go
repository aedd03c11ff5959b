//go:build e2e

package e2e

import (
	"os"
	"strconv"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

const ergoName = "ergo.test"

// withErgo starts Ergo, a passerelle that knows it, and a proxy between them. Ergo keeps
// history (IRCv3 chathistory) and takes SCRAM, which no server of Debian's does.
func withErgo(t *testing.T) (*scenario, *harness.Proxy) {
	t.Helper()
	if os.Getenv(harness.ErgoVariable) == "" {
		t.Skipf("Ergo is not among Debian's packages; set %s to the path of its program to prove this", harness.ErgoVariable)
	}
	server, err := shared.workspace.StartErgo(t.Context(), ergoName)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := harness.NewProxy(server.TLSAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	s := beginAlone(t, func(options *harness.GatewayOptions) {
		options.Servers[ergoName] = []string{"ircs://" + proxy.Address()}
	})
	s.irc, s.network = server, ergoName
	return s, proxy
}

// What was said while the connection was lost is fetched from the server, and is in the
// archive; what was said before a user's first visit comes with it.
func TestHistoryIsFetched(t *testing.T) {
	s, proxy := withErgo(t)
	romeo := s.member("romeo")
	romeo.say("before she came")
	juliet := s.user("juliet")
	juliet.join()
	juliet.expect(Message().From(romeo.occupant()).Body("before she came").Has("delay"))
	romeo.say("she is here")
	juliet.expect(Message().From(romeo.occupant()).Body("she is here").Lacks("delay"))

	proxy.Refuse()
	juliet.expect(Message().From(s.room()).BodyContains("is lost"))
	romeo.expectFrom(juliet.nick, "QUIT")
	romeo.say("while she was away")
	romeo.settle()
	proxy.Allow()
	missed := juliet.expect(Message().From(romeo.occupant()).Body("while she was away").Has("delay"))
	juliet.settle()
	juliet.refuteSeen(Message().Body("she is here"))

	archived := juliet.ask("set", s.room(), "<query xmlns='urn:xmpp:mam:2' queryid='q'/>")
	if archived.AttributeAt("fin", "complete") != "true" {
		t.Errorf("got %s", archived)
	}
	found := juliet.expect(Message().From(s.room()).Text("result/forwarded/message/body", "while she was away"))
	if id := found.AttributeAt("result", "id"); id != missed.AttributeAt("stanza-id", "id") {
		t.Errorf("archived as %q, shown as %s", id, missed)
	}
}

// Much that was said while the connection was lost is fetched by pages, and none of it is
// lost where a page ends amid what was said in one millisecond.
func TestLongHistoryIsFetched(t *testing.T) {
	s, proxy := withErgo(t)
	romeo := s.member("romeo")
	juliet := s.user("juliet")
	juliet.join()
	proxy.Refuse()
	juliet.expect(Message().From(s.room()).BodyContains("is lost"))
	romeo.expectFrom(juliet.nick, "QUIT")
	const said = 500
	for i := range said {
		romeo.say("line " + strconv.Itoa(i))
	}
	romeo.settle()
	proxy.Allow()
	for i := range said {
		next := juliet.expect(Message().From(romeo.occupant()).BodyContains("line ").Has("delay"))
		if got, want := next.TextAt("body"), "line "+strconv.Itoa(i); got != want {
			t.Fatalf("%q is shown, want %q", got, want)
		}
	}
}

// registerOnErgo makes an account, in the manner of register.
func (s *scenario) registerOnErgo(account, password string) {
	s.Helper()
	p := s.personNamed(account)
	p.Send("NS REGISTER %s", password)
	if answer := p.expectFrom("NickServ", "NOTICE"); !contains(answer.Last(), "Account created") {
		s.Fatal(answer.Last())
	}
	if err := p.Quit("registered"); err != nil {
		s.Fatal(err)
	}
}

// The strongest mechanism that the server offers is used: SCRAM-SHA-256.
func TestLoginBySCRAM(t *testing.T) {
	s, _ := withErgo(t)
	account := "capulet" + shared.number()
	s.registerOnErgo(account, password[:6])
	juliet := s.user("juliet")
	juliet.nick = account // Ergo lets nobody have another
	juliet.tell("set " + s.network + " sasl_mechanism SCRAM-SHA-256")
	juliet.tell("set " + s.network + " sasl_account " + account)
	juliet.tell("set " + s.network + " sasl_password wrong!")
	juliet.joinFails(s.channel, "not-authorized")
	juliet.tell("set " + s.network + " sasl_password " + password[:6])
	juliet.join()
	juliet.expect(Message().From(s.server()).BodyContains("You are logged in to " + s.network + " as " + account))
}
