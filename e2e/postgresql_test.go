//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// beginOnPostgreSQL starts a scenario whose passerelle keeps everything in a PostgreSQL of its
// own, which the scenario may stop.
func beginOnPostgreSQL(t *testing.T, admins ...string) (*scenario, *harness.PostgreSQL) {
	t.Helper()
	var database *harness.PostgreSQL
	expected := []string{
		"the archive cannot be written", "settings could not be read", "the history could not be read",
		"the archive has a gap", "messages were not archived",
	}
	s := beginWithFaults(t, expected, func(o *harness.GatewayOptions) {
		var err error
		if database, err = shared.workspace.StartPostgreSQL(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Settings["store"] = map[string]any{"database": database.URL}
		o.Settings["gateway"]["admins"] = admins
	})
	return s, database
}

// exchange proves that messages go both ways.
func exchange(juliet *user, romeo *person, fromJuliet, fromRomeo string) {
	juliet.s.Helper()
	juliet.say(fromJuliet)
	romeo.expectFrom(juliet.nick, "PRIVMSG", juliet.s.channel, fromJuliet)
	juliet.expect(Message().From(juliet.occupant()).Body(fromJuliet))
	romeo.say(fromRomeo)
	juliet.expect(Message().From(romeo.occupant()).Body(fromRomeo))
}

func TestArchiveOnPostgreSQLSurvivesARestart(t *testing.T) {
	s, _ := beginOnPostgreSQL(t)
	juliet, romeo := s.meeting()
	exchange(juliet, romeo, "from a woman", "and from a man")
	juliet.tell("set persistent true")
	s.restart()
	if got := bodiesOf(juliet.archive(s.room(), "")); !slices.Equal(got, []string{"from a woman", "and from a man"}) {
		t.Errorf("the archive has %v", got)
	}
	if answer := juliet.tell("show"); !contains(answer, "persistent = true") {
		t.Error(answer)
	}
}

func TestPeopleTalkWhileTheDatabaseIsGone(t *testing.T) {
	s, database := beginOnPostgreSQL(t)
	juliet, romeo := s.meeting()
	exchange(juliet, romeo, "before, she", "before, he")
	juliet.awaitArchived("before, he")
	nurse := s.user("nurse")
	nurse.tell("set max_history_length 10")
	if err := database.Stop(); err != nil {
		t.Fatal(err)
	}
	exchange(juliet, romeo, "without, she", "without, he")
	// Who is here can go elsewhere, and back.
	juliet.joinRoom(s.roomOf("#hall" + shared.number()))
	phone := juliet.otherResource()
	phone.sendJoin(s.room(), juliet.nick, "")
	phone.expect(Message().From(s.room()).Has("subject"))
	// Whose settings cannot be read is told so, at once: they may forbid to connect as one would
	// without them. Who has none comes in.
	nurse.joinFails(s.channel, "resource-constraint")
	s.user("stranger").join()

	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	exchange(juliet, romeo, "again, she", "again, he")
	juliet.awaitArchived("again, he")
	want := []string{"before, she", "before, he", "without, she", "without, he", "again, she", "again, he"}
	if got := bodiesOf(juliet.archive(s.room(), "")); !slices.Equal(got, want) {
		t.Errorf("the archive has %v", got)
	}
	nurse.join()
}

// flood says more than passerelle keeps in memory for a database that does not answer (16 MiB),
// in few messages.
func flood(u *user) {
	u.s.Helper()
	const messages, bytesEach = 190, 125_000
	attachment := "<attachment xmlns='urn:example:tests'>" + strings.Repeat("o", bytesEach) + "</attachment>"
	for number := range messages {
		body := fmt.Sprintf("line %d", number)
		u.Send("<message type='groupchat' to='" + u.s.room() + "' id='" + u.NewID() + "'><body>" + body + "</body>" + attachment + "</message>")
		if number%10 == 9 {
			u.expect(Message().From(u.occupant()).Body(body))
		}
	}
}

func TestUsersAreToldOnceOfAGap(t *testing.T) {
	account := "prince" + shared.number()
	s, database := beginOnPostgreSQL(t, account+"@"+shared.prosody.Domain)
	if err := s.xmpp.AddAccount(t.Context(), account, password); err != nil {
		t.Fatal(err)
	}
	prince := s.login(account)
	juliet, romeo := s.meeting()
	if err := database.Stop(); err != nil {
		t.Fatal(err)
	}
	flood(juliet)
	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	gap := gapNotice(s)
	juliet.expect(gap)
	prince.expect(Message().From(s.gateway.Hostname).BodyContains("Messages of 1 users could not be archived"))
	exchange(juliet, romeo, "again, she", "again, he")
	const newest = "<set xmlns='http://jabber.org/protocol/rsm'><max>2</max><before/></set>"
	within, cancel := context.WithTimeout(t.Context(), endLimit)
	defer cancel()
	for !slices.Equal(bodiesOf(juliet.archive(s.room(), newest)), []string{"again, she", "again, he"}) {
		if err := within.Err(); err != nil {
			t.Fatal(err)
		}
	}
	juliet.refuteSeen(gap)
}
