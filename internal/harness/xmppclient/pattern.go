package xmppclient

import (
	"fmt"
	"strings"
)

// Pattern describes stanzas that a test expects. Each method returns a narrower pattern and
// leaves the one it was called on as it is.
type Pattern struct {
	words []string
	tests []func(*Element) bool
}

// Message matches message stanzas.
func Message() Pattern { return stanza("message") }

// Presence matches presence stanzas.
func Presence() Pattern { return stanza("presence") }

// IQ matches IQ stanzas.
func IQ() Pattern { return stanza("iq") }

func stanza(name string) Pattern {
	return Pattern{}.Where(name, func(e *Element) bool { return e.Name.Local == name })
}

// Where narrows the pattern by a test of one's own, with words for the failure report.
func (p Pattern) Where(words string, test func(*Element) bool) Pattern {
	return Pattern{
		words: append(p.words[:len(p.words):len(p.words)], words),
		tests: append(p.tests[:len(p.tests):len(p.tests)], test),
	}
}

// Matches tells whether a stanza fits.
func (p Pattern) Matches(e *Element) bool {
	for _, test := range p.tests {
		if !test(e) {
			return false
		}
	}
	return true
}

// String describes the pattern in words.
func (p Pattern) String() string { return strings.Join(p.words, " ") }

// From narrows to stanzas from exactly this JID.
func (p Pattern) From(jid string) Pattern { return p.attribute("from", jid) }

// ID narrows to stanzas with this id.
func (p Pattern) ID(id string) Pattern { return p.attribute("id", id) }

// Type narrows to stanzas of this type; "" is a stanza without one.
func (p Pattern) Type(kind string) Pattern { return p.attribute("type", kind) }

func (p Pattern) attribute(name, want string) Pattern {
	return p.Where(fmt.Sprintf("%s=%q", name, want), func(e *Element) bool { return e.Attribute(name) == want })
}

// Body narrows to messages with exactly this body.
func (p Pattern) Body(text string) Pattern { return p.Text("body", text) }

// BodyContains narrows to messages whose body has this text in it.
func (p Pattern) BodyContains(text string) Pattern {
	return p.Where(fmt.Sprintf("body contains %q", text), func(e *Element) bool {
		return strings.Contains(e.TextAt("body"), text)
	})
}

// Text narrows to stanzas with exactly this text at a path.
func (p Pattern) Text(path, text string) Pattern {
	return p.Where(fmt.Sprintf("%s=%q", path, text), func(e *Element) bool {
		found := e.First(path)
		return found != nil && found.Text == text
	})
}

// Has narrows to stanzas with an element at a path.
func (p Pattern) Has(path string) Pattern {
	return p.Where("has "+path, func(e *Element) bool { return e.First(path) != nil })
}

// Lacks narrows to stanzas without an element at a path.
func (p Pattern) Lacks(path string) Pattern {
	return p.Where("lacks "+path, func(e *Element) bool { return e.First(path) == nil })
}

// Status narrows to stanzas with all these room status codes.
func (p Pattern) Status(codes ...string) Pattern {
	for _, code := range codes {
		p = p.Where("status "+code, func(e *Element) bool { return e.HasStatus(code) })
	}
	return p
}

// WithoutStatus narrows to stanzas with none of these room status codes.
func (p Pattern) WithoutStatus(codes ...string) Pattern {
	for _, code := range codes {
		p = p.Where("no status "+code, func(e *Element) bool { return !e.HasStatus(code) })
	}
	return p
}

// Item narrows to a room's presence with this affiliation and role.
func (p Pattern) Item(affiliation, role string) Pattern {
	return p.Where(fmt.Sprintf("item %s/%s", affiliation, role), func(e *Element) bool {
		return e.AttributeAt("x/item", "affiliation") == affiliation && e.AttributeAt("x/item", "role") == role
	})
}

// Error narrows to error stanzas with this defined condition (RFC 6120 §8.3.3).
func (p Pattern) Error(condition string) Pattern {
	return p.Type("error").Has("error/{urn:ietf:params:xml:ns:xmpp-stanzas}" + condition)
}

// Subject narrows to messages that set a room's subject: a subject and no body (XEP-0045 §8.1).
func (p Pattern) Subject(text string) Pattern { return p.Text("subject", text).Lacks("body") }
