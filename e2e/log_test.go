//go:build e2e

package e2e

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	. "passerelle/internal/harness/xmppclient"
)

// awaitLog waits until the passerelle has logged a line with all the parts.
func (s *scenario) awaitLog(parts ...string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), Patience)
	defer cancel()
	for !s.hasLogged(parts...) {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			s.Fatalf("no line with all of %q was logged:\n%s", parts, s.gateway.Output())
		}
	}
}

func (s *scenario) hasLogged(parts ...string) bool {
	for line := range strings.Lines(s.gateway.Output()) {
		missing := false
		for _, part := range parts {
			missing = missing || !strings.Contains(line, part)
		}
		if !missing {
			return true
		}
	}
	return false
}

func TestAdminTracesOneUser(t *testing.T) {
	s, prince := beginWithAdmin(t)
	juliet, romeo := s.meeting()
	exchange(juliet, romeo, "before, she", "before, he")
	jid := juliet.account + "@" + s.xmpp.Domain
	if answer := prince.tell("trace-user " + jid + " 5"); !contains(answer, "for 5 minutes") {
		t.Fatal(answer)
	}
	exchange(juliet, romeo, "while, she", "while, he")
	juliet.message("chat", s.private("NickServ"), "IDENTIFY s3cret")
	s.awaitLog("level=TRACE", "user="+jid, "msg=stanza", "direction=in", "while, she")
	s.awaitLog("level=TRACE", "user="+jid, "msg=wire", "direction=out", "PRIVMSG "+s.channel+" :while, she")
	s.awaitLog("level=TRACE", "user="+jid, "msg=wire", "direction=in", "while, he")
	s.awaitLog("level=TRACE", "user="+jid, "msg=stanza", "direction=out", "while, he")
	s.awaitLog("msg=wire", "direction=out", "IDENTIFY ***")
	if answer := prince.tell("trace-user " + jid + " off"); !contains(answer, "not traced any more") {
		t.Fatal(answer)
	}
	exchange(juliet, romeo, "after, she", "after, he")
	for _, never := range []string{"before, ", "after, ", "s3cret"} {
		if s.hasLogged(never) {
			t.Errorf("the log has %q", never)
		}
	}
	if s.hasLogged("level=TRACE", "user="+prince.account) {
		t.Error("somebody else was traced")
	}
}

func TestLogLevelChangesWhileItRuns(t *testing.T) {
	s, prince := beginWithAdmin(t)
	if answer := prince.tell("log-level info"); !contains(answer, "From level info on") {
		t.Fatal(answer)
	}
	for number, wanted := range []string{"to=debug", "to=info"} {
		if err := s.gateway.Signal([]syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2}[number]); err != nil {
			t.Fatal(err)
		}
		s.awaitLog("the log level was changed", wanted, "signal=")
	}
}
