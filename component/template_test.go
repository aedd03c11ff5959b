package component

import (
	"errors"
	"testing"
)

// quote writes a message whose id, author and content are texts, or gaps.
func quote(e *Encoder, attr func(name, begin string), content func()) {
	e.Stanza(Message, JID{Local: "it's", Domain: "irc.example.org"}, JID{}, "", "")
	e.Open("q", "urn:example:quote")
	attr("id", "")
	attr("by", "room&/")
	content()
	e.Close()
	e.Close()
}

// A filled template is what the encoder would have written without it.
func TestTemplate(t *testing.T) {
	var e Encoder
	quote(&e, e.AttrGap, e.Gap)
	template := e.Template()
	e.Reset()
	var want Encoder
	for _, text := range []struct{ id, by, content string }{
		{"1", "romeo", "<body>hark</body>"},
		{"'\x00<&\"", "\x00", ""},
		{"", "ñ\xff\x01", "<a/><b/>"},
	} {
		e.Begin(&template)
		e.FillAttr(text.id)
		e.FillAttr(text.by)
		e.FillRaw([]byte(text.content))
		values := []string{text.id, text.by}
		quote(&want, func(name, begin string) {
			want.Attr(name, begin+values[0])
			values = values[1:]
		}, func() {
			want.endTag()
			want.Raw([]byte(text.content))
		})
	}
	if err := e.Err(); err != nil {
		t.Fatal(err)
	}
	if got, want := string(e.Bytes()), string(want.Bytes()); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got, want := e.Stanzas(), want.Stanzas(); got != want {
		t.Errorf("stanzas %v, want %v", got, want)
	}
}

func TestTemplateFaults(t *testing.T) {
	var e Encoder
	quote(&e, e.AttrGap, e.Gap)
	template := e.Template()
	for name, test := range map[string]struct {
		do   func()
		want error
	}{
		"a gap outside of a tag":  {func() { e.AttrGap("a", "") }, errAttrOutsideTag},
		"nothing to fill":         {func() { e.FillAttr("x") }, errNoGap},
		"nothing to fill between": {func() { e.FillRaw(nil) }, errNoGap},
		"unfilled gaps":           {func() { e.Begin(&template); e.FillAttr("1") }, errStillOpen},
		"unfilled, then reset":    {func() { e.Begin(&template); e.Reset(); e.FillAttr("1") }, errNoGap},
		"unfilled, then shortened": {func() {
			e.Begin(&template)
			e.Truncate(0)
			e.FillAttr("1")
		}, errNoGap},
	} {
		e.Reset()
		test.do()
		if err := e.Err(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
