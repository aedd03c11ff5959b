//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// follower is a user who is connected and hears of subscriptions: Prosody tells of them only
// who has asked for the roster.
func (s *scenario) follower(name string) *user {
	s.Helper()
	u := s.user(name)
	u.join()
	u.ask("get", u.account+"@"+s.xmpp.Domain, "<query xmlns='jabber:iq:roster'/>")
	return u
}

// follow subscribes to somebody who is on IRC, and waits until they are shown.
func (u *user) follow(p *person) {
	u.s.Helper()
	u.sendf("<presence type='subscribe' to='%s'/>", u.s.private(p.Nick()))
	u.expect(Presence().From(u.s.private(p.Nick())).Type("subscribed"))
	u.expect(u.shown(p))
}

// shown and gone are how somebody who is followed is seen to be on IRC, and not to be.
func (u *user) shown(p *person) Pattern { return Presence().From(u.s.private(p.Nick())).Type("") }
func (u *user) gone(p *person) Pattern {
	return Presence().From(u.s.private(p.Nick())).Type("unavailable")
}

// monitored are the people whom the IRC server follows for the user.
func (u *user) monitored() []string {
	u.s.Helper()
	u.chat(u.s.server(), "MONITOR L")
	var nicks []string
	for _, answer := range u.expectThrough(Message().From(u.s.server()).BodyContains("End of MONITOR list")) {
		if !Message().From(u.s.server()).Matches(answer) {
			continue
		}
		for _, word := range strings.FieldsFunc(answer.TextAt("body"), func(r rune) bool { return strings.ContainsRune(" ,:", r) }) {
			nicks = append(nicks, strings.ToLower(word))
		}
	}
	return nicks
}

func (u *user) assertMonitored(p *person, wanted bool) {
	u.s.Helper()
	if all := u.monitored(); slices.Contains(all, strings.ToLower(p.Nick())) != wanted {
		u.s.Errorf("followed are %v; %s among them is to be %v", all, p.Nick(), wanted)
	}
}

// leave ends the person's connection.
func (p *person) leave() {
	p.s.Helper()
	if err := p.Quit("gone"); err != nil {
		p.s.Fatal(err)
	}
}

// Who is taken out of the roster is not followed any more: not by us, and not by the server.
func TestContactIsRemoved(t *testing.T) {
	s := begin(t)
	juliet := s.follower("juliet")
	romeo, tybalt := s.person("romeo"), s.person("tybalt")
	juliet.follow(romeo)
	juliet.follow(tybalt)
	juliet.assertMonitored(romeo, true)

	juliet.sendf("<presence type='unsubscribe' to='%s'/>", s.private(romeo.Nick()))
	juliet.expect(juliet.gone(romeo))
	juliet.assertMonitored(romeo, false)
	juliet.assertMonitored(tybalt, true)

	romeo.leave()
	romeo = s.personNamed(romeo.Nick())
	tybalt.leave()
	juliet.expect(juliet.gone(tybalt))
	juliet.refuteSeen(Presence().From(s.private(romeo.Nick())))
	// Nor on the next connection.
	juliet.reconnect()
	juliet.assertMonitored(tybalt, true)
	juliet.assertMonitored(romeo, false)
}

// Whom the server follows no more is asked for.
func TestContactsBeyondTheServersList(t *testing.T) {
	const name = "short-list.test"
	server, err := shared.workspace.StartInspIRCdWithMonitor(t.Context(), name, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Servers[name] = []string{"ircs://" + server.TLSAddress} })
	s.irc, s.network = server, name
	juliet := s.follower("juliet")
	romeo, nurse, tybalt := s.person("romeo"), s.person("nurse"), s.person("tybalt")
	juliet.follow(romeo)
	juliet.follow(nurse)
	juliet.assertMonitored(romeo, true)
	juliet.assertMonitored(nurse, false)

	nurse.leave()
	juliet.follow(tybalt) // who is asked for at once, with all that the list has no room for
	juliet.expect(juliet.gone(nurse))
	romeo.leave()
	juliet.expect(juliet.gone(romeo))
	juliet.refuteSeen(juliet.gone(tybalt))
}

// A server that follows nobody is asked once a minute.
func TestContactsAreAskedFor(t *testing.T) {
	t.Parallel()
	s := newScenario(t, place{shared.prosody, shared.prosodyGateway, shared.ngircd, ngircdName})
	juliet := s.follower("juliet")
	romeo, tybalt := s.person("romeo"), s.person("tybalt")
	juliet.follow(romeo)
	romeo.leave()
	juliet.follow(tybalt) // who is asked for at once, with all others
	juliet.expect(juliet.gone(romeo))

	romeo = s.personNamed(romeo.Nick())
	tybalt.leave()
	// Nobody does anything now until the next question.
	juliet.expectWithinMinutes(juliet.gone(tybalt))
	juliet.expect(juliet.shown(romeo))
}

// expectWithinMinutes is expect for what the gateway does once a minute.
func (u *user) expectWithinMinutes(pattern Pattern) {
	u.s.Helper()
	var err error
	for range 6 {
		if _, err = u.Expect(pattern); err == nil {
			return
		}
	}
	u.s.Fatal(err)
}
