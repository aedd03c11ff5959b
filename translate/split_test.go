package translate

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

const family = "👨‍👩‍👧‍👦"

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		name, text string
		budget     int
		want       []string
	}{
		{"empty", "", 20, nil},
		{"fits", "twenty bytes are here", 21, []string{"twenty bytes are here"}},
		{"spaces that fit", "  a ", 20, []string{"  a "}},
		{"words", "one two three four five", 16, []string{"one two three", "four five"}},
		{"space at the limit", "sixteen bytes ok next", 16, []string{"sixteen bytes ok", "next"}},
		{"several spaces", "sixteen bytes     next", 16, []string{"sixteen bytes", "next"}},
		{"only spaces", strings.Repeat(" ", 40), 16, nil},
		{"spaces in front", strings.Repeat(" ", 20) + "x", 16, []string{"x"}},
		{"long word", "abcdefghijklmnopqrstuvwxyz", 16, []string{"abcdefghijklmnop", "qrstuvwxyz"}},
		{"long word behind a short one", "see abcdefghijklmnopqr", 16, []string{"see", "abcdefghijklmnop", "qr"}},
		{"not inside a character", strings.Repeat("é", 9), 17, []string{strings.Repeat("é", 8), "é"}},
		{"not inside a cluster", "abcdefgh" + family, 30, []string{"abcdefgh", family}},
		{"not inside a cluster at a space", "x" + strings.Repeat("e\u0301", 6), 17, []string{"x" + strings.Repeat("e\u0301", 5), "e\u0301"}},
		{"cluster over the budget", family, 16, []string{"👨‍👩‍", "👧‍👦"}},
		{"budget too small", "abcdefghijklmnopqrstuvwxyz", 1, []string{"abcdefghijklmnop", "qrstuvwxyz"}},
		{"bold goes on", "\x02one two three four five\x02 six", 16, []string{"\x02one two three", "\x02four five\x02 six"}},
		{"bold has ended", "\x02one\x02 two three four", 16, []string{"\x02one\x02 two three", "four"}},
		{"reset", "\x02\x1done\x0f two three four", 16, []string{"\x02\x1done\x0f two three", "four"}},
		{"colour goes on", "\x034,5one two three 4our", 20, []string{"\x034,5one two three", "\x0304,054our"}},
		{"colour in front of a comma", "\x034sixteen bytes oka ,2", 18, []string{"\x034sixteen bytes", "\x0304oka ,2"}},
		{"colour directly in front of a comma", "\x034sixteen bytesoka ,2", 18, []string{"\x034sixteen bytesoka", "\x0304\x02\x02,2"}},
		{"colour has ended", "\x034one\x03 two three 4our", 16, []string{"\x034one\x03 two three", "4our"}},
		{"hex colour", "\x04ff0000one two three four", 24, []string{"\x04ff0000one two three", "\x04ff0000four"}},
		{"codes stay whole", "abcdefghijklmn\x0312,04op", 16, []string{"abcdefghijklmn", "\x0312,04op"}},
		{"codes alone make no piece", "abcdefghijklmnop\x0f", 16, []string{"abcdefghijklmnop"}},
		{"too much to open again", "\x04ff0000,00ff00\x02\x1d\x1f\x1e\x11\x16" + strings.Repeat("a", 20), 24,
			[]string{"\x04ff0000,00ff00\x02\x1d\x1f\x1e\x11\x16aaaa", strings.Repeat("a", 16)}},
		{"invalid UTF-8", strings.Repeat("a", 16) + "\xff", 16, []string{strings.Repeat("a", 16), "\uFFFD"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Split(test.text, test.budget); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// shown is a visible character and how it is formatted.
type shown struct {
	char rune
	formatting
}

// show reads IRC text as a client does, without the spaces.
func show(text string) []shown {
	var out []shown
	var format formatting
	for text != "" {
		if n := codeLength(text); n > 0 {
			format = format.apply(text[:n])
			text = text[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(text)
		if r != ' ' {
			normal := format
			if normal.colour != "" {
				normal.colour = paddedColour(normal.colour)
			}
			out = append(out, shown{r, normal})
		}
		text = text[n:]
	}
	return out
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"one two three four five six seven eight nine ten", "\x02bold \x034,5colour ,5 \x04ff0000hex\x0f plain", strings.Repeat(family, 4),
		strings.Repeat("e\u0301", 40), "\x034" + strings.Repeat(", 4", 20), strings.Repeat(" ", 50) + "x", "\xff\xfe" + strings.Repeat("日本", 20),
	} {
		f.Add(s, 16)
		f.Add(s, 70)
	}
	f.Fuzz(func(t *testing.T, text string, budget int) {
		if budget < minBudget || budget > 1000 {
			budget = 100
		}
		pieces := Split(text, budget)
		valid := strings.ToValidUTF8(text, "\uFFFD")
		var got []shown
		for _, piece := range pieces {
			if len(piece) > budget || !utf8.ValidString(piece) {
				t.Fatalf("piece of %d bytes within %d: %q", len(piece), budget, piece)
			}
			got = append(got, show(piece)...)
		}
		want := show(valid)
		// Little room may leave none for formatting.
		if budget < 64 {
			plain(got)
			plain(want)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q became %q", text, pieces)
		}
		if strings.ContainsFunc(valid, func(r rune) bool { return r < ' ' }) || len(pieces) < 2 {
			return
		}
		// Without codes, each piece is whole clusters of the text.
		clusters := map[int]bool{}
		rest, position, state := valid, 0, -1
		for rest != "" {
			var cluster string
			cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
			if len(cluster) > budget {
				return
			}
			clusters[position] = true
			position += len(cluster)
		}
		position = 0
		for _, piece := range pieces {
			position += strings.Index(valid[position:], piece)
			if !clusters[position] {
				t.Fatalf("%q was cut inside a cluster: %q", text, pieces)
			}
			position += len(piece)
		}
	})
}

func plain(text []shown) {
	for i := range text {
		text[i].formatting = formatting{}
	}
}
