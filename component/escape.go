package component

import (
	"encoding/binary"
	"unicode/utf8"
)

// replacement is written for bytes that are not UTF-8.
const replacement = "\uFFFD"

// escapeClass says, for each byte, whether it can be copied: 0 it can, 1 it is
// written as escapeText says, 2 it starts a character of several bytes that
// has to be looked at.
type escapeClass [256]uint8

const (
	copyByte uint8 = iota
	replaceByte
	inspectRune
)

// textClass and attrClass differ in the characters that XML would normalise
// inside an attribute (XML 1.0 §3.3.3) and in the quotes.
var (
	textClass = makeEscapeClass("&<>\r")
	attrClass = makeEscapeClass("&<>'\"\t\n\r")
)

func makeEscapeClass(special string) *escapeClass {
	var class escapeClass
	for c := range class {
		switch {
		case c >= utf8.RuneSelf:
			class[c] = inspectRune
		case c < 0x20 && c != '\t' && c != '\n':
			class[c] = replaceByte
		}
	}
	for i := range len(special) {
		class[special[i]] = replaceByte
	}
	return &class
}

// appendEscaped appends s to dst as character data or as an attribute's value.
// Characters outside of XML 1.0 §2.2 are dropped, and bytes that are not UTF-8
// become U+FFFD, one for each run.
func appendEscaped(dst []byte, s string, class *escapeClass) []byte {
	plain := 0
	for len(s)-plain >= 8 && isCopied(wordAt(s, plain)) {
		plain += 8
	}
	for plain < len(s) && class[s[plain]] == copyByte {
		plain++
	}
	if plain == len(s) {
		return append(dst, s...)
	}
	return appendReplaced(append(dst, s[:plain]...), s[plain:], class)
}

// appendReplaced is appendEscaped for what cannot just be copied.
func appendReplaced(dst []byte, s string, class *escapeClass) []byte {
	copied := 0
	for i := 0; i < len(s); {
		if len(s)-i >= 8 && isCopied(wordAt(s, i)) {
			i += 8
			continue
		}
		c := s[i]
		switch class[c] {
		case copyByte:
			i++
		case replaceByte:
			dst = append(dst, s[copied:i]...)
			dst = append(dst, reference(c)...)
			i++
			copied = i
		case inspectRune:
			r, size := utf8.DecodeRuneInString(s[i:])
			if isXMLRune(r) && !(r == utf8.RuneError && size == 1) {
				i += size
				continue
			}
			dst = append(dst, s[copied:i]...)
			if size == 1 {
				i += invalidRun(s[i:])
				dst = append(dst, replacement...)
			} else {
				i += size
			}
			copied = i
		}
	}
	return append(dst, s[copied:]...)
}

// wordAt is the eight bytes of s from i on.
func wordAt(s string, i int) uint64 {
	w := s[i : i+8]
	return uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
		uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
}

// isCopied reports whether all eight bytes of w can be copied, in text and in
// attributes: they are plain, and none is & or ', < or >, or ", of which the two
// pairs differ in one bit each.
func isCopied(w uint64) bool {
	const ones = 0x0101010101010101
	return isPlainWord(w) && !hasZero((w|ones)^(ones*'\'')) && !hasZero((w|(ones*2))^(ones*'>')) && !hasZero(w^(ones*'"'))
}

// hasZero reports whether one of the eight bytes of w, which has no high bits, is 0.
func hasZero(w uint64) bool {
	const ones = 0x0101010101010101
	return (w-ones)&^w&(ones<<7) != 0
}

// invalidRun is the number of bytes at the beginning of s that are not UTF-8.
func invalidRun(s string) int {
	n := 0
	for n < len(s) {
		if r, size := utf8.DecodeRuneInString(s[n:]); r != utf8.RuneError || size != 1 {
			break
		}
		n++
	}
	return n
}

// reference is what stands for c in XML, "" for characters that cannot stand.
func reference(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\'':
		return "&apos;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#9;"
	case '\n':
		return "&#10;"
	case '\r':
		return "&#13;"
	}
	return ""
}

// isXMLRune reports whether r is a Char of XML 1.0 §2.2. Surrogates are none,
// and cannot come out of valid UTF-8 anyway.
func isXMLRune(r rune) bool {
	switch {
	case r >= 0x20 && r < 0xD800:
		return true
	case r >= 0xE000 && r <= 0xFFFD:
		return true
	case r >= 0x10000 && r <= utf8.MaxRune:
		return true
	}
	return r == '\t' || r == '\n' || r == '\r'
}

// checkCharacters reports whether b is valid UTF-8 made of XML characters only,
// and whether there are tabs or line ends in it, which may have to be normalised
// (XML 1.0 §2.11, §3.3.3).
func checkCharacters(b []byte) (valid, controls bool) {
	for i := 0; i < len(b); {
		if len(b)-i >= 8 && isPlainWord(binary.LittleEndian.Uint64(b[i:])) {
			i += 8
			continue
		}
		c := b[i]
		if c < utf8.RuneSelf {
			if c < ' ' {
				if !isSpace(c) {
					return false, false
				}
				controls = true
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 || !isXMLRune(r) {
			return false, false
		}
		i += size
	}
	return true, controls
}

// isPlainWord reports whether all eight bytes of w are ASCII from the space on:
// no byte has its high bit, and no subtraction of 0x20 borrows.
func isPlainWord(w uint64) bool {
	const (
		high   = 0x8080808080808080
		spaces = 0x2020202020202020
	)
	return (w|(w-spaces))&high == 0
}
