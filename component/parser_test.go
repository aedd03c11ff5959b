package component

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// header is what a stream's header declares.
var header = []binding{{"", nsAccept}, {"stream", nsStream}}

const (
	testBytes      = 2000
	testDepth      = 5
	testAttributes = 6
)

func testTokenizer(r io.Reader) *tokenizer {
	return newTokenizer(r, "stream:stream", testBytes, testDepth)
}

// parseOne parses the first element of in, with the limits of DefaultConfig.
func parseOne(t testing.TB, in string) (topElement, error) {
	t.Helper()
	cfg := DefaultConfig()
	f, err := newTokenizer(strings.NewReader(in), "stream:stream", cfg.MaxStanzaBytes, cfg.MaxDepth).next()
	if err != nil {
		return topElement{}, err
	}
	if f.skipped != nil {
		return topElement{}, f.skipped
	}
	return newParser(header, cfg.MaxAttributes).parse(f)
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     Stanza
		// from and to as they stand.
		from, to string
	}{
		{"message", `<message from='a@b/c' to='d@e' type='chat' id='1' xml:lang='fr'><body>hello</body></message>`,
			Stanza{Type: "chat", ID: "1", Lang: "fr", Children: []Element{{Local: "body", Text: "hello"}}}, "a@b/c", "d@e"},
		{"empty", `<message/>`, Stanza{}, "", ""},
		{"references", `<message id='&lt;&#65;&#x42;&quot;'><body>&amp;&apos;&gt;&#128512;&#x1F600;</body></message>`,
			Stanza{ID: `<AB"`, Children: []Element{{Local: "body", Text: "&'>😀😀"}}}, "", ""},
		{"text in pieces", `<message><a>1<b>x</b>2<![CDATA[<3>]]>&#52;<c/>5</a></message>`,
			Stanza{Children: []Element{{Local: "a", Text: "12<3>45", Children: []Element{{Local: "b", Text: "x"}, {Local: "c"}}}}}, "", ""},
		{"empty CDATA", `<message><a><![CDATA[]]>1<![CDATA[]]]]>2</a></message>`,
			Stanza{Children: []Element{{Local: "a", Text: "1]]2"}}}, "", ""},
		{"line ends", "<message id='1\r\n2\t3&#10;4'><a>1\r\n2\r3<![CDATA[4\r\n5]]></a></message>",
			Stanza{ID: "1 2 3\n4", Children: []Element{{Local: "a", Text: "1\n2\n34\n5"}}}, "", ""},
		{"namespaces", `<message xmlns:p='urn:p'><p:a p:x='1' x='2' xml:lang='de'><b/><c xmlns=''/></p:a><d xmlns='urn:d'><e/><f xmlns='jabber:client'><g/></f><h xmlns='jabber:component:accept'/></d></message>`,
			Stanza{Children: []Element{
				{Space: "urn:p", Local: "a", Attrs: []Attr{{"urn:p", "x", "1"}, {"", "x", "2"}, {nsXML, "lang", "de"}},
					Children: []Element{{Local: "b"}, {Local: "c"}}},
				{Space: "urn:d", Local: "d", Children: []Element{
					{Space: "urn:d", Local: "e"},
					{Space: nsClient, Local: "f", Children: []Element{{Space: nsClient, Local: "g"}}},
					{Local: "h"}}}}}, "", ""},
		{"jabber:client", `<message xmlns='jabber:client'><body>1</body><x xmlns='urn:x'/></message>`,
			Stanza{Children: []Element{{Local: "body", Text: "1"}, {Space: "urn:x", Local: "x"}}}, "", ""},
		{"redundant xmlns", `<message xmlns='jabber:component:accept'><body xmlns='jabber:client'>1</body></message>`,
			Stanza{Children: []Element{{Local: "body", Text: "1"}}}, "", ""},
		{"prefix ends with its element", `<message><p:a xmlns:p='1'/><p:a xmlns:p='2'><b xmlns:p='3'/><p:c/></p:a></message>`,
			Stanza{Children: []Element{{Space: "1", Local: "a"}, {Space: "2", Local: "a", Children: []Element{{Local: "b"}, {Space: "2", Local: "c"}}}}}, "", ""},
		{"spaces in tags", "<message\n id = '1'\t><a ></a\n></message >", Stanza{ID: "1", Children: []Element{{Local: "a"}}}, "", ""},
		{"quotes", `<message id="it's"><a b='"' c='/' d='>'/></message>`,
			Stanza{ID: "it's", Children: []Element{{Local: "a", Attrs: []Attr{{"", "b", `"`}, {"", "c", "/"}, {"", "d", ">"}}}}}, "", ""},
		{"names beyond ASCII", `<message><é·à ñ='1'/></message>`,
			Stanza{Children: []Element{{Local: "é·à", Attrs: []Attr{{"", "ñ", "1"}}}}}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, next := range []string{"", "<presence/>"} {
				top, err := parseOne(t, test.in+next)
				if err != nil {
					t.Fatal(err)
				}
				if top.local != "message" || top.from != test.from || top.to != test.to || !reflect.DeepEqual(*top.stanza, test.want) {
					t.Errorf("got  %+v\nwant %+v", *top.stanza, test.want)
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for condition, inputs := range map[string][]string{
		"not-well-formed": {
			"text", "<message></presence>", "<message><a></message></a>", "<message><a></ a></message>", "</message>", "</stream>",
			"<message a/>", "<message a=1/>", "<message a='1'b='2'/>", "<message a='1' a='2'/>", "<message a='<'/>", "<message <a/></message>",
			"<message / ></message>", "<message/ ></message>", "<>", "< message/>", "<1/>", "<:a/>", "<a:/>", "<a:b:c xmlns:a='1'/>", "<-a/>", "<·/>", "<message $='1'/>",
			"<message>&amp</message>", "<message>&#0;</message>", "<message>&#xD800;</message>", "<message>&#x110000;</message>",
			"<message>&#;</message>", "<message>&#x;</message>", "<message>&#X41;</message>", "<message>&#1a;</message>", "<message>&#99999999999999999999;</message>",
			"<message>]]></message>", "<message>\x01</message>", "<message>\xff</message>", "<message>\uFFFE</message>", "<message>\xed\xa0\x80</message>", "<message id='\x00'/>",
			"<message xmlns='1' xmlns='2'/>", "<message xmlns:a='1' xmlns:a='2'/>", "<message xmlns:a=''/>", "<message xmlns:xmlns='1'/>", "<message xmlns:xml='1'/>",
			"<message xmlns:a='http://www.w3.org/XML/1998/namespace'/>", "<message xmlns='http://www.w3.org/2000/xmlns/'/>",
			"<message xmlns:a='1' xmlns:b='1' a:x='1' b:x='2'/>", "<![CDATA[x]]>", "<message><a</message>",
		},
		"restricted-xml": {
			"<!-- c --><message/>", "<message><!-- c --></message>", "<message><?php ?></message>", "<?xml version='1.0'?>", "<!DOCTYPE a>",
			"<message>&nbsp;</message>", "<message>&;</message>", "<message id='&x;'/>", "<message><![CDAT[x]]></message>",
		},
		"bad-namespace-prefix": {"<p:message/>", "<message><p:a/></message>", "<message p:a='1'/>", "<message><a xmlns:p='1'/><p:b/></message>", "<xmlns:a/>"},
	} {
		for _, in := range inputs {
			_, err := parseOne(t, in)
			var refused *StreamError
			if !errors.As(err, &refused) || refused.Condition != condition || refused.Received {
				t.Errorf("%q: %v, want %s", in, err, condition)
			}
		}
	}
}

func TestMissingQuoteIsFoundAtOnce(t *testing.T) {
	_, err := testTokenizer(strings.NewReader("<message id='1><body>")).next()
	var refused *StreamError
	if !errors.As(err, &refused) || refused.Condition != "not-well-formed" {
		t.Errorf("got %v", err)
	}
}

func TestStreamEnd(t *testing.T) {
	for _, in := range []string{"</stream:stream>", " \n</stream:stream >", "<presence/></stream:stream>"} {
		tokenizer := testTokenizer(iotest.OneByteReader(strings.NewReader(in)))
		_, err := tokenizer.next()
		if err == nil {
			_, err = tokenizer.next()
		}
		if !errors.Is(err, errStreamClosed) {
			t.Errorf("%q: %v", in, err)
		}
	}
	if _, err := testTokenizer(strings.NewReader("<message>")).next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
	if _, err := testTokenizer(strings.NewReader("</" + strings.Repeat("a", 2*testBytes) + ">")).next(); err == nil {
		t.Error("endless end tag accepted")
	}
}

// TestChunks feeds the same stream in all kinds of pieces.
func TestChunks(t *testing.T) {
	stanzas := []string{
		`<message id="it's"><body>1 &amp; 2</body><x xmlns='a>b'/></message>`,
		`<presence/>`,
		`<message><a><![CDATA[</message>]]]]></a></message>`,
		`<iq><query xmlns='` + strings.Repeat("n", testBytes/2) + `'/></iq>`,
	}
	whole := strings.Join(stanzas, " \n")
	for size := 1; size < 40; size++ {
		tokenizer := testTokenizer(&chunkReader{[]byte(whole), size})
		for i, want := range stanzas {
			f, err := tokenizer.next()
			if err != nil || string(f.bytes) != want || f.skipped != nil {
				t.Fatalf("pieces of %d bytes: stanza %d is %q, %v", size, i, f.bytes, err)
			}
		}
	}
}

type chunkReader struct {
	rest []byte
	size int
}

func (r *chunkReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.size)], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func TestLimits(t *testing.T) {
	const tag = `<message from='a@b' to='c@d' id='1'>`
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " a%d='1'", i)
		}
		return b.String()
	}
	for _, test := range []struct {
		name, in string
		want     error
		// kept says that the start tag is left.
		kept bool
	}{
		{"fits", tag + strings.Repeat("x", testBytes-len(tag)-len("</message>")) + "</message>", nil, true},
		{"one byte too large", tag + strings.Repeat("x", testBytes-len(tag)-len("</message>")+1) + "</message>", errTooLarge, true},
		{"much too large", tag + strings.Repeat("<a b='c'>x</a>", 100000) + "</message>", errTooLarge, true},
		{"large text", tag + "<body>" + strings.Repeat("x", 1000000) + "</body></message>", errTooLarge, true},
		{"large CDATA", tag + "<body><![CDATA[" + strings.Repeat("<]>", 100000) + "]]></body></message>", errTooLarge, true},
		{"large attribute", tag + "<a b='" + strings.Repeat(">", 100000) + "'/></message>", errTooLarge, true},
		{"large start tag", "<message from='a@b' to='" + strings.Repeat("x", 100000) + "'></message>", errTooLarge, false},
		{"depth fits", tag + "<a><a><a><a/></a></a></a></message>", nil, true},
		{"too deep", tag + "<a><a><a><a><a/></a></a></a></a></message>", errTooDeep, true},
		{"much too deep", tag + strings.Repeat("<a>", 100000) + strings.Repeat("</a>", 100000) + "</message>", errTooDeep, true},
		{"attributes fit", tag + "<a" + attributes(testAttributes) + "/></message>", nil, true},
		{"too many attributes", tag + "<a" + attributes(testAttributes+1) + "/></message>", errTooManyAttributes, true},
		{"too many in the start tag", "<message from='a@b' to='c@d' id='1'" + attributes(testAttributes) + "/>", errTooManyAttributes, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			tokenizer := testTokenizer(strings.NewReader(test.in + "<presence/>"))
			parser := newParser(header, testAttributes)
			f, err := tokenizer.next()
			if err != nil {
				t.Fatal(err)
			}
			got := f.skipped
			if got == nil {
				_, got = parser.parse(f)
			}
			if !errors.Is(got, test.want) {
				t.Fatalf("got %v, want %v", got, test.want)
			}
			if test.kept {
				top, err := parser.parseHeader(f)
				if err != nil || top.from != "a@b" || top.to != "c@d" || top.stanza.ID != "1" {
					t.Errorf("start tag read as %+v, %v", top, err)
				}
			} else if len(f.bytes) != 0 {
				t.Errorf("%d bytes kept", len(f.bytes))
			}
			if size := len(tokenizer.buf); size > 2*testBytes+2*readSize {
				t.Errorf("buffer of %d bytes", size)
			}
			if f, err = tokenizer.next(); err != nil || string(f.bytes) != "<presence/>" {
				t.Errorf("afterwards %q, %v", f.bytes, err)
			}
		})
	}
}

// TestTextInManyPieces is about the time that a stanza made for it could cost.
func TestTextInManyPieces(t *testing.T) {
	top, err := parseOne(t, "<message><a>"+strings.Repeat("x<b/>", 50000)+"</a></message>")
	if err != nil {
		t.Fatal(err)
	}
	a := top.stanza.Child("", "a")
	if len(a.Text) != 50000 || len(a.Children) != 50000 {
		t.Errorf("%d bytes, %d children", len(a.Text), len(a.Children))
	}
}

func TestParserForgetsLargeStanzas(t *testing.T) {
	parser := newParser(header, testAttributes)
	if _, err := parser.parse(frame{bytes: []byte("<message>" + strings.Repeat("<b/>", 50000) + "</message>")}); err != nil {
		t.Fatal(err)
	}
	if cap(parser.nodes) > keptNodes {
		t.Errorf("%d nodes kept", cap(parser.nodes))
	}
}

func TestElementAccess(t *testing.T) {
	top, err := parseOne(t, `<message><body>1</body><x xmlns='urn:x' xmlns:p='urn:p' p:k='0' k='v'><y>2</y></x></message>`)
	if err != nil {
		t.Fatal(err)
	}
	s := top.stanza
	x := s.Child("urn:x", "x")
	var none *Element
	for name, pair := range map[string][2]string{
		"text of a child":           {s.ChildText("", "body"), "1"},
		"text of no child":          {s.ChildText("urn:x", "body"), ""},
		"text of a grandchild":      {x.ChildText("urn:x", "y"), "2"},
		"attribute":                 {x.Attr("k"), "v"},
		"no attribute":              {x.Attr("p"), ""},
		"attribute of nil":          {none.Attr("k"), ""},
		"text of a child of nil":    {none.Child("", "a").ChildText("", "b"), ""},
		"text of no child's child":  {s.Child("", "z").ChildText("", "b"), ""},
		"kind of the first":         {Kind(0).String(), "message"},
		"kind of a presence":        {Presence.String(), "presence"},
		"kind of an IQ":             {IQ.String(), "iq"},
		"kind that there is not":    {Kind(9).String(), "unknown"},
		"attribute with its prefix": {x.Attrs[0].Space + " " + x.Attrs[0].Value, "urn:p 0"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", name, pair[0], pair[1])
		}
	}
}
