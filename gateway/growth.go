package gateway

import "sync/atomic"

// About how many bytes of memory are kept for a connection to IRC with its user and a
// room, and for a member of a channel.
const (
	connectionBytes = 7 << 10
	memberBytes     = 16
)

// GrowthStep is how many bytes of growth are worth a word (Options.Grows).
const GrowthStep = 32 << 10

// growth is how much memory has come to be kept for users.
type growth struct {
	bytes  atomic.Uint64
	notice func(bytes uint64)
}

// add notes more connections, and the members of a channel that is entered; fewer count
// as none. Members who come later are few, or have been there before.
func (g *growth) add(connections, members int) {
	more := uint64(connectionBytes*max(0, connections) + memberBytes*max(0, members))
	if more == 0 {
		return
	}
	now := g.bytes.Add(more)
	if g.notice != nil && now/GrowthStep != (now-more)/GrowthStep {
		g.notice(now)
	}
}
