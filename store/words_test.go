package store

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                            nil,
		" ,;- ":                       nil,
		"Hello, hello WORLD":          {"hello", "world"},
		"don't":                       {"don", "t"},
		"Été ÉTÉ e\u0301te\u0301":     {"ete"},
		"straße STRASSE":              {"strasse"},
		"ﬁne ｗｉｄｅ":                    {"fine", "wide"},
		"Привет, Мир":                 {"привет", "мир"},
		"日本語 text":                    {"日", "本", "語", "text"},
		"https://example.org/a_b?c=1": {"https", "example", "org", "a", "b", "c", "1"},
		"\x00\xff\U0001f600":          nil,
		"it's 'quoted' \"x\" \\ & |":  {"it", "s", "quoted", "x"},
		strings.Repeat("é", 100):      {strings.Repeat("e", maxWordBytes)},
		strings.Repeat("ж", 100):      {strings.Repeat("ж", maxWordBytes/2)},
		"a" + strings.Repeat("ж", 99): {"a" + strings.Repeat("ж", maxWordBytes/2-1)},
	} {
		if got := newWordReader().read(text); !slices.Equal(got, want) {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// The words of any line can be searched for, on both databases.
func TestSearch(t *testing.T) {
	bodies := map[string]string{
		"french": "L'été dernier à Paris", "german": "Die Straße", "japanese": "これは日本語です", "russian": "Привет, мир",
		"quotes": `it's "quoted" \ & | ! : * ( ) ? $1`, "hindi": "नमस्ते दुनिया", "thai": "สวัสดีชาวโลก", "many": strings.Repeat("x ", 5000) + manyWords(2000),
		"url": "see https://example.org/path?query=1", "emoji": "\U0001f600", "long": strings.Repeat("y", 50000),
	}
	finds := map[string]string{
		"ETE": "french", "strasse": "german", "日本": "japanese", "мир привет": "russian", `"quoted"`: "quotes", "नमस्ते": "hindi",
		"โลก": "thai", "x w7": "many", "EXAMPLE.ORG/path": "url", strings.Repeat("y", 50000): "long",
		"parislast": "", "' | 'x": "", ":*": "", "NOT": "", "quoted*": "quotes", "s & q": "", nickWord("Romeo"): "",
	}
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		for id, body := range bodies {
			line := sampleLine(1)
			line.ID, line.Body = id, body
			appendAll(t, s, line)
		}
		for text, want := range finds {
			page, err := s.Page(ctx, ask(Query{Text: text, Max: 9}))
			if err != nil {
				t.Errorf("%.20q: %v", text, err)
				continue
			}
			found := make([]string, 0, 1)
			for _, line := range page.Lines {
				found = append(found, line.ID)
			}
			if strings.Join(found, " ") != want && !(text == "' | 'x" && slices.Contains(found, "many")) {
				t.Errorf("%.20q finds %v, want %s", text, found, want)
			}
		}
	})
}

func manyWords(n int) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(" w")
		text.WriteString(strings.Repeat("7", i%9+1))
	}
	return text.String()
}

func FuzzWords(f *testing.F) {
	for _, text := range []string{"Hello world", "été", "日本語", "\xff\x00", "ﬁ", "नमस्ते", "İI", "ΐ ß", "x\ue000y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := newWordReader().read(text)
		if len(words) > maxWords {
			t.Fatalf("%d words", len(words))
		}
		for _, word := range words {
			if word == "" || len(word) > maxWordBytes || !utf8.ValidString(word) {
				t.Fatalf("the word %q", word)
			}
			for _, c := range word {
				if c < utf8.RuneSelf && !('a' <= c && c <= 'z' || '0' <= c && c <= '9') || unicode.IsSpace(c) || unicode.Is(unicode.Co, c) {
					t.Fatalf("the word %q has %U", word, c)
				}
			}
			if again := newWordReader().read(word); len(again) != 1 || again[0] != word {
				t.Fatalf("%q is read again as %q", word, again)
			}
		}
	})
}
