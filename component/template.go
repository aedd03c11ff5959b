package component

import (
	"errors"
	"strings"
)

// errNoGap is a fault of whoever fills a template: there is nothing to fill.
var errNoGap = errors.New("encoding: no gap of a template to fill")

// gap stands in a template where a text is to come. What an encoder escapes never has
// it.
const gap = "\x00"

// Template is a stanza, or a part of one, that is written many times with other texts in
// it: what is the same in all is encoded once. It may be used by several encoders.
type Template struct {
	begun [Kinds]int
	parts []string // one more than there are gaps
}

// Template makes a template of what was written since the last [Encoder.Reset], which
// must be whole stanzas, or elements of one, with [Encoder.AttrGap] and [Encoder.Gap]
// where texts are to come.
func (e *Encoder) Template() Template {
	return Template{e.begun, strings.Split(string(e.buf), gap)}
}

// AttrGap writes an attribute like [Encoder.Attr], whose value begins with a text and
// goes on with what [Encoder.FillAttr] gives.
func (e *Encoder) AttrGap(name, begin string) {
	e.Attr(name, begin)
	if e.inTag {
		last := len(e.buf) - 1 // the quote
		e.buf = append(e.buf[:last], gap...)
		e.buf = append(e.buf, '\'')
	}
}

// Gap leaves room between elements for what [Encoder.FillRaw] gives.
func (e *Encoder) Gap() {
	e.endTag()
	e.buf = append(e.buf, gap...)
}

// Begin writes what is in a template up to its first gap. All gaps have to be
// filled, one after the other and each in its own way, before anything else is
// written.
func (e *Encoder) Begin(t *Template) {
	e.endTag()
	for kind, count := range t.begun {
		e.begun[kind] += count
	}
	e.unfilled = t.parts
	e.nextPart()
}

// FillAttr fills the gap in an attribute's value.
func (e *Encoder) FillAttr(value string) {
	if e.hasGap() {
		e.buf = appendEscaped(e.buf, value, attrClass)
		e.nextPart()
	}
}

// FillRaw fills the gap between elements with XML that is already encoded, as
// [Encoder.Raw] takes it.
func (e *Encoder) FillRaw(xml []byte) {
	if e.hasGap() {
		e.buf = append(e.buf, xml...)
		e.nextPart()
	}
}

func (e *Encoder) hasGap() bool {
	if len(e.unfilled) == 0 {
		e.fault(errNoGap)
		return false
	}
	return true
}

func (e *Encoder) nextPart() {
	e.buf = append(e.buf, e.unfilled[0]...)
	e.unfilled = e.unfilled[1:]
}
