package translate

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxSpans is how many formatted parts of one line are looked at. Beyond that
// the line is a picture, and its formatting is left out.
const maxSpans = 32

// Styled is the body of an XMPP message made of IRC text.
type Styled struct {
	// Body is the text, with the directives of XEP-0393 in it.
	Body string
	// Unstyled says that the body must be sent with <unstyled/> (XEP-0393 §6),
	// because a client would otherwise take something in it for styling that
	// was none on IRC.
	Unstyled bool
}

// ToXMPP makes an XMPP body of IRC text. Bold, italic, strikethrough and
// monospace become the directives of XEP-0393 wherever a client would read them
// as such; where they would not be legal, and for underline, reverse and colours,
// the text stays plain. Text that would be styled by accident is sent plain as a
// whole. Control characters never survive.
func ToXMPP(irc string) Styled {
	if isPlain(irc) {
		return Styled{Body: irc}
	}
	irc = strings.ToValidUTF8(irc, "\uFFFD")
	lines := strings.Split(irc, "\n")
	plain := make([]string, len(lines))
	for i, line := range lines {
		plain[i] = StripFormatting(line)
	}
	if slices.ContainsFunc(plain, looksStyled) {
		return Styled{Body: strings.Join(plain, "\n"), Unstyled: true}
	}
	for i, line := range lines {
		plain[i] = styleLine(plain[i], line)
	}
	return Styled{Body: strings.Join(plain, "\n")}
}

// isPlain reports whether there is nothing in s that ToXMPP has to care about.
func isPlain(s string) bool {
	for i := range len(s) {
		if !plainBytes[s[i]] {
			return false
		}
	}
	return true
}

// plainBytes are those that neither IRC nor XEP-0393 gives a meaning.
var plainBytes = func() (plain [256]bool) {
	for c := byte(' '); c < 0x7F; c++ {
		plain[c] = c != '>' && !isDirective(rune(c))
	}
	return plain
}()

// looksStyled reports whether a line without formatting would be read as a
// quotation, as the beginning of preformatted text, or as having spans.
func looksStyled(line string) bool {
	return isQuote(line) || strings.HasPrefix(line, fence) || len(findSpans(line)) > 0
}

func isQuote(line string) bool { return strings.HasPrefix(line, ">") }

// part is a formatted part of a plain line, between two positions in bytes. The
// index is that of its directive.
type part struct {
	from, to, index int
}

// styleLine writes directives into a plain line, for those formatted parts for
// which they work: each is tried, and stays if the line is then read as meant.
func styleLine(plain, irc string) string {
	parts := formattedParts(irc)
	if len(parts) > maxSpans {
		return plain
	}
	styled := plain
	var accepted []part
	for _, p := range parts {
		tried := append(slices.Clone(accepted), p)
		if candidate, ok := writeDirectives(plain, tried); ok {
			styled, accepted = candidate, tried
		}
	}
	return styled
}

// formattedParts finds the longest parts of a line with each formatting that
// XEP-0393 knows, without white space at their ends, the outer in front of the
// inner ones.
func formattedParts(irc string) []part {
	var (
		parts  []part
		format formatting
		plain  strings.Builder
		begin  [len(directives)]int
	)
	turn := func(next formatting) {
		for i, d := range directives {
			switch {
			case format.toggles&d.bit == 0 && next.toggles&d.bit != 0:
				begin[i] = plain.Len()
			case format.toggles&d.bit != 0 && next.toggles&d.bit == 0:
				parts = append(parts, part{begin[i], plain.Len(), i})
			}
		}
		format = next
	}
	for rest := irc; rest != ""; {
		if n := codeLength(rest); n > 0 {
			turn(format.apply(rest[:n]))
			rest = rest[n:]
			continue
		}
		_, n := utf8.DecodeRuneInString(rest)
		plain.WriteString(CleanText(rest[:n]))
		rest = rest[n:]
	}
	turn(formatting{})
	return tidyParts(plain.String(), parts)
}

// tidyParts trims the parts, drops the empty ones, and sorts.
func tidyParts(plain string, parts []part) []part {
	tidy := parts[:0]
	for _, p := range parts {
		text := plain[p.from:p.to]
		trimmed := strings.TrimLeftFunc(text, isWhitespace)
		p.from += len(text) - len(trimmed)
		trimmed = strings.TrimRightFunc(trimmed, isWhitespace)
		p.to = p.from + len(trimmed)
		if p.from < p.to {
			tidy = append(tidy, p)
		}
	}
	slices.SortFunc(tidy, func(a, b part) int {
		switch {
		case a.from != b.from:
			return a.from - b.from
		case a.to != b.to:
			return b.to - a.to
		}
		return a.index - b.index
	})
	return tidy
}

// writeDirectives writes the directives of sorted parts into a plain line, and
// says whether the line is then read as these parts and nothing else.
func writeDirectives(plain string, parts []part) (styled string, ok bool) {
	var (
		b     strings.Builder
		want  []span
		open  []int // indexes into want
		ends  []int // where the open ones end in plain
		wrote int
	)
	closeUntil := func(position int) {
		for len(open) > 0 && ends[len(ends)-1] <= position {
			last := len(open) - 1
			b.WriteString(plain[wrote:ends[last]])
			wrote = ends[last]
			want[open[last]].close = b.Len()
			b.WriteByte(want[open[last]].directive)
			open, ends = open[:last], ends[:last]
		}
	}
	for _, p := range parts {
		closeUntil(p.from)
		if len(ends) > 0 && ends[len(ends)-1] < p.to {
			return "", false
		}
		b.WriteString(plain[wrote:p.from])
		wrote = p.from
		open, ends = append(open, len(want)), append(ends, p.to)
		want = append(want, span{open: b.Len(), directive: directives[p.index].directive})
		b.WriteByte(directives[p.index].directive)
	}
	closeUntil(len(plain))
	b.WriteString(plain[wrote:])
	styled = b.String()
	return styled, !strings.HasPrefix(styled, fence) && slices.Equal(findSpans(styled), want)
}

// ToIRC makes IRC text of the body of a styled XMPP message, line by line
// (XEP-0393): the directives of spans become bold, italic, strikethrough and
// monospace, and so do the lines of preformatted text, without their fences.
// Quotations stay as they are, because people on IRC read and write them so.
func ToIRC(body string) string {
	if !strings.ContainsAny(body, "*_~`\r\n") {
		return body // as most messages
	}
	var b strings.Builder
	preformatted, first := false, true
	for _, line := range strings.Split(body, "\n") {
		line = strings.TrimSuffix(line, "\r")
		switch {
		case preformatted && line == fence:
			preformatted = false
			continue
		case !preformatted && strings.HasPrefix(line, fence):
			preformatted = true
			continue
		}
		if !first {
			b.WriteByte('\n')
		}
		first = false
		switch {
		case preformatted && line != "":
			b.WriteByte(codeMonospace)
			b.WriteString(line)
			b.WriteByte(codeMonospace)
		case preformatted || isQuote(line):
			b.WriteString(line)
		default:
			writeSpans(&b, line)
		}
	}
	return b.String()
}

// writeSpans writes a line with codes in the place of the directives.
func writeSpans(b *strings.Builder, line string) {
	spans := findSpans(line)
	if len(spans) == 0 {
		b.WriteString(line)
		return
	}
	codes := make(map[int]byte, 2*len(spans))
	for _, s := range spans {
		for _, d := range directives {
			if d.directive == s.directive {
				codes[s.open], codes[s.close] = d.code, d.code
			}
		}
	}
	for i := range len(line) {
		if code, ok := codes[i]; ok {
			b.WriteByte(code)
		} else {
			b.WriteByte(line[i])
		}
	}
}
