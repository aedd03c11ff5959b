package loadtest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// patience is how long nothing may happen before a scenario is given up.
const patience = time.Minute

// tally counts what comes until it is as much as is wanted.
type tally struct {
	what  string
	want  int64
	count atomic.Int64
	done  chan struct{}
	// began is set when it is made, ended by the last that was wanted.
	began, ended time.Time
	// refused is the first stanza error, for who waits in vain.
	refused atomic.Pointer[string]
}

func newTally(what string, want int) *tally {
	return &tally{what: what, want: int64(want), done: make(chan struct{}), began: time.Now()}
}

// add counts one more.
func (t *tally) add() {
	if t.count.Add(1) == t.want {
		t.ended = time.Now()
		close(t.done)
	}
}

// note keeps an error.
func (t *tally) note(s stanza) {
	if s.kind() == "error" {
		text := string(s)
		t.refused.CompareAndSwap(nil, &text)
	}
}

// wait returns when all has come, and an error when nothing has for a while.
func (t *tally) wait() error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last, since := t.count.Load(), time.Now()
	for {
		select {
		case <-t.done:
			return nil
		case <-ticker.C:
		}
		if now := t.count.Load(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > patience {
			refused := "there was no error"
			if text := t.refused.Load(); text != nil {
				refused = *text
			}
			return fmt.Errorf("%s: %d of %d, and nothing for %s; %.300s", t.what, last, t.want, patience, refused)
		}
	}
}

// took is how long all of it took.
func (t *tally) took() time.Duration { return t.ended.Sub(t.began) }

// percentile of durations, such as 0.99; the greatest with 1.
func percentile(durations []time.Duration, share float64) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
