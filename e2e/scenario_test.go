//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"passerelle/internal/harness"
	"passerelle/internal/harness/ircclient"
	"passerelle/internal/harness/xmppclient"
)

// place is where a scenario happens: an XMPP server, the passerelle beside it and an IRC
// server.
type place struct {
	xmpp    *harness.XMPPServer
	gateway *harness.Gateway
	irc     *harness.IRCServer
	// network is the IRC server's name in JIDs, and empty where the passerelle is for this
	// server only.
	network string
}

// scenario is one test with a channel of its own.
type scenario struct {
	*testing.T
	place
	channel string
}

// begin starts a scenario between Prosody and InspIRCd.
func begin(t *testing.T) *scenario {
	t.Helper()
	t.Parallel()
	return newScenario(t, place{shared.prosody, shared.prosodyGateway, shared.inspircd, inspircdName})
}

// everywhere runs a scenario between each XMPP server and each IRC server.
func everywhere(t *testing.T, steps func(*scenario)) {
	t.Helper()
	t.Parallel()
	for name, where := range map[string]place{
		"prosody and inspircd":  {shared.prosody, shared.prosodyGateway, shared.inspircd, inspircdName},
		"prosody and ngircd":    {shared.prosody, shared.prosodyGateway, shared.ngircd, ngircdName},
		"ejabberd and inspircd": {shared.ejabberd, shared.ejabberdGateway, shared.inspircd, inspircdName},
		"ejabberd and ngircd":   {shared.ejabberd, shared.ejabberdGateway, shared.ngircd, ngircdName},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps(newScenario(t, where))
		})
	}
}

// beginAlone starts a scenario between Prosody and InspIRCd with a passerelle of its own,
// whose options the scenario may change.
func beginAlone(t *testing.T, change func(*harness.GatewayOptions)) *scenario {
	t.Helper()
	return beginWithFaults(t, nil, change)
}

// beginWithFaults is beginAlone for a passerelle that is expected to log certain faults, which
// the scenario brings about: expected has a part of each.
func beginWithFaults(t *testing.T, expected []string, change func(*harness.GatewayOptions)) *scenario {
	t.Helper()
	t.Parallel()
	gateway, err := shared.workspace.StartGateway(t.Context(), privateOptions(change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		gateway.Stop()
		if fault := faultIn(gateway, expected...); fault != nil {
			t.Error(fault)
		}
	})
	return newScenario(t, place{shared.prosody, gateway, shared.inspircd, inspircdName})
}

// faultIn looks in what a passerelle wrote for a fault of its own: a data race, a panic, or a
// request that it could not handle; lines with a text that is expected do not count.
func faultIn(gateway *harness.Gateway, expected ...string) error {
	for line := range strings.Lines(gateway.Output()) {
		isExpected := slices.ContainsFunc(expected, func(text string) bool { return strings.Contains(line, text) })
		for _, sign := range []string{"DATA RACE", "panic", "level=ERROR"} {
			if strings.Contains(line, sign) && !isExpected {
				return fmt.Errorf("%s says %q:\n%s", gateway.Hostname, line, gateway.Output())
			}
		}
	}
	return nil
}

// privateOptions describe a passerelle beside Prosody with a component of its own.
func privateOptions(change func(*harness.GatewayOptions)) harness.GatewayOptions {
	options := shared.options(shared.prosody, privateHostname(int(shared.usedProsodyHosts.Add(1))-1))
	if change != nil {
		change(&options)
	}
	return options
}

func newScenario(t *testing.T, where place) *scenario {
	s := &scenario{T: t, place: where, channel: "#room" + shared.number()}
	t.Cleanup(func() {
		if t.Failed() && testing.Verbose() {
			t.Logf("--- passerelle ---\n%s", where.gateway.Output())
		}
	})
	return s
}

// room is the JID of a channel.
func (s *scenario) roomOf(channel string) string {
	if s.network == "" {
		return channel + "@" + s.gateway.Hostname
	}
	return channel + "%" + s.network + "@" + s.gateway.Hostname
}

// room is the JID of the scenario's channel.
func (s *scenario) room() string { return s.roomOf(s.channel) }

// server is the JID of the IRC server.
func (s *scenario) server() string { return s.network + "@" + s.gateway.Hostname }

// private is the server-wide JID of a nick.
func (s *scenario) private(nick string) string {
	return strings.ToLower(nick) + "%" + s.network + "@" + s.gateway.Hostname
}

// user is somebody with an XMPP client.
type user struct {
	*xmppclient.Client
	s    *scenario
	nick string
	// account is the name of the account.
	account string
}

const password = "secret of the tests"

// user creates an account, whose name and nick begin with name, and logs it in.
func (s *scenario) user(name string) *user {
	s.Helper()
	account := name + shared.number()
	if err := s.xmpp.AddAccount(s.Context(), account, password); err != nil {
		s.Fatal(err)
	}
	return s.login(account)
}

// otherResource logs the same account in once more.
func (u *user) otherResource() *user {
	u.s.Helper()
	return u.s.login(u.account)
}

func (s *scenario) login(account string) *user {
	s.Helper()
	client, err := xmppclient.Login(s.Context(), s.xmpp.Account(account, password))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { client.Close() })
	u := &user{Client: client, s: s, nick: account, account: account}
	u.Send("<presence/>")
	return u
}

// occupant is the user's own JID in the scenario's channel.
func (u *user) occupant() string { return u.s.room() + "/" + u.nick }

// sendf sends a stanza; string arguments are escaped.
func (u *user) sendf(format string, arguments ...any) {
	for i, argument := range arguments {
		if text, ok := argument.(string); ok {
			arguments[i] = xmppclient.Escape(text)
		}
	}
	u.Send(fmt.Sprintf(format, arguments...))
}

func (u *user) expect(pattern xmppclient.Pattern) *xmppclient.Element {
	u.s.Helper()
	found, err := u.Expect(pattern)
	if err != nil {
		u.s.Fatal(err)
	}
	return found
}

func (u *user) expectThrough(pattern xmppclient.Pattern) []*xmppclient.Element {
	u.s.Helper()
	found, err := u.ExpectThrough(pattern)
	if err != nil {
		u.s.Fatal(err)
	}
	return found
}

// refuteSeen fails when a stanza that fits has been received; a later one must have been
// expected before.
func (u *user) refuteSeen(pattern xmppclient.Pattern) {
	u.s.Helper()
	if seen := u.Seen(pattern); len(seen) > 0 {
		u.s.Errorf("not expected: %s\n%s", seen[0], u.Transcript())
	}
}

// request sends an IQ and returns the answer, whatever it is.
func (u *user) request(kind, to, payload string) *xmppclient.Element {
	u.s.Helper()
	answer, err := u.Request(kind, to, payload)
	if err != nil {
		u.s.Fatal(err)
	}
	return answer
}

// ask sends an IQ and returns its result; an error fails the test.
func (u *user) ask(kind, to, payload string) *xmppclient.Element {
	u.s.Helper()
	answer := u.request(kind, to, payload)
	if answer.Type() != "result" {
		u.s.Fatalf("%s asked %s for %s and got %s", u.account, to, payload, answer)
	}
	return answer
}

// sendJoin sends the presence that joins, with a nick and a password that may be empty.
func (u *user) sendJoin(room, nick, password string) {
	if password != "" {
		u.sendf("<presence to='%s'><x xmlns='http://jabber.org/protocol/muc'><password>%s</password></x></presence>", room+"/"+nick, password)
		return
	}
	u.sendf("<presence to='%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", room+"/"+nick)
}

// join joins the scenario's channel and waits until the subject ends the join.
func (u *user) join() {
	u.s.Helper()
	u.joinRoom(u.s.room())
}

func (u *user) joinRoom(room string) {
	u.s.Helper()
	u.sendJoin(room, u.nick, "")
	u.expect(selfPresence(room + "/" + u.nick))
	u.expect(xmppclient.Message().From(room).Type("groupchat").Has("subject"))
}

// joinFails sends the presence that joins a channel and waits for the error.
func (u *user) joinFails(channel, condition string) *xmppclient.Element {
	u.s.Helper()
	room := u.s.roomOf(channel)
	u.sendJoin(room, u.nick, "")
	return u.expect(xmppclient.Presence().From(room + "/" + u.nick).Error(condition))
}

func selfPresence(occupant string) xmppclient.Pattern {
	return xmppclient.Presence().From(occupant).Type("").Status("110")
}

// say sends a message to the scenario's channel and returns its id.
func (u *user) say(body string) string { return u.message("groupchat", u.s.room(), body) }

// chat sends a one-to-one message and returns its id.
func (u *user) chat(to, body string) string { return u.message("chat", to, body) }

func (u *user) message(kind, to, body string) string {
	id := u.NewID()
	u.sendf("<message type='%s' to='%s' id='%s'><body>%s</body></message>", kind, to, id, body)
	return id
}

// settle waits until everything that was sent to the user before has arrived: a message of
// somebody on IRC, or of the user, that comes back by way of the channel.
func (u *user) settle() {
	u.s.Helper()
	mark := "settled " + shared.number()
	u.say(mark)
	u.expect(xmppclient.Message().From(u.occupant()).Body(mark))
}

// person is somebody with an IRC client.
type person struct {
	*ircclient.Client
	s *scenario
}

// person connects to the scenario's IRC server with a nick that begins with name.
func (s *scenario) person(name string, capabilities ...string) *person {
	s.Helper()
	return s.personNamed(name+shared.number(), capabilities...)
}

func (s *scenario) personNamed(nick string, capabilities ...string) *person {
	s.Helper()
	client, err := ircclient.Dial(s.Context(), s.irc.PlainAddress, nick, capabilities...)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(client.Close)
	return &person{client, s}
}

// member is a person who has joined the scenario's channel.
func (s *scenario) member(name string, capabilities ...string) *person {
	s.Helper()
	p := s.person(name, capabilities...)
	p.join(s.channel)
	return p
}

// operator is a person with the powers of an IRC operator.
func (s *scenario) operator(name string) *person {
	s.Helper()
	p := s.person(name)
	p.Send("OPER %s %s", s.irc.OperatorName, s.irc.OperatorPassword)
	p.expect("381")
	return p
}

func (p *person) join(channel string) {
	p.s.Helper()
	if err := p.Join(channel); err != nil {
		p.s.Fatal(err)
	}
}

// occupant is the person's JID in the scenario's channel.
func (p *person) occupant() string { return p.s.room() + "/" + p.Nick() }

func (p *person) expect(command string, parameters ...string) ircclient.Message {
	p.s.Helper()
	found, err := p.Expect(command, parameters...)
	if err != nil {
		p.s.Fatal(err)
	}
	return found
}

func (p *person) expectFrom(nick, command string, parameters ...string) ircclient.Message {
	p.s.Helper()
	found, err := p.ExpectFrom(nick, command, parameters...)
	if err != nil {
		p.s.Fatal(err)
	}
	return found
}

// say sends a message to the scenario's channel.
func (p *person) say(text string) { p.Send("PRIVMSG %s :%s", p.s.channel, text) }

// refuteSeen fails when a line has been received; a later one must have been expected before.
func (p *person) refuteSeen(command string, parameters ...string) {
	p.s.Helper()
	if seen := p.Seen(command, parameters...); len(seen) > 0 {
		p.s.Errorf("not expected: %s %q\n%s", seen[0].Command, seen[0].Params, p.Transcript())
	}
}

// settle waits until the person has every line that the server sent before.
func (p *person) settle() {
	p.s.Helper()
	mark := "settled" + shared.number()
	p.Send("PRIVMSG %s :%s", p.Nick(), mark)
	p.expect("PRIVMSG", ircclient.Any, mark)
}

// meeting is a scenario's usual beginning: juliet, a user, and romeo, who was in the channel
// before her and is its operator.
func (s *scenario) meeting() (juliet *user, romeo *person) {
	s.Helper()
	romeo = s.member("romeo")
	juliet = s.user("juliet")
	juliet.join()
	juliet.expect(xmppclient.Presence().From(romeo.occupant()))
	romeo.expectFrom(juliet.nick, "JOIN", s.channel)
	return juliet, romeo
}

// reachable waits until the gateway of the scenario answers.
func (u *user) reachable(ctx context.Context) {
	u.s.Helper()
	for ctx.Err() == nil {
		if u.request("get", u.s.gateway.Hostname, "<query xmlns='http://jabber.org/protocol/disco#info'/>").Type() == "result" {
			return
		}
	}
	u.s.Fatal(ctx.Err())
}
