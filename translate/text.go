package translate

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// Decode makes UTF-8 of a line as it came from IRC. What is UTF-8 stays as it
// is, also when the last character was cut by the server's limit on lines: its
// rest is dropped. Anything else is read in the charset with this IANA name, or
// in windows-1252 when the name is empty, unknown or not supported.
// Bytes without a meaning become U+FFFD.
func Decode(line []byte, charset string) []byte {
	if utf8.Valid(line) {
		return line
	}
	if whole := cutRune(line); whole != nil {
		return whole
	}
	if legacy := charsetByName(charset); legacy != nil {
		if decoded, err := legacy.NewDecoder().Bytes(line); err == nil && utf8.Valid(decoded) {
			return decoded
		}
	}
	decoded := make([]byte, 0, len(line)+len(line)/2)
	for _, b := range line {
		decoded = utf8.AppendRune(decoded, charmap.Windows1252.DecodeByte(b))
	}
	return decoded
}

// cutRune is a line without the incomplete character at its end, nil if that is
// not what is wrong with it. There must be another character beyond ASCII, or
// each "é" at the end of a line in Latin-1 would be taken for such a beginning.
func cutRune(line []byte) []byte {
	for cut := 1; cut < utf8.UTFMax && cut <= len(line); cut++ {
		head, tail := line[:len(line)-cut], line[len(line)-cut:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) && utf8.Valid(head) && !isASCII(head) {
				return head
			}
			return nil
		}
	}
	return nil
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func charsetByName(name string) encoding.Encoding {
	if name == "" {
		return nil
	}
	// An unknown name is not an error here: the configuration was checked long
	// ago, and the line has to be shown somehow.
	found, err := htmlindex.Get(name)
	if err != nil || found == encoding.Replacement {
		return nil
	}
	return found
}

// isPrintable reports whether a text is of the printable characters of ASCII only,
// as most are.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}

// CleanText removes what must not stand in a message's text: the characters
// that XML 1.0 §2.2 does not allow, and the C0 control characters but for the tab
// and the line feed. Bytes that are not UTF-8 become U+FFFD.
func CleanText(s string) string {
	if isPrintable(s) {
		return s
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return r
		case r < ' ' || r >= 0x7F && r < 0xA0 || r == 0xFFFE || r == 0xFFFF:
			return -1
		}
		return r
	}, s)
}

// Lines splits a message's body into what become lines on IRC: at every line
// end, be it of Unix, DOS or old Macs, without white space at the ends of lines
// and without empty lines.
func Lines(body string) []string {
	if !strings.ContainsAny(body, "\r\n") {
		if body = strings.TrimRightFunc(body, unicode.IsSpace); body == "" {
			return nil
		}
		return []string{body}
	}
	var lines []string
	for line := range strings.FieldsFuncSeq(body, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimRightFunc(line, unicode.IsSpace); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Encode writes a line in the charset with this IANA name. Characters that it
// does not have become question marks; an unknown charset leaves UTF-8.
func Encode(line, charset string) []byte {
	legacy := charsetByName(charset)
	if legacy == nil {
		return []byte(line)
	}
	encoded, err := encoding.ReplaceUnsupported(legacy.NewEncoder()).Bytes([]byte(line))
	if err != nil {
		return []byte(line)
	}
	// The replacement of the encoding package is the control character SUB.
	return bytes.ReplaceAll(encoded, []byte{0x1a}, []byte("?"))
}
