package store

import (
	"fmt"
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	// maxWordBytes is how much of a word is looked at.
	maxWordBytes = 64
	// maxWords is how many different words of a line can be searched for.
	maxWords = 500
	// nickMark begins the word that stands for a line's nick. It is a character
	// for private use, so that no word of a text begins with it.
	nickMark = "\ue000"
)

// wordReader splits texts into the words that can be searched for. Both databases
// get the same words, so that they find the same lines. It is for one goroutine.
type wordReader struct{ fold cases.Caser }

func newWordReader() *wordReader { return &wordReader{cases.Fold()} }

// read returns the different words of a text: runs of letters and digits, without
// case, accents and other marks. Scripts that put no spaces between words give a
// word for each character.
func (r *wordReader) read(text string) []string {
	var words []string
	seen := make(map[string]bool)
	add := func(word string) {
		if len(word) > maxWordBytes {
			word = strings.ToValidUTF8(word[:maxWordBytes], "")
		}
		if word != "" && !seen[word] && len(words) < maxWords {
			seen[word] = true
			words = append(words, word)
		}
	}
	if !isASCII(text) {
		// Folding may compose what was decomposed, and the other way round.
		// COMPAT: golang.org/x/text folds Cherokee letters to either case.
		text = strings.ToLower(r.fold.String(norm.NFKD.String(storable(text))))
		text = norm.NFKD.String(text)
	} else {
		text = strings.ToLower(text)
	}
	var word strings.Builder
	end := func() {
		add(word.String())
		word.Reset()
	}
	for _, c := range text {
		switch {
		case c < utf8.RuneSelf:
			if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
				word.WriteByte(byte(c))
			} else {
				end()
			}
		case unicode.Is(unicode.Mn, c):
		case unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			end()
			add(string(c))
		case unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.Is(unicode.Mc, c):
			word.WriteRune(c)
		default:
			end()
		}
	}
	end()
	return words
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// nickWord is the word of a nick, exactly as it is. Two nicks may share one.
func nickWord(nick string) string {
	hash := fnv.New32a()
	hash.Write([]byte(nick))
	return fmt.Sprintf("%s%08x", nickMark, hash.Sum32())
}
