//go:build soak

package soak

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// sampleEvery is how often the gateway is looked at.
const sampleEvery = 10 * time.Second

// figure is one that must not grow.
type figure struct {
	name string
	unit float64
	// slack is how much more than before there may be at rest, beside a tenth: pooled
	// connections and what the allocator keeps, and of what is resident also SQLite's caches,
	// which take up to 16 MiB as the archive grows (store/sqlite.go).
	slack float64
	// metrics are added up, or taken off where they begin with a minus.
	metrics []string
}

// figures of the gateway, in the order of a sample. Memory in use and resident have a floor by
// design (cmd/passerelle/memory.go): what lives is the honest one.
var figures = [...]figure{
	{"goroutines", 1, 5, []string{"go_goroutines"}},
	{"files", 1, 5, []string{"process_open_fds"}},
	{"live KiB", 1 << 10, 1 << 10, []string{"go_gc_heap_live_bytes"}},
	{"heap KiB", 1 << 10, 8 << 10, []string{"go_memstats_heap_inuse_bytes"}},
	{"RSS KiB", 1 << 10, 24 << 10, []string{"process_resident_memory_bytes"}},
	// What is not Go's is the program itself and SQLite's.
	{"not Go's", 1 << 10, 24 << 10, []string{"process_resident_memory_bytes", "-go_memstats_sys_bytes", "go_memstats_heap_released_bytes"}},
	{"users", 1, 0, []string{"passerelle_users"}},
}

const (
	goroutines = iota
	_
	liveHeap
	_
	resident
	_
	usersThere
)

// sample is what the figures were at a time.
type sample struct {
	at     time.Duration
	values [len(figures)]float64
}

// look takes a sample, with the time since began.
func (s *stage) look(ctx context.Context, began time.Time) (sample, error) {
	_, page, err := s.gateway.Get(ctx, "/metrics")
	if err != nil {
		return sample{}, err
	}
	taken := sample{at: time.Since(began)}
	for i, f := range figures {
		for _, metric := range f.metrics {
			name, minus := strings.CutPrefix(metric, "-")
			value, err := readMetric(page, name)
			if err != nil {
				return taken, err
			}
			if minus {
				value = -value
			}
			taken.values[i] += value / f.unit
		}
	}
	return taken, nil
}

// readMetric finds a metric without labels on a page for Prometheus.
func readMetric(page, name string) (value float64, err error) {
	_, rest, found := strings.Cut(page, "\n"+name+" ")
	if !found {
		return 0, fmt.Errorf("there is no metric %s", name)
	}
	if _, err := fmt.Sscan(rest, &value); err != nil {
		return 0, fmt.Errorf("reading the metric %s: %w", name, err)
	}
	return value, nil
}

// collect has garbage collected, so that the next sample says what lives now.
func (s *stage) collect(ctx context.Context) error {
	status, page, err := s.gateway.Get(ctx, "/debug/pprof/heap?gc=1")
	if err == nil && status != 200 {
		err = fmt.Errorf("a profile of the heap is answered with %d: %.200s", status, page)
	}
	return err
}

// await looks until a sample is as wanted, and returns the last one.
func (s *stage) await(wanted func(sample) bool) (sample, bool) {
	s.t.Helper()
	// Each look makes garbage, and memory is given back when little of that comes.
	const patience, pause = 2 * time.Minute, 3 * time.Second
	began := time.Now()
	for {
		taken, err := s.look(s.t.Context(), began)
		if err != nil {
			s.t.Fatal(err)
		}
		if wanted(taken) {
			return taken, true
		}
		if taken.at > patience {
			return taken, false
		}
		time.Sleep(pause)
	}
}

// rest waits until nobody is there any more and nothing is left of them, and returns what the
// gateway holds then. before is what it held at the last rest, nil at the first: as long as there
// is more, it is waited for.
func (s *stage) rest(before *sample) sample {
	s.t.Helper()
	if _, empty := s.await(func(now sample) bool { return now.values[usersThere] == 0 }); !empty {
		s.t.Error("users are left whose clients are all gone")
	}
	if err := s.collect(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	// Memory is given back in parts: enough when it does not become less any more.
	last := sample{}
	now, _ := s.await(func(now sample) bool {
		settled := last.at > 0 && now.values[resident] >= last.values[resident] && now.values[goroutines] >= last.values[goroutines]
		last = now
		return settled && (before == nil || len(now.growth(*before)) == 0)
	})
	return now
}

// growth describes what there is more of than before.
func (s sample) growth(before sample) []string {
	var grown []string
	for i, f := range figures {
		if old := before.values[i]; s.values[i] > old*1.1+f.slack {
			grown = append(grown, fmt.Sprintf("%s: %.0f, and %.0f before", f.name, s.values[i], old))
		}
	}
	return grown
}

// trend is how much a figure grew from the first to the last of some samples, by the straight
// line that fits them best, what that is of their mean, and how far off it may be
// (two standard errors), both as shares of the mean.
func trend(samples []sample, figure int) (mean, growth, doubt float64) {
	n := float64(len(samples))
	var at, value float64
	for _, s := range samples {
		at, value = at+s.at.Seconds()/n, value+s.values[figure]/n
	}
	var spread, together float64
	for _, s := range samples {
		d := s.at.Seconds() - at
		spread, together = spread+d*d, together+d*(s.values[figure]-value)
	}
	if len(samples) < 3 || spread == 0 || value == 0 {
		return value, 0, 0
	}
	slope := together / spread
	var rest float64
	for _, s := range samples {
		off := s.values[figure] - value - slope*(s.at.Seconds()-at)
		rest += off * off
	}
	length := (samples[len(samples)-1].at - samples[0].at).Seconds()
	return value, slope * length / value, 2 * math.Sqrt(rest/(n-2)/spread) * length / value
}

// largestTrend is how much a figure may grow over the last two thirds of a run, as a share of
// its mean, beyond what may be chance.
const largestTrend = 0.1

// checkTrends reports, and fails where something grows while users come and go.
func checkTrends(t *testing.T, samples []sample) {
	t.Helper()
	late := samples[len(samples)/3:]
	var b strings.Builder
	for i, f := range figures {
		mean, growth, doubt := trend(late, i)
		fmt.Fprintf(&b, "\n%-10s mean %9.0f  %+6.1f %% (± %.1f)", f.name, mean, 100*growth, 100*doubt)
		if growth-doubt > largestTrend {
			t.Errorf("%s grew by %.0f %% (± %.0f) over the last two thirds of the run", f.name, 100*growth, 100*doubt)
		}
	}
	t.Logf("over the last two thirds of %d samples:%s", len(samples), b.String())
}

// table writes at most so many samples.
func table(samples []sample, rows int) string {
	var b strings.Builder
	b.WriteString("\n      time")
	for _, f := range figures {
		fmt.Fprintf(&b, " %10s", f.name)
	}
	step := max(1, (len(samples)+rows-1)/rows)
	for i := 0; i < len(samples); i += step {
		fmt.Fprintf(&b, "\n%10s", samples[i].at.Round(time.Second))
		for _, value := range samples[i].values {
			fmt.Fprintf(&b, " %10.0f", value)
		}
	}
	return b.String()
}
