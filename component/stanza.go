package component

import "time"

// Namespaces that the package itself reads or writes.
const (
	// accept is the content namespace of the stream (XEP-0114 §3). It appears
	// as the empty string in parsed elements.
	nsAccept  = "jabber:component:accept"
	nsClient  = "jabber:client"
	nsStream  = "http://etherx.jabber.org/streams"
	nsStreams = "urn:ietf:params:xml:ns:xmpp-streams"
	nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsPing    = "urn:xmpp:ping"
	nsXML     = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS   = "http://www.w3.org/2000/xmlns/"
)

// Kind is the kind of a stanza (RFC 6120 §8).
type Kind uint8

// The three kinds of stanzas.
const (
	Message Kind = iota
	Presence
	IQ
	// Kinds is how many there are.
	Kinds
)

var kindNames = [...]string{Message: "message", Presence: "presence", IQ: "iq"}

// String is the name of the stanza's element: "message", "presence" or "iq".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

func kindOf(local string) (Kind, bool) {
	switch local {
	case "message":
		return Message, true
	case "presence":
		return Presence, true
	case "iq":
		return IQ, true
	}
	return 0, false
}

// Stanza is one stanza as it arrived (RFC 6120 §8). It is not changed after it
// was handed to a [Handler], so several goroutines may read it.
//
// Its strings are slices of one copy of the stanza's bytes: whoever keeps a few
// of them for long should clone them.
type Stanza struct {
	// Kind tells message, presence and iq apart.
	Kind Kind
	// Type is the type attribute, "" when absent. No default is filled in.
	Type string
	// ID is the id attribute, "" when absent.
	ID string
	// Lang is the xml:lang attribute, "" when absent.
	Lang string
	// From is the sender; never the zero JID in a stanza given to a Handler.
	From JID
	// To is the addressee; its Domain is ours in a stanza given to a Handler.
	To JID
	// Children are the child elements, in their order.
	Children []Element
	// Size is about how many bytes of memory it takes; zero in a stanza that no
	// stream brought.
	Size int
	// Arrived is when it was read; zero in a stanza that no stream brought.
	Arrived time.Time
}

// Element is an XML element inside a stanza.
type Element struct {
	// Space is the resolved namespace. It is "" for an element of the stream's
	// own namespace (jabber:component:accept), for a direct child of a stanza
	// in jabber:client, and for an element that is in no namespace at all.
	Space string
	// Local is the name without its prefix.
	Local string
	// Attrs are the attributes without the namespace declarations.
	Attrs []Attr
	// Text is the concatenated direct character data.
	Text string
	// Children are the child elements, in their order.
	Children []Element
}

// Attr is an attribute of an [Element].
type Attr struct {
	// Space is the resolved namespace of a prefixed attribute, else "".
	Space string
	// Local is the name without its prefix.
	Local string
	// Value is the value with its references resolved.
	Value string
}

// Child is the first child with this namespace and name, or nil. The empty
// namespace is the stream's own.
func (s *Stanza) Child(space, local string) *Element {
	return findElement(s.Children, space, local)
}

// ChildText is the text of the first child with this namespace and name, ""
// when there is none.
func (s *Stanza) ChildText(space, local string) string {
	if child := s.Child(space, local); child != nil {
		return child.Text
	}
	return ""
}

// Child is the first child with this namespace and name, or nil. It may be
// called on nil.
func (e *Element) Child(space, local string) *Element {
	if e == nil {
		return nil
	}
	return findElement(e.Children, space, local)
}

// ChildText is the text of the first child with this namespace and name, ""
// when there is none. It may be called on nil.
func (e *Element) ChildText(space, local string) string {
	if child := e.Child(space, local); child != nil {
		return child.Text
	}
	return ""
}

// Attr is the value of the attribute without a prefix of this name, "" when
// there is none. It may be called on nil.
func (e *Element) Attr(local string) string {
	if e == nil {
		return ""
	}
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Local == local && a.Space == "" {
			return a.Value
		}
	}
	return ""
}

func findElement(elements []Element, space, local string) *Element {
	for i := range elements {
		if e := &elements[i]; e.Local == local && e.Space == space {
			return e
		}
	}
	return nil
}
