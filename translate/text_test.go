package translate

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecode(t *testing.T) {
	for _, test := range []struct{ line, charset, want string }{
		{"plain", "", "plain"},
		{"déjà", "iso-8859-15", "déjà"},
		{"caf\xe9", "", "café"},
		{"\x80 \x81", "", "€ \uFFFD"},
		{"\xa4", "iso-8859-15", "€"},
		{"\x93\xfa\x96\x7b", "shift_jis", "日本"},
		{"\xcf\xf0\xe8", "windows-1251", "При"},
		{"caf\xe9", "no such charset", "café"},
		{"caf\xe9", "replacement", "café"},
		{"caf\xe9", "utf-8", "caf\uFFFD"},
		// Cut by the server in the middle of a character.
		{"日本\xe6\x97", "", "日本"},
		{"é\xf0\x9f\x98", "shift_jis", "é"},
		{"日本\xff", "", "æ—¥æœ¬ÿ"},
		{"\x97\xa0", "", "—\u00a0"},
	} {
		if got := string(Decode([]byte(test.line), test.charset)); got != test.want {
			t.Errorf("Decode(%q, %q) = %q, want %q", test.line, test.charset, got, test.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("caf\xe9"), "utf-16")
	f.Add([]byte("\x1b$B"), "iso-2022-jp")
	f.Fuzz(func(t *testing.T, line []byte, charset string) {
		got := Decode(line, charset)
		if !utf8.Valid(got) {
			t.Errorf("%q in %q became %q", line, charset, got)
		}
		if utf8.Valid(line) && string(got) != string(line) {
			t.Errorf("UTF-8 %q became %q", line, got)
		}
	})
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a\tb\nc": "a\tb\nc", "a\x00\x02\r\x1fb": "ab", "\uFFFE\uFFFFé\U0001F600": "é😀", "a\xff\xfeb": "a\uFFFDb", "a\x7f\u0080\u009fb": "ab",
	} {
		if got := CleanText(in); got != want {
			t.Errorf("CleanText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	for in, want := range map[string][]string{
		"":                      nil,
		"\n \r\n\t":             nil,
		"a":                     {"a"},
		"a\nb\r\nc\rd":          {"a", "b", "c", "d"},
		"\n\n a \n\n b\u00a0\n": {" a", " b"},
	} {
		if got := Lines(in); !slices.Equal(got, want) {
			t.Errorf("Lines(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\r\nb\r\rc ")
	f.Fuzz(func(t *testing.T, body string) {
		for _, line := range Lines(body) {
			if line == "" || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%q has the line %q", body, line)
			}
		}
	})
}
