package monitor

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const (
	dashboardFile = "../contrib/grafana/passerelle.json"
	rulesFile     = "../contrib/prometheus/passerelle.rules.yaml"
)

var (
	// used finds metrics in PromQL, with the matchers behind them.
	used = regexp.MustCompile(`\b((?:passerelle|process|go)_[a-z_]+)(?:\{([^}]*)\})?`)
	// matcher finds the label and value of one matcher.
	matcher = regexp.MustCompile(`([a-z_]+)(=~|!=|!~|=)"([^"]*)"`)
	// alternatives are values that are no patterns.
	alternatives = regexp.MustCompile(`^[a-z0-9_-]+(\|[a-z0-9_-]+)*$`)
	// grouping finds the labels that PromQL groups by.
	grouping = regexp.MustCompile(`\bby \(([^)]*)\)`)
	// legend finds the labels that Grafana shows.
	legend = regexp.MustCompile(`\{\{(\w+)\}\}`)
)

// givenByPrometheus are the labels that a scrape adds.
var givenByPrometheus = []string{"instance", "job", "le"}

// dashboard is what the tests read of Grafana's format.
type dashboard struct {
	Title  string
	Panels []struct {
		ID            int
		Type, Title   string
		GridPos       struct{ X, Y, W, H int }
		Targets       []struct{ Expr, LegendFormat string }
		Description   string
		DatasourceRef struct{ UID string } `json:"datasource"`
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// rules is what the tests read of Prometheus' format.
type rules struct {
	Groups []struct {
		Rules []struct {
			Alert, Expr         string
			Labels, Annotations map[string]string
		}
	}
}

func readRules(t *testing.T) rules {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var r rules
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// expressions returns all PromQL of the dashboard and the rules by where it is.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			found["panel "+panel.Title+": "+target.LegendFormat] = target.Expr
		}
	}
	for _, group := range readRules(t).Groups {
		for _, rule := range group.Rules {
			found["alert "+rule.Alert] = rule.Expr
		}
	}
	return found
}

// familyOf is the name under which the parts of a histogram are gathered.
func familyOf(name string) string {
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		name = strings.TrimSuffix(name, part)
	}
	return name
}

// What is asked for exists, with the labels and the values that are asked for.
func TestContributedExpressionsFindSomething(t *testing.T) {
	metrics := gathered(t)
	for where, expression := range expressions(t) {
		var labels []string
		for _, found := range used.FindAllStringSubmatch(expression, -1) {
			name := familyOf(found[1])
			family := metrics[name]
			if family == nil {
				t.Errorf("%s: there is no metric %s", where, found[1])
				continue
			}
			for _, series := range family.GetMetric() {
				for _, pair := range series.GetLabel() {
					labels = append(labels, pair.GetName())
				}
			}
			for _, m := range matcher.FindAllStringSubmatch(found[2], -1) {
				value := m[3]
				if !alternatives.MatchString(value) {
					value = ""
				}
				for value := range strings.SplitSeq(value, "|") {
					if !slices.Contains(givenByPrometheus, m[1]) && !hasLabel(family, m[1], value) {
						t.Errorf("%s: %s never has %s=%q", where, name, m[1], value)
					}
				}
			}
		}
		for _, group := range grouping.FindAllStringSubmatch(expression, -1) {
			for label := range strings.SplitSeq(group[1], ", ") {
				if !slices.Contains(labels, label) && !slices.Contains(givenByPrometheus, label) {
					t.Errorf("%s: nothing in %s has the label %s", where, expression, label)
				}
			}
		}
	}
}

// Each metric is shown or watched somewhere.
func TestEachMetricIsUsed(t *testing.T) {
	all := strings.Join(slices.Collect(maps.Values(expressions(t))), "\n")
	for name := range gathered(t) {
		if strings.HasPrefix(name, prefix) && !strings.Contains(all, name) {
			t.Errorf("%s is on no panel and in no alert", name)
		}
	}
}

func TestDashboardIsInOrder(t *testing.T) {
	ids := make(map[int]bool)
	d := readDashboard(t)
	for i, panel := range d.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels have the id %d", panel.ID)
		}
		ids[panel.ID] = true
		for _, other := range d.Panels[:i] {
			a, b := panel.GridPos, other.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%q lies over %q", panel.Title, other.Title)
			}
		}
		if panel.Type == "row" {
			continue
		}
		if panel.DatasourceRef.UID != "${datasource}" {
			t.Errorf("%q has a data source of its own", panel.Title)
		}
		for _, target := range panel.Targets {
			for _, shown := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !strings.Contains(target.Expr, shown[1]) && shown[1] != "version" {
					t.Errorf("%q shows %s, which %s does not keep", panel.Title, shown[1], target.Expr)
				}
			}
		}
	}
}

func TestAlertsSayWhatToDo(t *testing.T) {
	names := make(map[string]bool)
	for _, group := range readRules(t).Groups {
		for _, rule := range group.Rules {
			if names[rule.Alert] {
				t.Errorf("two alerts are called %s", rule.Alert)
			}
			names[rule.Alert] = true
			if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("%s lacks a summary, a description or a severity", rule.Alert)
			}
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed, so what Prometheus makes of the rules was not tried: apt-get install prometheus")
	}
	for _, arguments := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", "testdata/alerts.yaml"}} {
		if output, err := exec.Command(promtool, arguments...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments, err, output)
		}
	}
}
