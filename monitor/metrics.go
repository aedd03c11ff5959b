package monitor

import (
	"regexp"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"passerelle/component"
	"passerelle/gateway"
	"passerelle/ircconn"
)

// metric is one name with its labels, and how its values come out of a snapshot.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	values     func(s *snapshot, add adder)
}

// adder takes a value with its labels in the order of metric.labels.
type adder func(value float64, labels ...string)

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// one is a metric without labels.
func one(name, help string, kind prometheus.ValueType, value func(s *snapshot) float64) metric {
	return metric{name: name, help: help, kind: kind, values: func(s *snapshot, add adder) { add(value(s)) }}
}

// perNetwork is a metric of each network. Without further labels there is one
// value of each.
func perNetwork(name, help string, kind prometheus.ValueType, values func(n gateway.NetworkStats, add adder), labels ...string) metric {
	return metric{name: name, help: help, kind: kind, labels: append([]string{"network"}, labels...), values: func(s *snapshot, add adder) {
		for network, stats := range s.gateway.Networks {
			values(stats, func(value float64, labels ...string) { add(value, append([]string{network}, labels...)...) })
		}
	}}
}

// metrics are all but the histograms.
func metrics() []metric {
	return append(append(streamMetrics(), networkMetrics()...), workMetrics()...)
}

func streamMetrics() []metric {
	return []metric{
		one("stream_up", "Whether the stream to the XMPP server is open.", gauge, func(s *snapshot) float64 {
			if s.up {
				return 1
			}
			return 0
		}),
		one("stream_reconnects_total", "Streams to the XMPP server opened after the first one.", counter,
			func(s *snapshot) float64 { return float64(s.component.Reconnects) }),
		one("stream_queue_bytes", "Bytes that wait to be written to the XMPP server.", gauge,
			func(s *snapshot) float64 { return float64(s.component.QueuedBytes) }),
		{"stream_bytes_total", "Bytes to and from the XMPP server.", counter, []string{"direction"}, func(s *snapshot, add adder) {
			add(float64(s.component.BytesIn), "in")
			add(float64(s.component.BytesOut), "out")
		}},
		{"stanzas_total", "Stanzas from and to the XMPP server.", counter, []string{"direction", "kind"}, func(s *snapshot, add adder) {
			for kind := range component.Kinds {
				add(float64(s.component.StanzasIn[kind]), "in", kind.String())
				add(float64(s.gateway.StanzasOut[kind]), "out", kind.String())
			}
		}},
		one("stanzas_skipped_total", "Stanzas that were larger than the limits.", counter,
			func(s *snapshot) float64 { return float64(s.component.Skipped) }),
	}
}

func networkMetrics() []metric {
	return []metric{
		one("users", "Users who have something here.", gauge, func(s *snapshot) float64 { return float64(s.gateway.Users) }),
		perNetwork("connections", "Connections to IRC servers.", gauge, func(n gateway.NetworkStats, add adder) {
			add(float64(n.Connecting), "connecting")
			add(float64(n.Online), "online")
			add(float64(n.Interrupted), "interrupted")
		}, "state"),
		perNetwork("connections_started_total", "Connections to IRC servers that were begun.", counter,
			func(n gateway.NetworkStats, add adder) { add(float64(n.Started)) }),
		perNetwork("connections_ended_total", "Connections to IRC servers that ended, by reason; wanted ones are no fault.", counter,
			func(n gateway.NetworkStats, add adder) {
				for reason, count := range n.Ended {
					add(float64(count), reason)
				}
			}, "reason"),
		perNetwork("outages_total", "Connections that were lost while there were rooms to come back to.", counter,
			func(n gateway.NetworkStats, add adder) { add(float64(n.Outages)) }),
		perNetwork("reconnects_total", "Connections that were lost and came back.", counter,
			func(n gateway.NetworkStats, add adder) { add(float64(n.Recoveries)) }),
		perNetwork("rooms", "Channels that users are in, each counted for each user.", gauge,
			func(n gateway.NetworkStats, add adder) { add(float64(n.Rooms)) }),
		perNetwork("occupants", "Occupants of all rooms.", gauge,
			func(n gateway.NetworkStats, add adder) { add(float64(n.Occupants)) }),
		{"irc_lines_total", "Lines from and to IRC servers.", counter, []string{"direction", "kind"}, func(s *snapshot, add adder) {
			for kind := range ircconn.LineKinds {
				add(float64(s.gateway.Lines.Received[kind]), "in", kind.String())
				add(float64(s.gateway.Lines.Sent[kind]), "out", kind.String())
			}
		}},
		one("irc_queue_lines", "Lines that wait to leave for IRC servers.", gauge,
			func(s *snapshot) float64 { return float64(s.gateway.Lines.Waiting) }),
	}
}

func workMetrics() []metric {
	return []metric{
		{"refusals_total", "Requests answered with an error, by its condition (RFC 6120).", counter, []string{"condition"}, func(s *snapshot, add adder) {
			for condition, count := range s.gateway.Refusals {
				add(float64(count), condition)
			}
		}},
		{"limits_reached_total", "Requests answered with an error because of a limit, by its key in gateway.limits.", counter, []string{"limit"}, func(s *snapshot, add adder) {
			for key, count := range s.gateway.Limits {
				add(float64(count), key)
			}
		}},
		one("panics_total", "Faults of the gateway that ended a user's session or connection.", counter,
			func(s *snapshot) float64 { return float64(s.gateway.Panics) }),
		{"inlet_waiting", "Stanzas and IRC events that wait for users' goroutines.", gauge, []string{"inlet"}, func(s *snapshot, add adder) {
			add(float64(s.gateway.Stanzas), "stanzas")
			add(float64(s.gateway.Events), "events")
		}},
		{"inlet_longest", "The longest of these queues: a stanza queue is full at 256, an event queue at 64.", gauge, []string{"inlet"}, func(s *snapshot, add adder) {
			add(float64(s.gateway.LongestStanzas), "stanzas")
			add(float64(s.gateway.LongestEvents), "events")
		}},
		{"log_records_total", "Warnings and errors that were logged.", counter, []string{"level"}, func(s *snapshot, add adder) {
			add(float64(s.warnings), "warn")
			add(float64(s.errors), "error")
		}},
		one("archive_lines_total", "Lines written to the archive.", counter, func(s *snapshot) float64 { return float64(s.store.Written) }),
		one("archive_lines_lost_total", "Lines that could not be archived.", counter, func(s *snapshot) float64 { return float64(s.store.Lost) }),
		one("archive_queue_lines", "Lines that wait for the archive.", gauge, func(s *snapshot) float64 { return float64(s.store.Queued) }),
		one("archive_lag_seconds", "For how long the first of these has waited.", gauge, func(s *snapshot) float64 { return s.store.Lag.Seconds() }),
		one("store_failures_total", "What the store was asked for and did not do.", counter, func(s *snapshot) float64 { return float64(s.store.Failures) }),
	}
}

const (
	prefix      = "passerelle_"
	latencyName = prefix + "latency_seconds"
	latencyHelp = "How long lines from IRC took until their stanzas were handed on (to_xmpp), and stanzas until their lines were queued (to_irc)."
	buildName   = prefix + "build_info"
)

// collector makes metrics of one snapshot at each scrape.
type collector struct {
	sources *Sources
	metrics []metric
	descs   []*prometheus.Desc
	latency *prometheus.Desc
	build   *prometheus.Desc
}

func newCollector(sources *Sources) *collector {
	c := &collector{
		sources: sources, metrics: metrics(),
		latency: prometheus.NewDesc(latencyName, latencyHelp, []string{"direction"}, nil),
		build:   prometheus.NewDesc(buildName, "The version that runs.", []string{"version", "goversion"}, nil),
	}
	for _, m := range c.metrics {
		c.descs = append(c.descs, prometheus.NewDesc(prefix+m.name, m.help, m.labels, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range c.descs {
		descs <- desc
	}
	descs <- c.latency
	descs <- c.build
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(into chan<- prometheus.Metric) {
	s := c.sources.snapshot()
	for i, m := range c.metrics {
		m.values(&s, func(value float64, labels ...string) {
			into <- prometheus.MustNewConstMetric(c.descs[i], m.kind, value, labels...)
		})
	}
	into <- histogram(c.latency, s.gateway.ToXMPP, "to_xmpp")
	into <- histogram(c.latency, s.gateway.ToIRC, "to_irc")
	into <- prometheus.MustNewConstMetric(c.build, gauge, 1, c.sources.Version, runtime.Version())
}

func histogram(desc *prometheus.Desc, latency gateway.Latency, direction string) prometheus.Metric {
	buckets := make(map[float64]uint64)
	var below uint64
	for i, bound := range gateway.LatencyBounds() {
		below += latency.Buckets[i]
		buckets[bound.Seconds()] = below
	}
	return prometheus.MustNewConstHistogram(desc, latency.Count(), latency.Sum.Seconds(), buckets, direction)
}

// newRegistry has our metrics, and those of the process and of Go's runtime.
func newRegistry(sources *Sources) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	// How long collections stop the program is not among the default metrics as a histogram,
	// and what lives, without the garbage that waits for the next collection, not at all.
	more := collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{
		Matcher: regexp.MustCompile("^(/sched/pauses/total/gc:seconds|/gc/heap/live:bytes)$"),
	})
	registry.MustRegister(newCollector(sources), collectors.NewGoCollector(more), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}
