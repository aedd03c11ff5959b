package gateway

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"passerelle/component"
)

// full is a stream on which now and then there is room for a refusal.
type full struct {
	discard
	offers int
}

func (f *full) OfferAs(*component.Sender, []byte) error {
	if f.offers++; f.offers%2 == 0 {
		return nil
	}
	return component.ErrQueueFull
}

// That somebody floods is logged once a minute, however often there is room to tell them.
func TestFloodsAreLoggedSeldom(t *testing.T) {
	w := connected(t)
	w.g.out = new(full)
	var log bytes.Buffer
	w.g.log = slog.New(slog.NewTextHandler(&log, nil))
	stanza := mustStanza(t)
	flood := func() {
		for range 100 {
			w.g.refuse(w.g.refusing, stanza, component.NewError("resource-constraint", "too many requests at once"))
		}
	}
	flood()
	w.clock = w.clock.Add(floodsLogged - time.Second)
	flood()
	if got := strings.Count(log.String(), "a user floods"); got != 1 {
		t.Errorf("logged %d times in a minute:\n%s", got, log.String())
	}
	w.clock = w.clock.Add(time.Second)
	flood()
	if got := strings.Count(log.String(), "a user floods"); got != 2 {
		t.Errorf("logged %d times in more than a minute", got)
	}
}
