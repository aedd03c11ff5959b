//go:build e2e

package faults

import (
	"context"
	"fmt"
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// awaitPage waits until passerelle's page has all the parts.
func (s *stage) awaitPage(path string, parts ...string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), Patience)
	defer cancel()
	if _, err := s.gateway.AwaitPage(ctx, path, 200, parts...); err != nil {
		s.Fatal(err)
	}
}

// What users are told of an outage, the admin sees in figures and in words.
func TestAdminSeesAnOutage(t *testing.T) {
	s := begin(t, nil)
	juliet, _ := s.meeting()
	connections := func(state string, count int) string {
		return fmt.Sprintf("passerelle_connections{network=%q,state=%q} %d\n", ircName, state, count)
	}
	of := func(metric string, count int) string {
		return fmt.Sprintf("passerelle_%s{network=%q} %d\n", metric, ircName, count)
	}
	s.awaitPage("/metrics", connections("online", 1), connections("interrupted", 0), of("outages_total", 0), of("occupants", 2))
	s.wire.Refuse()
	juliet.expect(Message().From(juliet.room()).BodyContains("is lost"))
	s.awaitPage("/metrics", connections("online", 0), connections("interrupted", 1), of("outages_total", 1), of("rooms", 1), of("occupants", 2))
	s.awaitPage("/", "All connections to "+ircName+" are lost; the gateway is trying to get them back.", "1 lost, tried again")
	s.wire.Allow()
	juliet.expect(Message().From(juliet.room()).Body("Connected again."))
	s.awaitPage("/metrics", connections("online", 1), connections("interrupted", 0), of("reconnects_total", 1), of("occupants", 2))
	s.awaitPage("/", "Everything works.")
}
