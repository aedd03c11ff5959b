package translate

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NickLimits are what a network allows a nick to be.
type NickLimits struct {
	// Bytes is the longest nick (ISUPPORT NICKLEN); 0 means unknown.
	Bytes int
	// Unicode is whether nicks may have letters beyond ASCII (CASEMAPPING
	// rfc7613, or UTF8ONLY).
	Unicode bool
}

// NickToIRC turns what a person wants to be called in a room (an XMPP resource
// of any characters) into a nick that IRC can hold (RFC 2812 §2.3.1): spaces
// become underscores, accents go, other letters beyond ASCII are left out
// unless the network has them, and a digit or '-' does not come first. It
// returns "" when nothing is left.
func NickToIRC(resource string, limits NickLimits) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(resource) {
		if limits.Unicode && r >= 0x80 && !unicode.IsMark(r) && unicode.IsPrint(r) && !unicode.IsSpace(r) {
			b.WriteRune(r)
			continue
		}
		if unicode.IsSpace(r) {
			r = '_'
		}
		if !nickByte(r) || b.Len() == 0 && (r == '-' || r >= '0' && r <= '9') {
			continue
		}
		b.WriteRune(r)
	}
	return cutNick(b.String(), limits)
}

func cutNick(nick string, limits NickLimits) string {
	if limits.Unicode {
		nick = norm.NFC.String(nick)
	}
	return CutBytes(nick, limits.Bytes)
}

// CutBytes returns the start of s that has at most limit bytes and ends at the
// end of a character; all of s when limit is 0.
func CutBytes(s string, limit int) string {
	if limit <= 0 || len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xC0 == 0x80 {
		limit--
	}
	return s[:limit]
}

func nickByte(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	}
	return r < 0x80 && strings.ContainsRune("-_[]\\`^{}|", r)
}

// resourceBytes is how long a resource may be (RFC 7622 §3.4).
const resourceBytes = 1023

// NickToResource makes a nick fit to be the resource of an occupant's JID. IRC
// nicks are legal resources but for invisible formatting and direction
// characters that UTF-8 networks let through and host servers bounce. A nick
// that consists of nothing else is "_", because an occupant needs a resource.
func NickToResource(nick string) string {
	for i := 0; i < len(nick); i++ {
		if nick[i] < 0x20 || nick[i] >= 0x7f {
			return cleanResource(nick)
		}
	}
	return fitResource(nick)
}

func cleanResource(nick string) string {
	cleaned := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, nick)
	return fitResource(norm.NFKC.String(cleaned))
}

func fitResource(nick string) string {
	if nick == "" {
		return "_"
	}
	return CutBytes(nick, resourceBytes)
}
