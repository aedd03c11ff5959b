package monitor

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"passerelle/gateway"
	"passerelle/ircconn"
)

const token = "a token of the tests"

// busyHour returns a handler that has watched an hour of work.
func (w *world) busyHour() *Handler {
	log := slog.New(w.sources.Problems.Handler(discard.Handler()))
	h := NewHandler(Config{Token: token}, w.sources, discard)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for minute := range hour + 5 {
		h.sample(now.Add(time.Duration(minute) * time.Minute))
		wave := uint64(200 + 150*math.Sin(float64(minute)/7) + float64(minute*37%60))
		w.stream.StanzasIn[0] += wave / 9
		w.figures.StanzasOut[1] += wave
		w.figures.Lines.Received[ircconn.LineMessage] += wave / 2
		w.figures.Lines.Sent[ircconn.LineMessage] += wave / 12
		w.figures.Users = 40 + minute/2
		refusals := w.figures.Refusals
		refusals["forbidden"] += uint64(minute % 7 / 5)
		delays := append([]uint64(nil), w.figures.ToXMPP.Buckets...)
		delays[minute%5+1] += wave
		w.figures.ToXMPP.Buckets = delays
	}
	h.now = func() time.Time { return now.Add((hour + 5) * time.Minute) }
	log.Warn("the server's policy on encryption was not kept", "network", "irc.libera.chat", "user", "juliet@example.org", "error", errors.New("disk full"))
	for range 3 {
		log.With("user", "juliet@example.org").With("network", "private.example").Error("a request could not be handled", "error", errors.New("to romeo@example.org: oops"))
	}
	return h
}

// page asks for a path, with a password unless that is empty.
func page(t *testing.T, h *Handler, path, password string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	if password != "" {
		request.SetBasicAuth("anybody", password)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer
}

func TestStatusPage(t *testing.T) {
	w := newWorld(t)
	h := w.busyHour()
	answer := page(t, h, "/", "")
	text := answer.Body.String()
	if answer.Code != 200 || answer.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
	for _, want := range []string{
		"irc.example.org", "passerelle 1.2.3, running for 1 h 05 min", "Everything works.", "<b>72</b>", "<b>3408</b>",
		"irc.libera.chat", "5 online, 1 connecting", "all others", "4 fallen silent",
		"the server&#39;s policy on encryption was not kept (irc.libera.chat)", "a request could not be handled", "3 times",
		"stanzas", "12:05", `<a href="/users">`, `aria-label="Stanzas:`,
	} {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	// Nobody is named, nor a network that is only some user's, nor anything loaded
	// from elsewhere.
	for _, never := range []string{"juliet", "romeo", "private.example", "disk full", "oops", "http://", "https://", "src=", "@import", "url(", "<script", "ZgotmplZ"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	policy := answer.Header().Get("Content-Security-Policy")
	_, nonce, _ := strings.Cut(policy, "style-src 'nonce-")
	nonce, _, _ = strings.Cut(nonce, "'")
	if !strings.HasPrefix(policy, "default-src 'none'") || len(nonce) < 16 || !strings.Contains(text, `<style nonce="`+nonce+`">`) {
		t.Errorf("the policy is %q", policy)
	}
	if again := page(t, h, "/", "").Header().Get("Content-Security-Policy"); again == policy {
		t.Error("two pages have the same nonce")
	}
}

func TestStatusPageWithNames(t *testing.T) {
	w := newWorld(t)
	h := w.busyHour()
	for _, test := range []struct {
		path, password string
		status         int
	}{{"/users", "", 401}, {"/users", "wrong", 401}, {"/users", token, 200}, {"/", token, 200}, {"/elsewhere", token, 404}} {
		answer := page(t, h, test.path, test.password)
		text := answer.Body.String()
		if answer.Code != test.status {
			t.Errorf("%s with %q: %d, want %d", test.path, test.password, answer.Code, test.status)
		}
		if answer.Code == 401 && !strings.HasPrefix(answer.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("how to log in: %v", answer.Header())
		}
		for _, name := range []string{"juliet@example.org", "private.example", "disk full", "&lt;b&gt;@example.org"} {
			if want := test.path == "/users" && test.status == 200; strings.Contains(text, name) != want {
				t.Errorf("%s with %q: %s is shown: %v", test.path, test.password, name, !want)
			}
		}
	}
	h = NewHandler(Config{}, w.sources, discard)
	if answer := page(t, h, "/users", "any"); answer.Code != 403 || !strings.Contains(answer.Body.String(), "http.token is not set") {
		t.Errorf("without a token: %d %s", answer.Code, answer.Body)
	}
	if answer := page(t, h, "/", ""); strings.Contains(answer.Body.String(), "/users") {
		t.Error("a way to names is offered where there is none")
	}
}

func TestManyUsersAreNotAllNamed(t *testing.T) {
	w := newWorld(t)
	w.sources.Online = func() []gateway.OnlineUser { return make([]gateway.OnlineUser, mostUsers+7) }
	if text := page(t, NewHandler(Config{Token: token}, w.sources, discard), "/users", token).Body.String(); !strings.Contains(text, "And 7 more.") {
		t.Error("nothing is said of the rest")
	}
}

func TestStatusPageAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.figures.Networks = nil
	h := NewHandler(Config{}, w.sources, discard)
	text := page(t, h, "/", "").Body.String()
	for _, want := range []string{"first figures in a minute", "Nobody has been connected", "None since the start.", "no figures yet"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestTroublesAreSaid(t *testing.T) {
	tests := []struct {
		want   string
		change func(w *world)
	}{
		{"no stream to the XMPP server", func(w *world) { w.up = false }},
		{"The store cannot be written: 2 lines wait", func(w *world) { w.archive.Err = errAway }},
		{"The archive is 20 s behind", func(w *world) { w.archive.Lag = 20 * time.Second }},
		{"All connections to irc.libera.chat are lost", func(w *world) {
			w.figures.Networks["irc.libera.chat"] = gateway.NetworkStats{Interrupted: 3, Started: 3}
		}},
	}
	for _, test := range tests {
		w := newWorld(t)
		test.change(w)
		text := page(t, NewHandler(Config{}, w.sources, discard), "/", "").Body.String()
		if !strings.Contains(text, test.want) || strings.Contains(text, "Everything works") || !strings.Contains(text, "<title>⚠") {
			t.Errorf("the page does not say %q", test.want)
		}
	}
}

func TestHistoryIsAnHour(t *testing.T) {
	w := newWorld(t)
	h := w.busyHour()
	samples := h.history.all()
	if len(samples) != hour {
		t.Fatalf("%d samples", len(samples))
	}
	first, last := samples[0], samples[hour-1]
	if got := last.at.Sub(first.at); got != (hour-1)*time.Minute || last.users != 71 || last.online != 7 {
		t.Errorf("%v, %+v", got, last)
	}
	// What a sample has is what was new, and no more.
	if last.refusals > 1 || last.stanzasOut > 500 || last.linesIn == 0 || last.slowest > time.Millisecond || last.slowest == 0 {
		t.Errorf("the last minute is %+v", last)
	}
}

func TestPercentile(t *testing.T) {
	size := len(gateway.LatencyBounds()) + 1
	buckets := func(counts map[int]uint64) []uint64 {
		list := make([]uint64, size)
		for i, count := range counts {
			list[i] = count
		}
		return list
	}
	tests := []struct {
		now, before map[int]uint64
		want        time.Duration
	}{
		{nil, nil, 0},
		{map[int]uint64{0: 5}, map[int]uint64{0: 5}, 0},
		{map[int]uint64{0: 99, 4: 1}, nil, 50 * time.Microsecond},
		{map[int]uint64{0: 98, 4: 2}, nil, time.Millisecond},
		{map[int]uint64{0: 198, 4: 2}, map[int]uint64{0: 100}, time.Millisecond},
		{map[int]uint64{size - 1: 1}, nil, 20 * time.Second},
	}
	for _, test := range tests {
		if got := percentile(buckets(test.now), buckets(test.before)); got != test.want {
			t.Errorf("%v since %v: %v, want %v", test.now, test.before, got, test.want)
		}
	}
}

func TestWords(t *testing.T) {
	for want, got := range map[string]string{
		"0": whole(0), "9999": whole(9999), "12 k": whole(12345), "12 M": whole(12345678),
		"–": duration(0), "0.05 ms": duration(50e-6), "2.5 ms": duration(2.5e-3), "1.5 s": duration(1.5),
		"5 s": lasting(5 * time.Second), "0 s": lasting(-time.Second), "59 min": lasting(time.Hour - 1), "2 h 05 min": lasting(125 * time.Minute), "3 days": lasting(80 * time.Hour), "just now": ago(time.Second), "6 s ago": ago(6 * time.Second),
		"1 a, 2 c": joined([]counted{{1, "a"}, {0, "b"}, {2, "c"}}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, reason := range gateway.EndReasons() {
		if reasons[reason] == "" && reason != "wanted" {
			t.Errorf("there are no words for %s", reason)
		}
	}
}

func TestProblems(t *testing.T) {
	problems := new(Problems)
	var text strings.Builder
	log := slog.New(problems.Handler(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelError})))
	log.Info("nothing")
	own := log.With("user", "juliet@example.org").WithGroup("g").With("network", "irc.test", "other", 1)
	own.Warn("odd", "err", errAway)
	own.Warn("odd", "err", errors.New("again"))
	log.Error("bad", "fault", "stack")
	if list := problems.Latest(); len(list) != 2 || list[0].Text != "bad" || list[0].Cause != "stack" || list[0].User != "" ||
		list[1].Count != 2 || list[1].Cause != "again" || list[1].Network != "irc.test" || list[1].User != "juliet@example.org" {
		t.Errorf("got %+v", list)
	}
	if warnings, faults := problems.counts(); warnings != 2 || faults != 1 {
		t.Errorf("%d warnings and %d errors", warnings, faults)
	}
	// The log itself has what its level lets through.
	if strings.Contains(text.String(), "odd") || !strings.Contains(text.String(), "bad") {
		t.Errorf("logged: %s", &text)
	}
	for i := range 2 * mostProblems {
		log.Error(fmt.Sprint("number ", i))
	}
	if list := problems.Latest(); len(list) != mostProblems || list[0].Text != fmt.Sprint("number ", 2*mostProblems-1) {
		t.Errorf("%d problems, the latest %+v", len(list), list[0])
	}
}
