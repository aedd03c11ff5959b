//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// origin is where IRC sees somebody come from: the host that everybody sees, and the address
// that operators see.
type origin struct{ host, address string }

// originOf asks the server about a user's connection; the person is an operator.
func (p *person) originOf(nick string) origin {
	p.s.Helper()
	p.Send("WHOIS %s", nick)
	host := p.expect("311", p.Nick(), nick).Param(3)
	words := strings.Fields(p.expect("378", p.Nick(), nick).Last())
	return origin{host, words[len(words)-1]}
}

// reconnect leaves the network and joins the channel again.
func (u *user) reconnect() {
	u.s.Helper()
	u.tell("disconnect-from-irc-server " + u.s.network)
	u.expect(Presence().From(u.occupant()).Type("unavailable").Status("110"))
	u.join()
}

// checkOrigins proves that two users come from different addresses of a network, and from the
// same ones when they connect again.
func (s *scenario) checkOrigins(network netip.Prefix) {
	s.Helper()
	romeo := s.operator("romeo")
	juliet, nurse := s.user("juliet"), s.user("nurse")
	juliet.join()
	nurse.join()
	ofJuliet, ofNurse := romeo.originOf(juliet.nick), romeo.originOf(nurse.nick)
	if ofJuliet.address == ofNurse.address || ofJuliet.host == ofNurse.host {
		s.Errorf("two users come from %v and %v", ofJuliet, ofNurse)
	}
	for _, found := range []origin{ofJuliet, ofNurse} {
		if address, err := netip.ParseAddr(found.address); err != nil || !network.Contains(address) {
			s.Errorf("%s is not in %s: %v", found.address, network, err)
		}
	}
	juliet.reconnect()
	if again := romeo.originOf(juliet.nick); again != ofJuliet {
		s.Errorf("juliet comes from %v, and again from %v", ofJuliet, again)
	}
}

func TestWEBIRCGivesEachUserAnAddress(t *testing.T) {
	network := netip.MustParsePrefix("fd00:1:2:3::/64")
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.ServerSettings[inspircdName] = map[string]any{
			"webirc": map[string]any{"password": harness.WEBIRCPassword, "network": network.String()},
		}
	})
	// InspIRCd believes the address, and takes no gateway's word for the host.
	s.checkOrigins(network)
}

func TestSourceNetworkGivesEachUserAnAddress(t *testing.T) {
	network := netip.MustParsePrefix("127.64.0.0/10")
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.ServerSettings[inspircdName] = map[string]any{"source_network": network.String()}
	})
	s.checkOrigins(network)
}

// routedHere makes all addresses of an IPv6 network the machine's own, as an admin does for
// source_network, where the test may do that.
func routedHere(t *testing.T, network netip.Prefix) {
	t.Helper()
	route := func(verb string) ([]byte, error) {
		return exec.Command("ip", "-6", "route", verb, "local", network.String(), "dev", "lo").CombinedOutput()
	}
	if output, err := route("add"); err != nil {
		t.Skipf("an IPv6 network cannot be routed here: %v: %s", err, output)
	}
	t.Cleanup(func() {
		if output, err := route("del"); err != nil {
			t.Errorf("the route stays: %v: %s", err, output)
		}
	})
}

func TestSourceNetworkOfIPv6GivesEachUserAnAddress(t *testing.T) {
	network := netip.MustParsePrefix("fd00:70a5:5e7e:11e::/64")
	routedHere(t, network)
	server, err := harness.NewIPv6Proxy(shared.inspircd.PlainAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Servers[plainName] = []string{"irc://" + server.Address()}
		o.ServerSettings[plainName] = map[string]any{"source_network": network.String()}
	})
	s.network = plainName
	juliet, nurse := s.user("juliet"), s.user("nurse")
	juliet.join()
	nurse.join()
	juliet.reconnect()
	var seen []netip.Addr
	for _, client := range server.Clients() {
		address := netip.MustParseAddrPort(client.String()).Addr()
		if !network.Contains(address) {
			t.Errorf("%s is not in %s", address, network)
		}
		seen = append(seen, address)
	}
	if len(seen) != 3 || seen[0] == seen[1] || seen[0] != seen[2] {
		t.Errorf("juliet, nurse and juliet again come from %v", seen)
	}
}

func TestProxyStandsBeforeTheServer(t *testing.T) {
	proxy, err := harness.NewSOCKSProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.ServerSettings[inspircdName] = map[string]any{"proxy": "socks5://" + proxy.Address()}
	})
	juliet, romeo := s.meeting()
	s.user("nurse").join()
	if got := len(proxy.Clients()); got != 2 {
		t.Errorf("%d connections passed the proxy", got)
	}
	juliet.say("by another way")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "by another way")
}

// InspIRCd asks port 113 only, which is not for tests to take: they ask in its place.
func TestIdentdTellsUsersApart(t *testing.T) {
	proxy, err := harness.NewProxy(shared.inspircd.PlainAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	identd, err := shared.workspace.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Servers[plainName] = []string{"irc://" + proxy.Address()}
		o.Settings["irc"]["identd_listen"] = identd
	})
	s.network = plainName
	juliet, nurse := s.user("juliet"), s.user("nurse")
	juliet.join()
	nurse.join()
	juliet.reconnect()
	var answers []string
	for _, client := range proxy.Clients() {
		answers = append(answers, askIdentd(t, identd, client.(*net.TCPAddr).Port, proxy.Address()))
	}
	if len(answers) != 3 || !contains(answers[0], "ERROR : NO-USER") || !contains(answers[1], "USERID : UNIX : ") || !contains(answers[2], "USERID : UNIX : ") {
		t.Fatalf("of a closed connection and two open ones, the answers are %q", answers)
	}
	first := answers[2]
	juliet.reconnect()
	clients := proxy.Clients()
	if again := askIdentd(t, identd, clients[len(clients)-1].(*net.TCPAddr).Port, proxy.Address()); again != first || again == answers[1] {
		t.Errorf("juliet is %q and then %q; nurse is %q", first, again, answers[1])
	}
}

// askIdentd asks who stands behind a connection (RFC 1413), and returns the answer without the
// ports.
func askIdentd(t *testing.T, identd string, port int, server string) string {
	t.Helper()
	connection, err := net.Dial("tcp", identd)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	query := fmt.Sprintf("%d, %d", port, netip.MustParseAddrPort(server).Port())
	if _, err := fmt.Fprintf(connection, "%s\r\n", query); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	answer, found := strings.CutPrefix(line, query+" : ")
	if err != nil || !found {
		t.Fatalf("the answer to %q is %q, %v", query, line, err)
	}
	return answer
}

func TestEncodingsOfAnOldChannel(t *testing.T) {
	s := begin(t)
	legacy := charmap.KOI8R
	encoded := func(text string) string {
		bytes, err := legacy.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	romeo := s.member("romeo")
	juliet := s.user("juliet")
	for _, setting := range []string{"encoding_in", "encoding_out"} {
		juliet.tell("set " + s.channel + "%" + s.network + " " + setting + " koi8-r")
	}
	juliet.join()
	romeo.say(encoded("О Ромео"))
	juliet.expect(Message().From(romeo.occupant()).Body("О Ромео"))
	id := juliet.say("Отринь отца")
	if said := romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel); said.Last() != encoded("Отринь отца") {
		t.Errorf("IRC got %q", said.Last())
	}
	juliet.expect(Message().From(juliet.occupant()).ID(id).Body("Отринь отца"))
	// Elsewhere everything is UTF-8.
	juliet.chat(s.private(romeo.Nick()), "Отринь отца")
	if said := romeo.expectFrom(juliet.nick, "PRIVMSG", romeo.Nick()); said.Last() != "Отринь отца" {
		t.Errorf("IRC got %q", said.Last())
	}
}

// A server that wants TLS is not spoken to without it again: not now, and not after a restart.
func TestServerThatWantsTLSGetsIt(t *testing.T) {
	const name = "strict.test"
	server, err := shared.workspace.StartInspIRCdWithSTS(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	plain, err := harness.NewProxy(server.PlainAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.Close() })
	_, plainPort, _ := strings.Cut(plain.Address(), ":")
	_, tlsPort, _ := strings.Cut(server.TLSAddress, ":")
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Servers[name] = []string{"irc://localhost:" + plainPort} })
	s.irc, s.network = server, name
	juliet := s.user("juliet")
	check := func(when string) {
		t.Helper()
		if info := juliet.command(s.server(), "get-irc-connection-info", "", nil); !contains(info.String(), "at localhost:"+tlsPort+", with TLS") {
			t.Errorf("%s: %s", when, info)
		}
		if got := len(plain.Clients()); got != 1 {
			t.Errorf("%s: the server was connected to %d times without TLS", when, got)
		}
	}
	juliet.join()
	check("at first")
	juliet.reconnect()
	check("again")
	s.restart()
	juliet.reachable(t.Context())
	juliet.joinRoom(s.roomOf("#after" + shared.number()))
	check("after a restart")
}
