//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// diskSize is enough for what a scenario says, written twice, and for SQLite's own log of it.
const diskSize = 128 << 20

// beginOnSmallDisk starts a scenario whose passerelle keeps everything on a disk of its own,
// which the scenario may fill.
func beginOnSmallDisk(t *testing.T, admin string) (*scenario, *harness.Disk) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	disk, err := shared.workspace.MountDisk(diskSize)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
	expected := []string{"the archive cannot be written", "the store has failed", "the archive has a gap", "messages were not archived"}
	return beginWithFaults(t, expected, func(o *harness.GatewayOptions) {
		o.Settings["store"] = map[string]any{"directory": disk.Directory}
		o.Settings["gateway"]["admins"] = []string{admin + "@" + shared.prosody.Domain}
	}), disk
}

// The disk of the embedded database is full, because of something else, and is not after a while:
// people talk on, what does not fit into memory is missing from the archive, which is told and
// counted once, and all goes on by itself.
func TestDiskIsFull(t *testing.T) {
	account := "prince" + shared.number()
	s, disk := beginOnSmallDisk(t, account)
	if err := s.xmpp.AddAccount(t.Context(), account, password); err != nil {
		t.Fatal(err)
	}
	prince, mercutio := s.login(account), s.user("mercutio")
	juliet, romeo := s.meeting()
	exchange(juliet, romeo, "before, she", "before, he")
	juliet.awaitArchived("before, he")

	if err := disk.Fill(); err != nil {
		t.Fatal(err)
	}
	flood(juliet)
	exchange(juliet, romeo, "meanwhile, she", "meanwhile, he")
	s.eventually("/readyz", 503, "the archive cannot be written")
	s.eventually("/healthz", 200, "ok")
	tellsToTryAgain(mercutio, mercutio.expect(Message().ID(mercutio.chat(s.gateway.Hostname, "set max_history_length 5")).Type("error")))
	juliet.joinRoom(s.roomOf("#hall" + shared.number()))
	s.user("stranger").join()
	exchange(juliet, romeo, "still, she", "still, he")
	juliet.refuteSeen(gapNotice(s))

	if err := disk.Free(); err != nil {
		t.Fatal(err)
	}
	told := juliet.expect(gapNotice(s)).TextAt("body")
	prince.expect(Message().From(s.gateway.Hostname).BodyContains("Messages of 1 users could not be archived"))
	lost, _, _ := strings.Cut(told, " ")
	s.eventually("/metrics", 200, "passerelle_archive_lines_lost_total "+lost+"\n")
	s.awaitLog("the archive has a gap", "lines="+lost, "full")
	s.eventually("/readyz", 200, "ready")
	mercutio.tell("set max_history_length 6")
	exchange(juliet, romeo, "again, she", "again, he")
	s.keepsNewest(juliet, "again, she", "again, he")
	s.restart()
	juliet.reachable(t.Context())
	s.keepsNewest(juliet, "again, she", "again, he")
	if answer := mercutio.tell("show"); !contains(answer, "max_history_length = 6") {
		t.Error(answer)
	}
	juliet.refuteSeen(gapNotice(s))
	prince.refuteSeen(Message().From(s.gateway.Hostname).BodyContains("could not be archived"))
}

// keepsNewest waits until the archive ends with some messages.
func (s *scenario) keepsNewest(u *user, bodies ...string) {
	s.Helper()
	within, cancel := context.WithTimeout(s.Context(), endLimit)
	defer cancel()
	newest := rsm(fmt.Sprintf("<max>%d</max><before/>", len(bodies)))
	for {
		got := bodiesOf(u.archive(s.room(), newest))
		if slices.Equal(got, bodies) {
			return
		}
		if within.Err() != nil {
			s.Fatalf("the archive ends with %v", got)
		}
	}
}
