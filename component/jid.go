package component

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxJIDPart is the longest localpart, domainpart or resourcepart, in bytes
// (RFC 7622 §3.2 to §3.4).
const maxJIDPart = 1023

// JID is an XMPP address as it stands on the wire (RFC 7622 §3.1). An escaped
// localpart (XEP-0106) is kept escaped. The zero value stands for no address.
//
// JIDs are comparable and can be keys of a map. The JIDs of a parsed [Stanza]
// share its memory: whoever keeps one for long should clone its parts.
type JID struct {
	// Local is the localpart, in front of the '@'; empty for a domain's address.
	Local string
	// Domain is the domainpart.
	Domain string
	// Resource is the resourcepart, after the first '/'; empty for a bare JID.
	Resource string
}

// ParseJID splits s into its parts, at the first '/' and then at the first '@'
// in front of it (RFC 7622 §3.1), and checks their form: at most 1023 bytes
// each, valid UTF-8, no control characters, none of them empty where its
// separator is present. It does not prepare the parts (PRECIS): addresses that
// arrive were prepared by the host server.
func ParseJID(s string) (JID, error) {
	var j JID
	rest := s
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		j.Resource, rest = rest[i+1:], rest[:i]
		if j.Resource == "" {
			return JID{}, errors.New("parsing JID: empty resourcepart")
		}
	}
	if i := strings.IndexByte(rest, '@'); i >= 0 {
		j.Local, rest = rest[:i], rest[i+1:]
		if j.Local == "" {
			return JID{}, errors.New("parsing JID: empty localpart")
		}
	}
	j.Domain = rest
	if j.Domain == "" {
		return JID{}, errors.New("parsing JID: empty domainpart")
	}
	if strings.IndexByte(j.Domain, '@') >= 0 {
		return JID{}, errors.New("parsing JID: '@' in domainpart")
	}
	if len(j.Local) > maxJIDPart || len(j.Domain) > maxJIDPart || len(j.Resource) > maxJIDPart {
		return JID{}, fmt.Errorf("parsing JID: part longer than %d bytes", maxJIDPart)
	}
	if err := checkJIDCharacters(s); err != nil {
		return JID{}, err
	}
	return j, nil
}

// checkJIDCharacters refuses control characters and invalid UTF-8.
func checkJIDCharacters(s string) error {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf {
			return checkJIDRunes(s[i:])
		} else if c < 0x20 || c == 0x7f {
			return errors.New("parsing JID: control character")
		}
	}
	return nil
}

func checkJIDRunes(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("parsing JID: invalid UTF-8")
	}
	if strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return errors.New("parsing JID: control character")
	}
	return nil
}

// String gives the address in its wire form, localpart@domainpart/resourcepart,
// without the parts that are empty.
func (j JID) String() string {
	switch {
	case j.Local == "" && j.Resource == "":
		return j.Domain
	case j.Resource == "":
		return j.Local + "@" + j.Domain
	case j.Local == "":
		return j.Domain + "/" + j.Resource
	}
	return j.Local + "@" + j.Domain + "/" + j.Resource
}

// Append appends what String gives.
func (j JID) Append(to []byte) []byte {
	if j.Local != "" {
		to = append(append(to, j.Local...), '@')
	}
	to = append(to, j.Domain...)
	if j.Resource != "" {
		to = append(append(to, '/'), j.Resource...)
	}
	return to
}

// Bare is the address without its resourcepart.
func (j JID) Bare() JID {
	j.Resource = ""
	return j
}

// IsBare reports whether the address has no resourcepart.
func (j JID) IsBare() bool {
	return j.Resource == ""
}
