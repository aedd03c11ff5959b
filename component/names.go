package component

import "unicode/utf8"

// nameClass says what an ASCII byte may be in a name (Namespaces in XML 1.0 §4:
// an NCName, so no colon).
type nameClass uint8

const (
	noName nameClass = iota
	namePart
	nameStart
)

var asciiNames = makeASCIINames()

func makeASCIINames() *[utf8.RuneSelf]nameClass {
	var class [utf8.RuneSelf]nameClass
	for c := 'a'; c <= 'z'; c++ {
		class[c], class[c-'a'+'A'] = nameStart, nameStart
	}
	for c := '0'; c <= '9'; c++ {
		class[c] = namePart
	}
	class['_'], class['-'], class['.'] = nameStart, namePart, namePart
	return &class
}

// nameRanges are the characters beyond ASCII that may start a name (XML 1.0
// fifth edition §2.3); namePartRanges may only follow.
var (
	nameRanges = [...][2]rune{
		{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF}, {0x200C, 0x200D},
		{0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
	}
	namePartRanges = [...][2]rune{{0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}}
)

func classifyName(r rune) nameClass {
	if r < utf8.RuneSelf {
		return asciiNames[r]
	}
	if inRanges(r, nameRanges[:]) {
		return nameStart
	}
	if inRanges(r, namePartRanges[:]) {
		return namePart
	}
	return noName
}

func inRanges(r rune, ranges [][2]rune) bool {
	for _, span := range ranges {
		if span[0] <= r && r <= span[1] {
			return true
		}
	}
	return false
}

// ncName is the length of the name without a colon at the beginning of s, 0 when
// there is none.
func ncName(s string) int {
	for i := 0; i < len(s); {
		class, size := noName, 1
		if c := s[i]; c < utf8.RuneSelf {
			class = asciiNames[c]
		} else {
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			class = classifyName(r)
		}
		if class == noName || i == 0 && class != nameStart {
			return i
		}
		i += size
	}
	return len(s)
}
