package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// XEP-0100 §4.1: gateway and networks may stand in a roster.
func TestSubscription(t *testing.T) {
	for _, to := range []string{"gw.test", server} {
		reply := func(presenceType string) string {
			if presenceType != "" {
				presenceType = ` type='` + presenceType + `'`
			}
			return `<presence from='` + to + `' to='juliet@xmpp.test'` + presenceType + `/>`
		}
		up := ""
		if to == server {
			up = "unavailable" // not connected
		}
		for stanzaType, want := range map[string][]string{
			"subscribe":    {reply("subscribed"), reply("subscribe"), reply(up)},
			"unsubscribe":  {reply("unavailable"), reply("unsubscribed")},
			"probe":        {reply(up)},
			"subscribed":   nil,
			"unsubscribed": nil,
			"unavailable":  nil,
		} {
			w := newWorld(t)
			w.stanza(`<presence from='juliet@xmpp.test/desk' to='%s/x' type='%s'/>`, to, stanzaType)
			w.expect(want...)
			if len(w.u.networks) != 0 {
				t.Errorf("%s makes a connection", stanzaType)
			}
		}
	}
}

// People and channels are seen in rooms.
func TestSubscriptionToPeople(t *testing.T) {
	for _, to := range []string{room, "romeo%irc.test@gw.test"} {
		w := newWorld(t)
		w.stanza(`<presence from='juliet@xmpp.test' to='%s' type='subscribe'/>`, to)
		w.expect(`<presence from='` + to + `' to='juliet@xmpp.test' type='unsubscribed'/>`)
	}
}

// A network in the roster is up while the user is connected to it.
func TestPresenceOfANetwork(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.presenceTo(server, "subscribe")
	w.forget()
	up := `<presence from='irc.test@gw.test' to='juliet@xmpp.test'/>`
	w.join(desk, "juliet")
	w.register("juliet")
	if got := strings.Join(w.sent(), "\n"); !strings.Contains(got, up) {
		t.Errorf("%s\nlacks %s", got, up)
	}
	w.presenceTo(server, "probe")
	w.expect(up)
	w.event(ircconn.Disconnected{})
	down := `<presence from='irc.test@gw.test' to='juliet@xmpp.test' type='unavailable'/>`
	if got := strings.Join(w.sent(), "\n"); !strings.Contains(got, down) {
		t.Errorf("%s\nlacks %s", got, down)
	}
}

// Coming online connects to networks with channels to join, for who has the
// gateway in the roster.
func TestLogin(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.chat("set irc.test auto_join #chan sesame | #hall")
	w.chat("set irc.test nick Jule")
	w.chat("set #hall%irc.test persistent true")
	// A host server sends a probe where it does not send presence.
	online := func() { w.stanza(`<presence from='juliet@xmpp.test' to='gw.test' type='probe'/>`) }
	online()
	if w.irc != nil {
		t.Fatal("a stranger's presence connects")
	}
	w.presenceTo("gw.test", "subscribe")
	w.forget()
	online()
	if w.irc == nil || w.dialled.Nick != "Jule" {
		t.Fatalf("dialled %+v", w.dialled)
	}
	w.register("Jule")
	w.expectLines("JOIN #chan,#hall sesame")
	online() // once is enough
	w.forget()
	w.event(ircconn.Refused{Numeric: 475, Target: "#hall", Text: "Bad key"})
	w.expectOne(`from='irc.test@gw.test'`, `#hall: Bad key`)
	w.enter("Jule")
	w.forget()
	w.pass(time.Hour)
	w.expectLines() // also where nobody enters it
	w.stanza(`<presence from='juliet@xmpp.test' to='gw.test' type='unavailable'/>`)
	if w.irc.quit == "" {
		t.Error("going offline does not log out")
	}
	contains(t, w.chat("set irc.test auto_join nonsense"), `not-acceptable`)
}

// Who has gone offline is a user, not one of several clients (XEP-0100 §4.5).
func TestLogoutIsOfTheLastClient(t *testing.T) {
	for _, to := range []string{"gw.test", server} {
		w := newWorld(t)
		w.openStore()
		w.chat("set irc.test auto_join #chan")
		w.presenceTo(to, "subscribe")
		presence := func(from, presenceType string) {
			w.stanza(`<presence from='%s' to='%s' type='%s'/>`, from, to, presenceType)
		}
		presence(desk, "")
		presence(phone, "")
		w.register("juliet")
		w.enter("juliet")
		presence(phone, "unavailable")
		presence(phone, "unavailable")
		if w.irc.quit != "" {
			t.Errorf("%s: one of two clients takes the user from IRC: %s", to, w.irc.quit)
		}
		w.forget()
		presence(desk, "unavailable")
		w.expect(`<presence from='` + to + `' to='juliet@xmpp.test' type='probe'/>`)
		w.pass(departTime)
		if w.irc.quit == "" || len(w.u.online) != 0 {
			t.Errorf("%s: still there without clients, of which %v are remembered", to, w.u.online)
		}
	}
}

// Clients of which nothing is known, as they came online before the gateway did or while
// the stream was lost, are asked for.
func TestLogoutAsksForOtherClients(t *testing.T) {
	presence := func(w *world, from, presenceType string) {
		w.stanza(`<presence from='%s' to='gw.test' type='%s'/>`, from, presenceType)
	}
	for name, test := range map[string]struct {
		answer func(*world)
		stays  bool
	}{
		"another":    {func(w *world) { presence(w, phone, "") }, true},
		"none":       {func(w *world) { presence(w, "juliet@xmpp.test", "unavailable") }, false},
		"no answer":  {func(*world) {}, false},
		"no stream":  {func(w *world) { w.loseStream() }, true},
		"came again": {func(w *world) { presence(w, desk, "") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.openStore()
			w.chat("set irc.test auto_join #chan")
			w.presenceTo("gw.test", "subscribe")
			presence(w, desk, "")
			presence(w, phone, "")
			w.register("juliet")
			w.enter("juliet")
			w.loseStream()
			w.streamBack()
			w.forget()
			presence(w, desk, "unavailable")
			w.expect(`<presence from='gw.test' to='juliet@xmpp.test' type='probe'/>`)
			test.answer(w)
			w.pass(departTime)
			if stays := w.irc.quit == ""; stays != test.stays {
				t.Errorf("stays: %v; %q", stays, w.irc.quit)
			}
		})
	}
}

// A user with endless clients, or presences of strangers, fill no memory.
func TestClientsOnlineAreBounded(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.stanza(`<presence from='%s' to='gw.test'/>`, desk)
	if len(w.u.online) != 0 {
		t.Error("a client of somebody without the gateway in the roster is remembered")
	}
	w.presenceTo("gw.test", "subscribe")
	for i := range mostOnline + 10 {
		w.stanza(`<presence from='juliet@xmpp.test/%d' to='gw.test'/>`, i)
	}
	if len(w.u.online) != mostOnline {
		t.Errorf("%d clients are remembered", len(w.u.online))
	}
	w.stanza(`<presence from='juliet@xmpp.test' to='gw.test' type='unavailable'/>`)
	if len(w.u.online) != 0 {
		t.Errorf("%d clients are left", len(w.u.online))
	}
}

func TestGreeting(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.presenceTo("gw.test", "subscribe")
	w.presenceTo(server, "subscribe")
	w.forget()
	w.g.greet(t.Context(), "")
	w.expect(`<presence from='gw.test' to='juliet@xmpp.test'/>`)
	w.g.greet(t.Context(), "unavailable")
	w.expect(`<presence from='gw.test' to='juliet@xmpp.test' type='unavailable'/>`)
}

// At its start the gateway asks who is online.
func TestSeeking(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.g.seek(t.Context())
	w.expect()
	w.presenceTo("gw.test", "subscribe")
	w.presenceTo(server, "subscribe")
	w.presenceTo(romeoJID, "subscribe")
	w.forget()
	w.g.seek(t.Context())
	got := w.sent()
	slices.Sort(got)
	if want := []string{`<presence from='gw.test' to='juliet@xmpp.test' type='probe'/>`, `<presence from='irc.test@gw.test' to='juliet@xmpp.test' type='probe'/>`}; !slices.Equal(got, want) {
		t.Errorf("asked %q", got)
	}
}

// A network that is being brought back is not connected to a second time, nor with
// another nick.
func TestLoginWhileRoomsComeBack(t *testing.T) {
	w := withStore(t)
	w.chat("set irc.test auto_join #hall")
	w.presenceTo("gw.test", "subscribe")
	next := w.restarted(time.Minute)
	next.stanza(`<presence from='%s' to='gw.test'/>`, desk)
	if next.irc != nil || len(next.u.networks) != 0 {
		t.Error("connected before the rooms are back")
	}
}

// A connection that fails is shown as an error of the network's presence.
func TestFailedConnectionInTheRoster(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	w.presenceTo(server, "subscribe")
	w.u.unload() // as after a session that was idle
	w.join(desk, "juliet")
	w.forget()
	w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindRefused, Numeric: 464}})
	contains(t, strings.Join(w.sent(), "\n"), `<presence from='irc.test@gw.test' to='juliet@xmpp.test' type='error'><error type='auth'><not-authorized`)
}
