package gateway

import (
	"context"
	"reflect"
	"time"

	"passerelle/store"
)

// readAheadTime is for how long a page that nobody has asked for yet is kept. So old
// may its count of the archive be, which XEP-0059 §2.2 lets be approximate.
const readAheadTime = 2 * time.Second

// readAhead is the page of an archive after the last one that the user was sent. Who
// reads an archive page by page has each read while the one before is on its way;
// there is one for each user at most.
type readAhead struct {
	query  store.Query
	at     time.Time
	page   chan store.Page // closed without one when it could not be read
	cancel context.CancelFunc
}

// archivePage reads a page of the archive, and has the next one read.
func (u *User) archivePage(q *store.Query) (page store.Page, err error) {
	ahead := u.takeAhead(q)
	err = u.searchStore(func(ctx context.Context) (err error) {
		var known bool
		if page, known = ahead.await(ctx); !known {
			page, err = u.g.store.Page(ctx, *q)
		}
		return err
	})
	if err == nil {
		u.readOn(q, &page)
	}
	return page, err
}

// takeAhead returns what was read ahead if it is what a query asks for, or nil.
func (u *User) takeAhead(q *store.Query) *readAhead {
	ahead := u.ahead
	if ahead == nil || !reflect.DeepEqual(ahead.query, *q) || u.g.now().Sub(ahead.at) > readAheadTime {
		u.dropAhead()
		return nil
	}
	u.ahead = nil
	return ahead
}

// await returns the page when it is read. The last page of an archive is as good as
// none: there may be more by now.
func (a *readAhead) await(ctx context.Context) (page store.Page, known bool) {
	if a == nil {
		return page, false
	}
	defer a.cancel()
	select {
	case page, known = <-a.page:
	case <-ctx.Done():
	}
	return page, known && !page.Complete
}

// readOn has the page after another one read, on a goroutine of its own, for who goes
// forward through a whole archive.
func (u *User) readOn(q *store.Query, page *store.Page) {
	if page.Complete || len(page.Lines) == 0 || q.Backward || q.Filters() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	ahead := &readAhead{query: *q, at: u.g.now(), page: make(chan store.Page, 1), cancel: cancel}
	ahead.query.After, ahead.query.Index = page.Lines[len(page.Lines)-1].ID, 0
	u.dropAhead()
	u.ahead = ahead
	archive := u.g.store
	go func() {
		defer close(ahead.page)
		if page, err := archive.Page(ctx, ahead.query); err == nil {
			ahead.page <- page
		}
	}()
	u.watchAhead(readAheadTime)
}

// watchAhead lets go of a page that nobody asked for, when d has passed, unless that
// is planned already.
func (u *User) watchAhead(d time.Duration) {
	if u.aheadWatched {
		return
	}
	u.aheadWatched = true
	u.after(d, func(u *User) {
		u.aheadWatched = false
		if u.ahead == nil {
			return
		}
		if left := u.ahead.at.Add(readAheadTime).Sub(u.g.now()); left > 0 {
			u.watchAhead(left)
			return
		}
		u.dropAhead()
	})
}

// dropAhead lets go of what was read ahead.
func (u *User) dropAhead() {
	if u.ahead != nil {
		u.ahead.cancel()
		u.ahead = nil
	}
}
