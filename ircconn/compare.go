package ircconn

import (
	"cmp"
	"strings"
)

// Compare orders two names as their folded forms order, and returns 0 for names
// that are the same on the network. It does not allocate for the mappings of
// single bytes, so that long lists of members can be sorted and searched by it.
func (m Casemapping) Compare(a, b string) int {
	if m == RFC7613 {
		return strings.Compare(string(m.Fold(a)), string(m.Fold(b)))
	}
	table := m.bytes()
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		if x, y := table[a[i]], table[b[i]]; x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}
