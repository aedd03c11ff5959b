package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/store"
)

func TestBucket(t *testing.T) {
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var b bucket
	steps := []struct {
		after time.Duration
		times int // that are allowed then
	}{{0, 6}, {9 * time.Second, 0}, {10 * time.Second, 1}, {30 * time.Second, 2}, {10 * time.Minute, 6}, {9 * time.Minute, 0}}
	for _, step := range steps {
		got := 0
		for b.take(start.Add(step.after), 6) {
			got++
		}
		if got != step.times {
			t.Errorf("after %v: %d times, want %d", step.after, got, step.times)
		}
	}
	for range 1000 {
		if !b.take(start, 0) {
			t.Fatal("0 is a limit")
		}
	}
}

func TestUsageIsForgotten(t *testing.T) {
	var kept usages
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	jid := func(i int) component.JID { return component.JID{Local: fmt.Sprint(i), Domain: "xmpp.test"} }
	for i := range 10 {
		kept.keep(jid(i), usage{joins: bucket{1, now}}, now)
	}
	kept.keep(jid(11), usage{}, now)
	if len(kept.users) != 10 {
		t.Errorf("%d are kept", len(kept.users))
	}
	if again := kept.take(jid(3)); again.joins.spent != 1 || len(kept.users) != 9 {
		t.Errorf("%v came back, %d are kept", again, len(kept.users))
	}
	now = now.Add(usagePeriod)
	kept.keep(jid(3), usage{messages: bucket{1, now}}, now)
	if len(kept.users) != 1 {
		t.Errorf("%d are kept a minute later", len(kept.users))
	}
}

// limit puts other limits in force.
func (w *world) limit(change func(*LimitsConfig)) {
	w.t.Helper()
	w.changeConfig(func(c *Config) { change(&c.Limits) })
}

// become has another user act from now on.
func (w *world) become(name string) {
	w.u = newUser(w.g, component.JID{Local: name, Domain: "xmpp.test"})
	w.u.in.running, w.u.scratch = true, w.g.meter.newScratch()
}

// enterRoom sends the presence that joins a channel of a network.
func (w *world) enterRoom(channel, network string) {
	w.t.Helper()
	w.stanza(`<presence from='%s' to='%s%%%s@gw.test/juliet' id='join'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk, channel, network)
}

func TestLimitOfServers(t *testing.T) {
	w := newWorld(t)
	w.limit(func(l *LimitsConfig) { l.Servers = 2 })
	w.enterRoom("#a", "irc.test")
	w.enterRoom("#a", "two.test")
	w.expect()
	w.enterRoom("#a", "three.test")
	w.expectOne(`type='error'`, `<policy-violation `, `connected to 2 IRC servers`, `(limits.servers)`)
	w.enterRoom("#b", "two.test") // where the user is
	w.expect()
	w.do(func() { w.network().quit("") })
	w.forget()
	w.enterRoom("#a", "three.test")
	w.expect()
}

func TestLimitOfChannels(t *testing.T) {
	w := connected(t)
	w.limit(func(l *LimitsConfig) { l.Channels = 2 })
	w.enterRoom("#two", "irc.test")
	w.expectLines("JOIN #two")
	w.enterRoom("#three", "irc.test")
	w.expectOne(`type='error'`, `<policy-violation `, `in 2 channels`, `(limits.channels)`)
	w.expectLines()
	w.stanza(`<presence from='%s' to='%s/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, phone, room) // where the user is
	contains(t, w.sent()[0], `<presence `, phone)
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet' type='unavailable'/>`, desk)
	w.forget()
	w.enterRoom("#three", "irc.test")
	w.expectLines("JOIN #three")
}

// Channels that are joined by themselves count, and what does not fit is told.
func TestLimitOfChannelsByThemselves(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.limit(func(l *LimitsConfig) { l.Channels = 2 })
	if err := w.u.choose(w.u.scope(translateServer), store.Settings{setAutoJoin: {"#one", "#two", "#three"}}); err != nil {
		t.Fatal(err)
	}
	w.join(desk, "juliet")
	w.register("juliet")
	if len(w.network().channels) != 2 {
		t.Errorf("%d channels", len(w.network().channels))
	}
	contains(t, strings.Join(w.sent(), "\n"), "Not all of your channels were joined: nobody may be in more than 2 (limits.channels).")
}

func TestLimitsByTheMinute(t *testing.T) {
	message := func(w *world) {
		w.stanza(`<message from='%s' to='%s' type='groupchat' id='m'><body>hark</body></message>`, desk, room)
	}
	join := func(w *world) { w.enterRoom(fmt.Sprintf("#c%d", len(w.network().channels)), "irc.test") }
	tests := []struct {
		name   string
		change func(*LimitsConfig)
		do     func(*world)
		key    string
	}{
		{"messages", func(l *LimitsConfig) { l.MessagesPerMinute = 3 }, message, "more than 3 messages in a minute, which is the limit (limits.messages_per_minute)"},
		{"private messages", func(l *LimitsConfig) { l.MessagesPerMinute = 3 }, func(w *world) {
			w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' type='chat' id='m'><body>hark</body></message>`, desk)
		}, "limits.messages_per_minute"},
		{"raw lines", func(l *LimitsConfig) { l.MessagesPerMinute = 3 }, func(w *world) {
			w.stanza(`<message from='%s' to='irc.test@gw.test' type='chat' id='m'><body>LUSERS</body></message>`, desk)
		}, "limits.messages_per_minute"},
		{"joins", func(l *LimitsConfig) { l.JoinsPerMinute = 3 }, join, "more than 3 channels entered in a minute, which is the limit (limits.joins_per_minute)"},
		{"connects", func(l *LimitsConfig) { l.ConnectsPerMinute = 3 }, func(w *world) { w.enterRoom("#a", fmt.Sprintf("irc%d.test", len(w.u.networks))) },
			"more than 3 connections in a minute, which is the limit (limits.connects_per_minute)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := connected(t)
			w.u.usage = usage{}
			w.limit(test.change)
			isRefused := func() bool {
				test.do(w)
				text := strings.Join(w.sent(), "\n")
				if strings.Contains(text, "type='error'") {
					contains(t, text, `type='wait'`, `<resource-constraint `, test.key)
					return true
				}
				return false
			}
			for range 3 {
				if isRefused() {
					t.Fatal("refused too early")
				}
			}
			if !isRefused() {
				t.Fatal("the fourth is not refused")
			}
			w.pass(20 * time.Second)
			if w.forget(); isRefused() || !isRefused() {
				t.Error("a third of a minute later there is not room for just one")
			}
		})
	}
}

// What says nothing to IRC is not counted.
func TestMessagesThatDoNotCount(t *testing.T) {
	w := connected(t)
	w.limit(func(l *LimitsConfig) { l.MessagesPerMinute = 1 })
	for range 3 {
		w.stanza(`<message from='%s' to='%s' type='groupchat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`, desk, room)
		w.stanza(`<message from='%s' to='gw.test' type='chat'><body>help</body></message>`, desk)
	}
	lacks(t, strings.Join(w.sent(), "\n"), `type='error'`)
}

// Who leaves and comes back cannot do more than who stays.
func TestUsageOutlivesTheUser(t *testing.T) {
	w := newWorld(t)
	w.limit(func(l *LimitsConfig) { l.ConnectsPerMinute = 1 })
	w.g.users[w.u.jid] = w.u
	w.join(desk, "juliet")
	w.network().quit("")
	w.u.in.running = false
	w.u.in.take(true)
	w.g.retire(w.u)
	if w.g.Users() != 0 {
		t.Fatal("the user is there still")
	}
	w.become(w.u.jid.Local)
	w.u.usage = w.g.usages.take(w.u.jid)
	w.forget()
	w.join(desk, "juliet")
	w.expectOne(`limits.connects_per_minute`)
}

func TestSlowStart(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.limit(func(l *LimitsConfig) {
		l.SlowStart, l.NewConnectsPerMinute, l.NewJoinsPerMinute = time.Hour, 2, 3
	})
	w.enterRoom("#a", "one.test")
	w.enterRoom("#a", "two.test")
	w.expect()
	w.enterRoom("#a", "three.test")
	w.expectOne(`more than 2 connections in a minute`, `limits.new_connects_per_minute`)
	w.enterRoom("#b", "one.test")
	w.expectOne(`more than 3 channels entered in a minute`, `limits.new_joins_per_minute`)
	w.u.unload() // it is remembered
	w.pass(30 * time.Minute)
	w.enterRoom("#a", "three.test")
	w.enterRoom("#a", "four.test")
	w.expect()
	w.enterRoom("#a", "five.test")
	w.expectOne(`limits.new_connects_per_minute`)
	w.pass(30 * time.Minute)
	for i := range 10 {
		w.enterRoom("#a", fmt.Sprintf("later%d.test", i))
	}
	w.expect()
}

// Settings made before the first connection do not make a user old, and those of
// before there was a slow start do.
func TestWhoIsNew(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	scope := w.u.scope(translateServer)
	if err := w.u.choose(scope, store.Settings{setNick: {"jules"}}); err != nil {
		t.Fatal(err)
	}
	if !w.u.isNew() {
		t.Error("who has just chosen something is not new")
	}
	old := newWorld(t)
	old.openStore()
	if err := old.g.store.SaveSettings(t.Context(), scope, store.Settings{setNick: {"jules"}}, nil); err != nil {
		t.Fatal(err)
	}
	old.join(desk, "juliet")
	if old.u.isNew() || len(old.u.chosen[old.u.scope(translateGateway)]) > 0 {
		t.Error("who was here before is new")
	}
}

func TestLimitOfContactsAndSettings(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.limit(func(l *LimitsConfig) { l.Contacts, l.Settings = 2, 2 })
	for _, nick := range []string{"romeo", "nurse", "romeo"} {
		w.stanza(`<presence from='%s' to='%s%%irc.test@gw.test' type='subscribe'/>`, desk, nick)
		lacks(t, strings.Join(w.sent(), "\n"), `type='error'`)
	}
	w.stanza(`<presence from='%s' to='paris%%irc.test@gw.test' type='subscribe'/>`, desk)
	w.expectOne(`<policy-violation `, `you have 2 contacts`, `(limits.contacts)`)

	set := func(where string) string {
		w.stanza(`<message from='%s' to='gw.test' type='chat' id='m'><body>set %s nick jules</body></message>`, desk, where)
		return strings.Join(w.sent(), "\n")
	}
	for _, where := range []string{"one.test", "two.test", "one.test"} {
		lacks(t, set(where), `type='error'`)
	}
	contains(t, set("three.test"), `<policy-violation `, `settings for 2 networks and channels`, `(limits.settings)`)
}

func TestLimitsOfAllTogether(t *testing.T) {
	listed := Servers{
		"listed": {Addresses: []ircconn.Address{{Host: "irc.listed"}, {Host: "irc2.listed"}}, Connections: 1},
		"alias":  {Addresses: []ircconn.Address{{Host: "IRC.test"}}},
	}
	tests := []struct {
		name             string
		change           func(*LimitsConfig)
		networks         []string // of as many users
		refused, refusal string   // the network that is one too many, and how
	}{
		{"connections", func(l *LimitsConfig) { l.Connections = 2 }, []string{"one.test", "two.test"}, "three.test", "as many connections to IRC as it may have, 2 (limits.connections)"},
		{"to a server", func(l *LimitsConfig) { l.ConnectionsPerServer = 2 }, []string{"irc.test", "irc.test", "other.test"}, "irc.test", "as many connections to irc.test as it may have, 2 (limits.connections_per_server)"},
		{"to a server by another name", func(l *LimitsConfig) { l.ConnectionsPerServer = 2 }, []string{"irc.test", "alias"}, "irc.test", "(limits.connections_per_server)"},
		{"to a server of the admin's", func(l *LimitsConfig) { l.ConnectionsPerServer = 2 }, []string{"listed"}, "irc.listed", "as many connections to irc.listed as it may have, 1"},
		{"in a minute", func(l *LimitsConfig) { l.TotalConnectsPerMinute = 2 }, []string{"one.test", "two.test"}, "three.test", "(limits.total_connects_per_minute)"},
		{"to a server in a minute", func(l *LimitsConfig) { l.ServerConnectsPerMinute = 2 }, []string{"irc.test", "other.test", "irc.test"}, "irc.test", "(limits.server_connects_per_minute)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.change(func(c *Live) { c.Servers = listed })
			w.limit(test.change)
			juliet := w.u
			for i, network := range test.networks {
				w.become(fmt.Sprint("user", i))
				w.enterRoom("#a", network)
				w.expect()
			}
			last := w.u
			w.u = juliet
			w.enterRoom("#a", test.refused)
			w.expectOne(`type='wait'`, `<resource-constraint `, test.refusal)
			w.pass(2 * time.Minute)
			last.networks.of(test.networks[len(test.networks)-1]).quit("")
			w.forget()
			w.u = juliet
			if test.refused == "irc.listed" || strings.Contains(test.name, "minute") || test.name == "connections" {
				w.enterRoom("#a", test.refused)
				w.expect()
			}
		})
	}
}

// Servers that nobody is connected to are not counted for ever.
func TestConnectionsAreForgotten(t *testing.T) {
	var c connections
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for i := range 100 {
		one := connection{"juliet@xmpp.test", fmt.Sprint(i), fmt.Sprint(i)}
		if err := c.admit(one, LimitsConfig{ServerConnectsPerMinute: 1}, 0, now); err != nil {
			t.Fatal(err)
		}
		if i != 7 {
			c.remove(one.user, one.network)
		}
	}
	now = now.Add(usagePeriod)
	if err := c.admit(connection{"juliet@xmpp.test", "new", "new"}, LimitsConfig{}, 0, now); err != nil {
		t.Fatal(err)
	}
	if len(c.hosts) != 2 || c.total != 2 {
		t.Errorf("%d servers and %d connections", len(c.hosts), c.total)
	}
}

func TestLimitFaults(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Limits.Servers, cfg.Limits.SlowStart = -1, -time.Second
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	contains(t, err.Error(), "gateway.limits.servers is negative", "gateway.limits.slow_start is negative")
	if _, err := ParseServers([]ServerConfig{{Name: "a", Addresses: []string{"a"}, Connections: -1}}); err == nil {
		t.Error("a server may have fewer than no connections")
	}
}
