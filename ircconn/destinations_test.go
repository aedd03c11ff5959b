package ircconn

import (
	"net/netip"
	"strings"
	"testing"

	"passerelle/internal/irctest"
)

func TestPublicAddressesOnly(t *testing.T) {
	tests := map[string]string{ // address: part of the refusal, empty for none
		"93.184.216.34":            "",
		"2606:4700::1111":          "",
		"::ffff:93.184.216.34":     "",
		"64:ff9b::5db8:d822":       "", // NAT64 of 93.184.216.34
		"2002:5db8:d822::1":        "", // 6to4 of it
		"100.63.255.255":           "",
		"100.128.0.1":              "",
		"172.15.255.255":           "",
		"172.32.0.1":               "",
		"0.0.0.0":                  "unspecified",
		"0.1.2.3":                  "unspecified",
		"10.0.0.1":                 "private",
		"100.64.0.1":               "of a provider's own network",
		"127.0.0.1":                "of this very machine",
		"127.255.255.254":          "of this very machine",
		"169.254.169.254":          "of a cloud's metadata",
		"169.254.1.1":              "link-local",
		"172.16.0.1":               "private",
		"172.31.255.255":           "private",
		"192.0.0.8":                "reserved",
		"192.0.2.1":                "reserved",
		"192.168.1.1":              "private",
		"198.18.0.1":               "reserved",
		"198.51.100.1":             "reserved",
		"203.0.113.1":              "reserved",
		"224.0.0.1":                "multicast",
		"239.255.255.250":          "multicast",
		"255.255.255.255":          "reserved",
		"::":                       "unspecified",
		"::1":                      "of this very machine",
		"::7f00:1":                 "reserved", // IPv4-compatible
		"::ffff:127.0.0.1":         "of this very machine",
		"::ffff:169.254.169.254":   "of a cloud's metadata",
		"::ffff:0:10.0.0.1":        "reserved", // SIIT
		"64:ff9b::7f00:1":          "of this very machine",
		"64:ff9b::a9fe:a9fe":       "of a cloud's metadata",
		"64:ff9b:1::a00:1":         "reserved", // RFC 8215
		"2001::1":                  "reserved", // Teredo
		"2001:db8::1":              "reserved",
		"2002:a00:1::1":            "private",
		"2002:7f00:1::1":           "of this very machine",
		"3fff::1":                  "reserved",
		"fc00::1":                  "private",
		"fd00:ec2::254":            "of a cloud's metadata",
		"fd12:3456::1":             "private",
		"fe80::1":                  "link-local",
		"fe80::1%eth0":             "link-local",
		"fec0::1":                  "reserved",
		"ff02::1":                  "multicast",
		"2606:4700::1111%whatever": "",
	}
	var public Destinations
	for text, want := range tests {
		err := public.Refuses(netip.MustParseAddr(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("%s is named by %v", text, err)
		}
	}
}

func TestListedNetworks(t *testing.T) {
	prefixes := func(texts ...string) (list []netip.Prefix) {
		for _, text := range texts {
			list = append(list, netip.MustParsePrefix(text))
		}
		return list
	}
	tests := []struct {
		name    string
		where   Destinations
		address string
		allowed bool
	}{
		{"a local network", Destinations{Local: prefixes("10.1.0.0/16")}, "10.1.2.3", true},
		{"its mapped form", Destinations{Local: prefixes("10.1.0.0/16")}, "::ffff:10.1.2.3", true},
		{"another", Destinations{Local: prefixes("10.1.0.0/16")}, "10.2.2.3", false},
		{"within another address", Destinations{Local: prefixes("10.1.0.0/16")}, "64:ff9b::a01:203", false},
		{"everywhere", Destinations{Local: Everywhere()}, "127.0.0.1", true},
		{"everywhere by IPv6", Destinations{Local: Everywhere()}, "fe80::1%lo", true},
		{"refused", Destinations{Refused: prefixes("8.8.0.0/16")}, "8.8.8.8", false},
		{"refused within another address", Destinations{Refused: prefixes("8.8.0.0/16")}, "64:ff9b::808:808", false},
		{"refused wins", Destinations{Local: Everywhere(), Refused: prefixes("10.0.0.0/8")}, "10.1.2.3", false},
		{"only", Destinations{Only: prefixes("8.8.0.0/16")}, "8.8.8.8", true},
		{"outside of only", Destinations{Only: prefixes("8.8.0.0/16")}, "9.9.9.9", false},
		{"only does not make public", Destinations{Only: prefixes("0.0.0.0/0")}, "10.1.2.3", false},
	}
	for _, test := range tests {
		if err := test.where.Refuses(netip.MustParseAddr(test.address)); (err == nil) != test.allowed {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestParsePortRange(t *testing.T) {
	for in, want := range map[string]PortRange{"6697": {6697, 6697}, "6660-6669": {6660, 6669}, " 1 - 65535 ": {1, 65535}} {
		got, err := ParsePortRange(in)
		if err != nil || got != want {
			t.Errorf("%q: got %v, %v", in, got, err)
		}
		if again, err := ParsePortRange(got.String()); err != nil || again != got {
			t.Errorf("%q: read again as %v, %v", in, again, err)
		}
	}
	for _, in := range []string{"", "0", "65536", "x", "6669-6660", "1-", "-1", "1-2-3", "0-5"} {
		if got, err := ParsePortRange(in); err == nil {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}

func FuzzParsePortRange(f *testing.F) {
	for _, seed := range []string{"6697", "6660-6669", "-", "1--1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ports, err := ParsePortRange(text)
		if err != nil {
			return
		}
		if again, err := ParsePortRange(ports.String()); err != nil || again != ports || ports.First == 0 || ports.First > ports.Last {
			t.Errorf("%q: %v, then %v, %v", text, ports, again, err)
		}
	})
}

// What counts is the address that is dialled, whatever name led to it.
func TestForbiddenDestinations(t *testing.T) {
	server := irctest.NewServer(t)
	port := PortRange{uint16(server.Port()), uint16(server.Port())}
	tests := []struct {
		name, host string
		where      Destinations
		source     string
		text       string // of the refusal
	}{
		{"an address", "127.0.0.1", Destinations{}, "", "of this very machine"},
		{"a mapped address", "::ffff:127.0.0.1", Destinations{}, "", "of this very machine"},
		{"a name", "localhost", Destinations{}, "", "of this very machine"},
		{"a source address beside", "127.0.0.1", Destinations{}, "127.0.0.5", "of this very machine"},
		{"another port", "127.0.0.1", Destinations{Local: Everywhere(), Ports: []PortRange{{6697, 6697}}}, "", "the ports 6697 only"},
		{"all allowed", "127.0.0.1", Destinations{Local: Everywhere(), Ports: []PortRange{{6697, 6697}, port}}, "127.0.0.5", "nothing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			options := testOptions(server)
			options.Addresses[0].Host = test.host
			options.Destinations = &test.where
			if test.source != "" {
				options.SourceAddress = netip.MustParseAddr(test.source)
			}
			_, events := start(t, testConfig(), options)
			switch test.text {
			case "nothing":
				server.Accept().Expect("CAP")
			default:
				assertFailure(t, events, KindForbidden, 0, test.text)
			}
		})
	}
}

// A policy of transport security is no way around the list of ports.
func TestForbiddenPortOfAPolicy(t *testing.T) {
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.Destinations = &Destinations{Local: Everywhere(), Ports: []PortRange{{uint16(server.Port()), uint16(server.Port())}}}
	_, events := start(t, testConfig(), options)
	s := server.Accept()
	s.Expect("CAP")
	s.Send(":irc.test CAP * LS :sts=port=22")
	assertFailure(t, events, KindForbidden, 0, "only; its admin can allow more")
}

// A proxy may stand anywhere, but is not asked for what may not be reached.
func TestForbiddenBehindAProxy(t *testing.T) {
	server := irctest.NewServer(t)
	p := startProxy(t, server, &socksProxy{})
	options := testOptions(server)
	options.Proxy = "socks5://" + p.listener.Addr().String()
	options.Destinations = &Destinations{}
	_, events := start(t, testConfig(), options)
	assertFailure(t, events, KindForbidden, 0, "of this very machine")
	options.Addresses = []Address{{Host: "irc.example.org", Port: 6667}}
	start(t, testConfig(), options)
	server.Accept().Expect("CAP")
	if target := <-p.targets; target != "irc.example.org:6667" {
		t.Errorf("the proxy was asked for %s", target)
	}
}

func TestPeer(t *testing.T) {
	server := irctest.NewServer(t)
	_, events := start(t, testConfig(), testOptions(server))
	server.Accept().Register(irctest.Registration{})
	if got := waitFor[Registered](t, events, nil).Peer.String(); got != "127.0.0.1" {
		t.Errorf("the peer is %s", got)
	}
	// A proxy is not the server.
	options := testOptions(server)
	options.Proxy = "socks5://" + startProxy(t, server, &socksProxy{}).listener.Addr().String()
	_, events = start(t, testConfig(), options)
	server.Accept().Register(irctest.Registration{})
	if got := waitFor[Registered](t, events, nil).Peer; got.IsValid() {
		t.Errorf("the peer is %s", got)
	}
}
