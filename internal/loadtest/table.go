package loadtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Table has a row for each figure, with a value for each run.
type Table struct{ rows []row }

type row struct {
	scenario, figure, unit string
	values                 []float64
}

func (t *Table) add(scenario, figure, unit string, value float64) {
	for i := range t.rows {
		if r := &t.rows[i]; r.scenario == scenario && r.figure == figure {
			r.values = append(r.values, value)
			return
		}
	}
	t.rows = append(t.rows, row{scenario, figure, unit, []float64{value}})
}

// String is the table in Markdown, with medians.
func (t *Table) String() string {
	var text strings.Builder
	text.WriteString("| scenario | figure | median | unit | range |\n| --- | --- | ---: | --- | --- |\n")
	before := ""
	for _, r := range t.rows {
		sorted := slices.Sorted(slices.Values(r.values))
		name := r.scenario
		if name == before {
			name = ""
		}
		before = r.scenario
		spread := ""
		if len(sorted) > 1 {
			spread = significant(sorted[0]) + " – " + significant(sorted[len(sorted)-1])
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", name, r.figure, significant(sorted[len(sorted)/2]), r.unit, spread)
	}
	return text.String()
}

// significant writes a number with three digits that count, and large ones whole.
func significant(value float64) string {
	if value >= 1000 {
		digits := fmt.Sprintf("%.0f", value)
		for at := len(digits) - 3; at > 0; at -= 3 {
			digits = digits[:at] + "," + digits[at:]
		}
		return digits
	}
	return fmt.Sprintf("%.3g", value)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
