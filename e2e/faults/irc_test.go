//go:build e2e

package faults

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// losses are the ways in which an IRC server goes away. Each has what brings it back.
var losses = map[string]func(*stage) (back func()){
	"connection closed": func(s *stage) func() {
		s.wire.Refuse()
		return s.wire.Allow
	},
	// Half open: no FIN, no answer.
	"connection silent": func(s *stage) func() {
		s.wire.Freeze()
		return func() {
			s.wire.Cut()
			s.wire.Thaw()
		}
	},
	"server stopped": func(s *stage) func() {
		s.signal(syscall.SIGSTOP)
		return func() { s.signal(syscall.SIGCONT) }
	},
	"server killed": func(s *stage) func() {
		s.signal(syscall.SIGKILL)
		return func() {
			if err := s.irc.Restart(s.Context()); err != nil {
				s.Fatal(err)
			}
		}
	},
}

func (s *stage) signal(signal syscall.Signal) {
	s.Helper()
	if err := s.irc.Signal(signal); err != nil {
		s.Fatal(err)
	}
}

// Whatever becomes of the IRC server, people stay in their rooms, hear of it once, get an
// error for what they write meanwhile, and are back when it is.
func TestLossOfTheIRCServer(t *testing.T) {
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			s := begin(t, nil)
			juliet, _ := s.meeting()
			begun := time.Now()
			back := loss(s)
			juliet.expect(Message().From(juliet.room()).Type("groupchat").BodyContains("The connection to " + ircName + " is lost"))
			noticed := time.Since(begun)
			lost := juliet.say("hello?")
			juliet.expect(Message().ID(lost).Type("error").Error("remote-server-timeout"))
			begun = time.Now()
			back()
			juliet.expect(Message().From(juliet.room()).Type("groupchat").Body("Connected again."))
			t.Logf("noticed after %v, back %v after the server was", noticed.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
			juliet.refuteSeen(Presence().From(juliet.occupant()).Type("unavailable"))
			s.talkWorks(juliet)
		})
	}
}

// talkWorks has somebody new on IRC talk with a user, both ways.
func (s *stage) talkWorks(juliet *user) {
	s.Helper()
	nurse := s.member("nurse")
	juliet.expect(Presence().From(nurse.occupant()).Type(""))
	nurse.say("are you there?")
	juliet.expect(Message().From(nurse.occupant()).Body("are you there?"))
	juliet.say("I am")
	nurse.expectFrom(juliet.account, "PRIVMSG", s.channel, "I am")
	juliet.expect(Message().From(juliet.occupant()).Body("I am"))
}

// Only what changed is shown when the connection is back, the keys of channels are given
// again, and one who went away is taken out.
func TestReturnShowsTheDifference(t *testing.T) {
	s := begin(t, nil)
	juliet, romeo := s.meeting()
	juliet.expect(Presence().From(romeo.occupant()).Type(""))
	tybalt := s.member("tybalt")
	juliet.expect(Presence().From(tybalt.occupant()).Type(""))
	romeo.Send("MODE %s +k sesame", s.channel)
	juliet.expect(Message().From(juliet.room()).BodyContains("sesame"))

	s.wire.Refuse()
	juliet.expect(Message().From(juliet.room()).BodyContains("is lost"))
	romeo.expectFrom(juliet.account, "QUIT")
	if err := tybalt.Quit("slain"); err != nil {
		t.Fatal(err)
	}
	romeo.expectFrom(tybalt.Nick(), "QUIT")
	s.wire.Allow()

	juliet.expect(Presence().From(tybalt.occupant()).Type("unavailable"))
	juliet.expect(Message().From(juliet.room()).Body("Connected again."))
	romeo.expectFrom(juliet.account, "JOIN", s.channel)
	if shown := juliet.Seen(Presence().From(romeo.occupant())); len(shown) != 0 {
		t.Errorf("romeo, who stayed as he was, is shown again: %s", shown[0])
	}
}

// The nick may still be held by the connection that was lost; it is taken back when that
// is gone.
func TestNickIsRegained(t *testing.T) {
	s := begin(t, func(o *harness.GatewayOptions) {
		o.Settings["irc"]["ping_interval"], o.Settings["irc"]["ping_timeout"] = "20s", "40s"
	})
	juliet, romeo := s.meeting()
	s.wire.Refuse()
	romeo.expectFrom(juliet.account, "QUIT")
	before := romeo.Nick()
	romeo.Send("NICK %s", juliet.account)
	romeo.expectFrom(before, "NICK", juliet.account)
	s.wire.Allow()
	taken := juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("303", "110"))
	given := taken.AttributeAt("x/item", "nick")
	juliet.expect(Presence().From(juliet.room() + "/" + given).Type("").Status("110"))
	romeo.Send("NICK %s", "romeo"+number())
	juliet.expect(Presence().From(juliet.occupant()).Type("").Status("110"))
}

// A ban is no reason to try again, and the user is told what it is.
func TestBanEndsTheRooms(t *testing.T) {
	s := begin(t, nil)
	juliet, romeo := s.meeting()
	romeo.Send("OPER %s %s", s.irc.OperatorName, s.irc.OperatorPassword)
	if _, err := romeo.Expect("381"); err != nil {
		t.Fatal(err)
	}
	romeo.Send("KLINE juliet*@127.0.0.1 1h :go away")
	gone := juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110", "332"))
	if !strings.Contains(gone.TextAt("status"), "go away") {
		t.Errorf("the reason is not told: %s", gone)
	}
	juliet.expect(Message().BodyContains("does not try again"))
	juliet.sendJoin(s.channel, "")
	juliet.expect(Presence().From(juliet.occupant()).Error("forbidden"))
}

// Many users who lose a server together come back one after the other.
func TestManyUsersComeBackInTurn(t *testing.T) {
	const users = 20
	s := begin(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["reconnect_interval"] = "50ms" })
	romeo := s.member("romeo")
	var all []*user
	for range users {
		u := s.user("user")
		u.join()
		all = append(all, u)
	}
	s.wire.Cut()
	for _, u := range all {
		u.expect(Message().From(u.room()).BodyContains("is lost"))
	}
	for _, u := range all {
		u.expect(Message().From(u.room()).Body("Connected again."))
		romeo.expectFrom(u.account, "JOIN", s.channel)
	}
	romeo.say("all back?")
	for _, u := range all {
		u.expect(Message().From(romeo.occupant()).Body("all back?"))
		for _, other := range all {
			u.refuteSeen(Presence().From(fmt.Sprintf("%s/%s", u.room(), other.account)).Type("unavailable").Status("110"))
		}
	}
}

// An outage that lasts too long ends the rooms, with the reason.
func TestOutageIsGivenUp(t *testing.T) {
	s := begin(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["outage_limit"] = "3s" })
	juliet, _ := s.meeting()
	s.wire.Refuse()
	gone := juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110", "332"))
	if gone.TextAt("status") == "" {
		t.Errorf("no reason is given: %s", gone)
	}
}
