//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"passerelle/internal/harness"
	"passerelle/internal/harness/xmppclient"
)

// BenchmarkResidentMemory reports the resident memory of passerelle, built as it is shipped,
// with so many users, each in one channel of a TLS network:
//
//	go test -tags e2e -run '^$' -bench ResidentMemory -benchtime 1x ./e2e
func BenchmarkResidentMemory(b *testing.B) {
	for _, users := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(residentWith(b, users)), "KiB-RSS")
			}
		})
	}
}

func residentWith(b *testing.B, users int) int {
	b.Helper()
	workspace, err := harness.NewWorkspace()
	if err != nil {
		b.Fatal(err)
	}
	defer workspace.Close()
	options := harness.GatewayOptions{Hostname: sharedHostname, Settings: map[string]map[string]any{"log": {"level": "info"}}}
	if options.Program, err = workspace.BuildGateway(b.Context(), "-trimpath", "-ldflags=-s -w"); err != nil {
		b.Fatal(err)
	}
	if options.XMPP, err = workspace.StartProsody(b.Context(), sharedHostname); err != nil {
		b.Fatal(err)
	}
	irc, err := workspace.StartNgIRCd(b.Context(), ngircdName)
	if err != nil {
		b.Fatal(err)
	}
	options.Servers = map[string][]string{ngircdName: {"ircs://" + irc.TLSAddress}}
	gateway, err := workspace.StartGateway(b.Context(), options)
	if err != nil {
		b.Fatal(err)
	}
	for number := range users {
		joinForMemory(b, options.XMPP, fmt.Sprintf("user%d", number))
	}
	return residentKiB(b, gateway.ID())
}

func joinForMemory(b *testing.B, xmpp *harness.XMPPServer, name string) {
	b.Helper()
	if err := xmpp.AddAccount(b.Context(), name, password); err != nil {
		b.Fatal(err)
	}
	client, err := xmppclient.Login(b.Context(), xmpp.Account(name, password))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close() })
	occupant := "#memory%" + ngircdName + "@" + sharedHostname + "/" + name
	client.Send("<presence to='" + occupant + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	if _, err := client.Expect(selfPresence(occupant)); err != nil {
		b.Fatal(err)
	}
}

// residentKiB reads how much memory of a process is in RAM (proc(5), VmRSS).
func residentKiB(b *testing.B, process int) int {
	b.Helper()
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", process))
	if err != nil {
		b.Fatal(err)
	}
	defer status.Close()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), "VmRSS:"); found {
			var kib int
			if _, err := fmt.Sscanf(value, "%d kB", &kib); err != nil {
				b.Fatal(err)
			}
			return kib
		}
	}
	b.Fatalf("process %d has no VmRSS: %v", process, lines.Err())
	return 0
}
