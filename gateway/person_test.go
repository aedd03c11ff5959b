package gateway

import (
	"fmt"
	"regexp"
	"sync"
	"testing"
	"unsafe"

	"passerelle/component"
	"passerelle/ircconn"
)

var anyOccupantID = regexp.MustCompile(`<occupant-id xmlns='urn:xmpp:occupant-id:0' id='([^']*)'/>`)

// occupants returns the occupant ids of the stanzas sent since the last time.
func (w *world) occupants() []string {
	w.t.Helper()
	var ids []string
	for _, match := range anyOccupantID.FindAllStringSubmatch(w.out.text.String(), -1) {
		ids = append(ids, match[1])
	}
	w.out.text.Reset()
	return ids
}

// oneOccupant returns the occupant id that all stanzas sent share.
func (w *world) oneOccupant() string {
	w.t.Helper()
	ids := w.occupants()
	if len(ids) == 0 {
		w.t.Fatal("no occupant id was sent")
	}
	for _, id := range ids {
		if id != ids[0] {
			w.t.Errorf("ids %v, want one", ids)
		}
	}
	if len(ids[0]) > 128 {
		w.t.Errorf("an id of %d characters", len(ids[0]))
	}
	return ids[0]
}

// XEP-0421 §3: the same for all that somebody does in a room.
func TestOccupantIDStays(t *testing.T) {
	for name, joined := range map[string]ircconn.Joined{
		"mask":    {Source: source("tybalt"), Channel: "#chan"},
		"account": {Source: source("tybalt"), Channel: "#chan", Account: "capulet"},
	} {
		t.Run(name, func(t *testing.T) {
			w := connected(t)
			w.event(joined)
			first := w.oneOccupant()
			w.event(ircconn.Message{Source: source("tybalt"), Target: "#chan", Text: "hi", Meta: ircconn.Meta{Account: "capulet"}})
			w.event(ircconn.NickChanged{Source: source("tybalt"), New: "cat"})
			w.event(ircconn.HostChanged{Source: source("cat"), NewUser: "x", NewHost: "cloak"}, ircconn.AccountChanged{Source: source("cat"), Account: "king"})
			w.event(ircconn.Message{Source: source("cat"), Target: "#chan", Text: "hi"}, ircconn.AwayChanged{Source: source("cat"), Text: "x"})
			w.event(ircconn.TopicChanged{Source: source("cat"), Channel: "#chan", Topic: "x"})
			w.event(ircconn.Parted{Source: source("cat"), Channel: "#chan"})
			if again := w.oneOccupant(); again != first {
				t.Errorf("the id went from %s to %s", first, again)
			}
			// The next visit is by the same person.
			w.event(joined)
			if again := w.oneOccupant(); again != first {
				t.Errorf("the next visit has %s, not %s", again, first)
			}
		})
	}
}

// An account is one person under every nick and from every host.
func TestOccupantIDOfAccount(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#chan", Account: "Capulet"})
	first := w.oneOccupant()
	w.event(ircconn.Joined{Source: source("cat"), Channel: "#chan", Account: "capulet"})
	if w.oneOccupant() != first {
		t.Error("one account has two ids")
	}
}

func TestOccupantIDsDiffer(t *testing.T) {
	w := connected(t)
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#two", Self: true}, ircconn.NamesEnd{Channel: "#two"})
	w.forget()
	seen := map[string]string{}
	for name, joined := range map[string]ircconn.Joined{
		"tybalt":         {Source: source("tybalt"), Channel: "#chan"},
		"in #two":        {Source: source("tybalt"), Channel: "#two"},
		"other host":     {Source: ircconn.Source{Nick: "a", User: "a", Host: "x"}, Channel: "#chan"},
		"other user":     {Source: ircconn.Source{Nick: "b", User: "a", Host: "x"}, Channel: "#chan"},
		"account":        {Source: source("c"), Channel: "#chan", Account: "tybalt"},
		"account in two": {Source: source("c"), Channel: "#two", Account: "tybalt"},
		"no host":        {Source: ircconn.Source{Nick: "d"}, Channel: "#chan"},
	} {
		w.event(joined)
		id := w.oneOccupant()
		if other, twice := seen[id]; twice {
			t.Errorf("%s and %s share an id", name, other)
		}
		seen[id] = name
	}
	w.present(desk, "juliet", "")
	if id := w.oneOccupant(); seen[id] != "" {
		t.Errorf("we share an id with %s", seen[id])
	}
}

// Our own is of the bare JID, so that it is the same on the next connection, under
// every nick, and of another key it is another.
func TestOwnOccupantID(t *testing.T) {
	own := func(nick string, key string) string {
		w := newWorld(t)
		w.g.occupantIDs.init([]byte(key))
		w.join(desk, nick)
		w.register(nick)
		w.enter(nick)
		w.event(ircconn.NickChanged{Source: source(nick), New: "else", Self: true})
		w.say(desk, "m1", "hello")
		w.event(ircconn.Written{Receipt: 1})
		return w.oneOccupant()
	}
	if own("juliet", "key") != own("jul", "key") {
		t.Error("the id depends on the nick")
	}
	if own("juliet", "key") == own("juliet", "other") {
		t.Error("the id does not depend on the key")
	}
}

// A name that is only known from the list has an id all the same, and keeps it
// when more becomes known.
func TestOccupantIDOfSomebodyListed(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "hi", Meta: ircconn.Meta{Account: "montague"}})
	first := w.oneOccupant()
	w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "h", Account: "montague", Away: true})
	w.event(ircconn.NickChanged{Source: source("romeo"), New: "rom"})
	if again := w.oneOccupant(); again != first {
		t.Errorf("the id went from %s to %s", first, again)
	}
	w.event(ircconn.NickChanged{Source: source("nurse"), New: "romeo"})
	if other := w.oneOccupant(); other == first {
		t.Error("whoever takes a nick takes over the id")
	}
}

// A refused separator would let one room's id be another's.
func TestOccupantIDHasNoAmbiguity(t *testing.T) {
	ids := &newWorld(t).g.occupantIDs
	if ids.of(component.JID{Local: "a", Domain: "b"}, []byte("c")) == ids.of(component.JID{Local: "a", Domain: "bc"}, nil) {
		t.Error("room and identity run together")
	}
}

// Ids are what they are, whether they are kept or computed again, by however many at once.
func TestOccupantIDsAreKept(t *testing.T) {
	ids := &newWorld(t).g.occupantIDs
	id := func(i int) string {
		return ids.of(component.JID{Local: "#chan", Domain: "gw.test"}, fmt.Appendf(nil, "nick %d", i))
	}
	const people = 2 * idsKept
	first := make([]string, people)
	seen := make(map[string]bool)
	for i := range first {
		first[i] = id(i)
		seen[first[i]] = true
	}
	if len(seen) != people {
		t.Errorf("%d ids of %d people", len(seen), people)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range first {
				for range 2 {
					if again := id(i); again != first[i] {
						t.Errorf("%s became %s", first[i], again)
					}
				}
			}
		})
	}
	all.Wait()
	if once, again := id(0), id(0); unsafe.StringData(once) != unsafe.StringData(again) {
		t.Error("an id that was just asked for is computed again")
	}
}

// What is known of people goes with them.
func TestPeopleAreForgotten(t *testing.T) {
	w := connected(t)
	known := func() int { return len(w.network().people) }
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#chan"})
	w.event(ircconn.NickChanged{Source: source("tybalt"), New: "cat"})
	if known() != 1 {
		t.Errorf("%d people are known", known())
	}
	for _, end := range []ircconn.Event{
		ircconn.Parted{Source: source("cat"), Channel: "#chan"}, ircconn.Quit{Source: source("cat")},
		ircconn.Kicked{Source: source("nurse"), Nick: "cat", Channel: "#chan"},
	} {
		w.event(ircconn.Joined{Source: source("cat"), Channel: "#chan"}, end)
		if known() != 0 {
			t.Errorf("after %T %d people are known", end, known())
		}
	}
	w.event(ircconn.AwayReply{Nick: "stranger", Text: "x"}, ircconn.AccountChanged{Source: source("stranger"), Account: "x"},
		ircconn.HostChanged{Source: source("stranger"), NewHost: "x"}, ircconn.Message{Source: source("stranger"), Target: "#chan", Text: "x"})
	if known() != 0 {
		t.Errorf("of strangers %d are known", known())
	}
	w.event(ircconn.Joined{Source: source("cat"), Channel: "#chan"})
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	if known() != 0 {
		t.Errorf("after leaving, %d people are known", known())
	}
}

// somebodyElse has the nick paris of an earlier one.
var somebodyElse = ircconn.Source{Nick: "paris", User: "other", Host: "elsewhere.test"}

// The occupant id of somebody who was there before an outage is theirs, and not of
// whoever has the nick after it.
func TestOccupantIDAfterAnOutage(t *testing.T) {
	listed := func(source ircconn.Source) func(w *world) {
		return func(w *world) {
			w.event(ircconn.Joined{Source: ircconn.Source{Nick: "juliet"}, Channel: "#chan", Self: true},
				ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "juliet"}, {Nick: "paris", User: source.User, Host: source.Host}}},
				ircconn.NamesEnd{Channel: "#chan"})
		}
	}
	unlisted := func(w *world) { w.enter("@nurse romeo paris juliet") }
	for name, test := range map[string]struct {
		back   []func(w *world)
		speaks ircconn.Source
		same   bool
	}{
		"the same, listed":     {[]func(*world){listed(source("paris"))}, source("paris"), true},
		"the same, not listed": {[]func(*world){unlisted}, source("paris"), true},
		"another, listed":      {[]func(*world){listed(somebodyElse)}, somebodyElse, false},
		"another, not listed":  {[]func(*world){unlisted}, somebodyElse, false},
		"another, who is asked": {[]func(*world){unlisted, func(w *world) {
			w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "paris", User: "other", Host: "elsewhere.test"})
		}}, somebodyElse, false},
		"another, with new host": {[]func(*world){unlisted, func(w *world) {
			w.event(ircconn.HostChanged{Source: somebodyElse, NewUser: "other", NewHost: "new.test"})
		}}, ircconn.Source{Nick: "paris", User: "other", Host: "new.test"}, false},
		"another, by another nick": {[]func(*world){unlisted, func(w *world) { w.event(ircconn.NickChanged{Source: somebodyElse, New: "tybalt"}) }}, ircconn.Source{Nick: "tybalt", User: "other", Host: "elsewhere.test"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := patient(t)
			w.event(ircconn.Joined{Source: source("paris"), Channel: "#chan"})
			ch := w.network().channel("#chan")
			before := ch.occupantID(source("paris"), "")
			w.cut(brokenPipe)
			w.redialled()
			w.register("juliet")
			for _, step := range test.back {
				step(w)
			}
			if after := ch.occupantID(test.speaks, ""); (after == before) != test.same {
				t.Errorf("the id is the same: %t", after == before)
			}
		})
	}
}

// Who takes the nick of somebody that has quit is somebody else, also while the members
// of another channel are being listed.
func TestOccupantIDAfterAQuit(t *testing.T) {
	w := connected(t)
	w.event(ircconn.Joined{Source: source("paris"), Channel: "#chan"})
	ch := w.network().channel("#chan")
	before := ch.occupantID(source("paris"), "")
	w.stanza(`<presence from='%s' to='#two%%irc.test@gw.test/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, desk)
	w.event(ircconn.Quit{Source: source("paris")}, ircconn.Joined{Source: somebodyElse, Channel: "#chan"})
	if ch.occupantID(somebodyElse, "") == before {
		t.Error("somebody else has the id")
	}
}

// A record has nick, user and host as they were seen, wherever it keeps them.
func TestNewPerson(t *testing.T) {
	n := connected(t).network()
	for _, test := range []struct {
		source  ircconn.Source
		account string
	}{
		{ircconn.Source{Nick: "tybalt", User: "~ty", Host: "capulet.test"}, ""},
		{ircconn.Source{Nick: "Tybalt", User: "~Ty", Host: "Capulet.test"}, ""},
		{ircconn.Source{Nick: "tybalt", User: "~ty", Host: "Capulet.test"}, ""},
		{ircconn.Source{Nick: "tybalt", User: "~ty", Host: "capulet.test"}, "king"},
		{ircconn.Source{Nick: "account", User: "king", Host: "king"}, "king"},
		{ircconn.Source{Nick: "tybalt", Host: "capulet.test"}, ""},
		{ircconn.Source{Nick: "tybalt"}, ""},
	} {
		key := n.identity(test.source, test.account)
		p := newPerson(test.source, test.account, key)
		if got := (ircconn.Source{Nick: p.nick, User: p.user, Host: p.host}); got != test.source || p.account != test.account || p.key != key {
			t.Errorf("%+v, %q: %+v, %q, %q", test.source, test.account, got, p.account, p.key)
		}
	}
}
