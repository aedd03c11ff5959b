package component

import (
	"strings"
	"testing"
)

// What is done for each stanza allocates no more than this; times are for benchmarks.
func TestAllocations(t *testing.T) {
	cfg := DefaultConfig()
	endless := func() *tokenizer {
		return newTokenizer(&repeater{s: strings.Repeat(groupchat, 100)}, "stream:stream", cfg.MaxStanzaBytes, cfg.MaxDepth)
	}
	tokens, stanzas := endless(), endless()
	parser := newParser(header, cfg.MaxAttributes)
	s := &session{Conn: &Conn{cfg: Config{Hostname: "irc.example.org"}}}
	var e Encoder
	for _, test := range []struct {
		name   string
		budget float64
		do     func()
	}{
		{"finding a stanza", 0, func() {
			if _, err := tokens.next(); err != nil {
				t.Fatal(err)
			}
		}},
		{"reading a stanza and its addresses", 4, func() {
			found, err := stanzas.next()
			if err != nil {
				t.Fatal(err)
			}
			top, err := parser.parse(found)
			if err != nil || !s.address(&top) {
				t.Fatal(err)
			}
		}},
		{"writing a message", 0, func() {
			e.Reset()
			encodeMessage(&e, "Wherefore art thou, Romeo?")
		}},
	} {
		if got := testing.AllocsPerRun(200, test.do); got > test.budget {
			t.Errorf("%s: %v allocations, at most %v are allowed", test.name, got, test.budget)
		}
	}
}

func TestBuffersAreKept(t *testing.T) {
	small, large, huge := make([]byte, 10, keptBuffer), make([]byte, 10, softLimit), make([]byte, 10, 2*softLimit+1)
	var b buffers
	for range 2 * keptWrites {
		if b.keep(small) == nil {
			t.Fatal("a small buffer was let go")
		}
	}
	for range 3 {
		for range keptWrites - 1 {
			if got := b.keep(large); cap(got) != softLimit || len(got) != 0 {
				t.Fatalf("a large buffer that was needed lately: %d of %d bytes", len(got), cap(got))
			}
		}
		if b.keep(large[:softLimit/2]) == nil {
			t.Fatal("a buffer that is needed was let go")
		}
	}
	for range keptWrites - 1 {
		b.keep(large)
	}
	if b.keep(large) != nil {
		t.Error("a large buffer that is not needed was kept")
	}
	if b.keep(huge) != nil {
		t.Error("a huge buffer that is not needed was kept")
	}
	if b.keep(huge[:len(huge)+softLimit]) == nil {
		t.Error("a huge buffer that is needed was let go")
	}
}
