package store

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// benchWords have frequencies like those of a language: the first is in a third of
// all lines, the last in a few.
var benchWords = func() []string {
	words := make([]string, 20000)
	for i := range words {
		words[i] = "word" + strconv.FormatInt(int64(i), 36)
	}
	return words
}()

// benchLine is a line of usual size: an id, an occupant id, a body of 60 to 120
// characters, and a payload that repeats it.
func benchLine(random *rand.Rand, n int, user, channel int) Line {
	var body strings.Builder
	for range 6 + random.IntN(8) {
		fmt.Fprintf(&body, "%s ", benchWords[int(float64(len(benchWords))*random.Float64()*random.Float64()*random.Float64()*random.Float64()*random.Float64()*random.Float64())])
	}
	var id [16]byte
	for i := range id {
		id[i] = byte(random.Uint32())
	}
	nick := random.IntN(200)
	return Line{
		ID: hex.EncodeToString(id[:]), User: "user" + strconv.Itoa(user) + "@example.org", Server: "irc.example.net", Channel: "#channel" + strconv.Itoa(channel),
		At: epoch.Add(time.Duration(n) * time.Second), MessageID: hex.EncodeToString(id[:8]), Nick: "nick" + strconv.Itoa(nick),
		Occupant: fmt.Sprintf("%043d", nick), Body: body.String(), Payload: []byte("<body>" + body.String() + "</body>"),
	}
}

// written returns how many bytes this process has given to the kernel to write.
func written(b *testing.B) int64 {
	text, err := os.ReadFile("/proc/self/io")
	check(b, err)
	for line := range bytes.Lines(text) {
		if number, ok := bytes.CutPrefix(line, []byte("wchar: ")); ok {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(number)), 10, 64)
			check(b, err)
			return n
		}
	}
	b.Fatal("the kernel does not say how much was written")
	return 0
}

// BenchmarkAppend writes lines of many archives, evenly mixed, as fast as it can.
func BenchmarkAppend(b *testing.B) {
	for _, archives := range []int{1, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("sqlite/archives=%d", archives), func(b *testing.B) {
			benchmarkAppend(b, Config{Directory: b.TempDir()}, archives)
		})
	}
	b.Run("postgresql/archives=1000", func(b *testing.B) {
		benchmarkAppend(b, Config{Directory: b.TempDir(), Database: startedCluster(b).newDatabase(b)}, 1000)
	})
}

func benchmarkAppend(b *testing.B, cfg Config, archives int) {
	s := openWith(b, cfg, defaultPace())
	random := rand.New(rand.NewPCG(1, 2))
	lines := make([]Line, b.N)
	for i := range lines {
		which := random.IntN(archives)
		lines[i] = benchLine(random, i, which/20, which%20)
	}
	ctx := deadline(b)
	before := written(b)
	b.ResetTimer()
	for _, line := range lines {
		for !s.Append(line) {
			check(b, s.Flushed(ctx))
		}
	}
	check(b, s.Flushed(ctx))
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	if cfg.Database == "" {
		b.ReportMetric(float64(written(b)-before)/float64(b.N), "written-B/line")
	}
}

// millionLines are half in one archive and half in 10,000.
func millionLines() iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		random := rand.New(rand.NewPCG(3, 4))
		for n := range 1_000_000 {
			user, channel := 0, 0
			if n%2 == 1 {
				user, channel = 1+random.IntN(500), random.IntN(20)
			}
			line := benchLine(random, n, user, channel)
			if n%100_000 == 0 {
				line.ID = "known" + strconv.Itoa(n)
				line.Body += " rarity"
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

// BenchmarkPage reads pages of 50 out of 1,000,000 lines.
func BenchmarkPage(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkPage(b, Config{Directory: b.TempDir()}) })
	b.Run("postgresql", func(b *testing.B) {
		benchmarkPage(b, Config{Directory: b.TempDir(), Database: startedCluster(b).newDatabase(b)})
	})
}

func benchmarkPage(b *testing.B, cfg Config) {
	s := openWith(b, cfg, defaultPace())
	ctx := b.Context()
	_, _, err := s.ImportLines(ctx, millionLines())
	check(b, err)
	random := rand.New(rand.NewPCG(5, 6))
	moment := func() time.Time { return epoch.Add(time.Duration(random.IntN(1_000_000)) * time.Second) }
	big := func(q Query) func() Query {
		q.User, q.Server, q.Channel, q.Max = "user0@example.org", "irc.example.net", "#channel0", 50
		return func() Query { return q }
	}
	for _, test := range []struct {
		name string
		next func() Query
	}{
		{"any archive, last", func() Query {
			return Query{User: fmt.Sprintf("user%d@example.org", 1+random.IntN(500)), Server: "irc.example.net", Channel: fmt.Sprintf("#channel%d", random.IntN(20)), Max: 50, Backward: true}
		}},
		{"big archive, last", big(Query{Backward: true, Count: true})},
		{"big archive, after id", big(Query{After: "known500000", Count: true})},
		{"big archive, since", func() Query { q := big(Query{Count: true})(); q.Start = moment(); return q }},
		{"big archive, index", func() Query { q := big(Query{})(); q.Index = random.IntN(500_000); return q }},
		{"big archive, nick", big(Query{Nick: "nick7", Backward: true})},
		{"big archive, rare word", big(Query{Text: "rarity", Backward: true, Count: true})},
		{"big archive, common words", big(Query{Text: "word0 word1", Backward: true})},
		{"big archive, common word counted", big(Query{Text: "word0", Backward: true, Count: true})},
		{"any archive, common word", func() Query {
			return Query{User: fmt.Sprintf("user%d@example.org", 1+random.IntN(500)), Server: "irc.example.net", Channel: fmt.Sprintf("#channel%d", random.IntN(20)), Max: 50, Text: "word0", Count: true}
		}},
	} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Page(ctx, test.next()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
