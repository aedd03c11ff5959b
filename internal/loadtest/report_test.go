package loadtest

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	var table Table
	table.add("idle", "memory", "MB", 12.345)
	table.add("idle", "users", "", 1234567)
	table.add("idle", "memory", "MB", 10)
	table.add("idle", "memory", "MB", 14)
	table.add("start", "time", "ms", 0.5)
	const want = `| scenario | figure | median | unit | range |
| --- | --- | ---: | --- | --- |
| idle | memory | 12.3 | MB | 10 – 14 |
|  | users | 1,234,567 |  |  |
| start | time | 0.5 | ms |  |
`
	if got := table.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPercentile(t *testing.T) {
	durations := []time.Duration{5, 1, 4, 2, 3}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := percentile(durations, share); got != want {
			t.Errorf("%v of %v is %v, want %v", share, durations, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("%v of nothing", got)
	}
}

func TestSteps(t *testing.T) {
	for most, want := range map[float64]float64{0: 1, 0.3: 0.05, 6: 1, 7: 2, 100: 20, 15_000: 5000, 1_000_000: 200_000} {
		if got := step(most); got < 0.999*want || got > 1.001*want {
			t.Errorf("marks up to %v are %v apart, want %v", most, got, want)
		}
	}
}

func TestChart(t *testing.T) {
	chart := Chart{Title: "Time & <space>", Across: "users", Up: "ms", points: []point{{200, 1.5}, {5000, 30}, {15_000, 120}}}
	drawn := chart.SVG()
	decoder := xml.NewDecoder(strings.NewReader(drawn))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, drawn)
		}
	}
	for _, want := range []string{"Time &amp; &lt;space&gt;", ">users<", ">ms<", "<title>15,000: 120</title>", "<title>200: 1.5</title>", ">10,000<", ">100<"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("%q is not in\n%s", want, drawn)
		}
	}
	if got := strings.Count(drawn, "<circle"); got != 3 {
		t.Errorf("%d points are drawn", got)
	}
}
