package component

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	room   = JID{"#room%irc.server", "irc.localhost", "O'Neil"}
	juliet = JID{"juliet", "localhost", "balcony"}
)

func TestEncoder(t *testing.T) {
	for _, test := range []struct {
		name  string
		write func(e *Encoder)
		want  string
	}{
		{"empty stanza", func(e *Encoder) {
			e.Stanza(Presence, room, JID{}, "", "")
			e.Close()
		}, `<presence from='#room%irc.server@irc.localhost/O&apos;Neil'/>`},
		{"all attributes", func(e *Encoder) {
			e.Stanza(IQ, JID{Domain: "irc.localhost"}, juliet, "get", "1")
			e.Attr("xml:lang", "fr")
			e.Leaf("ping", "urn:xmpp:ping", "")
			e.Close()
		}, `<iq from='irc.localhost' to='juliet@localhost/balcony' type='get' id='1' xml:lang='fr'><ping xmlns='urn:xmpp:ping'/></iq>`},
		{"escaping", func(e *Encoder) {
			e.Open("a", "")
			e.Attr("b", "<>&'\"\t\r\n")
			e.Text("<>&'\"\t\r\n")
			e.Close()
		}, `<a b='&lt;&gt;&amp;&apos;&quot;&#9;&#13;&#10;'>&lt;&gt;&amp;'"` + "\t&#13;\n</a>"},
		{"illegal characters", func(e *Encoder) {
			e.Leaf("a", "", "1\x002\x1f3\xff\xfe4\uFFFE5\uFFFD6\xed\xa0\x807\U0010FFFF8\u00859")
		}, "<a>123\uFFFD45\uFFFD6\uFFFD7\U0010FFFF8\u00859</a>"},
		{"illegal characters in an attribute", func(e *Encoder) {
			e.Open("a", "")
			e.Attr("b", "1\x002\xff")
			e.Close()
		}, "<a b='12\uFFFD'/>"},
		{"two stanzas", func(e *Encoder) {
			e.Leaf("a", "", "1")
			e.Leaf("b", "", "2")
		}, "<a>1</a><b>2</b>"},
		{"raw", func(e *Encoder) {
			e.Open("a", "")
			e.Raw([]byte("<b/>"))
			e.Raw(nil)
			e.Close()
			e.Open("c", "")
			e.Raw(nil)
			e.Close()
		}, "<a><b/></a><c/>"},
		{"empty text", func(e *Encoder) { e.Leaf("a", "x&y", "") }, "<a xmlns='x&amp;y'/>"},
		{"parsed element", func(e *Encoder) {
			e.Open("message", "")
			e.Element(&Element{Space: "x", Local: "a", Text: "&", Attrs: []Attr{{Local: "b", Value: "'"}},
				Children: []Element{{Space: "x", Local: "c"}, {Local: "d", Children: []Element{{Local: "e"}, {Space: "x", Local: "f"}}}}})
			e.Element(&Element{Local: "body"})
			e.Close()
		}, `<message><a xmlns='x' b='&apos;'>&amp;<c/><d xmlns='jabber:component:accept'><e/><f xmlns='x'/></d></a><body/></message>`},
		{"parsed attributes", func(e *Encoder) {
			e.Element(&Element{Local: "a", Attrs: []Attr{{nsXML, "lang", "fr"}, {"y", "b", "1"}, {"y", "c", "2"}}})
		}, `<a xml:lang='fr' xmlns:a1='y' a1:b='1' xmlns:a2='y' a2:c='2'/>`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var e Encoder
			for range 2 {
				e.Reset()
				test.write(&e)
				if got := string(e.Bytes()); got != test.want || e.Err() != nil {
					t.Errorf("got  %s\nwant %s\nerror %v", got, test.want, e.Err())
				}
			}
		})
	}
}

func TestEncoderFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		write func(e *Encoder)
		want  error
		out   string
	}{
		{"attribute after text", func(e *Encoder) {
			e.Open("a", "")
			e.Text("b")
			e.Attr("c", "d")
			e.Close()
		}, errAttrOutsideTag, "<a>b</a>"},
		{"close too many", func(e *Encoder) {
			e.Leaf("a", "", "")
			e.Close()
			e.Attr("b", "")
		}, errCloseUnopened, "<a/>"},
		{"still open", func(e *Encoder) { e.Open("a", "") }, errStillOpen, "<a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var e Encoder
			test.write(&e)
			if !errors.Is(e.Err(), test.want) || string(e.Bytes()) != test.out {
				t.Errorf("got %s, %v", e.Bytes(), e.Err())
			}
			if e.Reset(); e.Err() != nil {
				t.Errorf("after Reset: %v", e.Err())
			}
		})
	}
}

// encodeMessage writes what a channel's line becomes for one recipient.
func encodeMessage(e *Encoder, body string) {
	e.Stanza(Message, room, juliet, "groupchat", "f3b1a8d2-7c54")
	e.Leaf("body", "", body)
	e.Open("stanza-id", "urn:xmpp:sid:0")
	e.Attr("id", "01J0000000000000000000")
	e.Attr("by", "#room%irc.server@irc.localhost")
	e.Close()
	e.Open("delay", "urn:xmpp:delay")
	e.Attr("stamp", "2025-01-01T00:00:00.000Z")
	e.Close()
	e.Close()
}

// Each stanza has its own addresses, whatever the one before had.
func TestAddressesInARow(t *testing.T) {
	room, other := JID{Local: "#a&b", Domain: "irc.test"}, JID{Local: "#a", Domain: "irc.test"}
	client := JID{Local: "o'hara", Domain: "xmpp.test", Resource: "<desk>"}
	server := JID{Domain: "xmpp.test"}
	var row Encoder
	for _, pair := range [][2]JID{
		{room, client}, {room, client}, {JID{room.Local, room.Domain, "nick"}, client}, {other, client}, {room, client.Bare()},
		{JID{Domain: "irc.test"}, server}, {client, room}, {room, JID{}}, {room, JID{"o'hara", "other.test", "x"}},
	} {
		var e Encoder
		e.Stanza(Presence, pair[0], pair[1], "", "")
		e.Close()
		row.Reset()
		row.Stanza(Presence, pair[0], pair[1], "", "")
		row.Close()
		if got, want := string(row.Bytes()), string(e.Bytes()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestEncoderAllocatesNothing(t *testing.T) {
	var e Encoder
	encodeMessage(&e, "warm <b>")
	if allocs := testing.AllocsPerRun(100, func() {
		e.Reset()
		encodeMessage(&e, "warm <b>")
	}); allocs != 0 {
		t.Errorf("%v allocations for a message", allocs)
	}
}

// FuzzEncoder checks that whatever text goes in, XML comes out that says the
// same, but for what XML cannot hold.
// What can be copied eight bytes at a time is what can be copied one by one.
func TestWordsThatAreCopied(t *testing.T) {
	for c := range 256 {
		for place := range 8 {
			word := []byte("plain.Te")
			word[place] = byte(c)
			want := textClass[c] == copyByte && attrClass[c] == copyByte
			if got := isCopied(wordAt(string(word), 0)); got != want {
				t.Errorf("%q: %v", word, got)
			}
		}
	}
}

func FuzzEncoder(f *testing.F) {
	for _, s := range []string{"", "plain", "<&>'\"\r\n\t", "\x00\x01", "\xff\xfe", "\uFFFE", "]]>", "é\xc3"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, attr, text string) {
		var e Encoder
		e.Open("a", "")
		e.Attr("b", attr)
		e.Text(text)
		e.Close()
		d := xml.NewDecoder(strings.NewReader(string(e.Bytes())))
		var got struct {
			B    string `xml:"b,attr"`
			Text string `xml:",chardata"`
		}
		if err := d.Decode(&got); err != nil {
			t.Fatalf("%q: %v", e.Bytes(), err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			t.Fatalf("%q: something behind the element", e.Bytes())
		}
		if want := representable(attr); got.B != want {
			t.Errorf("attribute %q became %q, want %q", attr, got.B, want)
		}
		if want := representable(text); got.Text != want {
			t.Errorf("text %q became %q, want %q", text, got.Text, want)
		}
	})
}

// representable is what XML can hold of s.
func representable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != utf8.RuneError && !isXMLRune(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func TestStanzaErrors(t *testing.T) {
	ask := &Stanza{Kind: IQ, Type: "get", ID: "1", From: juliet, To: JID{Domain: "irc.localhost"}}
	for _, test := range []struct {
		name string
		to   *Stanza
		err  *StanzaError
		want string
	}{
		{"condition", ask, NewError("item-not-found", ""),
			`<iq from='irc.localhost' to='juliet@localhost/balcony' type='error' id='1'><error type='cancel'>` +
				`<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`},
		{"everything", &Stanza{Kind: Message, From: juliet, To: room.Bare()},
			&StanzaError{Type: "modify", Condition: "gone", Text: "moved", By: room.Bare(), Payload: "xmpp:a@b", Extra: []Element{{Space: "x", Local: "y"}}},
			`<message from='#room%irc.server@irc.localhost' to='juliet@localhost/balcony' type='error'>` +
				`<error type='modify' by='#room%irc.server@irc.localhost'>` +
				`<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:a@b</gone>` +
				`<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>moved</text><y xmlns='x'/></error></message>`},
		{"unknown condition", ask, &StanzaError{Condition: "no such <thing>"},
			`<iq from='irc.localhost' to='juliet@localhost/balcony' type='error' id='1'><error type='cancel'>` +
				`<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`},
		{"error is not answered", &Stanza{Kind: Presence, Type: "error"}, NewError("forbidden", ""), ""},
		{"result is not answered", &Stanza{Kind: IQ, Type: "result"}, NewError("forbidden", ""), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var e Encoder
			e.ErrorReply(test.to, test.err)
			if got := string(e.Bytes()); got != test.want || e.Err() != nil {
				t.Errorf("got  %s\nwant %s\nerror %v", got, test.want, e.Err())
			}
		})
	}
}

func TestResult(t *testing.T) {
	var e Encoder
	e.Result(&Stanza{Kind: IQ, Type: "get", ID: "1", From: juliet, To: JID{Domain: "irc.localhost"}})
	e.Close()
	if got, want := string(e.Bytes()), `<iq from='irc.localhost' to='juliet@localhost/balcony' type='result' id='1'/>`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestNewError(t *testing.T) {
	if err := NewError("resource-constraint", "busy"); err.Type != "wait" || err.Error() != "resource-constraint: busy" {
		t.Errorf("got %+v, %v", err, err)
	}
	if err := NewError("nonsense", ""); err.Condition != "undefined-condition" || err.Error() != "undefined-condition" {
		t.Errorf("got %+v, %v", err, err)
	}
}

func TestParseStanzaError(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     *StanzaError
	}{
		{"none", `<iq type='error'/>`, &StanzaError{Type: "cancel", Condition: "undefined-condition"}},
		{"everything", `<message type='error'><error type='wait' by='irc.localhost'>` +
			`<redirect xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:a@b</redirect>` +
			`<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>hm</text><x xmlns='y'/></error></message>`,
			&StanzaError{Type: "wait", Condition: "redirect", Text: "hm", By: JID{Domain: "irc.localhost"}, Payload: "xmpp:a@b", Extra: []Element{{Space: "y", Local: "x"}}}},
		{"unknown", `<iq type='error'><error by='@'><what xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
			&StanzaError{Type: "cancel", Condition: "undefined-condition"}},
		{"no type", `<iq type='error'><error><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
			&StanzaError{Type: "auth", Condition: "forbidden"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			top, err := parseOne(t, test.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := ParseStanzaError(top.stanza); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
