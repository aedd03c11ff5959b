//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// stuck is a scenario whose passerelle keeps everything in a PostgreSQL that does not answer,
// or not in time.
type stuck struct {
	*scenario
	database *harness.PostgreSQL
	proxy    *harness.Proxy
	juliet   *user
	romeo    *person
	// nurse has a setting and is not connected, prince is an admin, and mercutio asks for what
	// needs the database.
	nurse, prince, mercutio *user
	// said is what the channel's archive is to have.
	said []string
}

// beginStuck starts a scenario in which the database works so far.
func beginStuck(t *testing.T) *stuck {
	t.Helper()
	account := "prince" + shared.number()
	k := &stuck{}
	expected := []string{
		"the archive cannot be written", "the store does not answer", "the store has failed", "the archive has a gap",
		"messages were not archived", "the history could not be read",
	}
	k.scenario = beginWithFaults(t, expected, func(o *harness.GatewayOptions) {
		var err error
		if k.database, err = shared.workspace.StartPostgreSQL(t.Context()); err != nil {
			t.Fatal(err)
		}
		var address string
		if k.proxy, address, err = k.database.Proxy(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.proxy.Close() })
		o.Settings["store"] = map[string]any{"database": address}
		o.Settings["gateway"]["admins"] = []string{account + "@" + shared.prosody.Domain}
	})
	if err := k.xmpp.AddAccount(t.Context(), account, password); err != nil {
		t.Fatal(err)
	}
	k.prince = k.login(account)
	k.nurse = k.user("nurse")
	k.nurse.tell("set max_history_length 10")
	k.mercutio = k.user("mercutio")
	k.juliet, k.romeo = k.meeting()
	k.talk("before")
	k.juliet.awaitArchived("before, he")
	return k
}

// suspend stops the database server and everything that works for it.
func (k *stuck) suspend() (resume func()) {
	k.Helper()
	if err := k.database.Suspend(k.Context()); err != nil {
		k.Fatal(err)
	}
	resume = sync.OnceFunc(func() {
		if err := k.database.Resume(); err != nil {
			k.Error(err)
		}
	})
	k.Cleanup(resume)
	return resume
}

// talk proves that messages go both ways, and logs how long they took.
func (k *stuck) talk(when string) {
	k.Helper()
	began := time.Now()
	she, he := when+", she", when+", he"
	exchange(k.juliet, k.romeo, she, he)
	k.said = append(k.said, she, he)
	k.Logf("%s: %s for a message each way", when, time.Since(began).Round(time.Millisecond/10))
}

// goesOn proves that everything goes on that can without the database, and that what cannot is
// refused.
func (k *stuck) goesOn() {
	k.Helper()
	// The first question waits, and nobody else does.
	question := Message().ID(k.mercutio.chat(k.gateway.Hostname, "set max_history_length 5")).Type("error")
	for turn := range 3 {
		k.talk(fmt.Sprint("beside a question ", turn))
	}
	k.mercutio.refuteSeen(question)
	tellsToTryAgain(k.mercutio, k.mercutio.expect(question))
	k.eventually("/readyz", 503, "not ready")
	k.eventually("/healthz", 200, "ok")

	tellsToTryAgain(k.juliet, k.juliet.request("set", k.room(), "<query xmlns='urn:xmpp:mam:2'/>"))
	// Settings that cannot be read may forbid to connect as one would without them.
	tellsToTryAgain(k.nurse, k.nurse.joinFails(k.channel, "resource-constraint"))
	k.juliet.joinRoom(k.roomOf("#hall" + shared.number()))
	k.user("stranger").join()
	k.talk("after the questions")
}

// tellsToTryAgain proves that an error says what to do.
func tellsToTryAgain(u *user, refused *Element) {
	u.s.Helper()
	if text := refused.TextAt("error/text"); !strings.Contains(text, "at the moment; try again in a minute") {
		u.s.Errorf("%s was answered with %s", u.account, refused)
	}
}

// writerGivesUp waits until what writes the archive has waited for too long.
func (k *stuck) writerGivesUp() {
	k.Helper()
	within, cancel := context.WithTimeout(k.Context(), 3*endLimit)
	defer cancel()
	if _, err := k.gateway.AwaitPage(within, "/readyz", 503, "the archive cannot be written"); err != nil {
		k.Fatal(err)
	}
}

// recovers proves that everything works again, without anybody's doing, within the time for
// which the database is not asked.
func (k *stuck) recovers() {
	k.Helper()
	k.eventually("/readyz", 200, "ready")
	k.talk("again")
	within, cancel := context.WithTimeout(k.Context(), 2*endLimit)
	defer cancel()
	for k.juliet.request("set", k.room(), "<query xmlns='urn:xmpp:mam:2'/>").Type() != "result" {
		if err := within.Err(); err != nil {
			k.Fatal(err)
		}
	}
	k.juliet.awaitArchived("again, he")
	k.nurse.join()
	// What was refused has not been done meanwhile.
	if answer := k.mercutio.tell("show"); contains(answer, "max_history_length = 5") {
		k.Error(answer)
	}
	k.mercutio.tell("set max_history_length 6")
	if answer := k.mercutio.tell("show"); !contains(answer, "max_history_length = 6") {
		k.Error(answer)
	}
}

// keptAll proves that the archive has everything that was said.
func (k *stuck) keptAll() {
	k.Helper()
	if got := bodiesOf(k.juliet.archive(k.room(), "")); !slices.Equal(got, k.said) {
		k.Errorf("the archive has %v and not %v", got, k.said)
	}
	k.juliet.refuteSeen(gapNotice(k.scenario))
	k.prince.refuteSeen(Message().From(k.gateway.Hostname).BodyContains("could not be archived"))
}

// gapNotice is what users are told when their history is not complete.
func gapNotice(s *scenario) Pattern {
	return Message().From(s.gateway.Hostname).BodyContains("could not be kept for your history")
}

// The server's disk has got stuck: it takes connections and questions and answers none.
func TestDatabaseThatIsStuck(t *testing.T) {
	k := beginStuck(t)
	resume := k.suspend()
	k.goesOn()
	flood(k.juliet)
	resume()
	k.juliet.expect(gapNotice(k.scenario))
	k.prince.expect(Message().From(k.gateway.Hostname).BodyContains("Messages of 1 users could not be archived"))
	k.recovers()
	k.juliet.refuteSeen(gapNotice(k.scenario))
	k.nurse.refuteSeen(gapNotice(k.scenario))
}

// The network swallows everything, for longer than the writer waits for one answer.
func TestDatabaseBehindADeadNetwork(t *testing.T) {
	k := beginStuck(t)
	k.proxy.Freeze()
	k.goesOn()
	k.writerGivesUp()
	k.proxy.Thaw()
	k.recovers()
	k.keptAll()
}

// Each answer comes, ten seconds late.
func TestDatabaseThatAnswersLate(t *testing.T) {
	k := beginStuck(t)
	k.proxy.Delay(10 * time.Second)
	k.goesOn()
	k.writerGivesUp()
	k.proxy.Delay(0)
	k.recovers()
	k.keptAll()
}
