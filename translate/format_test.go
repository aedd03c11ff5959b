package translate

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mellium.im/xmpp/styling"
)

func TestToXMPP(t *testing.T) {
	for _, test := range []struct {
		name, in, want string
		unstyled       bool
	}{
		{"plain", "hello", "hello", false},
		{"empty", "", "", false},
		{"bold", "a \x02bold\x02 word", "a *bold* word", false},
		{"italic to the end", "\x1ditalic", "_italic_", false},
		{"strike", "\x1estrike\x1e!", "~strike~!", false},
		{"monospace", "run \x11go test\x11 now", "run `go test` now", false},
		{"reset", "\x02\x1dboth\x0f none", "*_both_* none", false},
		{"nested", "\x02a \x1db\x1d c\x02", "*a _b_ c*", false},
		{"overlapping", "\x02a \x1db\x02 c\x1d", "*a b* c", false},
		{"white space inside", "a\x02 bold \x02b", "a *bold* b", false},
		{"nothing inside", "a \x02 \x02\x1d\x1d b", "a   b", false},
		{"inside a word", "un\x02believ\x02able", "unbelievable", false},
		{"one of two inside a word", "un\x02believ\x02able \x02indeed\x02", "unbelievable *indeed*", false},
		{"directly one after the other", "\x02a\x02\x1db\x1d", "*a*b", false},
		{"nothing inside monospace", "\x11a \x02b\x02 c\x11", "`a b c`", false},
		{"colours", "\x0304,12red\x03 \x034 \x03,5 \x04ff0000hex\x04 \x04zz", "red  ,5 hex zz", false},
		{"colour digits", "\x03123 \x0312,345", "3 5", false},
		{"underline and reverse", "\x1fa\x1f \x16b\x16", "a b", false},
		{"controls", "a\x00\x01\x07\rb", "ab", false},
		{"invalid UTF-8", "\x02\xff\xfe\x02 é", "*\uFFFD* é", false},
		{"literal span", "read *this*", "read *this*", true},
		{"literal path", "/_foo_/ and _bar", "/_foo_/ and _bar", false},
		{"literal quotation", "> said", "> said", true},
		{"emoticon", ">_<", ">_<", true},
		{"literal fence", "```", "```", true},
		{"literal and real", "\x02bold\x02 and *this*", "bold and *this*", true},
		{"bold that would close elsewhere", "a* \x02b\x02", "a* *b*", false},
		{"a directive inside", "\x02a*b\x02", "a*b", false},
		{"another directive inside", "\x02a_b\x02", "*a_b*", false},
		{"would become a fence", "\x11``a\x11", "``a", false},
		{"lines", "\x02a\n b\x02 c", "*a*\n b *c*", false},
		{"one line is literal", "\x02a\x02\n*b*", "a\n*b*", true},
		{"too many", strings.Repeat("\x02a\x02 ", maxSpans+1), strings.Repeat("a ", maxSpans+1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ToXMPP(test.in); got.Body != test.want || got.Unstyled != test.unstyled {
				t.Errorf("got %q, %v, want %q, %v", got.Body, got.Unstyled, test.want, test.unstyled)
			}
		})
	}
}

func TestToIRC(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain", "hello", "hello"},
		{"strong", "a *bold* word", "a \x02bold\x02 word"},
		{"emphasis", "_x_", "\x1dx\x1d"},
		{"strike", "Everyone ~dis~likes", "Everyone \x1edis\x1elikes"},
		{"monospace", "`*a*`", "\x11*a*\x11"},
		{"nested", "*`a` _b c_*", "\x02\x11a\x11 \x1db c\x1d\x02"},
		{"lazily", "*strong*plain*", "\x02strong\x02plain*"},
		{"not opened", "not strong*", "not strong*"},
		{"not closed", "*not strong", "*not strong"},
		{"over two lines", "*not \n strong*", "*not \n strong*"},
		{"closed behind a space", "*not *strong", "*not *strong"},
		{"bullet", "* plain *strong*", "* plain \x02strong\x02"},
		{"empty", "** *** ****", "** *** ****"},
		{"inside a word", "snake_case_name 2*3*4", "snake_case_name 2*3*4"},
		{"other white space", "a\u00a0*b* *c\u2003*", "a\u00a0\x02b\x02 *c\u2003*"},
		{"quotation", "> *a*\n*b*", "> *a*\n\x02b\x02"},
		{"code block", "see:\n```go\nx := *y*\n\n> z\n```\n*b*", "see:\n\x11x := *y*\x11\n\n\x11> z\x11\n\x02b\x02"},
		{"open code block", "```\na", "\x11a\x11"},
		{"fence with more behind is no end", "```\n```x\n```", "\x11```x\x11"},
		{"DOS lines", "```\r\na\r\n```\r\n*b*", "\x11a\x11\n\x02b\x02"},
		{"empty lines", "\na\n\nb", "\na\n\nb"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ToIRC(test.in); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestStripFormatting(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                              "plain",
		"\x02b\x1di\x1fu\x1es\x11m\x16r\x0f": "biusmr",
		"\x031red\x03":                       "red",
		"\x0301,02a \x0301,b \x03,1":         "a ,b ,1",
		"\x04FF00aa,00ff00a\x0400":           "a00",
		"\x02":                               "",
		"a\x01\tb":                           "a\tb",
	} {
		if got := StripFormatting(in); got != want {
			t.Errorf("StripFormatting(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestFindSpansIsLinear would take minutes if each directive were searched to
// the end.
func TestFindSpansIsLinear(t *testing.T) {
	for _, unit := range []string{" *a", " *a _b ~c `d", "*", "*a_", " *_~`x", "*a* _b ", " _*a* "} {
		line := strings.Repeat(unit, 1<<20/len(unit))
		ToIRC(line)
	}
}

func FuzzToXMPP(f *testing.F) {
	for _, s := range []string{
		"\x02bold\x02 \x1ditalic\x1d", "*a* \x02b\x02", "\x11``a\x11", "> a\n\x02b", "\x02\x1d\x1e\x11x\x0fy", "\xff\x02\xfe", "\x0304,05c\x04ff0000d",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := ToXMPP(in)
		if !utf8.ValidString(got.Body) || CleanText(got.Body) != got.Body {
			t.Fatalf("%q became %q", in, got.Body)
		}
		plain := StripFormatting(strings.ToValidUTF8(in, "\uFFFD"))
		if got.Unstyled {
			if got.Body != plain {
				t.Fatalf("%q became %q", in, got.Body)
			}
			return
		}
		for i, line := range strings.Split(got.Body, "\n") {
			if isQuote(line) || strings.HasPrefix(line, fence) {
				t.Fatalf("%q became %q", in, got.Body)
			}
			// What a client shows without directives is what IRC showed, and
			// every styled character had that formatting.
			text := ToIRC(line)
			if StripFormatting(text) != strings.Split(plain, "\n")[i] {
				t.Fatalf("%q became %q", in, got.Body)
			}
			original := show(strings.Split(strings.ToValidUTF8(in, "\uFFFD"), "\n")[i])
			original = slices.DeleteFunc(original, func(s shown) bool { return CleanText(string(s.char)) == "" })
			for j, s := range show(text) {
				if s.toggles&^original[j].toggles != 0 {
					t.Fatalf("%q became %q", in, got.Body)
				}
			}
		}
	})
}

func FuzzToIRC(f *testing.F) {
	for _, s := range []string{"*a* _b_", "```\nx\n```", "> *q*", "*a _b* c_", "`*a*`", "*_~`x`~_*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		// A body comes out of XML.
		if !utf8.ValidString(body) || strings.ContainsFunc(body, func(r rune) bool { return r < ' ' && r != '\n' }) {
			return
		}
		got := ToIRC(body)
		directives := strings.NewReplacer("*", "", "_", "", "~", "", "`", "")
		if !strings.Contains(body, fence) && directives.Replace(StripFormatting(got)) != directives.Replace(CleanText(body)) {
			t.Fatalf("%q became %q", body, got)
		}
	})
}

// TestAgreesWithMellium compares with somebody else's reading of XEP-0393, on
// lines where that one has no known fault.
func TestAgreesWithMellium(t *testing.T) {
	for _, line := range []string{
		"plain", "*a*", "a *b* c", "_a_ ~b~ `c`", "*a*b*", "not strong*", "*not strong", "**", "***", "* a *b*", "*a _b_ c*", "`*a*`", "x*a*", "*a b*.",
	} {
		var mine, theirs []span
		mine = findSpans(line)
		d := styling.NewDecoder(strings.NewReader(line))
		position := 0
		var open []int
		for d.Next() {
			token := d.Token()
			switch style := d.Style(); {
			case style&(styling.SpanStrongStart|styling.SpanEmphStart|styling.SpanStrikeStart|styling.SpanPreStart) != 0:
				open = append(open, len(theirs))
				theirs = append(theirs, span{open: position, directive: token.Data[0]})
			case style&(styling.SpanStrongEnd|styling.SpanEmphEnd|styling.SpanStrikeEnd|styling.SpanPreEnd) != 0:
				theirs[open[len(open)-1]].close = position
				open = open[:len(open)-1]
			}
			position += len(token.Data)
		}
		if !slices.Equal(mine, theirs) {
			t.Errorf("%q: %v, mellium %v", line, mine, theirs)
		}
	}
}
