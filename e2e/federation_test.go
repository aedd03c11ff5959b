//go:build e2e

package e2e

import (
	"net"
	"strconv"
	"testing"

	"passerelle/internal/dnstest"
	"passerelle/internal/harness"
)

// Components of a Prosody that takes streams of other servers, the last one excepted.
// Its certificate is for the first.
const (
	coveredDomain    = "irc.federated.test"
	uncoveredDomain  = "irc2.federated.test"
	unrecordedDomain = "irc3.federated.test"
	strangeDomain    = "irc4.federated.test"
)

func portOf(t *testing.T, address string) uint16 {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(port)
}

func TestCheckLooksAtFederation(t *testing.T) {
	t.Parallel()
	prosody, err := shared.workspace.StartFederatedProsody(t.Context(), []string{"localhost", coveredDomain},
		coveredDomain, uncoveredDomain, unrecordedDomain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prosody.Stop() })
	atProsody := []dnstest.SRV{{Target: "xmpp.federated.test", Port: portOf(t, prosody.ServerAddress)}}
	atEjabberd := []dnstest.SRV{{Target: "xmpp.federated.test", Port: portOf(t, shared.ejabberd.ServerAddress)}}
	ejabberdDomain := privateHostname(int(shared.usedEjabberdHosts.Add(1)) - 1)
	const service = "_xmpp-server._tcp."
	dns, err := dnstest.Start(dnstest.Records{
		SRV: map[string][]dnstest.SRV{
			service + coveredDomain: atProsody, service + uncoveredDomain: atProsody, service + strangeDomain: atProsody,
			service + "localhost": atProsody, service + ejabberdDomain: atEjabberd,
		},
		Addresses: map[string][]string{"xmpp.federated.test": {"127.0.0.1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dns.Close() })
	for domain, test := range map[string]struct {
		at   *harness.XMPPServer
		code int
		want []string
	}{
		// The authority of the tests is not one of this machine's.
		coveredDomain:   {prosody, 0, []string{"answers for " + coveredDomain, "its certificate is not trusted by this machine"}},
		uncoveredDomain: {prosody, 0, []string{"answers for " + uncoveredDomain, "its certificate is for localhost, " + coveredDomain + " and not for " + uncoveredDomain}},
		ejabberdDomain:  {shared.ejabberd, 0, []string{"answers for " + ejabberdDomain, "its certificate is for localhost and not for " + ejabberdDomain}},
		strangeDomain:   {prosody, 1, []string{"does not answer for " + strangeDomain + ": host-unknown"}},
		unrecordedDomain: {prosody, 0, []string{service + unrecordedDomain + ". 3600 IN SRV 0 5 " +
			strconv.Itoa(int(atProsody[0].Port)) + " xmpp.federated.test."}},
	} {
		file, err := shared.workspace.WriteGatewayConfiguration(shared.options(test.at, domain))
		if err != nil {
			t.Fatal(err)
		}
		code, output, err := harness.RunGateway(t.Context(), shared.program, "check", "--config", file, "--resolver", dns.Address())
		if err != nil || code != test.code {
			t.Errorf("%s: got exit code %d, %v\n%s", domain, code, err, output)
		}
		for _, want := range test.want {
			if !contains(output, want) {
				t.Errorf("%s: %q is not in:\n%s", domain, want, output)
			}
		}
	}
}
