package gateway

import (
	"time"

	"passerelle/component"
)

// bucket limits how often something is done: as often as its limit at once, and
// then as many times in each minute.
type bucket struct {
	spent float64 // of the limit
	at    time.Time
}

// usagePeriod is what limits by time are for, and how long it takes until nothing
// counts any more of what was done.
const usagePeriod = time.Minute

// take reports whether it may be done once more now. A limit of 0 is none.
func (b *bucket) take(now time.Time, limit int) bool {
	if limit <= 0 {
		return true
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.spent = max(0, b.spent-passed.Minutes()*float64(limit))
		b.at = now
	}
	if b.spent+1 > float64(limit) {
		return false
	}
	b.spent++
	return true
}

// usage is what a user has done lately, which counts against the limits by time.
type usage struct{ connects, joins, messages bucket }

// latest is when anything was done last.
func (s *usage) latest() time.Time {
	last := s.connects.at
	for _, at := range []time.Time{s.joins.at, s.messages.at} {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// usages remembers what users have done who have nothing here any more, so that
// leaving and coming back lets nobody do more. Gateway.mu guards it.
type usages struct {
	users map[component.JID]usage
	swept time.Time
}

// keep remembers a user's usage until it does not count any more.
func (s *usages) keep(user component.JID, u usage, now time.Time) {
	counts := func(u *usage) bool { return now.Sub(u.latest()) < usagePeriod }
	if now.Sub(s.swept) >= usagePeriod {
		s.swept = now
		for user, u := range s.users {
			if !counts(&u) {
				delete(s.users, user)
			}
		}
	}
	if !counts(&u) {
		return
	}
	if s.users == nil {
		s.users = make(map[component.JID]usage)
	}
	s.users[user] = u
}

// take returns the usage of a user who comes back.
func (s *usages) take(user component.JID) usage {
	u := s.users[user]
	delete(s.users, user)
	return u
}
