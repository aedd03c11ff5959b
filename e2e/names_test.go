//go:build e2e

package e2e

import (
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
)

// What the admin says of names counts, whatever users would like.
func TestAdminDecidesOnNames(t *testing.T) {
	for name, fromJID := range map[string]bool{"the JID": true, "the nick": false} {
		t.Run(name, func(t *testing.T) {
			s, prince := beginGoverned(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["realname_from_jid"] = fromJID })
			juliet := s.user("juliet")
			nick := "Chosen" + shared.number()
			juliet.configure(s.server(), map[string]string{"nick": nick, "username": "capulet", "realname": "Juliet Capulet"})
			prince.govern(map[string]any{"own_realname": false})
			for _, field := range []string{"username", "realname"} {
				if form := juliet.command(s.server(), "configure", "", nil); contains(form.String(), field) || !contains(form.String(), nick) {
					t.Errorf("the form has a field %s, or lacks the nick: %s", field, form)
				}
			}
			username, realName := nick, nick
			if fromJID {
				username, realName = juliet.account, juliet.account+"@"+s.xmpp.Domain
			}
			romeo := s.member("romeo")
			juliet.sendJoin(s.room(), juliet.nick, "")
			juliet.expect(selfPresence(s.room() + "/" + nick))
			romeo.Send("WHOIS %s", nick)
			if is := romeo.expect("311", romeo.Nick(), nick); is.Param(2) != username || is.Last() != realName {
				t.Errorf("whois says %v, want %s and %s", is, username, realName)
			}
		})
	}
}

// The admin has users stay on IRC; who does not want that need not.
func TestPersistentByTheAdmin(t *testing.T) {
	s := beginAlone(t, func(o *harness.GatewayOptions) { o.Settings["gateway"]["persistent"] = true })
	juliet, romeo := s.meeting()
	leave := func() {
		t.Helper()
		juliet.sendf("<presence type='unavailable' to='%s'/>", juliet.occupant())
		juliet.expect(Presence().From(juliet.occupant()).Type("unavailable"))
	}
	leave()
	romeo.say("are you there?")
	juliet.awaitArchived("are you there?")
	romeo.Send("WHOIS %s", juliet.nick)
	if is := romeo.expect("319", romeo.Nick(), juliet.nick); !contains(is.Last(), s.channel) {
		t.Errorf("juliet is in %s", is.Last())
	}
	romeo.refuteSeen("PART", s.channel)

	juliet.join()
	juliet.tell("set persistent false")
	leave()
	romeo.expectFrom(juliet.nick, "PART", s.channel)
}
