package ircconn

import (
	"strings"
	"testing"
)

func TestCompareAgreesWithFold(t *testing.T) {
	names := []string{"", "a", "A", "ab", "[x]", "{X}", "Nick^", "nick~", "Été", "été", "#Chan", "#chan\\", "#CHAN|"}
	for _, mapping := range []Casemapping{RFC1459, ASCII, StrictRFC1459, RFC7613} {
		for _, a := range names {
			for _, b := range names {
				want := strings.Compare(string(mapping.Fold(a)), string(mapping.Fold(b)))
				if got := mapping.Compare(a, b); got != want {
					t.Errorf("mapping %d: Compare(%q, %q) = %d; the folded forms give %d", mapping, a, b, got, want)
				}
			}
		}
	}
}
