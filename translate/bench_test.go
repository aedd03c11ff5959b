package translate

import (
	"strings"
	"testing"
)

var benchAddress = Addressing{}

const benchLocalpart = "#balcony%irc.example.net"

func channelsWithHash(string) string { return "#" }

func BenchmarkParseAddress(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := benchAddress.Parse(benchLocalpart, channelsWithHash); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLocalpart(b *testing.B) {
	address, err := benchAddress.Parse(benchLocalpart, channelsWithHash)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if benchAddress.Localpart(address) != benchLocalpart {
			b.Fatal("another address")
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	for _, test := range []struct{ name, text string }{
		{"one line", "But, soft! what light through yonder window breaks?"},
		{"five lines", strings.Repeat("But, soft! what light through yonder window breaks? ", 40)},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(Split(test.text, 420)) == 0 {
					b.Fatal("no lines")
				}
			}
		})
	}
}

// What is done for each stanza allocates no more than this; times are for benchmarks.
func TestAllocations(t *testing.T) {
	address, err := benchAddress.Parse(benchLocalpart, channelsWithHash)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		budget float64
		do     func()
	}{
		{"parsing an address", 0, func() { _, _ = benchAddress.Parse(benchLocalpart, channelsWithHash) }},
		{"writing an address", 1, func() { _ = benchAddress.Localpart(address) }},
		{"a message of one line", 1, func() { Split("But, soft! what light through yonder window breaks?", 420) }},
	} {
		if got := testing.AllocsPerRun(200, test.do); got > test.budget {
			t.Errorf("%s: %v allocations, at most %v are allowed", test.name, got, test.budget)
		}
	}
}
