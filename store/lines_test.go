package store

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// packed is what SQLite makes of lines.
func packed(keys []int64, lines []Line) string {
	var all strings.Builder
	for i := range lines {
		l := &lines[i]
		for _, text := range []string{
			strconv.FormatInt(keys[i], 10), strconv.FormatInt(l.At.UnixMilli(), 10), l.ID, l.MessageID, l.Nick, l.Occupant, l.Body, strconv.Itoa(len(l.Payload)),
		} {
			all.WriteString(text + "\x00")
		}
		all.Write(l.Payload)
	}
	return all.String()
}

// Lines of one page share memory, in which none of them can overwrite another.
func TestPackedPayloadsAreApart(t *testing.T) {
	lines, _, err := unpack(packed([]int64{1, 2}, sampleLines(2)))
	check(t, err)
	want := string(lines[1].Payload)
	_ = append(lines[0].Payload, "0123456789 and much more, over all that follows"...)
	if got := string(lines[1].Payload); got != want {
		t.Errorf("the second payload is %q, want %q", got, want)
	}
}

func TestDamagedPackedLines(t *testing.T) {
	whole := packed([]int64{7}, sampleLines(1))
	for _, test := range []struct{ name, text string }{
		{"cut off", whole[:len(whole)-1]},
		{"cut off in the texts", whole[:10]},
		{"more behind", whole + "x"},
		{"no key", "x" + whole},
		{"no time", strings.Replace(whole, "\x00", "\x00x", 1)},
		{"a payload of negative length", "1\x002\x00\x00\x00\x00\x00\x00-1\x00"},
	} {
		if lines, _, err := unpack(test.text); !errors.Is(err, errPacked) {
			t.Errorf("%s: %v, %v", test.name, lines, err)
		}
	}
}

// FuzzUnpack looks whether what is taken apart is all that there was.
func FuzzUnpack(f *testing.F) {
	f.Add(packed([]int64{7, 8, -9}, sampleLines(3)))
	f.Add("1\x002\x00\x00\x00\x00\x00\x000\x00")
	f.Add("1\x002\x003\x004\x005\x006\x007\x003\x00\x00\x00\x00")
	f.Fuzz(func(t *testing.T, all string) {
		lines, keys, err := unpack(all)
		if err != nil {
			return
		}
		if len(lines) != len(keys) {
			t.Fatalf("%d lines have %d keys", len(lines), len(keys))
		}
		again, _, err := unpack(packed(keys, lines))
		check(t, err)
		if got, want := packed(keys, again), packed(keys, lines); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
