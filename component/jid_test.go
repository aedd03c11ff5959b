package component

import (
	"strings"
	"testing"
)

func TestParseJID(t *testing.T) {
	long := strings.Repeat("a", maxJIDPart)
	for _, test := range []struct {
		in   string
		want JID
		ok   bool
	}{
		{"irc.localhost", JID{Domain: "irc.localhost"}, true},
		{"juliet@localhost", JID{"juliet", "localhost", ""}, true},
		{"juliet@localhost/balcony", JID{"juliet", "localhost", "balcony"}, true},
		{"localhost/a@b/c", JID{"", "localhost", "a@b/c"}, true},
		{"#été%irc.server@irc.localhost/♥", JID{"#été%irc.server", "irc.localhost", "♥"}, true},
		{`#a\2fb%irc@irc.localhost`, JID{`#a\2fb%irc`, "irc.localhost", ""}, true},
		{long + "@" + long + "/" + long, JID{long, long, long}, true},
		{"", JID{}, false},
		{"@localhost", JID{}, false},
		{"juliet@", JID{}, false},
		{"juliet@/balcony", JID{}, false},
		{"juliet@localhost/", JID{}, false},
		{"a@b@c", JID{}, false},
		{long + "a@localhost", JID{}, false},
		{long + "a", JID{}, false},
		{"localhost/a" + long, JID{}, false},
		{"a\x00@localhost", JID{}, false},
		{"localhost/a\nb", JID{}, false},
		{"localhost/\x7f", JID{}, false},
		{"localhost/é\u0085", JID{}, false},
		{"localhost/é\n", JID{}, false},
		{"localhost/\xff", JID{}, false},
	} {
		got, err := ParseJID(test.in)
		if (err == nil) != test.ok || got != test.want {
			t.Errorf("ParseJID(%q) = %#v, %v", test.in, got, err)
		}
		if test.ok && got.String() != test.in {
			t.Errorf("ParseJID(%q).String() = %q", test.in, got)
		}
		if appended := string(got.Append([]byte("to "))); appended != "to "+got.String() {
			t.Errorf("%q is appended as %q", test.in, appended)
		}
	}
}

func TestBareJID(t *testing.T) {
	full := JID{"juliet", "localhost", "balcony"}
	if full.IsBare() || !full.Bare().IsBare() || full.Bare() != (JID{"juliet", "localhost", ""}) {
		t.Errorf("bare JID of %v is %v", full, full.Bare())
	}
}
