package monitor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/gateway"
	"passerelle/ircconn"
	"passerelle/store"
)

// world is a gateway of which only figures are there.
type world struct {
	t       *testing.T
	up      bool
	figures gateway.Stats
	stream  component.Stats
	archive store.Stats
	answer  error
	sources Sources
}

var discard = slog.New(slog.NewTextHandler(io.Discard, nil))

func newWorld(t *testing.T) *world {
	w := &world{t: t, up: true}
	buckets := make([]uint64, len(gateway.LatencyBounds())+1)
	buckets[0], buckets[len(buckets)-1] = 3, 1
	ended := make(map[string]uint64)
	for _, reason := range gateway.EndReasons() {
		ended[reason] = 0
	}
	ended["silent"] = 4
	w.figures = gateway.Stats{
		Users: 7,
		Networks: map[string]gateway.NetworkStats{
			"irc.libera.chat":     {Connecting: 1, Online: 5, Rooms: 12, Occupants: 3400, Started: 10, Ended: ended},
			gateway.OtherNetworks: {Online: 2, Rooms: 2, Occupants: 8, Started: 2, Ended: ended},
		},
		StanzasOut: [component.Kinds]uint64{100, 200, 30},
		Refusals:   map[string]uint64{"forbidden": 2, "not-acceptable": 5},
		Limits:     map[string]uint64{"channels": 3},
		ToXMPP:     gateway.Latency{Buckets: buckets, Sum: 30 * time.Second},
		ToIRC:      gateway.Latency{Buckets: buckets, Sum: time.Millisecond},
	}
	w.figures.Lines.Received[ircconn.LineMessage] = 90
	w.figures.Lines.Sent[ircconn.LineJoin] = 12
	w.stream.StanzasIn = [component.Kinds]uint64{11, 12, 13}
	w.archive = store.Stats{Written: 60, Queued: 2, Lag: 1500 * time.Millisecond}
	w.sources = Sources{
		Version: "1.2.3", Started: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Domain: "irc.example.org",
		StreamUp:  func() bool { return w.up },
		Gateway:   func() gateway.Stats { return w.figures },
		Component: func() component.Stats { return w.stream },
		Store:     func() store.Stats { return w.archive },
		Online: func() []gateway.OnlineUser {
			return []gateway.OnlineUser{{JID: "juliet@example.org", Networks: []string{"irc.libera.chat"}}, {JID: "<b>@example.org"}}
		},
		Problems: new(Problems),
		Answers:  func(context.Context) error { return w.answer },
	}
	return w
}

// get asks a handler over a real connection, for the deadlines' sake.
func (w *world) get(cfg Config, path string) (status int, text string) {
	w.t.Helper()
	server := httptest.NewServer(NewHandler(cfg, w.sources, discard))
	defer server.Close()
	response, err := http.Get(server.URL + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

var errAway = errors.New("no such host db.example.org")
