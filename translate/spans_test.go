package translate

import (
	"testing"
	"unicode"
)

// What is white space in ASCII needs no tables, and is the same.
func TestWhitespace(t *testing.T) {
	for r := range rune(0x3100) {
		if got, want := isWhitespace(r), unicode.IsSpace(r) || unicode.Is(unicode.Z, r); got != want {
			t.Errorf("%U: %v", r, got)
		}
	}
}
