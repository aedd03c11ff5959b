package translate

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// minBudget is the smallest budget that Split works with, in bytes: room for
// any character and for the longest formatting code.
const minBudget = 16

// atom is what Split never cuts: a grapheme cluster, or a formatting code with
// its arguments.
type atom struct {
	text string
	code bool
	// before is the formatting in front of it.
	before formatting
}

func (a *atom) isSpace() bool { return a.text == " " }

// Split cuts one line of IRC text into pieces of at most budget bytes each;
// budgets below 16 count as 16. It cuts at words where it can, and drops the
// spaces there, never inside a grapheme cluster (unless that alone is over the
// budget) and never inside a formatting code. The end of a line ends all
// formatting on IRC, so what was switched on is switched on again at the
// beginning of the next piece, as long as that takes no more than half of the
// budget. Pieces without visible text are left out.
func Split(text string, budget int) []string {
	budget = max(budget, minBudget)
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	if text == "" {
		return nil
	}
	if len(text) <= budget {
		return []string{text}
	}
	var pieces []string
	atoms := atomise(text, budget)
	for len(atoms) > 0 {
		prefix := reopenWithin(atoms, budget)
		end := pieceEnd(atoms, budget-len(prefix))
		if piece, visible := join(prefix, atoms[:end]); visible {
			pieces = append(pieces, piece)
		}
		for end < len(atoms) && atoms[end].isSpace() {
			end++
		}
		atoms = atoms[end:]
	}
	return pieces
}

// reopenWithin gives the codes to begin a piece with, none if they would leave
// too little room.
func reopenWithin(atoms []atom, budget int) string {
	prefix := atoms[0].before.reopen(atoms[0].text)
	if len(prefix) > budget/2 || len(prefix)+len(atoms[0].text) > budget {
		return ""
	}
	return prefix
}

// pieceEnd is how many atoms make the next piece of at most room bytes: at least
// one.
func pieceEnd(atoms []atom, room int) int {
	end, word, visible := 0, 0, false
	for end < len(atoms) && len(atoms[end].text) <= room {
		switch {
		case !atoms[end].isSpace():
			visible = visible || !atoms[end].code
		case visible:
			word = end
		}
		room -= len(atoms[end].text)
		end++
	}
	if end < len(atoms) && !atoms[end].isSpace() && word > 0 {
		return word
	}
	return end
}

// join writes a piece without the spaces at its end, and says whether there is
// anything to see in it.
func join(prefix string, atoms []atom) (piece string, visible bool) {
	for len(atoms) > 0 && atoms[len(atoms)-1].isSpace() {
		atoms = atoms[:len(atoms)-1]
	}
	var b strings.Builder
	b.WriteString(prefix)
	for i := range atoms {
		b.WriteString(atoms[i].text)
		visible = visible || !atoms[i].code && !atoms[i].isSpace()
	}
	return b.String(), visible
}

// atomise cuts text into atoms. A grapheme cluster over the budget becomes
// several, one for each character.
func atomise(text string, budget int) []atom {
	atoms := make([]atom, 0, len(text))
	var format formatting
	for text != "" {
		if n := codeLength(text); n > 0 {
			atoms = append(atoms, atom{text[:n], true, format})
			format = format.apply(text[:n])
			text = text[n:]
			continue
		}
		n := clusterLength(text)
		if n > budget {
			_, n = utf8.DecodeRuneInString(text)
		}
		atoms = append(atoms, atom{text[:n], false, format})
		text = text[n:]
	}
	return atoms
}

// clusterLength is the length of the first grapheme cluster, in bytes. Two
// ASCII characters in a row never belong together, but for CR LF.
func clusterLength(text string) int {
	if text[0] < utf8.RuneSelf && text[0] != '\r' && (len(text) == 1 || text[1] < utf8.RuneSelf) {
		return 1
	}
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(text, -1)
	return len(cluster)
}
