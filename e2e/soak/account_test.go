//go:build soak

package soak

import (
	"strings"
	"testing"
	"time"
)

// What the ledger says of a message follows from what it has seen.
func TestVerdicts(t *testing.T) {
	began := time.Now()
	at := func(seconds float64) time.Time { return began.Add(time.Duration(seconds * float64(time.Second))) }
	on := func(stream int, seconds float64) passage { return passage{at(seconds), stream} }
	for _, test := range []struct {
		name string
		m    message
		want verdict
		// wrong is part of the contradiction.
		wrong string
	}{
		{"shown", message{entered: on(0, 1), answered: on(0, 2), shown: at(3), heard: at(2)}, isShown, ""},
		{"refused", message{refused: at(1), words: "this was not sent"}, isRefused, ""},
		{"refused and heard", message{refused: at(1), words: "this was not sent", heard: at(2)}, isRefused, "yet heard"},
		{"refused in doubt and heard", message{refused: at(1), words: "look whether it has arrived", heard: at(2)}, isRefused, ""},
		{"refused in doubt, and shown", message{refused: at(1), shown: at(2), heard: at(2), words: "look whether it has arrived"}, isShown, ""},
		{"both", message{refused: at(1), shown: at(2)}, isShown, "both"},
		{"shown and not heard", message{shown: at(5)}, isShown, "never heard"},
		{"shown late, when nobody listened", message{shown: at(45)}, isShown, ""},
		{"never on the stream, which was lost", message{sent: at(99)}, isOutside, ""},
		{"never on the stream, which was just lost", message{sent: at(101)}, isOutside, ""},
		{"never on the stream, which lasted", message{}, isLost, ""},
		{"never on the stream, and without a session", message{severed: at(1)}, isOutside, ""},
		{"in the gateway at the loss", message{entered: on(0, 99)}, isCutOff, ""},
		{"in the gateway, in silence", message{entered: on(0, 1)}, isLost, ""},
		{"in the gateway, on a stream that lasts", message{entered: on(1, 120)}, isLost, ""},
		{"answered at the loss", message{entered: on(0, 98), answered: on(0, 99)}, isUntold, ""},
		{"answered, and never told", message{entered: on(0, 1), answered: on(0, 2)}, isLost, ""},
		{"answered to a session that ended", message{entered: on(1, 120), answered: on(1, 121), severed: at(122)}, isDeserted, ""},
	} {
		l := newLedger()
		l.streams = []span{{from: began, to: at(100)}, {from: at(110)}}
		l.listeners[0] = []span{{from: at(-1), to: at(50)}}
		if test.m.sent.IsZero() {
			test.m.sent = began
		}
		if got := l.verdict(&test.m); got != test.want {
			t.Errorf("%s: %s", test.name, got)
		}
		if got := l.contradiction(&test.m); (got == "") != (test.wrong == "") || !strings.Contains(got, test.wrong) {
			t.Errorf("%s: %q", test.name, got)
		}
		l.messages["soak-1-1"] = &test.m
		if faulty := len(l.close().faults) > 0; faulty != (test.want == isLost || test.wrong != "") {
			t.Errorf("%s: whether it is a fault: %v", test.name, faulty)
		}
	}
}

// Ids are found where they stand across the pieces of a stream, in either kind of quotes, and only
// those of messages that were sent.
func TestStreamIsRead(t *testing.T) {
	l := newLedger()
	l.begin("soak-7-1", 0)
	watch := l.watchStream()
	for _, piece := range []string{`<message id="soak-`, `7-1" to='x'><body>soak-7-1</body></message><message id='soak-7-2'/>`} {
		watch(2, false, []byte(piece))
	}
	watch(2, true, []byte(`<message id='m1'><body>soak-7-1</body></message>`))
	if m := l.messages["soak-7-1"]; m.entered.stream != 2 || m.entered.at.IsZero() || !m.answered.at.IsZero() {
		t.Errorf("%+v", m)
	}
	watch(2, true, []byte(`<message id='soak-7-1'>`))
	watch(2, true, nil)
	if m := l.messages["soak-7-1"]; m.answered.at.IsZero() || len(l.streams) != 3 || l.streams[2].to.IsZero() {
		t.Errorf("%+v, %v", m, l.streams)
	}
}

// A figure that grows steadily is told from one that only varies.
func TestTrends(t *testing.T) {
	var steady, growing []sample
	for i := range 60 {
		at := time.Duration(i) * sampleEvery
		noise := float64(i%7) * 10
		steady = append(steady, sample{at: at, values: [len(figures)]float64{100 + noise}})
		growing = append(growing, sample{at: at, values: [len(figures)]float64{100 + noise + float64(i)}})
	}
	if _, growth, doubt := trend(steady, goroutines); growth-doubt > largestTrend {
		t.Errorf("what only varies grows by %.2f ± %.2f", growth, doubt)
	}
	if mean, growth, doubt := trend(growing, goroutines); growth-doubt < largestTrend || mean < 150 {
		t.Errorf("what grows from 100 to 160 grows by %.2f ± %.2f, around %.0f", growth, doubt, mean)
	}
	if _, growth, doubt := trend(growing[:2], goroutines); growth != 0 || doubt != 0 {
		t.Error("two samples make a trend")
	}
}

func TestMetricsAreRead(t *testing.T) {
	const page = "# HELP a b\na_b 3\na 1.5e+06\nb{x=\"1\"} 2\n"
	if value, err := readMetric(page, "a"); err != nil || value != 1_500_000 {
		t.Errorf("%v, %v", value, err)
	}
	if value, err := readMetric(page, "b"); err == nil {
		t.Errorf("what is not there is %v", value)
	}
}

func TestGrowthAtRest(t *testing.T) {
	before, after := sample{values: [len(figures)]float64{20, 20, 5000, 9000, 40000, 20000, 0}}, sample{}
	after.values = before.values
	if grown := after.growth(before); len(grown) > 0 {
		t.Errorf("the same is more: %v", grown)
	}
	after.values[liveHeap], after.values[usersThere] = 7000, 1
	if grown := after.growth(before); len(grown) != 2 {
		t.Errorf("%v", grown)
	}
}
