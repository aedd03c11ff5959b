package inbox

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// transcriptEntries is how much of a conversation is kept.
const transcriptEntries = 60

// Inbox holds what was received and not yet taken, in order.
type Inbox[T any] struct {
	mutex      sync.Mutex
	pending    []T
	transcript []string
	ended      error
	// changed is closed and replaced whenever pending or ended changes.
	changed chan struct{}
}

// New returns an empty inbox.
func New[T any]() *Inbox[T] { return &Inbox[T]{changed: make(chan struct{})} }

// Put adds what was received.
func (in *Inbox[T]) Put(item T) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	in.pending = append(in.pending, item)
	in.signal()
}

// End says that nothing more comes, and why; the first reason counts.
func (in *Inbox[T]) End(reason error) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	if in.ended == nil {
		in.ended = reason
	}
	in.signal()
}

// signal wakes everybody who waits; the caller holds the mutex.
func (in *Inbox[T]) signal() {
	close(in.changed)
	in.changed = make(chan struct{})
}

// Err is the reason of End, and nil before.
func (in *Inbox[T]) Err() error {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	return in.ended
}

// Await waits for the first item that fits, as long as ctx lasts and something may come,
// and takes it out. Items before it stay.
func (in *Inbox[T]) Await(ctx context.Context, fits func(T) bool) (found T, err error) {
	err = in.wait(ctx, func() bool {
		at := slices.IndexFunc(in.pending, fits)
		if at >= 0 {
			found = in.pending[at]
			in.pending = slices.Delete(in.pending, at, at+1)
		}
		return at >= 0
	})
	return found, err
}

// AwaitThrough is Await that takes out the items before it too, and returns them all.
func (in *Inbox[T]) AwaitThrough(ctx context.Context, fits func(T) bool) (found []T, err error) {
	err = in.wait(ctx, func() bool {
		at := slices.IndexFunc(in.pending, fits)
		if at >= 0 {
			found = slices.Clone(in.pending[:at+1])
			in.pending = slices.Delete(in.pending, 0, at+1)
		}
		return at >= 0
	})
	return found, err
}

// AwaitEnd waits for End, as long as ctx lasts, whose error it returns then.
func (in *Inbox[T]) AwaitEnd(ctx context.Context) error {
	if in.wait(ctx, func() bool { return in.ended != nil }) != nil {
		return ctx.Err()
	}
	return nil
}

// wait waits until holds, which is asked under the mutex.
func (in *Inbox[T]) wait(ctx context.Context, holds func() bool) error {
	for {
		in.mutex.Lock()
		done, ended, changed := holds(), in.ended, in.changed
		in.mutex.Unlock()
		switch {
		case done:
			return nil
		case ended != nil:
			return ended
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Seen returns the items that fit, and leaves them.
func (in *Inbox[T]) Seen(fits func(T) bool) []T {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	var seen []T
	for _, item := range in.pending {
		if fits(item) {
			seen = append(seen, item)
		}
	}
	return seen
}

// TakeAll takes all items out.
func (in *Inbox[T]) TakeAll() []T {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	taken := in.pending
	in.pending = nil
	return taken
}

// Note adds a line to the transcript.
func (in *Inbox[T]) Note(line string) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	in.transcript = append(in.transcript, line)
	if len(in.transcript) > transcriptEntries {
		in.transcript = slices.Delete(in.transcript, 0, len(in.transcript)-transcriptEntries)
	}
}

// Transcript is the end of what was noted.
func (in *Inbox[T]) Transcript() string {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	return strings.Join(in.transcript, "\n")
}
