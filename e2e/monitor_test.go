//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// eventually asks the passerelle for a path until the answer has the parts.
func (s *scenario) eventually(path string, status int, parts ...string) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), Patience)
	defer cancel()
	page, err := s.gateway.AwaitPage(ctx, path, status, parts...)
	if err != nil {
		s.Fatal(err)
	}
	return page
}

func TestMetricsTellWhatHappens(t *testing.T) {
	s := beginAlone(t, nil)
	s.eventually("/readyz", 200, "ready")
	juliet, romeo := s.meeting()
	exchange(juliet, romeo, "one", "two")
	juliet.request("get", s.gateway.Hostname, "<query xmlns='urn:example:nobody-knows'/>")
	online := fmt.Sprintf(`passerelle_connections{network="%s",state="online"} 1`, inspircdName)
	text := s.eventually("/metrics", 200, online,
		"passerelle_stream_up 1", "passerelle_users 1",
		fmt.Sprintf(`passerelle_rooms{network="%s"} 1`, inspircdName), fmt.Sprintf(`passerelle_occupants{network="%s"} 2`, inspircdName),
		`passerelle_irc_lines_total{direction="out",kind="join"} 1`, `passerelle_stanzas_total{direction="in",kind="message"} 1`,
		`passerelle_archive_lines_total 2`, `passerelle_refusals_total{condition="service-unavailable"} 1`, "passerelle_panics_total 0",
	)
	for _, direction := range []string{"to_irc", "to_xmpp"} {
		if strings.Contains(text, fmt.Sprintf("passerelle_latency_seconds_count{direction=%q} 0\n", direction)) {
			t.Errorf("nothing was measured %s", direction)
		}
	}
	for _, secret := range []string{juliet.account, romeo.Nick(), s.channel} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics name %s", secret)
		}
	}
	juliet.sendf("<presence to='%s' type='unavailable'/>", juliet.occupant())
	s.eventually("/metrics", 200, strings.Replace(online, "} 1", "} 0", 1), fmt.Sprintf(`passerelle_connections_ended_total{network="%s",reason="wanted"} 1`, inspircdName))
}

func TestReadyOnlyWithTheDatabase(t *testing.T) {
	s, database := beginOnPostgreSQL(t)
	s.eventually("/readyz", 200, "ready")
	if err := database.Stop(); err != nil {
		t.Fatal(err)
	}
	s.eventually("/readyz", 503, "not ready")
	s.eventually("/healthz", 200, "ok")
	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.eventually("/readyz", 200, "ready")
}

func TestStatusPage(t *testing.T) {
	const token = "a token of the tests"
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Settings["http"] = map[string]any{"token": token} })
	juliet, _ := s.meeting()
	page := s.eventually("/", 200, "Everything works.", s.gateway.Hostname, inspircdName, "1 online", "<b>2</b> <span class=\"soft\">occupants</span>")
	if strings.Contains(page, juliet.account) {
		t.Errorf("the page names %s", juliet.account)
	}
	for password, wanted := range map[string]int{"": 401, "wrong": 401, token: 200} {
		status, page, err := s.gateway.GetAs(t.Context(), "/users", password)
		if err != nil {
			t.Fatal(err)
		}
		if named := strings.Contains(page, juliet.account+"@"); status != wanted || named != (wanted == 200) {
			t.Errorf("with the password %q: %d, and %v that the user is named", password, status, named)
		}
	}
}
