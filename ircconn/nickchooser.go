package ircconn

import (
	"strconv"
	"strings"
)

const (
	// maxNickAttempts bounds the nicks tried at one registration.
	maxNickAttempts = 20
	// rfcNickLen is the length that every server accepts (RFC 2812 §1.2.1).
	rfcNickLen = 9
	// fallbackNick stands in for a nick of which a server allows no character.
	fallbackNick = "guest"
)

// generatedSuffixes make further nicks from the wanted one.
var generatedSuffixes = [...]string{"_", "__", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// nickChooser offers one nick after the other while a server refuses them.
type nickChooser struct {
	wanted       string
	alternatives []string
	generated    int
	attempts     int
	// length is the longest nick this server takes, as far as its refusals
	// have shown; 0 when they have not.
	length int
	// plain is whether the server refused the form of a nick, so that
	// generated ones keep to RFC 2812.
	plain bool
}

func newNickChooser(wanted string, alternatives []string) nickChooser {
	return nickChooser{wanted: wanted, alternatives: alternatives}
}

// next returns the nick to try after the server refused asked with a numeric
// that names the nick as named.
func (n *nickChooser) next(asked, named string, numeric int) (nick string, found bool) {
	n.learn(asked, named, numeric)
	for n.attempts < maxNickAttempts {
		n.attempts++
		candidate, more := n.candidate()
		if !more {
			return "", false
		}
		if candidate != asked && candidate != "" {
			return candidate, true
		}
	}
	return "", false
}

// learn takes from a refusal what the server allows. A server that cuts nicks
// names the cut one; for one that refuses long nicks, only the length that all
// servers have is safe.
func (n *nickChooser) learn(asked, named string, numeric int) {
	if len(named) > 0 && len(named) < len(asked) && strings.HasPrefix(asked, named) {
		n.length = len(named)
	}
	if numeric == 432 {
		n.plain = true
		if len(asked) > rfcNickLen {
			n.length = rfcNickLen
		}
	}
}

func (n *nickChooser) candidate() (nick string, more bool) {
	if len(n.alternatives) > 0 {
		nick, n.alternatives = n.alternatives[0], n.alternatives[1:]
		return nick, true
	}
	if n.generated > len(generatedSuffixes) {
		return "", false
	}
	base := n.wanted
	if n.plain {
		base = plainNick(base)
	}
	suffix := ""
	if n.generated > 0 {
		suffix = generatedSuffixes[n.generated-1]
	}
	n.generated++
	if suffix == "" && base == n.wanted && n.length == 0 {
		// That one was refused already.
		return n.candidate()
	}
	return cut(base, n.length, len(suffix)) + suffix, true
}

// cut shortens a nick so that room bytes more stay within length.
func cut(nick string, length, room int) string {
	if length == 0 || len(nick)+room <= length {
		return nick
	}
	end := max(length-room, 1)
	return strings.ToValidUTF8(nick[:min(end, len(nick))], "")
}

// plainNick keeps what RFC 2812 §2.3.1 allows in a nick.
func plainNick(nick string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', '[' <= r && r <= '`', '{' <= r && r <= '}', r == '-':
			return r
		}
		return -1
	}, nick)
	plain = strings.TrimLeft(plain, "-0123456789")
	if plain == "" {
		return fallbackNick
	}
	return plain
}

func numberOf(command string) int {
	number, err := strconv.Atoi(command)
	if err != nil {
		return 0
	}
	return number
}
