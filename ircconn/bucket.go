package ircconn

import "time"

// bucket paces outgoing lines: it begins with burst tokens, each line takes
// one, and every interval brings one back.
type bucket struct {
	burst    int
	interval time.Duration // 0: no pacing
	tokens   int
	counted  time.Time // when tokens was right; zero before the first line
}

func (b *bucket) fill() {
	b.tokens = b.burst
	b.counted = time.Time{}
}

// take removes a token, or returns how long until there is one.
func (b *bucket) take(now time.Time) time.Duration {
	if b.interval <= 0 {
		return 0
	}
	if b.counted.IsZero() {
		b.counted = now
	}
	if earned := int(now.Sub(b.counted) / b.interval); b.tokens+earned >= b.burst {
		b.tokens, b.counted = b.burst, now
	} else if earned > 0 {
		b.tokens += earned
		b.counted = b.counted.Add(time.Duration(earned) * b.interval)
	}
	if b.tokens > 0 {
		b.tokens--
		return 0
	}
	return b.counted.Add(b.interval).Sub(now)
}
