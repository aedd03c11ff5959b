package gateway

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"passerelle/ircconn"
)

func (l *memberList) listed() (nicks []string) {
	for _, m := range l.all() {
		nicks = append(nicks, fmt.Sprint(m.nick, m.modes))
	}
	return nicks
}

func TestMemberListIsSortedAndMerged(t *testing.T) {
	var l memberList
	for _, m := range []member{{"Romeo", 1}, {"juliet", 0}, {"[x]", 2}, {"ROMEO", 4}, {"{X}", 1}, {"nurse", 0}} {
		l.insert(l.len(), m.nick, m.modes)
	}
	l.sortAndMerge(ircconn.RFC1459)
	if got, want := strings.Join(l.listed(), " "), "juliet0 nurse0 Romeo5 [x]3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Whatever becomes of a list, it has whom a plain one has, and its clone has whom it had.
func TestMemberListChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var l, copied memberList
	var want, copies []string
	for round := range 20_000 {
		nick := fmt.Sprintf("nick-%d", random.IntN(400))
		at, found := l.find(ircconn.ASCII, nick)
		if i, there := slices.BinarySearch(want, nick); there != found || i != at {
			t.Fatalf("round %d: %s is at %d (%v), want %d (%v)", round, nick, at, found, i, there)
		}
		switch {
		case !found:
			l.insert(at, nick, uint8(len(nick)))
			want = slices.Insert(want, at, nick)
		case random.IntN(4) > 0:
			gone := l.at(at)
			l.remove(at)
			want = slices.Delete(want, at, at+1)
			if gone.nick != nick {
				t.Fatalf("round %d: %s became %s", round, nick, gone.nick)
			}
		default:
			l.setModes(at, uint8(len(nick)))
		}
		if round%1000 == 500 {
			copied, copies = l.clone(), slices.Clone(want)
		}
		if l.nicks.Cap() > 3*(fewBytes+8*400) {
			t.Fatalf("round %d: %d members hold %d bytes", round, l.len(), l.nicks.Cap())
		}
	}
	for _, pair := range []struct {
		list memberList
		want []string
	}{{l, want}, {copied, copies}} {
		if pair.list.len() != len(pair.want) {
			t.Fatalf("%d members, want %d", pair.list.len(), len(pair.want))
		}
		for i, m := range pair.list.all() {
			if m.nick != pair.want[i] || m.modes != uint8(len(m.nick)) {
				t.Errorf("%d: %v, want %s", i, m, pair.want[i])
			}
		}
	}
}
