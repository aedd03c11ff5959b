package xmppclient

import (
	"encoding/xml"
	"strings"
	"testing"
)

const selfPresence = `<presence xmlns='jabber:client' from='room@muc/nick' to='me@here/phone'>` +
	`<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/>` +
	`<status code='100'/><status code='110'/></x><c>a<d/>b &amp; c</c></presence>`

func parse(t *testing.T, text string) *Element {
	t.Helper()
	element, err := parseText(text)
	if err != nil {
		t.Fatal(err)
	}
	return element
}

func parseText(text string) (*Element, error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	return readElement(decoder, token.(xml.StartElement))
}

func TestPatterns(t *testing.T) {
	element := parse(t, selfPresence)
	for _, test := range []struct {
		pattern Pattern
		want    bool
	}{
		{Presence(), true},
		{Message(), false},
		{Presence().From("room@muc/nick").Type(""), true},
		{Presence().From("room@muc"), false},
		{Presence().Status("110", "100"), true},
		{Presence().Status("110", "210"), false},
		{Presence().WithoutStatus("210"), true},
		{Presence().WithoutStatus("100"), false},
		{Presence().Item("none", "participant"), true},
		{Presence().Item("none", "visitor"), false},
		{Presence().Has("{http://jabber.org/protocol/muc#user}x/item"), true},
		{Presence().Has("{http://jabber.org/protocol/muc}x/item"), false},
		{Presence().Lacks("show"), true},
		{Presence().Text("c", "ab & c"), true},
		{Presence().Error("conflict"), false},
	} {
		if got := test.pattern.Matches(element); got != test.want {
			t.Errorf("%s: got %v, want %v", test.pattern, got, test.want)
		}
	}
}

func TestPatternsAreNotChangedByNarrowing(t *testing.T) {
	element := parse(t, selfPresence)
	base := Presence().From("room@muc/nick")
	_ = base.Status("999")
	if narrowed := base.Status("110"); !narrowed.Matches(element) || !base.Matches(element) {
		t.Error("a pattern was changed by one made from it")
	}
}

func TestElementIsWrittenAsItWasRead(t *testing.T) {
	element := parse(t, selfPresence)
	if again := parse(t, `<wrap xmlns='jabber:client'>`+element.String()+`</wrap>`); again.Children[0].String() != element.String() {
		t.Errorf("got %s, want %s", again.Children[0], element)
	}
}

func TestBrokenElementIsAnError(t *testing.T) {
	for _, text := range []string{"<a>", "<a></b>", "<a>&nothing;</a>"} {
		if element, err := parseText(text); err == nil {
			t.Errorf("%q gave %s", text, element)
		}
	}
}
