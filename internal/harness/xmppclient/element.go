package xmppclient

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Element is an XML element of a stanza, or the stanza itself.
type Element struct {
	Name       xml.Name
	Attributes []xml.Attr
	Children   []*Element
	// Text is the element's own character data, without that of its children.
	Text string
}

// Attribute returns the value of an attribute without a namespace, or "".
func (e *Element) Attribute(name string) string {
	for _, attribute := range e.Attributes {
		if attribute.Name.Local == name && attribute.Name.Space == "" {
			return attribute.Value
		}
	}
	return ""
}

// From is the attribute "from" of stanzas (RFC 6120 §8.1).
func (e *Element) From() string { return e.Attribute("from") }

// ID is the attribute "id".
func (e *Element) ID() string { return e.Attribute("id") }

// Type is the attribute "type".
func (e *Element) Type() string { return e.Attribute("type") }

// Find returns every element at a path of names beneath e, such as "x/item/reason". A name
// may carry its namespace in front: "{http://jabber.org/protocol/muc#user}x/item".
func (e *Element) Find(path string) []*Element {
	found := []*Element{e}
	for _, step := range splitPath(path) {
		var next []*Element
		for _, element := range found {
			for _, child := range element.Children {
				if step.Local == child.Name.Local && (step.Space == "" || step.Space == child.Name.Space) {
					next = append(next, child)
				}
			}
		}
		found = next
	}
	return found
}

// First returns the first element at a path, or nil.
func (e *Element) First(path string) *Element {
	if found := e.Find(path); len(found) > 0 {
		return found[0]
	}
	return nil
}

// TextAt returns the text of the first element at a path, or "".
func (e *Element) TextAt(path string) string {
	if found := e.First(path); found != nil {
		return found.Text
	}
	return ""
}

// AttributeAt returns an attribute of the first element at a path, or "".
func (e *Element) AttributeAt(path, name string) string {
	if found := e.First(path); found != nil {
		return found.Attribute(name)
	}
	return ""
}

// HasStatus tells whether a room's presence or message carries a status code (XEP-0045 §15.6).
func (e *Element) HasStatus(code string) bool {
	return slices.ContainsFunc(e.Find("x/status"), func(status *Element) bool { return status.Attribute("code") == code })
}

// splitPath splits at the slashes outside of braces.
func splitPath(path string) []xml.Name {
	var steps []xml.Name
	for path != "" {
		var step xml.Name
		if strings.HasPrefix(path, "{") {
			step.Space, path, _ = strings.Cut(path[1:], "}")
		}
		step.Local, path, _ = strings.Cut(path, "/")
		steps = append(steps, step)
	}
	return steps
}

// String writes the element as XML for people: namespaces appear where they change.
func (e *Element) String() string {
	var b strings.Builder
	e.write(&b, "jabber:client")
	return b.String()
}

func (e *Element) write(b *strings.Builder, outer string) {
	fmt.Fprintf(b, "<%s", e.Name.Local)
	if e.Name.Space != outer {
		fmt.Fprintf(b, " xmlns='%s'", e.Name.Space)
	}
	for _, attribute := range e.Attributes {
		if attribute.Name.Local == "xmlns" {
			continue
		}
		name := attribute.Name.Local
		if attribute.Name.Space != "" {
			name = "xml:" + name
		}
		fmt.Fprintf(b, " %s='%s'", name, Escape(attribute.Value))
	}
	if e.Text == "" && len(e.Children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	b.WriteString(Escape(e.Text))
	for _, child := range e.Children {
		child.write(b, e.Name.Space)
	}
	fmt.Fprintf(b, "</%s>", e.Name.Local)
}

// Escape makes text safe as character data and as an attribute value.
func Escape(text string) string {
	var b strings.Builder
	// A strings.Builder does not fail.
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

// readElement reads what follows a start tag, up to its end tag. It also accepts a reader
// that ends where the end tag should be, as mellium's does after the last token.
func readElement(tokens xml.TokenReader, start xml.StartElement) (*Element, error) {
	element := &Element{Name: start.Name, Attributes: slices.Clone(start.Attr)}
	for {
		token, err := tokens.Token()
		switch token := token.(type) {
		case xml.StartElement:
			child, childError := readElement(tokens, token)
			if childError != nil {
				return nil, childError
			}
			element.Children = append(element.Children, child)
		case xml.CharData:
			element.Text += string(token)
		case xml.EndElement:
			return element, nil
		}
		if errors.Is(err, io.EOF) {
			return element, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading an element: %w", err)
		}
	}
}
