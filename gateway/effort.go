package gateway

import "time"

const (
	// paceBytes is how much work is done for one user in a second, once paceBurst more
	// than that was: about what the fastest XMPP servers pass on. Beside one that passes
	// on everything at once, a user without an end to what they are sent would take all of
	// the processor. Any room can be entered within the burst, and some 40,000 messages
	// be archived, or more than that be read from the archive.
	paceBytes = 4 << 20
	paceBurst = 64 << 20
	// recordedBytes is what archiving a message counts for beside what is sent. It takes
	// several times as long as sending one, mostly for the index and in one go, and
	// everybody else waits for the processor meanwhile.
	recordedBytes = 1 << 10
	// doneBytes is what each stanza and each line counts for, whatever becomes of it.
	doneBytes = 128
	// longestPause is how long a user pauses at most before the next round of work,
	// however much the last one was: what they ask for themselves waits too.
	longestPause = time.Second
)

// effort bounds the work for one user, in bytes as they come from IRC and leave for XMPP.
// The zero value has done none.
type effort struct {
	spent int // of paceBurst, when it was last looked at
	at    time.Time
}

// spend counts work that has just been done, and returns how long to pause after it;
// mostly not at all.
func (e *effort) spend(bytes int, now time.Time) (pause time.Duration) {
	regained := max(0, now.Sub(e.at)).Seconds() * paceBytes
	e.spent = bytes + max(0, e.spent-int(regained))
	e.at = now
	return min(longestPause, time.Duration(max(0, e.spent-paceBurst))*time.Second/paceBytes)
}
