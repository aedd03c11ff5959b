package monitor

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documented finds the rows of the table of metrics.
var documented = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (?:`[a-z]+`(?:, )?)* ?\\|")

// The manual has each metric, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	manual, err := os.ReadFile("../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, row := range documented.FindAllStringSubmatch(string(manual), -1) {
		rows = append(rows, prefix+row[1])
	}
	metrics := gathered(t)
	for name := range metrics {
		if strings.HasPrefix(name, prefix) && !slices.Contains(rows, name) {
			t.Errorf("docs/admin.md does not have %s", name)
		}
	}
	for _, row := range rows {
		if metrics[row] == nil {
			t.Errorf("docs/admin.md has %s, which is no metric", row)
		}
	}
}
