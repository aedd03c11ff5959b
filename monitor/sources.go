package monitor

import (
	"context"
	"time"

	"passerelle/component"
	"passerelle/gateway"
	"passerelle/store"
)

// Sources are where figures come from. Its functions may be called from any
// goroutine, and only Answers waits.
type Sources struct {
	Version string
	Started time.Time
	// Domain is the gateway's own.
	Domain string
	// StreamUp is whether the XMPP server has us.
	StreamUp  func() bool
	Gateway   func() gateway.Stats
	Component func() component.Stats
	Store     func() store.Stats
	// Online names all users; only those with the token are shown them.
	Online func() []gateway.OnlineUser
	// Problems are the last ones that were logged.
	Problems *Problems
	// Answers asks the store whether it answers.
	Answers func(context.Context) error
}

// snapshot is all that can be said about one moment.
type snapshot struct {
	up        bool
	gateway   gateway.Stats
	component component.Stats
	store     store.Stats
	warnings  uint64
	errors    uint64
}

func (s *Sources) snapshot() snapshot {
	one := snapshot{up: s.StreamUp(), gateway: s.Gateway(), component: s.Component(), store: s.Store()}
	one.warnings, one.errors = s.Problems.counts()
	return one
}
