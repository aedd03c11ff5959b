package gateway

import (
	"context"
	"errors"
	"time"

	"passerelle/store"
)

const (
	// storeTime is how long the user's goroutine waits for the store.
	storeTime = 5 * time.Second
	// historyTime is how long a join waits for its history.
	historyTime = 2 * time.Second
	// storePause is how long nobody waits for the store after it did not answer.
	storePause = 15 * time.Second
	// readersAtOnce is how many users read their history at the same time.
	readersAtOnce = 8
)

// errStoreAway is the error of what is not even asked of a store that does not
// answer.
var errStoreAway = errors.New("the store does not answer")

// storeIsAway reports whether the store is not to be waited for.
func (g *Gateway) storeIsAway() bool { return g.now().UnixNano() < g.storeAway.Load() }

// archiveIsAway reports whether the archive is in trouble: then rooms are entered
// without history, rather than one after the other waiting for it in vain.
func (g *Gateway) archiveIsAway() bool { return g.store.Stats().Err != nil || g.storeIsAway() }

// askStore asks the store something that is answered in no time where it is well.
// When it takes as long as limit, nobody asks for a while: otherwise each question
// of each user would wait as long for a database that hangs.
func (g *Gateway) askStore(limit time.Duration, ask func(context.Context) error) error {
	if g.storeIsAway() {
		return errStoreAway
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := ask(ctx)
	if err != nil && ctx.Err() != nil {
		g.storeAway.Store(g.now().Add(storePause).UnixNano())
		g.log.Error("the store does not answer; nobody waits for it for a while", "pause", storePause, "error", err)
	}
	return err
}

// recent reads what was lately said, which a room waits for. When the XMPP server comes
// back all users read at the same moment: those who wait for their turn must not be taken
// for a store that does not answer.
func (g *Gateway) recent(query store.Query) (page store.Page, err error) {
	if !g.takeTurn() {
		return page, errStoreAway
	}
	defer func() { <-g.readers }()
	err = g.askStore(historyTime, func(ctx context.Context) error {
		page, err = g.store.Page(ctx, query)
		return err
	})
	return page, err
}

// takeTurn waits for a turn to read, though not longer than a room waits for that, and
// reports whether there is one.
func (g *Gateway) takeTurn() bool {
	select {
	case g.readers <- struct{}{}:
		return true
	default:
	}
	patience := time.NewTimer(historyTime)
	defer patience.Stop()
	select {
	case g.readers <- struct{}{}:
		return true
	case <-patience.C:
		return false
	}
}

// searchStore asks the store something that may take long by itself, such as a
// search. When it does, only this user waits no more for a while: others may ask
// for less.
func (u *User) searchStore(ask func(context.Context) error) error {
	if u.g.storeIsAway() || u.g.now().Before(u.searchPause) {
		return errStoreAway
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	err := ask(ctx)
	if err != nil && ctx.Err() != nil {
		u.searchPause = u.g.now().Add(storePause)
	}
	return err
}

// storeFault is what a user is told of an error of the store, which goes into the
// log unless it is known there.
func (u *User) storeFault(err error, logged, told string) error {
	if !errors.Is(err, errStoreAway) {
		u.log().Error("the store has failed", "so", logged, "error", err)
	}
	return refuse("resource-constraint", "%s at the moment; try again in a minute", told)
}
