package monitor

import (
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *world)
		path   string
		status int
		text   string
	}{
		{"alive", func(*world) {}, "/healthz", 200, "ok, 7 users"},
		{"alive without a stream", func(w *world) { w.up = false }, "/healthz", 503, "no stream to the XMPP server"},
		{"alive without a store", func(w *world) { w.answer = errAway }, "/healthz", 200, "ok"},
		{"ready", func(*world) {}, "/readyz", 200, "ready"},
		{"ready without a stream", func(w *world) { w.up = false }, "/readyz", 503, "no stream to the XMPP server"},
		{"ready without a store", func(w *world) { w.answer = errAway }, "/readyz", 503, "the store does not answer"},
		{"ready while nothing can be archived", func(w *world) { w.archive.Err = errAway }, "/readyz", 503, "cannot be written"},
		{"elsewhere", func(*world) {}, "/nowhere", 404, "not found"},
	}
	for _, test := range tests {
		w := newWorld(t)
		test.change(w)
		status, text := w.get(Config{}, test.path)
		if status != test.status || !strings.Contains(text, test.text) {
			t.Errorf("%s: %d %q, want %d %q", test.name, status, text, test.status, test.text)
		}
		if strings.Contains(text, "db.example.org") {
			t.Errorf("%s: %q tells too much", test.name, text)
		}
	}
}

func TestProfilesAreServedWhereTheyAreWanted(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap?debug=1", "/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/profile?seconds=1", "/debug/pprof/trace?seconds=0.1"} {
		if status, _ := w.get(Config{Profiles: true}, path); status != 200 {
			t.Errorf("%s: %d where profiles are wanted", path, status)
		}
		if status, _ := w.get(Config{}, path); status != 404 {
			t.Errorf("%s: %d where they are not", path, status)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	for want, cfg := range map[string]Config{
		"":              {},
		"http.listen":   {Listen: "nowhere"},
		"http.profiles": {Profiles: true},
	} {
		err := cfg.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
		}
	}
}
