package translate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fence begins and ends a block of preformatted text (XEP-0393 §5.1.2).
const fence = "```"

// span is a styled part of a line, from its opening directive to its closing
// one (XEP-0393 §5.2): the positions of the two, in bytes.
type span struct {
	open, close int
	directive   byte
}

// directives maps the directives to what they mean, in the order in which they
// nest: nothing can stand inside of monospace.
var directives = [...]struct {
	directive byte
	bit       toggle
	code      byte
}{
	{'*', bold, codeBold}, {'_', italic, codeItalic}, {'~', strike, codeStrike}, {'`', monospace, codeMonospace},
}

// findSpans finds the spans of a line that is a plain block, in the order of
// their openings.
//
// COMPAT: mellium's styling package v0.23.0 closes a span at a directive behind a
// space, which XEP-0393 §5.2 does not allow, so it would take spans for closed
// that other clients show as open.
func findSpans(line string) []span {
	return appendSpans(nil, line, 0, len(line))
}

// appendSpans looks between two positions of the line that are the bounds of a
// block or of a span.
func appendSpans(spans []span, line string, from, to int) []span {
	if !strings.ContainsAny(line[from:to], spanSigns) {
		return spans // as it is with most lines
	}
	// Where one opening directive finds no closing one, no later one of its
	// kind does. To know that keeps the work linear.
	var exhausted [utf8.RuneSelf]bool
	mayOpen := true
	for i := from; i < to; {
		r, size := utf8.DecodeRuneInString(line[i:to])
		if mayOpen && isDirective(r) && !exhausted[r] && opens(line[i:to]) {
			if length := closing(line[i:to]); length > 0 {
				end := i + length
				spans = append(spans, span{i, end, byte(r)})
				if r != '`' {
					spans = appendSpans(spans, line, i+1, end)
				}
				i, mayOpen = end+1, false
				continue
			}
			exhausted[r] = true
		}
		mayOpen = isWhitespace(r)
		i += size
	}
	return spans
}

// opens says whether the directive at the beginning of s can open a span by what
// follows it: neither white space nor, because there must be some text in
// between, itself.
func opens(s string) bool {
	if len(s) < 2 || s[1] == s[0] {
		return false
	}
	next, _ := utf8.DecodeRuneInString(s[1:])
	return !isWhitespace(next)
}

// closing is where the span ends that the directive at the beginning of s opens,
// 0 if it does not end.
func closing(s string) int {
	for i := 2; i < len(s); i++ {
		if s[i] != s[0] {
			continue
		}
		if before, _ := utf8.DecodeLastRuneInString(s[:i]); !isWhitespace(before) {
			return i
		}
	}
	return 0
}

// spanSigns are the directives: what opens and closes spans.
const spanSigns = "*_~`"

func isDirective(r rune) bool { return strings.ContainsRune(spanSigns, r) }

// isWhitespace is the definition of XEP-0393 §3.
func isWhitespace(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || '\t' <= r && r <= '\r'
	}
	return unicode.IsSpace(r) || unicode.Is(unicode.Z, r)
}
