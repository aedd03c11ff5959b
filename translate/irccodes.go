package translate

import "strings"

// Formatting codes of IRC (https://modern.ircdocs.horse/formatting).
const (
	codeBold      = '\x02'
	codeColour    = '\x03'
	codeHexColour = '\x04'
	codeReset     = '\x0f'
	codeMonospace = '\x11'
	codeReverse   = '\x16'
	codeItalic    = '\x1d'
	codeStrike    = '\x1e'
	codeUnderline = '\x1f'
)

// formatting is what is switched on at one place of a line.
type formatting struct {
	toggles toggle
	// colour and hexColour are the codes that set them, "" for the default.
	colour, hexColour string
}

// toggle is a set of what one code switches on and off.
type toggle uint8

const (
	bold toggle = 1 << iota
	italic
	strike
	monospace
	underline
	reverse
)

// toggles maps the codes, in the order in which they are opened again.
var toggles = [...]struct {
	code byte
	bit  toggle
}{
	{codeBold, bold}, {codeItalic, italic}, {codeUnderline, underline},
	{codeStrike, strike}, {codeMonospace, monospace}, {codeReverse, reverse},
}

// codeLength is the length of the formatting code at the beginning of s with
// its arguments, in bytes, 0 when there is none.
func codeLength(s string) int {
	if s == "" || s[0] >= ' ' {
		return 0
	}
	switch s[0] {
	case codeColour:
		return 1 + colourLength(s[1:], 1, 2, isDigit)
	case codeHexColour:
		return 1 + colourLength(s[1:], 6, 6, isHexDigit)
	case codeReset:
		return 1
	}
	for _, t := range toggles {
		if s[0] == t.code {
			return 1
		}
	}
	return 0
}

// colourLength is the length of a foreground colour of so many digits, and of a
// background colour if one follows.
func colourLength(s string, minimum, maximum int, isDigit func(byte) bool) int {
	foreground := digits(s, maximum, isDigit)
	if foreground < minimum {
		return 0
	}
	if foreground < len(s) && s[foreground] == ',' {
		if background := digits(s[foreground+1:], maximum, isDigit); background >= minimum {
			return foreground + 1 + background
		}
	}
	return foreground
}

func digits(s string, maximum int, isDigit func(byte) bool) int {
	n := 0
	for n < len(s) && n < maximum && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHexDigit(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// apply gives the formatting after a code.
func (f formatting) apply(code string) formatting {
	switch code[0] {
	case codeReset:
		return formatting{}
	case codeColour:
		f.colour = ""
		if len(code) > 1 {
			f.colour = code
		}
		return f
	case codeHexColour:
		f.hexColour = ""
		if len(code) > 1 {
			f.hexColour = code
		}
		return f
	}
	for _, t := range toggles {
		if code[0] == t.code {
			f.toggles ^= t.bit
		}
	}
	return f
}

// reopen gives the codes that switch the formatting on in front of text, such
// that nothing of text is taken for a part of them.
func (f formatting) reopen(text string) string {
	var b strings.Builder
	b.WriteString(f.hexColour)
	if f.colour != "" {
		b.WriteString(paddedColour(f.colour))
	}
	coloured := b.Len() > 0
	for _, t := range toggles {
		if f.toggles&t.bit != 0 {
			b.WriteByte(t.code)
			coloured = false
		}
	}
	if coloured && strings.HasPrefix(text, ",") {
		// Switching on and off ends the colour without changing anything.
		b.WriteByte(codeBold)
		b.WriteByte(codeBold)
	}
	return b.String()
}

// paddedColour writes both colours with two digits, so that a digit in the text
// does not belong to them.
func paddedColour(code string) string {
	foreground, background, two := strings.Cut(code[1:], ",")
	padded := code[:1] + pad(foreground)
	if two {
		padded += "," + pad(background)
	}
	return padded
}

func pad(digits string) string {
	if len(digits) == 1 {
		return "0" + digits
	}
	return digits
}

// StripFormatting is the text without its formatting codes and their arguments,
// and without any other control character but the tab and the line feed.
func StripFormatting(irc string) string {
	if strings.IndexFunc(irc, func(r rune) bool { return r < ' ' }) < 0 {
		return CleanText(irc)
	}
	var b strings.Builder
	b.Grow(len(irc))
	for rest := irc; rest != ""; {
		if n := codeLength(rest); n > 0 {
			rest = rest[n:]
			continue
		}
		b.WriteByte(rest[0])
		rest = rest[1:]
	}
	return CleanText(b.String())
}
