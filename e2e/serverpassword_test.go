//go:build e2e

package e2e

import (
	"context"
	"os"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// A server that wants a password lets in who has set it. Who has not is told what to do, in the
// error and by the server's address, and is not tried for until they ask again: neither at first
// nor when the password has become wrong during an outage.
func TestServerPassword(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(ctx context.Context, hostName, password string) (*harness.IRCServer, error){
		"inspircd": shared.workspace.StartInspIRCdWithPassword,
		"ngircd":   shared.workspace.StartNgIRCdWithPassword,
		"ergo":     shared.workspace.StartErgoWithPassword, // the one that sends 464
	} {
		t.Run(name, func(t *testing.T) {
			if name == "ergo" && os.Getenv(harness.ErgoVariable) == "" {
				t.Skipf("Ergo is not among Debian's packages; set %s to the path of its program to prove this", harness.ErgoVariable)
			}
			provesPassword(t, start)
		})
	}
}

func provesPassword(t *testing.T, start func(ctx context.Context, hostName, password string) (*harness.IRCServer, error)) {
	t.Helper()
	const network, password = "closed-circle.test", "open sesame"
	server, err := start(t.Context(), network, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	proxy, err := harness.NewProxy(server.TLSAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Servers[network] = []string{"ircs://" + proxy.Address()} })
	s.irc, s.network = server, network
	juliet := s.user("juliet")
	advice := "set the right server password"
	connections := 0
	refused := func(when string) {
		t.Helper()
		refusal := juliet.joinFails(s.channel, "not-authorized")
		if text := refusal.TextAt("error/text"); !contains(text, "refused the registration") || !contains(text, advice) {
			t.Errorf("%s: the error says %q", when, text)
		}
		juliet.expect(Message().From(s.server()).BodyContains("has ended").BodyContains(advice))
		connections++
	}
	refused("without a password")
	juliet.configure(s.server(), map[string]string{"pass": "abracadabra"})
	refused("with a wrong one")
	juliet.configure(s.server(), map[string]string{"pass": password})
	juliet.join()
	connections++

	juliet.configure(s.server(), map[string]string{"pass": "abracadabra"})
	proxy.Cut()
	juliet.expect(Message().From(s.room()).BodyContains("is lost"))
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110", "332"))
	juliet.expect(Message().From(s.server()).BodyContains("has ended").BodyContains(advice))
	connections++
	juliet.configure(s.server(), map[string]string{"pass": password})
	juliet.join()
	connections++
	if got := len(proxy.Clients()); got != connections {
		t.Errorf("the server was connected to %d times, want %d", got, connections)
	}
}
