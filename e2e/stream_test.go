//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// The gateway's own program ends within this time when it has nothing to wait for.
const endLimit = 20 * time.Second

func TestComponentOverUnixSocket(t *testing.T) {
	t.Parallel()
	options := shared.options(shared.ejabberd, privateHostname(int(shared.usedEjabberdHosts.Add(1))-1))
	options.ComponentAddress = "unix://" + shared.ejabberd.ComponentSocket
	gateway, err := shared.workspace.StartGateway(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gateway.Stop() })
	s := newScenario(t, place{shared.ejabberd, gateway, shared.inspircd, inspircdName})
	juliet, romeo := s.meeting()
	juliet.say("by the socket")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "by the socket")
}

func TestComponentOverTLS(t *testing.T) {
	pair, err := shared.workspace.Authority.Issue("localhost")
	if err != nil {
		t.Fatal(err)
	}
	configuration, err := pair.ServerConfig()
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := harness.NewTLSProxy(componentHostPort(), configuration)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.ComponentAddress = "tls://" + proxy.Address()
		o.Settings["component"] = map[string]any{"ca_file": shared.workspace.Authority.File}
	})
	juliet, romeo := s.meeting()
	juliet.say("under seal")
	romeo.expectFrom(juliet.nick, "PRIVMSG", s.channel, "under seal")
}

// componentHostPort is Prosody's port for components as "host:port".
func componentHostPort() string { return strings.TrimPrefix(shared.prosody.ComponentAddress, "tcp://") }

func TestRefusedComponentEndsTheProgram(t *testing.T) {
	for _, test := range []struct {
		name   string
		xmpp   func() *harness.XMPPServer
		change func(*harness.GatewayOptions)
	}{
		{"wrong secret at prosody", func() *harness.XMPPServer { return shared.prosody },
			func(o *harness.GatewayOptions) { o.Secret = "guess" }},
		{"wrong secret at ejabberd", func() *harness.XMPPServer { return shared.ejabberd },
			func(o *harness.GatewayOptions) { o.Secret = "guess" }},
		{"unknown host at prosody", func() *harness.XMPPServer { return shared.prosody },
			func(o *harness.GatewayOptions) { o.Hostname = "nobody.localhost" }},
		{"unknown host at ejabberd", func() *harness.XMPPServer { return shared.ejabberd },
			func(o *harness.GatewayOptions) { o.Hostname = "nobody.localhost" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			options := shared.options(test.xmpp(), privateHostname(privateHostnames-1))
			options.Settings["log"] = map[string]any{"level": "error"}
			test.change(&options)
			gateway, err := shared.workspace.LaunchGateway(options)
			if err != nil {
				t.Fatal(err)
			}
			code, err := gateway.Wait(endLimit)
			if err != nil || code != 1 {
				t.Errorf("got exit code %d, %v", code, err)
			}
			lines := strings.Split(strings.TrimSpace(gateway.Output()), "\n")
			if len(lines) != 1 || lines[0] == "" {
				t.Errorf("there is not one line of output:\n%s", gateway.Output())
			}
		})
	}
}

// startBehindProxy starts a passerelle whose stream passes a proxy.
func startBehindProxy(t *testing.T, component map[string]any) (*scenario, *harness.Proxy) {
	t.Helper()
	proxy, err := harness.NewProxy(componentHostPort())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	return beginAlone(t, func(o *harness.GatewayOptions) {
		o.ComponentAddress = "tcp://" + proxy.Address()
		o.Settings["component"] = component
	}), proxy
}

func TestLostStreamIsOpenedAgain(t *testing.T) {
	s, proxy := startBehindProxy(t, nil)
	juliet := s.user("juliet")
	juliet.reachable(t.Context())
	proxy.Refuse()
	s.untilHealth(false)
	proxy.Allow()
	s.untilHealth(true)
	juliet.reachable(t.Context())
	juliet.join()
}

func TestDeadStreamIsDetected(t *testing.T) {
	s, proxy := startBehindProxy(t, map[string]any{"ping_interval": "1s", "ping_timeout": "2s"})
	juliet := s.user("juliet")
	juliet.reachable(t.Context())
	proxy.Freeze()
	s.untilHealth(false)
	proxy.Refuse()
	proxy.Thaw()
	proxy.Allow()
	s.untilHealth(true)
	juliet.reachable(t.Context())
}

// untilHealth waits until the gateway's own health check says what is wanted.
func (s *scenario) untilHealth(healthy bool) {
	s.Helper()
	deadline := time.Now().Add(2 * endLimit)
	for (s.gateway.Healthy(s.Context()) == nil) != healthy {
		if time.Now().After(deadline) {
			s.Fatalf("the gateway does not become healthy=%v\n%s", healthy, s.gateway.Output())
		}
	}
}

func TestStanzaThatIsTooLargeIsRefused(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Settings["component"] = map[string]any{"max_stanza_bytes": 16 << 10}
	})
	juliet, _ := s.meeting()
	id := juliet.say(strings.Repeat("too much ", 4<<10))
	juliet.expect(Message().From(s.room()).ID(id).Error("policy-violation"))
	juliet.settle()
}

func TestStreamSurvivesAnyAddress(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet := s.user("juliet")
		for _, address := range []string{"#été%irc", "♥", "#a%", "%", "#%%x", "nick%", "a\\2fb", "#chan"} {
			id := juliet.NewID()
			juliet.sendf("<message to='%s' id='%s' type='chat'><body>hello</body></message>", address+"@"+s.gateway.Hostname, id)
		}
		juliet.ask("get", s.gateway.Hostname, "<ping xmlns='urn:xmpp:ping'/>")
	})
}

func TestCheckOfAGoodConfiguration(t *testing.T) {
	t.Parallel()
	file, err := shared.workspace.WriteGatewayConfiguration(privateOptions(nil))
	if err != nil {
		t.Fatal(err)
	}
	code, output, err := harness.RunGateway(t.Context(), shared.program, "check", "--config", file)
	if err != nil || code != 0 {
		t.Errorf("got exit code %d, %v\n%s", code, err, output)
	}
}

func TestTooFewOpenFilesAreSaid(t *testing.T) {
	t.Parallel()
	gateway, err := shared.workspace.StartGateway(t.Context(), privateOptions(func(o *harness.GatewayOptions) {
		o.Settings["gateway"] = map[string]any{"limits": map[string]any{"connections": 2_000_000_000}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"there may be too few open files", "gateway.limits.connections) need 2000000100", "LimitNOFILE="} {
		if !contains(gateway.Output(), part) {
			t.Errorf("%q is not in the log:\n%s", part, gateway.Output())
		}
	}
}

func TestCheckNamesEveryFault(t *testing.T) {
	t.Parallel()
	options := privateOptions(func(o *harness.GatewayOptions) {
		o.Settings["component"] = map[string]any{"max_depth": -1}
		o.Settings["gateway"] = map[string]any{"max_lines": -1, "no_such_key": 1}
	})
	file, err := shared.workspace.WriteGatewayConfiguration(options)
	if err != nil {
		t.Fatal(err)
	}
	code, output, err := harness.RunGateway(t.Context(), shared.program, "check", "--config", file)
	if err != nil || code != 1 {
		t.Errorf("got exit code %d, %v", code, err)
	}
	for _, fault := range []string{"max_depth", "max_lines", "no_such_key"} {
		if !contains(output, fault) {
			t.Errorf("%s is not named in:\n%s", fault, output)
		}
	}
}

func TestCheckSaysThatTheSecretIsWrong(t *testing.T) {
	t.Parallel()
	file, err := shared.workspace.WriteGatewayConfiguration(privateOptions(func(o *harness.GatewayOptions) { o.Secret = "guess" }))
	if err != nil {
		t.Fatal(err)
	}
	code, output, err := harness.RunGateway(t.Context(), shared.program, "check", "--config", file)
	if err != nil || code != 1 || !contains(output, "secret") {
		t.Errorf("got exit code %d, %v\n%s", code, err, output)
	}
}

func TestVersionIsPrinted(t *testing.T) {
	t.Parallel()
	code, output, err := harness.RunGateway(t.Context(), shared.program, "version")
	if err != nil || code != 0 || !contains(output, "passerelle") {
		t.Errorf("got exit code %d, %v: %s", code, err, output)
	}
}
