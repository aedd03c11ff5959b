//go:build e2e

package e2e

import (
	"slices"
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// A user may switch recording off everywhere, and on again for a channel.
func TestNothingIsRecordedAnywhere(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	speak := func(words string) {
		t.Helper()
		romeo.say(words)
		juliet.expect(Message().From(romeo.occupant()).Body(words))
	}
	speak("on the record")
	juliet.tell("set record_history false")
	speak("off the record")
	juliet.tell("set " + s.channel + "%" + s.network + " record_history true")
	speak("on it again")
	juliet.awaitArchived("on it again")
	if got := bodiesOf(juliet.archive(s.room(), "")); !slices.Equal(got, []string{"on the record", "on it again"}) {
		t.Errorf("the archive has %v", got)
	}
}

// Words are found however they are written, in messages of long ago and of now.
func TestSearchOnPostgreSQL(t *testing.T) {
	s, _ := beginOnPostgreSQL(t)
	juliet, romeo := s.meeting()
	for _, words := range []string{"L'été dernier à Vérone", "Die Straße nach Mantua", "Привет, мир", "100% 'quoted' & | ! :*", "これは日本語です"} {
		romeo.say(words)
		juliet.expect(Message().From(romeo.occupant()).Body(words))
	}
	juliet.awaitArchived("これは日本語です")
	search := func(text string) []string {
		t.Helper()
		return bodiesOf(juliet.archive(s.room(), "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"+
			"<field var='{urn:xmpp:fulltext:0}fulltext'><value>"+Escape(text)+"</value></field></x>"))
	}
	finds := map[string][]string{
		"ETE":             {"L'été dernier à Vérone"},
		"strasse MANTUA":  {"Die Straße nach Mantua"},
		"мир":             {"Привет, мир"},
		"日本":              {"これは日本語です"},
		"quoted":          {"100% 'quoted' & | ! :*"},
		"verone mantua":   nil,
		"' OR 1=1; --":    nil,
		"& | nonexistent": nil,
	}
	check := func() {
		t.Helper()
		for text, want := range finds {
			if got := search(text); !slices.Equal(got, want) {
				t.Errorf("searching %q finds %q, want %q", text, got, want)
			}
		}
	}
	check()
	s.restart()
	juliet.reachable(t.Context())
	check()
}
