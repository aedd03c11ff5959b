//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"passerelle/internal/harness"
	. "passerelle/internal/harness/xmppclient"
	"passerelle/internal/irctest"
)

// hostileName is an IRC server that the test plays itself.
const hostileName = "hostile.test"

// atHostileServer begins a scenario at an IRC server played by the test, with juliet
// in its room.
func atHostileServer(t *testing.T, registration irctest.Registration) (*scenario, *user, *irctest.Conversation) {
	t.Helper()
	server := irctest.NewServer(t)
	s := beginAlone(t, func(o *harness.GatewayOptions) {
		o.Servers[hostileName] = []string{server.URL()}
		o.Settings["gateway"]["answer_timeout"] = "2s"
	})
	s.network = hostileName
	juliet := s.user("juliet")
	juliet.sendJoin(s.room(), juliet.nick, "")
	irc := server.Accept()
	irc.Register(registration)
	irc.SkipUntil("JOIN " + s.channel)
	irc.Send(
		fmt.Sprintf(":%s!u@h JOIN %s", juliet.nick, s.channel),
		fmt.Sprintf(":irc.test 353 %s = %s :%s romeo", juliet.nick, s.channel, juliet.nick),
		fmt.Sprintf(":irc.test 366 %s %s :End", juliet.nick, s.channel),
	)
	juliet.expect(selfPresence(juliet.occupant()))
	return s, juliet, irc
}

func TestServerThatDoesNotEchoAsPromised(t *testing.T) {
	s, juliet, irc := atHostileServer(t, irctest.Registration{Caps: []string{"echo-message"}})
	id := juliet.say("does anybody hear me?")
	irc.SkipUntil("PRIVMSG " + s.channel)
	juliet.expect(Message().From(s.room()).ID(id).Error("remote-server-timeout"))
}

// The list of channels of a server that does not come to its end is shown as far as it
// came.
func TestServerWhoseListDoesNotEnd(t *testing.T) {
	s, juliet, irc := atHostileServer(t, irctest.Registration{})
	juliet.sendf("<iq type='get' id='page' to='%s'><query xmlns='http://jabber.org/protocol/disco#items'>"+rsm("<max>2</max>")+"</query></iq>", s.server())
	juliet.sendf("<iq type='get' id='all' to='%s'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>", s.server())
	irc.SkipUntil("LIST")
	irc.Send(":irc.test 321 juliet Channel :Users", ":irc.test 322 juliet #a 1 :", ":irc.test 322 juliet #b 2 :")
	page := juliet.expect(IQ().ID("page").Type("result"))
	if items := page.Find("query/item"); len(items) != 2 || page.First("query/set/count") != nil {
		t.Errorf("the first page is %s", page)
	}
	irc.Close()
	juliet.expect(IQ().ID("all").Error("remote-server-timeout"))
}

func TestServerThatSaysAnything(t *testing.T) {
	s, juliet, irc := atHostileServer(t, irctest.Registration{})
	long := strings.Repeat("x", 12000)
	var lines []string
	for i := range 100 {
		lines = append(lines,
			fmt.Sprintf(":%s!u@h JOIN #forced%d", juliet.nick, i), ":irc.test 353 "+juliet.nick+" = "+s.channel+" :"+long,
			":"+long+" PRIVMSG "+s.channel+" :"+long, ":irc.test 005 "+juliet.nick+" CASEMAPPING="+[]string{"ascii", "rfc1459"}[i%2]+" CHANTYPES= :are supported",
			"BATCH +"+long+" x", ":irc.test 353", ":irc.test 324 x", ":irc.test 001 x", "PING :"+long, "\x00\xff:", ":irc.test 366 x "+s.channel,
			fmt.Sprintf(":romeo!u@h MODE %s +%s", s.channel, strings.Repeat("b", 1000)))
	}
	lines = append(lines, ":irc.test 005 "+juliet.nick+" CHANTYPES=# :are supported", ":romeo!u@h PRIVMSG "+s.channel+" :still here")
	irc.Send(lines...)
	juliet.expect(Message().From(s.room() + "/romeo").Body("still here"))
	// Others go on as before.
	elsewhere := *s
	elsewhere.network = inspircdName
	nurse := elsewhere.user("nurse")
	nurse.join()
}

func TestNamesAtTheLimits(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet := s.user("juliet")
		// The longest localpart and resource that there are: 1,023 bytes.
		juliet.joinFails("#"+strings.Repeat("c", 1023-len("#%"+s.network)), "not-acceptable")
		juliet.sendJoin(s.room(), strings.Repeat("n", 1000), "")
		juliet.expect(selfPresence(juliet.occupant()))
	})
}
