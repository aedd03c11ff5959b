//go:build e2e

package faults

import (
	"syscall"
	"testing"
	"time"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// killed kills the gateway and starts it again.
func (s *stage) killed() {
	s.Helper()
	if err := s.gateway.Signal(syscall.SIGKILL); err != nil {
		s.Fatal(err)
	}
	<-s.gateway.Exited()
}

func (s *stage) startAgain() {
	s.Helper()
	if err := shared.workspace.StartGatewayAgain(s.Context(), s.gateway); err != nil {
		s.Fatal(err)
	}
}

// Whoever was in a room when the gateway was killed is in it again when it is back, on both
// sides, and can talk; what the channel's key was is known still.
func TestGatewayIsKilled(t *testing.T) {
	s := begin(t, nil)
	juliet, romeo := s.meeting()
	romeo.Send("MODE %s +k sesame", s.channel)
	juliet.expect(Message().From(juliet.room()).BodyContains("sesame"))
	romeo.say("before the end")
	juliet.expect(Message().From(romeo.occupant()).Body("before the end"))
	juliet.settleStore()

	s.killed()
	romeo.expectFrom(juliet.account, "QUIT")
	begun := time.Now()
	s.startAgain()
	romeo.expectFrom(juliet.account, "JOIN", s.channel)
	juliet.expect(Presence().From(juliet.occupant()).Type("").Status("110"))
	t.Logf("in her room %v after the start", time.Since(begun).Round(time.Millisecond))
	juliet.expect(Message().From(juliet.room()).Type("groupchat").Has("subject"))
	romeo.say("after it")
	juliet.expect(Message().From(romeo.occupant()).Body("after it"))
	juliet.say("here I am")
	romeo.expectFrom(juliet.account, "PRIVMSG", s.channel, "here I am")
}

// A restart is told (332), and over as soon as the gateway is back: for clients that are
// still there, and for no others.
func TestGatewayIsRestarted(t *testing.T) {
	s := begin(t, nil)
	juliet, romeo := s.meeting()
	tybalt := s.user("tybalt")
	tybalt.join()
	romeo.expectFrom(tybalt.account, "JOIN", s.channel)
	juliet.settleStore()

	if code := s.gateway.Stop(); code != 0 {
		t.Fatalf("passerelle ended with code %d", code)
	}
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110", "332"))
	romeo.expectFrom(juliet.account, "QUIT")
	if err := tybalt.Close(); err != nil {
		t.Fatal(err)
	}
	s.startAgain()
	juliet.expect(Presence().From(juliet.occupant()).Type("").Status("110"))
	romeo.expectFrom(juliet.account, "JOIN", s.channel)
	romeo.say("welcome back")
	juliet.expect(Message().From(romeo.occupant()).Body("welcome back"))
	if seen := romeo.Seen("JOIN", s.channel); len(seen) != 0 {
		t.Errorf("who is not there any more came back to IRC: %v", seen)
	}
}

// Rooms in which a user stays without a client are there again without one, and have what
// was said for when a client comes.
func TestPersistentRoomsAfterAKill(t *testing.T) {
	s := begin(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["persistent"] = true })
	juliet, romeo := s.meeting()
	juliet.settleStore()
	if err := juliet.Close(); err != nil {
		t.Fatal(err)
	}
	s.killed()
	romeo.expectFrom(juliet.account, "QUIT")
	s.startAgain()
	romeo.expectFrom(juliet.account, "JOIN", s.channel)
	romeo.say("while you were away")
	juliet.login()
	juliet.join()
	juliet.expect(Message().From(romeo.occupant()).Body("while you were away"))
}

// Clients that came online before the gateway was started are not forgotten when one of
// them goes offline.
func TestClientsOnlineAfterARestart(t *testing.T) {
	s := begin(t, nil)
	romeo := s.member("romeo")
	hall := s.channel + "-hall"
	if err := romeo.Join(hall); err != nil {
		t.Fatal(err)
	}
	juliet := s.user("juliet")
	juliet.staysIn(hall)
	juliet.join()
	romeo.expectFrom(juliet.account, "JOIN", hall)
	phone := &user{s: s, account: juliet.account}
	phone.login()
	phone.tell("help") // which comes after the presence
	juliet.settleStore()

	s.killed()
	romeo.expectFrom(juliet.account, "QUIT")
	s.startAgain()
	juliet.expect(Presence().From(juliet.occupant()).Type("").Status("110"))
	romeo.expectFrom(juliet.account, "JOIN", hall)
	juliet.Send("<presence type='unavailable' to='" + juliet.occupant() + "'/>")
	romeo.expectFrom(juliet.account, "PART", s.channel)
	juliet.Send("<presence type='unavailable'/>")
	juliet.tell("help") // which comes after that
	if seen := romeo.Seen("QUIT"); len(seen) != 0 {
		t.Errorf("who has a client online was taken from IRC: %v", seen)
	}
	romeo.Send("WHOIS %s", juliet.account)
	if _, err := romeo.Expect("319", romeo.Nick(), juliet.account); err != nil {
		t.Error(err)
	}
	phone.Send("<presence type='unavailable'/>")
	romeo.expectFrom(juliet.account, "QUIT")
}

// Who has channels to be in while online is in them again after a restart, without any client
// in a room.
func TestChannelsAreJoinedAfterARestart(t *testing.T) {
	s := begin(t, nil)
	romeo := s.member("romeo")
	juliet := s.user("juliet")
	juliet.staysIn(s.channel)
	juliet.Send("<presence><show>chat</show></presence>")
	romeo.expectFrom(juliet.account, "JOIN", s.channel)
	juliet.settleStore()
	s.killed()
	romeo.expectFrom(juliet.account, "QUIT")
	s.startAgain()
	romeo.expectFrom(juliet.account, "JOIN", s.channel)
	juliet.Send("<presence type='unavailable'/>")
	romeo.expectFrom(juliet.account, "QUIT")
}

// staysIn has the user in a channel while online.
func (u *user) staysIn(channel string) {
	u.s.Helper()
	gateway := u.s.gateway.Hostname
	// Prosody tells of subscriptions only who has asked for the roster.
	if _, err := u.Request("get", u.s.xmpp.Account(u.account, password).JID, "<query xmlns='jabber:iq:roster'/>"); err != nil {
		u.s.Fatal(err)
	}
	u.Send("<presence type='subscribe' to='" + gateway + "'/>")
	u.expect(Presence().From(gateway).Type("subscribed"))
	u.Send("<presence type='subscribed' to='" + gateway + "'/>")
	u.tell("set " + ircName + " auto_join " + channel)
}

// tell tells the gateway something and waits for what it says to that.
func (u *user) tell(text string) {
	u.s.Helper()
	u.Send("<message type='chat' to='" + u.s.gateway.Hostname + "'><body>" + text + "</body></message>")
	u.expect(Message().From(u.s.gateway.Hostname).Type("chat").Has("body"))
}
