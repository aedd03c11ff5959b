package monitor

import (
	"os"
	"regexp"
	"slices"
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
	names := exported(t)
	for _, name := range names {
		if !slices.Contains(rows, name) {
			t.Errorf("docs/admin.md does not have %s", name)
		}
	}
	for _, row := range rows {
		if !slices.Contains(names, row) {
			t.Errorf("docs/admin.md has %s, which is no metric", row)
		}
	}
}

// exported returns the names of our own metrics as a running gateway has them.
func exported(t *testing.T) []string {
	t.Helper()
	w := newWorld(t)
	families, err := newRegistry(&w.sources).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, family := range families {
		if name := family.GetName(); len(name) > len(prefix) && name[:len(prefix)] == prefix {
			names = append(names, name)
		}
	}
	return names
}
