package loadtest

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// pauses is the histogram of how long collections of garbage stop the program, as
// Prometheus writes it.
const pauses = "go_sched_pauses_total_gc_seconds_bucket"

// gcPause is what 999 of 1,000 of those pauses did not exceed so far, to the next bound
// of the histogram.
func (s *stage) gcPause() (time.Duration, error) {
	_, page, err := s.gateway.Get(context.Background(), "/metrics")
	if err != nil {
		return 0, err
	}
	var bounds, counts []float64
	for line := range strings.Lines(page) {
		var bound string
		var count float64
		if rest, found := strings.CutPrefix(line, pauses); found {
			if _, err := fmt.Sscanf(rest, "{le=%q} %g", &bound, &count); err != nil {
				return 0, fmt.Errorf("reading %q: %w", line, err)
			}
			number, err := strconv.ParseFloat(bound, 64)
			if err != nil {
				return 0, fmt.Errorf("reading %q: %w", line, err)
			}
			bounds, counts = append(bounds, number), append(counts, count)
		}
	}
	for i, count := range counts {
		if count >= 0.999*counts[len(counts)-1] && !math.IsInf(bounds[i], 1) {
			return time.Duration(bounds[i] * float64(time.Second)), nil
		}
	}
	return 0, fmt.Errorf("%s is no metric with an end", pauses)
}
