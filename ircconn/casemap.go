package ircconn

import (
	"strings"
	"unicode/utf8"
)

// Folded is a nick or channel in the form in which names are compared: two
// names are the same on a network when their folded forms are equal.
type Folded string

// Casemapping is how a network folds names (ISUPPORT CASEMAPPING).
type Casemapping uint8

const (
	// RFC1459 folds A-Z and []\~ to {}|^; it also holds where a server does
	// not say (RFC 2812 §2.2).
	RFC1459 Casemapping = iota
	// ASCII folds A-Z only.
	ASCII
	// StrictRFC1459 folds A-Z and []\ but leaves ~ and ^ apart.
	StrictRFC1459
	// RFC7613 folds all letters of Unicode. The simple lower-casing used
	// here agrees with PRECIS on names that a server has already prepared.
	RFC7613
)

// parseCasemapping knows the names that servers use, in lower case.
func parseCasemapping(name string) (Casemapping, bool) {
	switch strings.ToLower(name) {
	case "rfc1459":
		return RFC1459, true
	case "ascii":
		return ASCII, true
	case "strict-rfc1459", "rfc1459-strict":
		return StrictRFC1459, true
	case "rfc7613", "rfc8265", "precis":
		return RFC7613, true
	}
	return RFC1459, false
}

// Fold returns the folded form of a nick or channel. It does not allocate when
// name is folded already.
func (m Casemapping) Fold(name string) Folded {
	if m == RFC7613 {
		if !utf8.ValidString(name) {
			name = strings.ToValidUTF8(name, "\uFFFD")
		}
		return Folded(strings.ToLower(name))
	}
	table := m.bytes()
	for i := range len(name) {
		if table[name[i]] != name[i] {
			return table.foldFrom(name, i)
		}
	}
	return Folded(name)
}

// foldTable has the folded form of each byte.
type foldTable [256]byte

func (t *foldTable) foldFrom(name string, start int) Folded {
	folded := []byte(name)
	for i := start; i < len(folded); i++ {
		folded[i] = t[folded[i]]
	}
	return Folded(folded)
}

var foldTables = [...]*foldTable{
	RFC1459:       makeFoldTable(`[]\~`, "{}|^"),
	ASCII:         makeFoldTable("", ""),
	StrictRFC1459: makeFoldTable(`[]\`, "{}|"),
}

// makeFoldTable makes the table that folds A-Z, and each byte of from to that of to.
func makeFoldTable(from, to string) *foldTable {
	var t foldTable
	for i := range t {
		t[i] = byte(i)
	}
	for b := byte('A'); b <= 'Z'; b++ {
		t[b] = b + ('a' - 'A')
	}
	for i := range len(from) {
		t[from[i]] = to[i]
	}
	return &t
}

// bytes is the table of a mapping of single bytes, which all but RFC7613 are.
func (m Casemapping) bytes() *foldTable { return foldTables[m] }
