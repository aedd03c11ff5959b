package component

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// laxer are the faults that encoding/xml lets pass, by the text of our error.
var laxer = map[string]bool{
	"no space in front of an attribute":                true,
	"duplicate attribute":                              true,
	"prefix is not declared":                           true,
	"namespace declaration is not allowed":             true,
	"reserved namespace or prefix":                     true,
	"processing instruction":                           true,
	"comment or declaration":                           true,
	"name expected":                                    true, // colons, and names beyond ASCII
	"attribute without a value":                        true, // likewise: the name ends earlier for us
	"start tag expected":                               true,
	"character data between stanzas":                   true,
	"unexpected end tag":                               true, // </stream:stream> of another name
	"character that XML does not allow":                true, // outside of text and values
	"entity that XML does not define":                  false,
	"element does not end where it should":             false,
	"'<' inside a tag":                                 false,
	"reference to a character that XML does not allow": true, // surrogates become U+FFFD there
}

// FuzzParse compares with encoding/xml: what is accepted has to give the same
// tree there, and what is refused has to be refused there, too, unless it is
// known to be laxer.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`<message from='a@b/c' to='d@e' type='chat' id='1' xml:lang='fr'><body>hello &amp; &#65;</body><x xmlns='urn:x'><y/></x></message>`,
		`<message xmlns:p='urn:p'><p:a p:x="1" x='2'>1<![CDATA[<&]]>2<b/>3</p:a></message>`,
		"<iq\n id = '1\r\n2'\t/>", `<a></b>`, `<a b='1'c='2'/>`, `<a b='1' b='2'/>`, `<a>&nbsp;</a>`, `<a>]]></a>`, `<a><!-- --></a>`,
		`<é·/>`, `<a:b xmlns:a='1'/>`, `<:a/>`, "<a>\xff</a>", `<a>&#xD800;</a>`, `<a / ></a>`, `<message xmlns=''><a/></message>`,
		`<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		cut, err := newTokenizer(strings.NewReader(in), "stream:stream", 1<<20, 1000).next()
		var got topElement
		if err == nil {
			// The rest is a stanza of its own.
			in = in[:strings.Index(in, string(cut.bytes))+len(cut.bytes)]
			got, err = newParser(header, 1000).parse(cut)
		}
		want, wantErr := referenceParse(in)
		if err == nil {
			if wantErr != nil && isNameOfFourthEdition(wantErr, in) {
				return
			}
			if wantErr != nil {
				t.Fatalf("%q is accepted, encoding/xml says %v", in, wantErr)
			}
			compareTrees(t, &got, want)
			return
		}
		var refused *StreamError
		if wantErr == nil && (!errors.As(err, &refused) || !laxer[refused.Text]) {
			t.Fatalf("%q is accepted by encoding/xml, but %v", in, err)
		}
	})
}

// isNameOfFourthEdition reports whether encoding/xml refuses no more than a name
// with letters beyond ASCII. It goes by the fourth edition of XML 1.0, which lists
// fewer of them than the fifth.
func isNameOfFourthEdition(err error, in string) bool {
	return strings.Contains(err.Error(), "invalid XML name") && strings.ContainsFunc(in, func(r rune) bool { return r >= 0x80 })
}

// referenceElement is an element as encoding/xml reads it.
type referenceElement struct {
	Element
	attrs []xml.Attr
}

// referenceParse reads one element in a stream with encoding/xml.
func referenceParse(in string) (*referenceElement, error) {
	const open = "<stream:stream xmlns='" + nsAccept + "' xmlns:stream='" + nsStream + "'>"
	d := xml.NewDecoder(strings.NewReader(open + in + "</stream:stream>"))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var root *referenceElement
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if root != nil {
				return nil, errors.New("second element")
			}
			if root, err = readReference(d, token.Copy(), 0); err != nil {
				return nil, err
			}
		case xml.EndElement:
			if root == nil {
				return nil, errors.New("no element")
			}
			if _, err := d.Token(); !errors.Is(err, io.EOF) {
				return nil, errors.New("something behind the stream")
			}
			return root, nil
		case xml.CharData:
			if strings.Trim(string(token), " \t\n") != "" {
				return nil, errors.New("text between elements")
			}
		}
	}
}

func readReference(d *xml.Decoder, start xml.StartElement, depth int) (*referenceElement, error) {
	e := &referenceElement{Element: Element{Space: start.Name.Space, Local: start.Name.Local}, attrs: start.Attr}
	if depth > 0 && e.Space == nsAccept || depth == 1 && e.Space == nsClient {
		e.Space = ""
	}
	for _, a := range start.Attr {
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			continue
		}
		e.Attrs = append(e.Attrs, Attr{a.Name.Space, a.Name.Local, spaces(a.Value)})
	}
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			child, err := readReference(d, token.Copy(), depth+1)
			if err != nil {
				return nil, err
			}
			e.Children = append(e.Children, child.Element)
		case xml.EndElement:
			return e, nil
		case xml.CharData:
			e.Text += string(token)
		}
	}
}

// spaces makes every white space a space: encoding/xml does not normalise the
// literal ones in attributes, and hides which were references.
func spaces(s string) string {
	return strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(s)
}

func compareTrees(t *testing.T, got *topElement, want *referenceElement) {
	t.Helper()
	if got.space != want.Space || got.local != want.Local {
		t.Fatalf("root is %q %q, want %q %q", got.space, got.local, want.Space, want.Local)
	}
	for name, value := range map[string]string{"from": got.from, "to": got.to, "id": got.stanza.ID, "type": got.stanza.Type} {
		if wanted := want.Attr(name); spaces(value) != wanted {
			t.Fatalf("%s is %q, want %q", name, value, wanted)
		}
	}
	var normalised []Element
	for _, child := range got.stanza.Children {
		normalised = append(normalised, spacesInAttrs(child))
	}
	if !reflect.DeepEqual(normalised, want.Children) {
		t.Fatalf("got  %s\nwant %s", describe(normalised), describe(want.Children))
	}
}

func spacesInAttrs(e Element) Element {
	var attrs []Attr
	for _, a := range e.Attrs {
		attrs = append(attrs, Attr{a.Space, a.Local, spaces(a.Value)})
	}
	e.Attrs = attrs
	var children []Element
	for _, child := range e.Children {
		children = append(children, spacesInAttrs(child))
	}
	e.Children = children
	return e
}

func describe(elements []Element) string {
	return fmt.Sprintf("%#v", elements)
}

// FuzzRoundTrip writes what was read, and reads it again: nothing may be lost.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{
		`<message><body>hello &amp; &#13;</body><x xmlns='urn:x' a='&#10;'><y xmlns=''/><z xmlns='jabber:client'/></x></message>`,
		`<message xmlns:p='urn:p'><p:a p:x='1' xml:lang='fr'><b xmlns='jabber:component:accept'><c/></b></p:a></message>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		first, err := parseOne(t, in)
		if err != nil {
			return
		}
		var e Encoder
		e.Stanza(Message, room, juliet, first.stanza.Type, first.stanza.ID)
		for i := range first.stanza.Children {
			e.Element(&first.stanza.Children[i])
		}
		e.Close()
		if e.Err() != nil || !utf8.Valid(e.Bytes()) {
			t.Fatalf("%q: %v", e.Bytes(), e.Err())
		}
		second, err := parseOne(t, string(e.Bytes()))
		if errors.Is(err, errTooLarge) || errors.Is(err, errTooManyAttributes) {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", e.Bytes(), err)
		}
		if !reflect.DeepEqual(first.stanza.Children, second.stanza.Children) {
			t.Fatalf("got  %#v\nwant %#v", second.stanza.Children, first.stanza.Children)
		}
	})
}

func FuzzParseJID(f *testing.F) {
	for _, s := range []string{"a@b/c", "b", "@", "a@b@c/d", "b/\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		j, err := ParseJID(in)
		if err == nil && j.String() != in {
			t.Errorf("%q became %q", in, j)
		}
	})
}
