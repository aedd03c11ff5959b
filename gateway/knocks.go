package gateway

import (
	"sync"
	"time"

	"passerelle/component"
)

// knocks gives turns to the users who want the same network back, so that a
// server that comes back is not asked by all of them at once. It has a lock of
// its own.
type knocks struct {
	mu   sync.Mutex
	next map[string]time.Time // the first free turn, by network
}

// knocksKept is how many networks are remembered before those are forgotten
// that nobody waits for.
const knocksKept = 100

// turn returns when a user may connect who is ready to now.
func (k *knocks) turn(network string, now time.Time, apart time.Duration) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next == nil {
		k.next = make(map[string]time.Time)
	}
	if len(k.next) >= knocksKept {
		for name, free := range k.next {
			if free.Before(now) {
				delete(k.next, name)
			}
		}
	}
	at := now
	if free := k.next[network]; free.After(now) {
		at = free
	}
	k.next[network] = at.Add(apart)
	return at
}

// banPause is how long a network that has turned a user away is not asked again
// for that user.
const banPause = time.Hour

// bans remembers which networks have turned which users away for good. Clients
// try again by themselves, which makes it worse for all who share the gateway's
// address. It has a lock of its own.
type bans struct {
	mu    sync.Mutex
	until map[banKey]time.Time
}

type banKey struct {
	user    component.JID
	network string
}

func (b *bans) add(user component.JID, network string, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until == nil {
		b.until = make(map[banKey]time.Time)
	}
	b.until[banKey{user, network}] = until
}

// of returns until when a user's ban holds, and forgets those that are over.
func (b *bans) of(user component.JID, network string, now time.Time) (until time.Time, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, until := range b.until {
		if !now.Before(until) {
			delete(b.until, key)
		}
	}
	until, is = b.until[banKey{user, network}]
	return until, is
}
