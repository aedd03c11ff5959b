package translate

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Kind is what an address stands for.
type Kind uint8

// The four kinds of address below the gateway's domain.
const (
	Gateway Kind = iota // the gateway itself: irc.example.org
	Server              // an IRC network: libera@irc.example.org
	Channel             // a channel: #channel%libera@irc.example.org
	Nick                // somebody on IRC: nick%libera@irc.example.org
)

// String returns the kind as people call it.
func (k Kind) String() string {
	return [...]string{"gateway", "server", "channel", "nick"}[k]
}

// ErrAddress is the error of a localpart that names nothing on IRC.
var ErrAddress = errors.New("not an address of this gateway")

// Address is a localpart of the gateway's domain, taken apart.
type Address struct {
	Kind Kind
	// Name is the channel with its sigil, or the nick, unescaped; empty for
	// a gateway or a server.
	Name string
	// Network is the server's name as the JID has it, in lower case; empty
	// for the gateway.
	Network string
}

// Addressing is how the gateway's localparts are to be read and written.
type Addressing struct {
	// Fixed is the only server's name in fixed-server mode, where a
	// localpart is a channel or a nick and '%' means nothing; empty
	// otherwise.
	Fixed string
}

// Parse takes a localpart apart. It is split at the last '%', because a channel
// name may hold one and a host name cannot. The channel sigils of a network are
// what chanTypes returns for it (ISUPPORT CHANTYPES), such as "#&".
//
// The error wraps ErrAddress and says what is wrong with the localpart.
func (a Addressing) Parse(localpart string, chanTypes func(network string) string) (Address, error) {
	if localpart == "" {
		return Address{Kind: Gateway, Network: a.Fixed}, nil
	}
	name, network := localpart, a.Fixed
	if a.Fixed == "" {
		at := strings.LastIndexByte(localpart, '%')
		if at < 0 {
			return parseServer(localpart)
		}
		name, network = localpart[:at], localpart[at+1:]
	}
	name, network = Unescape(name), strings.ToLower(network)
	if name == "" {
		return Address{}, fmt.Errorf("%w: nothing before the %%", ErrAddress)
	}
	if a.Fixed == "" && !validNetwork(network) {
		return Address{}, fmt.Errorf("%w: %q is not a server's name", ErrAddress, network)
	}
	if strings.ContainsAny(name, " \r\n\x00\a") {
		return Address{}, fmt.Errorf("%w: a name on IRC has no spaces or control characters", ErrAddress)
	}
	if strings.IndexByte(chanTypes(network), name[0]) >= 0 {
		if strings.Contains(name, ",") {
			return Address{}, fmt.Errorf("%w: a channel's name has no commas", ErrAddress)
		}
		return Address{Kind: Channel, Name: name, Network: network}, nil
	}
	return Address{Kind: Nick, Name: name, Network: network}, nil
}

func parseServer(localpart string) (Address, error) {
	network := strings.ToLower(localpart)
	if !validNetwork(network) {
		return Address{}, fmt.Errorf("%w: %q is not a server's name", ErrAddress, localpart)
	}
	return Address{Kind: Server, Network: network}, nil
}

// validNetwork allows what a host name, an IPv4 address or an alias consists of.
// A localpart cannot hold the colons of IPv6: such a server needs an alias.
func validNetwork(name string) bool {
	if name == "" {
		return false
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-', r == '_', r >= 0x80:
		default:
			return false
		}
	}
	// A dot behind a host's name would be another name for the same host.
	return name[0] != '.' && name[0] != '-' && name[len(name)-1] != '.'
}

// Localpart writes an address as the localpart of a JID, in the canonical
// spelling: lower case, normalised (NFKC, as a host server would) and escaped
// (XEP-0106). A name that is too long for a JID is cut, so that what a hostile
// server makes up cannot make an illegal stanza of ours.
func (a Addressing) Localpart(address Address) string {
	switch address.Kind {
	case Gateway:
		return ""
	case Server:
		return address.Network
	}
	network := "%" + address.Network
	if a.Fixed != "" {
		network = ""
	}
	return CutBytes(Escape(lower(address.Name)), max(1, localpartBytes-len(network))) + network
}

// localpartBytes is how long a localpart may be (RFC 7622 §3.3).
const localpartBytes = 1023

// lower folds case as the host server's preparation of localparts does.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			// Normalising can give capitals, as of U+03D3.
			return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.ToLower(s))))
		}
	}
	return strings.ToLower(s)
}

// escapes are the characters that a localpart cannot hold (XEP-0106 §3), with
// the hexadecimal digits that stand for each.
var escapes = map[byte]string{
	' ': "20", '"': "22", '&': "26", '\'': "27", '/': "2f",
	':': "3a", '<': "3c", '>': "3e", '@': "40", '\\': "5c",
}

// Escape writes a name so that a localpart can hold it (XEP-0106). A backslash
// is escaped only where it would be read as the start of an escape.
func Escape(name string) string {
	if !strings.ContainsAny(name, ` "&'/:<>@\`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		code, special := escapes[name[i]]
		if !special || name[i] == '\\' && !startsEscape(name[i:]) {
			b.WriteByte(name[i])
			continue
		}
		b.WriteByte('\\')
		b.WriteString(code)
	}
	return b.String()
}

// Unescape undoes Escape. What looks like an escape but is none of the ten
// stays as it is.
func Unescape(localpart string) string {
	if strings.IndexByte(localpart, '\\') < 0 {
		return localpart
	}
	var b strings.Builder
	for i := 0; i < len(localpart); i++ {
		if !startsEscape(localpart[i:]) {
			b.WriteByte(localpart[i])
			continue
		}
		code := strings.ToLower(localpart[i+1 : i+3])
		b.WriteByte(unhex(code[0])<<4 | unhex(code[1]))
		i += 2
	}
	return b.String()
}

// startsEscape reports whether s begins with one of the ten escapes.
func startsEscape(s string) bool {
	if len(s) < 3 || s[0] != '\\' {
		return false
	}
	code := strings.ToLower(s[1:3])
	for _, known := range escapes {
		if code == known {
			return true
		}
	}
	return false
}

func unhex(digit byte) byte {
	if digit >= 'a' {
		return digit - 'a' + 10
	}
	return digit - '0'
}
