package monitor

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	status, text := w.get(Config{}, "/metrics")
	if status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	for _, want := range []string{
		`passerelle_build_info{goversion="go`, `version="1.2.3"} 1`,
		`passerelle_stream_up 1`,
		`passerelle_users 7`,
		`passerelle_stanzas_total{direction="in",kind="presence"} 12`,
		`passerelle_stanzas_total{direction="out",kind="presence"} 200`,
		`passerelle_connections{network="irc.libera.chat",state="online"} 5`,
		`passerelle_connections{network="irc.libera.chat",state="connecting"} 1`,
		`passerelle_connections_started_total{network="irc.libera.chat"} 10`,
		`passerelle_connections_ended_total{network="irc.libera.chat",reason="silent"} 4`,
		`passerelle_rooms{network="other"} 2`,
		`passerelle_occupants{network="irc.libera.chat"} 3400`,
		`passerelle_irc_lines_total{direction="in",kind="message"} 90`,
		`passerelle_irc_lines_total{direction="out",kind="join"} 12`,
		`passerelle_refusals_total{condition="not-acceptable"} 5`,
		`passerelle_limits_reached_total{limit="channels"} 3`,
		`passerelle_archive_lag_seconds 1.5`,
		`passerelle_latency_seconds_bucket{direction="to_xmpp",le="5e-05"} 3`,
		`passerelle_latency_seconds_bucket{direction="to_xmpp",le="10"} 3`,
		`passerelle_latency_seconds_bucket{direction="to_xmpp",le="+Inf"} 4`,
		`passerelle_latency_seconds_sum{direction="to_xmpp"} 30`,
		"go_goroutines ", "process_open_fds ", `go_sched_pauses_total_gc_seconds_bucket{le="`, "go_gc_heap_live_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	w.up = false
	if _, text := w.get(Config{}, "/metrics"); !strings.Contains(text, "passerelle_stream_up 0") {
		t.Error("a stream that is down is up")
	}
}

// The names are as Prometheus wants them, and each has a help and one type.
func TestMetricsAreInOrder(t *testing.T) {
	w := newWorld(t)
	problems, err := testutil.GatherAndLint(newRegistry(&w.sources))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		if strings.HasPrefix(problem.Metric, prefix) {
			t.Errorf("%s: %s", problem.Metric, problem.Text)
		}
	}
}
