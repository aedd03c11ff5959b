package component

import (
	"errors"
	"strconv"
)

// Faults of whoever uses an [Encoder], reported by [Encoder.Err].
var (
	errAttrOutsideTag = errors.New("encoding: attribute outside of a start tag")
	errCloseUnopened  = errors.New("encoding: close without an open element")
	errStillOpen      = errors.New("encoding: element still open")
)

// Encoder writes stanzas into a buffer of its own. The zero value is ready, and
// once its buffer has grown it allocates nothing. Several stanzas may be written
// one after the other. It is not safe for concurrent use.
//
// Whatever text it is given, what it writes is well-formed: text is escaped,
// characters that XML forbids are dropped, and bytes that are not UTF-8 become
// U+FFFD. Names of elements and attributes are written as they are: they have to
// be constants, or names that were parsed.
type Encoder struct {
	buf  []byte
	open []openElement
	// inTag says that the last start tag is still without its '>'.
	inTag bool
	err   error
	begun [Kinds]int
	// unfilled is the rest of a template that is being filled (template.go).
	unfilled []string
	from, to writtenJID
}

// writtenJID is a bare JID that was written last as a sender or an addressee, for most
// stanzas in a row have the same, and what was written for it.
type writtenJID struct {
	jid JID
	xml []byte
}

type openElement struct {
	local string
	// space is the default namespace inside, "" for the stream's own.
	space string
}

// Reset empties the encoder and keeps its buffer.
func (e *Encoder) Reset() {
	e.buf = e.buf[:0]
	e.open = e.open[:0]
	e.inTag = false
	e.err = nil
	e.begun = [Kinds]int{}
	e.unfilled = nil
}

// Bytes is what was written since the last [Encoder.Reset]. It is valid until
// the next call.
func (e *Encoder) Bytes() []byte {
	return e.buf
}

// Stanzas is how many stanzas of each kind were begun since the last
// [Encoder.Reset].
func (e *Encoder) Stanzas() [Kinds]int { return e.begun }

// Err reports the first fault of the caller since the last [Encoder.Reset]: an
// attribute outside of a start tag, a Close too many, or an element that is
// still open. It is meant for tests: such a call is skipped, so that the bytes
// stay well-formed, but something is missing in them.
func (e *Encoder) Err() error {
	if e.err == nil && len(e.open)+len(e.unfilled) > 0 {
		return errStillOpen
	}
	return e.err
}

// Stanza opens a stanza of the stream's namespace; [Encoder.Close] ends it. The
// sender's address always comes first. An empty addressee, type or id is left out.
func (e *Encoder) Stanza(kind Kind, from, to JID, stanzaType, id string) {
	if kind < Kinds {
		e.begun[kind]++
	}
	e.Open(kind.String(), "")
	e.address(" from='", from, &e.from)
	if to != (JID{}) {
		e.address(" to='", to, &e.to)
	}
	if stanzaType != "" {
		e.Attr("type", stanzaType)
	}
	if id != "" {
		e.Attr("id", id)
	}
}

// address writes an attribute, from its beginning, whose bare JID may be the last one.
func (e *Encoder) address(begin string, j JID, last *writtenJID) {
	if j.Local != last.jid.Local || j.Domain != last.jid.Domain {
		last.jid = j.Bare()
		last.xml = appendBare(last.xml[:0], j)
	}
	e.buf = append(e.buf, begin...)
	e.buf = append(e.buf, last.xml...)
	e.endJID(j)
}

func (e *Encoder) jidAttr(name string, j JID) {
	e.buf = append(e.buf, ' ')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '=', '\'')
	e.buf = appendBare(e.buf, j)
	e.endJID(j)
}

func appendBare(to []byte, j JID) []byte {
	if j.Local != "" {
		to = append(appendEscaped(to, j.Local, attrClass), '@')
	}
	return appendEscaped(to, j.Domain, attrClass)
}

func (e *Encoder) endJID(j JID) {
	if j.Resource != "" {
		e.buf = append(e.buf, '/')
		e.buf = appendEscaped(e.buf, j.Resource, attrClass)
	}
	e.buf = append(e.buf, '\'')
}

// Open opens an element. With a namespace it is declared as the default one,
// with "" the element inherits that of the element around it.
func (e *Encoder) Open(local, namespace string) {
	e.endTag()
	e.buf = append(e.buf, '<')
	e.buf = append(e.buf, local...)
	inside := e.space()
	if namespace != "" {
		e.buf = append(e.buf, " xmlns='"...)
		e.buf = appendEscaped(e.buf, namespace, attrClass)
		e.buf = append(e.buf, '\'')
		inside = namespace
	}
	e.open = append(e.open, openElement{local, inside})
	e.inTag = true
}

// Attr writes an attribute of the element just opened. It has to follow
// [Encoder.Open], [Encoder.Stanza] or another Attr; elsewhere there is no tag to
// write it in, and it is skipped and reported by [Encoder.Err].
func (e *Encoder) Attr(name, value string) {
	if !e.inTag {
		e.fault(errAttrOutsideTag)
		return
	}
	e.buf = append(e.buf, ' ')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '=', '\'')
	e.buf = appendEscaped(e.buf, value, attrClass)
	e.buf = append(e.buf, '\'')
}

// JIDAttr is [Encoder.Attr] for an address.
func (e *Encoder) JIDAttr(name string, value JID) {
	if !e.inTag {
		e.fault(errAttrOutsideTag)
		return
	}
	e.jidAttr(name, value)
}

// Text writes character data.
func (e *Encoder) Text(s string) {
	if s == "" {
		return
	}
	e.endTag()
	e.buf = appendEscaped(e.buf, s, textClass)
}

// Close ends the innermost open element.
func (e *Encoder) Close() {
	last := len(e.open) - 1
	if last < 0 {
		e.fault(errCloseUnopened)
		return
	}
	if e.inTag {
		e.buf = append(e.buf, '/', '>')
		e.inTag = false
	} else {
		e.buf = append(e.buf, '<', '/')
		e.buf = append(e.buf, e.open[last].local...)
		e.buf = append(e.buf, '>')
	}
	e.open = e.open[:last]
}

// Leaf writes a whole element that holds only text: Open, Text and Close.
func (e *Encoder) Leaf(local, namespace, text string) {
	e.Open(local, namespace)
	e.Text(text)
	e.Close()
}

// Element writes a copy of a parsed element, with the namespaces that it and
// its attributes need where it now stands. Its text is written in front of its
// children: how the two were mixed is not known any more.
func (e *Encoder) Element(el *Element) {
	namespace := el.Space
	switch {
	case namespace == e.space():
		namespace = ""
	case namespace == "":
		namespace = nsAccept
	}
	e.Open(el.Local, namespace)
	if namespace == nsAccept {
		e.open[len(e.open)-1].space = ""
	}
	for i := range el.Attrs {
		e.foreignAttr(&el.Attrs[i], i)
	}
	e.Text(el.Text)
	for i := range el.Children {
		e.Element(&el.Children[i])
	}
	e.Close()
}

// foreignAttr writes a parsed attribute, with a prefix of its own if it is in a
// namespace: a prefix for each attribute is legal and needs no table.
func (e *Encoder) foreignAttr(a *Attr, index int) {
	switch a.Space {
	case "":
		e.Attr(a.Local, a.Value)
		return
	case nsXML:
		e.buf = append(e.buf, " xml:"...)
	default:
		e.buf = append(e.buf, " xmlns:a"...)
		e.buf = strconv.AppendInt(e.buf, int64(index), 10)
		e.buf = append(e.buf, '=', '\'')
		e.buf = appendEscaped(e.buf, a.Space, attrClass)
		e.buf = append(e.buf, "' a"...)
		e.buf = strconv.AppendInt(e.buf, int64(index), 10)
		e.buf = append(e.buf, ':')
	}
	e.buf = append(e.buf, a.Local...)
	e.buf = append(e.buf, '=', '\'')
	e.buf = appendEscaped(e.buf, a.Value, attrClass)
	e.buf = append(e.buf, '\'')
}

// Truncate takes back all but the first n bytes, which must be whole elements.
func (e *Encoder) Truncate(n int) {
	e.buf = e.buf[:min(n, len(e.buf))]
	e.open, e.inTag, e.err, e.unfilled = e.open[:0], false, nil, nil
}

// Raw writes XML that is already encoded: whole elements, for example what is
// the same for many recipients.
func (e *Encoder) Raw(xml []byte) {
	if len(xml) == 0 {
		return
	}
	e.endTag()
	e.buf = append(e.buf, xml...)
}

// space is the default namespace where the encoder stands.
func (e *Encoder) space() string {
	if len(e.open) == 0 {
		return ""
	}
	return e.open[len(e.open)-1].space
}

func (e *Encoder) endTag() {
	if e.inTag {
		e.buf = append(e.buf, '>')
		e.inTag = false
	}
}

func (e *Encoder) fault(err error) {
	if e.err == nil {
		e.err = err
	}
}
