package gateway

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

func TestNetworksAreCounted(t *testing.T) {
	for label, listed := range map[string]bool{"irc.test": true, OtherNetworks: false} {
		w := newWorld(t)
		live := *w.g.live()
		live.OutageLimit = time.Hour
		if listed {
			var err error
			if live.Servers, err = ParseServers([]ServerConfig{{Name: "irc.test", Addresses: []string{"ircs://irc.test"}}}); err != nil {
				t.Fatal(err)
			}
		}
		w.g.Apply(live)
		check := func(step string, connecting, online, rooms, occupants int) {
			t.Helper()
			w.u.roundDone(1)
			got := w.g.Stats().Networks[label]
			if got.Connecting != connecting || got.Online != online || got.Rooms != rooms || got.Occupants != occupants {
				t.Errorf("%s, %s: %+v", label, step, got)
			}
		}
		w.join(desk, "juliet")
		check("connecting", 1, 0, 0, 0)
		w.register("juliet")
		check("online", 0, 1, 0, 0)
		w.enter("@nurse romeo juliet")
		check("in a room", 0, 1, 1, 3)
		w.event(ircconn.Parted{Source: source("romeo"), Channel: "#chan"})
		check("one less", 0, 1, 1, 2)
		w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindPingTimeout}, WasRegistered: true})
		check("lost", 0, 0, 1, 2)
		if got := w.g.Stats().Networks[label]; got.Interrupted != 1 || got.Outages != 1 || got.Recoveries != 0 {
			t.Errorf("%s, lost: %+v", label, got)
		}
		w.pass(time.Minute)
		w.register("juliet")
		check("back", 0, 1, 0, 0)
		w.network().quit("enough")
		check("gone", 0, 0, 0, 0)
		if got := w.g.Stats().Networks[label]; got.Started != 2 || got.Interrupted != 0 || got.Outages != 1 || got.Recoveries != 1 {
			t.Errorf("%s, gone: %+v", label, got)
		}
		if names := len(w.g.Stats().Networks); names != 1+len(live.Servers) {
			t.Errorf("%d networks are counted apart", names)
		}
	}
}

// What is said changes no sums, so they are not made for it.
func TestMessagesAreNotRecounted(t *testing.T) {
	w := connected(t)
	w.u.roundDone(1)
	w.network().channel("#chan").members = memberList{} // nobody has noticed
	w.u.lineArrived(ircconn.Message{}, w.clock)
	w.u.roundDone(1)
	if got := w.g.Stats().Networks[OtherNetworks].Occupants; got != 3 {
		t.Errorf("%d occupants after a message", got)
	}
	w.u.lineArrived(ircconn.Message{}, w.clock)
	w.u.roundDone(2)
	if got := w.g.Stats().Networks[OtherNetworks].Occupants; got != 0 {
		t.Errorf("%d occupants after a message and something else", got)
	}
}

func TestEndsAreCountedByReason(t *testing.T) {
	for reason, err := range map[string]error{
		"wanted": nil, "resolve": &ircconn.Error{Kind: ircconn.KindResolve}, "login": &ircconn.Error{Kind: ircconn.KindLogin},
		"silent": &ircconn.Error{Kind: ircconn.KindPingTimeout}, "local": &ircconn.Error{Kind: ircconn.KindLocal},
	} {
		w := connected(t)
		w.g.gone.Add(1)
		w.u.sink("irc.test", 1).Deliver(nil, ircconn.Disconnected{Err: err})
		for name, count := range w.g.Stats().Networks[OtherNetworks].Ended {
			if want := uint64(map[bool]int{true: 1}[name == reason]); count != want {
				t.Errorf("%s: %d ends by %q", reason, count, name)
			}
		}
	}
	if got, kinds := len(EndReasons()), int(ircconn.KindPassword)+2; got != kinds {
		t.Errorf("%d reasons for %d kinds of faults", got, kinds)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='%s' type='groupchat'><body>hi</body></message>`, phone, room)
	w.u.stanzaError(refuse("no-such-condition", "odd"))
	w.u.stanzaError(errAbandoned)
	w.g.refuse(&refuser{}, &component.Stanza{Kind: component.IQ, Type: "get"}, component.NewError("resource-constraint", ""))
	want := map[string]uint64{"not-acceptable": 1, "undefined-condition": 1, "internal-server-error": 1, "resource-constraint": 1}
	for condition, count := range w.g.Stats().Refusals {
		if count != want[condition] {
			t.Errorf("%d refusals with %s, want %d", count, condition, want[condition])
		}
	}
}

func TestStanzasOutAreCounted(t *testing.T) {
	w := connected(t)
	before := w.g.Stats().StanzasOut
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hi"}, ircconn.Parted{Source: source("romeo"), Channel: "#chan"})
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`, desk)
	after := w.g.Stats().StanzasOut
	for kind := range component.Kinds {
		if after[kind] != before[kind]+1 {
			t.Errorf("%d of kind %s", after[kind]-before[kind], kind)
		}
	}
}

func TestLatencies(t *testing.T) {
	w := connected(t)
	handle := func(ago time.Duration, ev ircconn.Event) {
		n := w.network()
		w.do(func() {
			w.u.lineArrived(ev, w.clock.Add(-ago))
			n.handle(ev)
		})
	}
	handle(3*time.Millisecond, ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hi"})
	handle(time.Hour, ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hi"})
	handle(time.Hour, ircconn.Written{Receipt: 1})                                                    // not a line
	handle(time.Hour, ircconn.Message{Source: source("romeo"), Target: "#elsewhere", Text: "nobody"}) // makes no stanza
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "from nowhere"})
	expectLatency(t, "to XMPP", w.g.Stats().ToXMPP, time.Hour+3*time.Millisecond, map[int]uint64{6: 1, len(LatencyBounds()): 1})

	s := mustStanza(t)
	s.Arrived = w.clock.Add(-70 * time.Microsecond)
	s.Kind, s.Type, s.To.Resource = component.Message, "groupchat", ""
	s.Children = []component.Element{{Local: "body", Text: "one\ntwo"}}
	w.do(func() { w.u.handleStanza(s) })
	w.stanza(`<message from='%s' to='%s' type='groupchat'><body>hi</body></message>`, desk, room) // of no known time
	expectLatency(t, "to IRC", w.g.Stats().ToIRC, 70*time.Microsecond, map[int]uint64{1: 1})
}

func expectLatency(t *testing.T, name string, got Latency, sum time.Duration, want map[int]uint64) {
	t.Helper()
	if got.Sum != sum {
		t.Errorf("%s: %v in sum, want %v", name, got.Sum, sum)
	}
	var count uint64
	for i, bucket := range got.Buckets {
		if count += want[i]; bucket != want[i] {
			t.Errorf("%s: %d in bucket %d, want %d", name, bucket, i, want[i])
		}
	}
	if got.Count() != count {
		t.Errorf("%s: a count of %d, want %d", name, got.Count(), count)
	}
}

// A fault in the middle leaves nothing behind that the next user would count.
func TestArrivalEndsWithAFault(t *testing.T) {
	w := connected(t)
	w.faults++
	w.do(func() {
		w.u.lineArrived(ircconn.Message{}, w.clock.Add(-time.Hour))
		panic("fault")
	})
	used := w.u.scratch
	w.g.giveBack(used)
	if used.arrival != (arrival{}) || used.talk != 0 {
		t.Errorf("left behind: %+v, %d", used.arrival, used.talk)
	}
	if got := w.g.Stats().Panics; got != 1 {
		t.Errorf("%d faults", got)
	}
}

func TestOnlineUsers(t *testing.T) {
	w := connected(t)
	w.g.users[w.u.jid] = w.u
	w.g.users[component.JID{Local: "abram", Domain: "xmpp.test"}] = w.u
	got := w.g.Online()
	if len(got) != 2 || got[0].JID != "abram@xmpp.test" || len(got[0].Networks) != 0 || got[1].JID != "juliet@xmpp.test" || !slices.Equal(got[1].Networks, []string{"irc.test"}) {
		t.Errorf("got %+v", got)
	}
}

func TestWaitingIsCounted(t *testing.T) {
	w := connected(t)
	w.g.users[w.u.jid] = w.u
	other := newUser(w.g, component.JID{Local: "romeo", Domain: "xmpp.test"})
	other.in.running = true
	w.g.users[other.jid] = other
	for range 3 {
		w.u.in.postStanza(mustStanza(t), nil)
	}
	other.in.postStanza(mustStanza(t), nil)
	other.post(func(*User) {}, nil)
	got := w.g.Stats()
	if got.Users != 2 || got.Stanzas != 4 || got.LongestStanzas != 3 || got.Events != 1 || got.LongestEvents != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestLimitsReachedAreCounted(t *testing.T) {
	w := connected(t)
	w.change(func(c *Live) { c.Limits.MessagesPerMinute = 1 })
	for range 3 {
		w.stanza(`<message from='%s' to='%s' type='groupchat'><body>hi</body></message>`, desk, room)
	}
	for key, count := range w.g.Stats().Limits {
		if want := uint64(map[bool]int{true: 2}[key == "messages_per_minute"]); count != want {
			t.Errorf("%s was reached %d times, want %d", key, count, want)
		}
	}
}

// A limit that is called otherwise in a refusal would not be counted.
func TestRefusalsNameLimitsThatExist(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`"limits\.([a-z_]+)"`)
	seen := make(map[string]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range named.FindAllSubmatch(text, -1) {
			seen[string(found[1])] = true
			if !slices.Contains(limitKeys(), string(found[1])) {
				t.Errorf("%s names the limit %s, which does not exist", file, found[1])
			}
		}
	}
	for _, key := range limitKeys() {
		if !seen[key] {
			t.Errorf("no refusal names the limit %s", key)
		}
	}
}
