package translate

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNickToIRC(t *testing.T) {
	tests := []struct {
		resource string
		limits   NickLimits
		want     string
	}{
		{"juliet", NickLimits{}, "juliet"},
		{"Juliet Capulet", NickLimits{}, "Juliet_Capulet"},
		{"a\tb\u00a0c", NickLimits{}, "a_b_c"},
		{"Ju li\u00ebt", NickLimits{}, "Ju_liet"},
		{"\u017dofie", NickLimits{}, "Zofie"},
		{"123abc", NickLimits{}, "abc"},
		{"--a-1", NickLimits{}, "a-1"},
		{"[x]`^{y}|\\_", NickLimits{}, "[x]`^{y}|\\_"},
		{"a!b@c*d?e,f:g#h%i~j", NickLimits{}, "abcdefghij"},
		{"a\r\nQUIT\x00", NickLimits{}, "a__QUIT"},
		{"\uff21\uff22", NickLimits{}, "AB"},
		{"\u65e5\u672c", NickLimits{}, ""},
		{"", NickLimits{}, ""},
		{"123", NickLimits{}, ""},
		{"abcdefghij", NickLimits{Bytes: 4}, "abcd"},
		{"\u65e5\u672c", NickLimits{Unicode: true}, "\u65e5\u672c"},
		{"\u65e5\u672c", NickLimits{Unicode: true, Bytes: 5}, "\u65e5"},
		{"e\u0301t\u00e9", NickLimits{Unicode: true}, "ete"},
		{"a\u202eb\u200bc", NickLimits{Unicode: true}, "abc"},
		{"\ud55c", NickLimits{Unicode: true}, "\ud55c"},
	}
	for _, test := range tests {
		if got := NickToIRC(test.resource, test.limits); got != test.want {
			t.Errorf("NickToIRC(%q, %+v) = %q, want %q", test.resource, test.limits, got, test.want)
		}
	}
}

func TestCutBytes(t *testing.T) {
	tests := []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 0, "abc"},
		{"abc", 3, "abc"},
		{"abc", 2, "ab"},
		{"a\u00e9", 2, "a"},
		{"\u00e9", 1, ""},
		{"\U0001f600x", 4, "\U0001f600"},
		{"", 5, ""},
	}
	for _, test := range tests {
		if got := CutBytes(test.text, test.limit); got != test.want {
			t.Errorf("CutBytes(%q, %d) = %q, want %q", test.text, test.limit, got, test.want)
		}
	}
}

func TestNickToResource(t *testing.T) {
	tests := map[string]string{
		"juliet":                  "juliet",
		"[Ju]{l}|^_`\\":           "[Ju]{l}|^_`\\",
		"J\u00fcrgen":             "J\u00fcrgen",
		"e\u0301":                 "\u00e9",
		"a\u202eb\u200b":          "ab",
		"a\x02b\x7fc":             "abc",
		"x\ufffd":                 "x",
		"\u200b":                  "_",
		"":                        "_",
		strings.Repeat("n", 2000): strings.Repeat("n", resourceBytes),
	}
	for nick, want := range tests {
		if got := NickToResource(nick); got != want {
			t.Errorf("NickToResource(%q) = %q, want %q", nick, got, want)
		}
	}
}

func FuzzNicks(f *testing.F) {
	f.Add("Ju li\u00ebt", 9, false)
	f.Add("\u65e5\u672c\u202e", 4, true)
	f.Fuzz(func(t *testing.T, name string, limit int, unicode bool) {
		limits := NickLimits{Bytes: max(0, limit%64), Unicode: unicode}
		nick := NickToIRC(name, limits)
		if strings.ContainsAny(nick, " \t\r\n\x00!@*?,:#&~%+$") || !utf8.ValidString(nick) {
			t.Errorf("NickToIRC(%q) = %q", name, nick)
		}
		if limits.Bytes > 0 && len(nick) > limits.Bytes {
			t.Errorf("NickToIRC(%q) = %q, longer than %d", name, nick, limits.Bytes)
		}
		if nick != "" && (nick[0] == '-' || nick[0] >= '0' && nick[0] <= '9') {
			t.Errorf("NickToIRC(%q) = %q begins wrongly", name, nick)
		}
		if again := NickToIRC(nick, limits); again != nick {
			t.Errorf("NickToIRC(%q) = %q, and of that %q", name, nick, again)
		}
		resource := NickToResource(name)
		if resource == "" || len(resource) > resourceBytes {
			t.Errorf("NickToResource(%q) has %d bytes", name, len(resource))
		}
	})
}
