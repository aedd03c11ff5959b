//go:build e2e

package faults

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"passerelle/internal/harness"
	"passerelle/internal/harness/ircclient"
	"passerelle/internal/harness/xmppclient"
)

// gatewayNames is how many passerelles can stand beside the shared XMPP server.
const gatewayNames = 40

// ircName is the name of the stage's IRC server in JIDs.
const ircName = "irc.test"

const password = "secret of the tests"

// shared is what no test breaks.
var shared struct {
	workspace *harness.Workspace
	prosody   *harness.XMPPServer
	program   string
	names     atomic.Int64
	numbers   atomic.Int64
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if shared.workspace, err = harness.NewWorkspace(); err != nil {
		return 1, err
	}
	defer func() {
		if closeError := shared.workspace.Close(); err == nil {
			err = closeError
		}
	}()
	ctx := context.Background()
	if shared.prosody, err = shared.workspace.StartProsody(ctx, hostnames()...); err != nil {
		return 1, err
	}
	if shared.program, err = shared.workspace.BuildGateway(ctx, "-race"); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func hostnames() []string {
	var names []string
	for number := range gatewayNames {
		names = append(names, hostname(number))
	}
	return names
}

func hostname(number int) string { return "irc" + strconv.Itoa(number) + ".localhost" }

// number is one that nobody else has.
func number() string { return strconv.FormatInt(shared.numbers.Add(1), 10) }

// stage is where a test happens: an IRC server, a passerelle and a proxy between them
// that belong to it.
type stage struct {
	*testing.T
	xmpp    *harness.XMPPServer
	irc     *harness.IRCServer
	gateway *harness.Gateway
	// wire is between passerelle and the IRC server.
	wire    *harness.Proxy
	channel string
}

// begin sets a stage beside the shared Prosody; change may change passerelle's options.
func begin(t *testing.T, change func(*harness.GatewayOptions)) *stage {
	t.Helper()
	t.Parallel()
	return set(t, shared.prosody, hostname(int(shared.names.Add(1))-1), change)
}

// beginWith is begin for changes that depend on the stage's servers.
func beginWith(t *testing.T, change func(*stage, *harness.GatewayOptions)) *stage {
	t.Helper()
	t.Parallel()
	return setWith(t, shared.prosody, hostname(int(shared.names.Add(1))-1), change)
}

// set sets a stage beside an XMPP server.
func set(t *testing.T, xmpp *harness.XMPPServer, name string, change func(*harness.GatewayOptions)) *stage {
	t.Helper()
	return setWith(t, xmpp, name, func(_ *stage, o *harness.GatewayOptions) {
		if change != nil {
			change(o)
		}
	})
}

func setWith(t *testing.T, xmpp *harness.XMPPServer, name string, change func(*stage, *harness.GatewayOptions)) *stage {
	t.Helper()
	s := &stage{T: t, xmpp: xmpp, channel: "#room" + number()}
	var err error
	if s.irc, err = shared.workspace.StartInspIRCd(t.Context(), ircName); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.irc.Stop() })
	if s.wire, err = harness.NewProxy(s.irc.TLSAddress); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.wire.Close() })
	options := harness.GatewayOptions{
		Program: shared.program, Hostname: name, XMPP: xmpp,
		Servers: map[string][]string{ircName: {"ircs://" + s.wire.Address()}},
		Settings: map[string]map[string]any{
			"irc":     {"burst": 1000, "ping_interval": "1s", "ping_timeout": "2s"},
			"gateway": {"idle_quit": "1s"},
			"log":     {"level": "debug"},
		},
	}
	if level := os.Getenv("PASSERELLE_TEST_LOG"); level != "" {
		options.Settings["log"]["level"] = level
	}
	change(s, &options)
	if s.gateway, err = shared.workspace.StartGateway(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	return s
}

// end stops passerelle and looks for faults of its own in what it wrote.
func (s *stage) end() {
	s.gateway.Stop()
	output := s.gateway.Output()
	for line := range strings.Lines(output) {
		for _, sign := range []string{"DATA RACE", "panic", "level=ERROR"} {
			if strings.Contains(line, sign) {
				s.Errorf("passerelle says %q", line)
			}
		}
	}
	if s.Failed() && testing.Verbose() {
		s.Logf("--- passerelle ---\n%s", output)
	}
}

// room is the JID of a channel.
func (s *stage) room(channel string) string {
	return channel + "%" + ircName + "@" + s.gateway.Hostname
}

// user is somebody with an XMPP client.
type user struct {
	*xmppclient.Client
	s       *stage
	account string
}

// user creates an account, which is the nick too, and logs it in.
func (s *stage) user(name string) *user {
	s.Helper()
	account := name + number()
	if err := s.xmpp.AddAccount(s.Context(), account, password); err != nil {
		s.Fatal(err)
	}
	u := &user{s: s, account: account}
	u.login()
	return u
}

// login logs the account in, again where it was before.
func (u *user) login() {
	u.s.Helper()
	client, err := xmppclient.Login(u.s.Context(), u.s.xmpp.Account(u.account, password))
	if err != nil {
		u.s.Fatal(err)
	}
	u.s.Cleanup(func() { client.Close() })
	u.Client = client
	u.Send("<presence/>")
}

func (u *user) room() string     { return u.s.room(u.s.channel) }
func (u *user) occupant() string { return u.room() + "/" + u.account }

func (u *user) expect(pattern xmppclient.Pattern) *xmppclient.Element {
	u.s.Helper()
	found, err := u.Expect(pattern)
	if err != nil {
		u.s.Fatal(err)
	}
	return found
}

// refuteSeen fails when a stanza that fits has come; a later one was expected before.
func (u *user) refuteSeen(pattern xmppclient.Pattern) {
	u.s.Helper()
	if seen := u.Seen(pattern); len(seen) > 0 {
		u.s.Errorf("not expected: %s\n%s", seen[0], u.Transcript())
	}
}

// sendJoin sends the presence that joins a channel.
func (u *user) sendJoin(channel, password string) {
	u.Send(fmt.Sprintf("<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'>%s</x></presence>",
		u.s.room(channel), u.account, password))
}

// join joins the stage's channel and waits until the subject ends the join.
func (u *user) join() {
	u.s.Helper()
	u.joinChannel(u.s.channel)
}

func (u *user) joinChannel(channel string) {
	u.s.Helper()
	u.sendJoin(channel, "")
	u.expect(xmppclient.Presence().From(u.s.room(channel) + "/" + u.account).Type("").Status("110"))
	u.expect(xmppclient.Message().From(u.s.room(channel)).Type("groupchat").Has("subject"))
}

// say sends a message to the stage's channel and returns its id.
func (u *user) say(body string) string {
	id := u.NewID()
	u.Send(fmt.Sprintf("<message type='groupchat' to='%s' id='%s'><body>%s</body></message>", u.room(), id, body))
	return id
}

// settleStore waits until what the user has is in the store: the gateway writes it in the
// order in which it came to be, and settings are waited for.
func (u *user) settleStore() {
	u.s.Helper()
	u.tell("set max_history_length 20")
}

// awaitLog waits until passerelle has logged something so many times.
func (s *stage) awaitLog(text string, times int) {
	s.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for strings.Count(s.gateway.Output(), text) < times {
		if time.Now().After(deadline) {
			s.Fatalf("passerelle did not say %q %d times", text, times)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// person is somebody with an IRC client.
type person struct {
	*ircclient.Client
	s *stage
}

// member connects to the IRC server and joins the stage's channel.
func (s *stage) member(name string) *person {
	s.Helper()
	client, err := ircclient.Dial(s.Context(), s.irc.PlainAddress, name+number())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(client.Close)
	if err := client.Join(s.channel); err != nil {
		s.Fatal(err)
	}
	return &person{client, s}
}

func (p *person) occupant() string { return p.s.room(p.s.channel) + "/" + p.Nick() }

func (p *person) expectFrom(nick, command string, parameters ...string) ircclient.Message {
	p.s.Helper()
	found, err := p.ExpectFrom(nick, command, parameters...)
	if err != nil {
		p.s.Fatal(err)
	}
	return found
}

func (p *person) say(text string) { p.Send("PRIVMSG %s :%s", p.s.channel, text) }

// meeting is the usual beginning: juliet, a user, and romeo, who was in the channel before
// her and is its operator.
func (s *stage) meeting() (juliet *user, romeo *person) {
	s.Helper()
	romeo = s.member("romeo")
	juliet = s.user("juliet")
	juliet.join()
	romeo.expectFrom(juliet.account, "JOIN", s.channel)
	return juliet, romeo
}
