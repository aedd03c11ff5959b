package monitor

import (
	"context"
	"sync"
	"time"

	"passerelle/component"
	"passerelle/gateway"
	"passerelle/ircconn"
)

// hour is how many samples are kept, one a minute.
const hour = 60

// sample is what happened within a minute, and what there was at its end.
type sample struct {
	at time.Time
	// What came in and went out, refusals, and faults of whatever kind, in the
	// minute.
	stanzasIn, stanzasOut, linesIn, linesOut, refusals, faults uint64
	// users and online are users and IRC connections at its end.
	users, online int
	// slowest is what 99 of 100 lines and stanzas took at most through the
	// gateway in the minute, 0 when there were none.
	slowest time.Duration
}

// totals are counts since the start, of which samples are differences.
type totals struct {
	stanzasIn, stanzasOut, linesIn, linesOut, refusals, faults uint64
	delays                                                     []uint64 // by bucket
}

func totalsOf(s *snapshot) totals {
	t := totals{delays: make([]uint64, len(gateway.LatencyBounds())+1)}
	for kind := range component.Kinds {
		t.stanzasIn += s.component.StanzasIn[kind]
		t.stanzasOut += s.gateway.StanzasOut[kind]
	}
	for kind := range ircconn.LineKinds {
		t.linesIn += s.gateway.Lines.Received[kind]
		t.linesOut += s.gateway.Lines.Sent[kind]
	}
	for _, count := range s.gateway.Refusals {
		t.refusals += count
	}
	t.faults = s.gateway.Panics + s.store.Failures + s.store.Lost + s.component.Reconnects
	for _, network := range s.gateway.Networks {
		t.faults += faultsOf(network)
	}
	for _, latency := range []gateway.Latency{s.gateway.ToXMPP, s.gateway.ToIRC} {
		for i, count := range latency.Buckets {
			t.delays[i] += count
		}
	}
	return t
}

// faultsOf counts the connections to a network that did not end because we wanted
// it.
func faultsOf(network gateway.NetworkStats) uint64 {
	var count uint64
	for reason, ended := range network.Ended {
		if reason != "wanted" {
			count += ended
		}
	}
	return count
}

// history is the last hour, in samples of a minute.
type history struct {
	mu      sync.Mutex
	last    totals
	samples []sample // the oldest first
}

// add makes a sample of what happened since the last time.
func (h *history) add(at time.Time, s *snapshot) {
	now := totalsOf(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.last
	h.last = now
	if was.delays == nil {
		return // there is nothing to compare with yet
	}
	one := sample{
		at: at, users: s.gateway.Users,
		stanzasIn: now.stanzasIn - was.stanzasIn, stanzasOut: now.stanzasOut - was.stanzasOut,
		linesIn: now.linesIn - was.linesIn, linesOut: now.linesOut - was.linesOut,
		refusals: now.refusals - was.refusals, faults: now.faults - was.faults,
		slowest: percentile(now.delays, was.delays),
	}
	for _, network := range s.gateway.Networks {
		one.online += network.Online
	}
	h.samples = append(h.samples[max(0, len(h.samples)-hour+1):], one)
}

// percentile is the bound within which 99 of 100 things were that are in the
// buckets now and were not before, and twice the largest for those above all.
func percentile(now, before []uint64) time.Duration {
	var count uint64
	for i := range now {
		count += now[i] - before[i]
	}
	if count == 0 {
		return 0
	}
	bounds := gateway.LatencyBounds()
	needed := count - count/100
	var within uint64
	for i, bound := range bounds {
		if within += now[i] - before[i]; within >= needed {
			return bound
		}
	}
	return 2 * bounds[len(bounds)-1]
}

// all returns the samples, the oldest first.
func (h *history) all() []sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]sample(nil), h.samples...)
}

// Watch takes a sample each minute until ctx ends.
func (h *Handler) Watch(ctx context.Context) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	h.sample(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			h.sample(now)
		}
	}
}

func (h *Handler) sample(now time.Time) {
	s := h.sources.snapshot()
	h.history.add(now, &s)
}
