package monitor

import (
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"passerelle/component"
	"passerelle/gateway"
	"passerelle/store"
)

// gathered returns our own metrics by name, as a gateway has them that has just
// started: what is not there then does not exist.
func gathered(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	data, err := store.Open(store.Config{Directory: t.TempDir()}, discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	servers, err := gateway.ParseServers([]gateway.ServerConfig{{Name: "irc.example.org", Addresses: []string{"ircs://irc.example.org"}}})
	if err != nil {
		t.Fatal(err)
	}
	g := gateway.New(gateway.Options{
		Config: gateway.DefaultConfig(), Domain: "irc.localhost", Servers: servers, OccupantKey: []byte("key"), Store: data, Log: discard,
	})
	sources := Sources{
		Version: "1.2.3", Started: time.Now(), StreamUp: func() bool { return true },
		Gateway: g.Stats, Component: component.New(component.DefaultConfig(), g, discard).Stats, Store: data.Stats, Problems: new(Problems), Answers: data.Answers,
	}
	families, err := newRegistry(&sources).Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]*dto.MetricFamily)
	for _, family := range families {
		found[family.GetName()] = family
	}
	return found
}

// hasLabel reports whether a metric has a label, and, where a value is given, a
// series with that value.
func hasLabel(family *dto.MetricFamily, label, value string) bool {
	for _, series := range family.GetMetric() {
		for _, pair := range series.GetLabel() {
			if pair.GetName() == label && (value == "" || pair.GetValue() == value) {
				return true
			}
		}
	}
	return false
}
