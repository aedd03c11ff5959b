package gateway

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// namesOf is a list of members with nicks of their own.
func namesOf(channel string, from, to int) ircconn.Names {
	ev := ircconn.Names{Channel: channel}
	for i := from; i < to; i++ {
		nick := fmt.Sprintf("nick-%d", i)
		ev.Members = append(ev.Members, ircconn.NamesEntry{Nick: nick, User: "user", Host: "host-" + nick + ".example.org"})
	}
	return ev
}

func TestMembersBeyondTheBounds(t *testing.T) {
	w := connected(t)
	n := w.network()
	fill := ircconn.Joined{Source: ircconn.Source{Nick: "juliet"}, Channel: "#large", Self: true}
	w.event(fill)
	w.forget()
	w.event(namesOf("#large", 0, mostMembers-3), namesOf("#large", mostMembers, mostMembers+10))
	w.expectOne("more than 100000 members together", "leave some channels")
	w.event(ircconn.NamesEnd{Channel: "#large"})
	w.expect()
	if room := n.roomForMembers(); room > 0 {
		t.Errorf("there is room for %d more members", room)
	}
	// Those who are in stay what they are, and come and go.
	w.event(ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "romeo", Prefixes: "@"}, {Nick: "tybalt"}}})
	w.expectOne("/romeo'", "moderator")
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#chan"})
	w.expect()
	w.event(ircconn.Parted{Source: source("romeo"), Channel: "#chan"}, ircconn.Parted{Source: source("nick-7"), Channel: "#large"})
	w.forget()
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#chan"})
	w.expectOne("/tybalt'")
	// Who is not shown is heard.
	w.event(ircconn.Message{Source: source("nick-x"), Target: "#chan", Text: "hello"})
	w.expectOne("<body>hello</body>")
}

func TestChannelsThatNobodyAskedFor(t *testing.T) {
	w := connected(t)
	for i := range 3 * mostUnasked {
		w.event(ircconn.Joined{Source: source("juliet"), Channel: fmt.Sprint("#c", i), Self: true})
	}
	if told := strings.Count(w.out.text.String(), "channel after channel"); told != 1 {
		t.Errorf("the user was told %d times", told)
	}
	if kept := len(w.network().channels); kept != mostUnasked+1 {
		t.Errorf("%d channels are kept", kept)
	}
	last := w.irc.sent[len(w.irc.sent)-1]
	if last.Command != "PART" || last.Params[0] != fmt.Sprint("#c", 3*mostUnasked-1) {
		t.Errorf("the last line was %+v", last)
	}
	// They are left one after the other when nobody has entered them.
	w.expire(time.Hour)
	if kept := len(w.network().channels); kept != 1 {
		t.Errorf("%d channels are kept after an hour", kept)
	}
}

func TestListOfChannelsIsForgotten(t *testing.T) {
	w := connected(t)
	w.stanza(`<iq type='get' id='q' from='%s' to='%s'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`, desk, server)
	w.event(ircconn.Reply{Numeric: 322, Params: []string{"#a", "1", "t"}}, ircconn.Reply{Numeric: 323})
	w.expectOne("#a")
	w.pass(listMemory)
	if w.network().channelList != nil {
		t.Error("the list is kept")
	}
}

// A server sends each of these without end; what is kept of it has an end. The most
// of them all is in docs/admin.md.
func TestMemoryUnderHostileServer(t *testing.T) {
	long := strings.Repeat("x", 15000)
	name := strings.Repeat("n", 200)
	nick := func(i int) string { return inLine(fmt.Sprintf("%.*s%d", 190, name, i)) }
	for what, test := range map[string]struct {
		count int
		most  int64 // in MiB
		event func(i int) ircconn.Event
	}{
		"a million members": {1000, 64, func(i int) ircconn.Event { return namesOf("#chan", i*1000, i*1000+1000) }},
		"members with long names": {120000, 160, func(i int) ircconn.Event {
			return ircconn.Joined{Source: ircconn.Source{Nick: nick(i), User: "u", Host: name}, Account: inLine(fmt.Sprint(name, i)), Channel: "#chan"}
		}},
		"those who come and go": {20000, 2, func(i int) ircconn.Event {
			if i%2 == 0 {
				return ircconn.Joined{Source: source(nick(i)), Channel: "#chan"}
			}
			return ircconn.Parted{Source: source(nick(i - 1)), Channel: "#chan"}
		}},
		"those who change their nicks": {10000, 2, func(i int) ircconn.Event {
			if i == 0 {
				return ircconn.NickChanged{Source: source("romeo"), New: nick(0)}
			}
			return ircconn.NickChanged{Source: source(nick(i - 1)), New: nick(i)}
		}},
		"channels": {5000, 8, func(i int) ircconn.Event {
			return ircconn.Joined{Source: source("juliet"), Channel: fmt.Sprintf("#%s%d", name, i), Self: true}
		}},
		"modes": {5000, 2, func(i int) ircconn.Event {
			return ircconn.ModeChanged{Source: source("romeo"), Channel: "#chan", Changes: []ircconn.ModeChange{{Add: true, Mode: byte(i), Arg: long}}}
		}},
		"accounts": {20000, 16, func(i int) ircconn.Event {
			nick := fmt.Sprintf("nick-%d", i/2%50_000)
			if i%2 == 0 {
				return ircconn.Joined{Source: ircconn.Source{Nick: nick, User: "u", Host: "h"}, Channel: "#chan"}
			}
			return ircconn.AccountChanged{Source: ircconn.Source{Nick: nick}, Account: inLine("account")}
		}},
		"topics": {2000, 2, func(int) ircconn.Event {
			return ircconn.TopicChanged{Source: source("romeo"), Channel: "#chan", Topic: long}
		}},
		"bans": {500, 8, func(i int) ircconn.Event {
			list := ircconn.ListMode{Channel: "#chan", Mode: 'b'}
			for j := range 1000 {
				list.Items = append(list.Items, ircconn.ListItem{Mask: fmt.Sprint(name, i, j)})
			}
			return list
		}},
		"private messages": {10000, 4, func(i int) ircconn.Event {
			return ircconn.Message{Source: source(nick(i)), Target: "juliet", Text: long[:300]}
		}},
		"absences": {10000, 4, func(i int) ircconn.Event { return ircconn.AwayReply{Nick: nick(i), Text: long[:500]} }},
		"invitations": {10000, 2, func(i int) ircconn.Event {
			return ircconn.Invited{Source: source(nick(i)), Nick: "juliet", Channel: fmt.Sprint("#c", i), Self: true}
		}},
		"CTCP": {10000, 2, func(i int) ircconn.Event {
			return ircconn.CTCP{Source: source(nick(i)), Target: "juliet", Command: "VERSION", Params: long[:400]}
		}},
		"answers to nothing": {10000, 2, func(i int) ircconn.Event {
			return ircconn.Reply{Numeric: 200 + i%200, Params: []string{nick(i), long[:400]}}
		}},
		"refusals of nothing": {10000, 2, func(i int) ircconn.Event {
			return ircconn.Refused{Numeric: 400 + i%200, Target: nick(i), Params: []string{nick(i)}, Text: long[:400]}
		}},
		"unknown commands": {10000, 2, func(i int) ircconn.Event {
			return ircconn.Unhandled{Source: source(nick(i)), Command: "X", Params: []string{long[:400]}}
		}},
	} {
		t.Run(what, func(t *testing.T) {
			w := connected(t, "away-notify")
			before := heap()
			for i := range test.count {
				w.event(test.event(i))
				w.out.text.Reset()
				if w.irc != nil {
					w.irc.sent = nil
				}
			}
			held := heap() - before
			if held > test.most<<20 {
				t.Errorf("%d KiB are kept", held>>10)
			}
			runtime.KeepAlive(w)
		})
	}
}

// inLine is a text as it comes from ircconn: a part of its line, which all of it
// keeps in memory.
func inLine(text string) string {
	line := strings.Repeat("-", 4000) + text
	return line[len(line)-len(text):]
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
