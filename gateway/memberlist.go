package gateway

import (
	"iter"
	"slices"
	"strings"

	"passerelle/ircconn"
)

// member is somebody in a channel, as a memberList has them.
type member struct {
	nick  string
	modes uint8 // bit i: the i-th of the network's prefix modes
}

// memberList are the members of a channel. There can be very many, most of whom nobody
// ever asks for: a list holds no pointers to them, so that the garbage collector passes
// it by, and moving them costs little. What is taken out of a list stays good when the
// list changes. The zero value is empty. A copy is the same list: only one of the two
// may be used from then on, and clone is for both.
type memberList struct {
	places []memberPlace
	// nicks are those of the members one after the other, and of some that are gone,
	// which take goneBytes.
	nicks     *strings.Builder
	goneBytes int
}

// memberPlace is where the nick of a member is, in bytes of nicks.
type memberPlace struct {
	start  uint32
	length uint16
	modes  uint8
}

// fewBytes are not worth another copy of the nicks.
const fewBytes = 64

func (l *memberList) len() int { return len(l.places) }

func (l *memberList) at(i int) member {
	p := l.places[i]
	return member{p.in(l.text()), p.modes}
}

// text is what the places lead into.
func (l *memberList) text() string {
	if l.nicks == nil {
		return ""
	}
	return l.nicks.String()
}

func (p memberPlace) in(text string) string { return text[p.start:][:p.length] }

// all returns the members in their order, which must not change meanwhile; their modes may.
func (l *memberList) all() iter.Seq2[int, member] {
	return func(yield func(int, member) bool) {
		for i := range l.places {
			if !yield(i, l.at(i)) {
				return
			}
		}
	}
}

// grow makes room for some members, of a list that is to be sorted when it is complete,
// whose nicks have that many bytes together: for as many again as there are, or each of
// the steps to a large list would leave its garbage.
func (l *memberList) grow(members, nickBytes int) {
	if cap(l.places)-len(l.places) < members {
		l.places = slices.Grow(l.places, max(members, len(l.places)))
	}
	l.growNicks(nickBytes, len(l.text()))
}

// growNicks makes room for so many bytes of nicks, and more where there is none.
func (l *memberList) growNicks(bytes, more int) {
	if l.nicks == nil || l.nicks.Cap()-l.nicks.Len() < bytes {
		l.pack(max(bytes, more))
	}
}

// insert puts a member in before the i-th, or at the end.
func (l *memberList) insert(i int, nick string, modes uint8) {
	l.growNicks(len(nick), max(fewBytes, len(l.text())/4))
	l.places = slices.Insert(l.places, i, memberPlace{uint32(l.nicks.Len()), uint16(len(nick)), modes})
	l.nicks.WriteString(nick)
}

// remove takes the i-th member out.
func (l *memberList) remove(i int) {
	l.goneBytes += int(l.places[i].length)
	l.places = slices.Delete(l.places, i, i+1)
	if l.goneBytes > max(fewBytes, l.nicks.Len()/2) {
		l.pack(0)
	}
}

func (l *memberList) setModes(i int, modes uint8) { l.places[i].modes = modes }

// pack lets go of the nicks of those who are gone, and makes room for so many bytes more.
func (l *memberList) pack(spare int) {
	text := l.text()
	packed := new(strings.Builder)
	packed.Grow(len(text) - l.goneBytes + spare)
	if l.goneBytes == 0 {
		packed.WriteString(text)
		l.nicks = packed
		return
	}
	for i := range l.places {
		p := &l.places[i]
		nick := p.in(text)
		p.start = uint32(packed.Len())
		packed.WriteString(nick)
	}
	l.nicks, l.goneBytes = packed, 0
}

// clone returns a list of its own.
func (l *memberList) clone() memberList {
	copied := memberList{places: slices.Clone(l.places), nicks: l.nicks, goneBytes: l.goneBytes}
	copied.pack(0)
	return copied
}

// sortAndMerge orders the members by their nicks; whoever is listed twice stays once,
// with the modes of both.
func (l *memberList) sortAndMerge(casemapping ircconn.Casemapping) {
	text := l.text()
	slices.SortStableFunc(l.places, func(a, b memberPlace) int { return casemapping.Compare(a.in(text), b.in(text)) })
	last := 0
	for i := 1; i < len(l.places); i++ {
		if casemapping.Compare(l.places[i].in(text), l.places[last].in(text)) == 0 {
			l.places[last].modes |= l.places[i].modes
			l.goneBytes += int(l.places[i].length)
			continue
		}
		last++
		l.places[last] = l.places[i]
	}
	l.places = l.places[:min(last+1, len(l.places))]
	if cap(l.places)-len(l.places) > len(l.places)/4 {
		l.places = slices.Clone(l.places)
	}
	if l.nicks != nil && l.nicks.Cap()-l.nicks.Len()+l.goneBytes > l.nicks.Len()/4 {
		l.pack(0)
	}
}

// find returns where a nick is, or would be, in a list that is sorted.
func (l *memberList) find(casemapping ircconn.Casemapping, nick string) (int, bool) {
	text := l.text()
	low, high := 0, len(l.places)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch order := casemapping.Compare(nick, l.places[middle].in(text)); {
		case order == 0:
			return middle, true
		case order > 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
}
