//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// databaseSize is how many bytes the SQLite file of the scenario's passerelle has, which must
// have ended: what the log beside it had is in the file then.
func (s *scenario) databaseSize() int64 {
	s.Helper()
	file, err := os.Stat(filepath.Join(filepath.Dir(s.gateway.ConfigurationFile), "data", "passerelle.db"))
	if err != nil {
		s.Fatal(err)
	}
	return file.Size()
}

// stop ends the scenario's passerelle in order.
func (s *scenario) stop() {
	s.Helper()
	if code := s.gateway.Stop(); code != 0 {
		s.Fatalf("passerelle ended with code %d:\n%s", code, s.gateway.Output())
	}
}

// startAgain starts what stop has ended.
func (s *scenario) startAgain() {
	s.Helper()
	if err := shared.workspace.StartGatewayAgain(s.Context(), s.gateway); err != nil {
		s.Fatal(err)
	}
}

// What a user or the admin does not keep goes, and its space with it.
func TestOldMessagesGo(t *testing.T) {
	s := beginAlone(t, nil)
	juliet, romeo := s.meeting()
	nurse := s.user("nurse")
	nurse.join()
	const messages = 400
	for number := range messages {
		romeo.say(fmt.Sprintf("line %d %s", number, strings.Repeat("many words ", 30)))
	}
	romeo.say("the end")
	juliet.expect(Message().From(romeo.occupant()).Body("the end"))
	nurse.expect(Message().From(romeo.occupant()).Body("the end"))
	juliet.awaitArchived("the end")
	juliet.tell("set archive_lines 3")
	s.stop()
	before := s.databaseSize()

	// Old messages are looked for at the start, and then once in a while.
	s.startAgain()
	s.awaitLog("archived lines removed", fmt.Sprintf("lines=%d", messages+1-3))
	juliet.reachable(t.Context())
	page := bodiesOf(juliet.archive(s.room(), ""))
	if len(page) != 3 || page[2] != "the end" || !strings.HasPrefix(page[0], fmt.Sprintf("line %d ", messages-2)) {
		t.Errorf("juliet's archive has %d messages, the last being %.20q", len(page), page[max(0, len(page)-1):])
	}
	const last = "<set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set>"
	if page := bodiesOf(nurse.archive(s.room(), last)); len(page) != 5 {
		t.Errorf("the nurse, who keeps everything, has %d messages", len(page))
	}

	s.change(func(sections map[string]map[string]any) { sections["store"]["max_lines"] = 4 })
	s.stop()
	s.startAgain()
	s.awaitLog("archived lines removed", fmt.Sprintf("lines=%d", messages+1-4))
	nurse.reachable(t.Context())
	if page := bodiesOf(nurse.archive(s.room(), "")); len(page) != 4 || !slices.Contains(page, "the end") {
		t.Errorf("the nurse's archive has %d messages", len(page))
	}
	s.stop()
	if after := s.databaseSize(); after > before/2 {
		t.Errorf("the file has %d bytes, and had %d", after, before)
	}
}
