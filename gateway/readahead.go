package gateway

import (
	"context"
	"reflect"
	"time"

	"passerelle/store"
)

// readAheadTime is for how long pages that nobody has asked for yet are kept, from the
// last one that somebody did. Little older is the count of the archive in them, which
// XEP-0059 §2.2 lets be approximate.
const readAheadTime = 2 * time.Second

// pagesAhead is how many pages wait to be asked for, beside the one being read.
const pagesAhead = 1

// readAhead are the pages of an archive after the last one that the user was sent. Who
// reads an archive page by page has the next ones read while that is on its way; there
// is one for each user at most.
type readAhead struct {
	query  store.Query // of the next page
	used   time.Time   // when the last page was taken
	pages  chan store.Page
	cancel context.CancelFunc
}

// archivePage reads a page of the archive, and has the next ones read.
func (u *User) archivePage(q *store.Query) (page store.Page, err error) {
	ahead, known := u.aheadOf(q), false
	err = u.searchStore(func(ctx context.Context) (err error) {
		if page, known = ahead.await(ctx); !known {
			page, err = u.g.store.Page(ctx, *q)
		}
		return err
	})
	switch {
	case err != nil || page.Complete || len(page.Lines) == 0 || q.Backward || q.Filters():
		u.dropAhead()
	case known:
		ahead.query, ahead.used = pageAfter(q, &page), u.g.now()
	default:
		u.readOn(pageAfter(q, &page))
	}
	return page, err
}

// pageAfter is what the page after another one is asked for with.
func pageAfter(q *store.Query, page *store.Page) store.Query {
	next := *q
	next.After, next.Index = page.Lines[len(page.Lines)-1].ID, 0
	return next
}

// aheadOf returns what is read ahead if its next page is what a query asks for, or nil.
func (u *User) aheadOf(q *store.Query) *readAhead {
	ahead := u.ahead
	if ahead == nil || !reflect.DeepEqual(ahead.query, *q) || u.g.now().Sub(ahead.used) > readAheadTime {
		return nil
	}
	return ahead
}

// await returns the next page when it is read, if there is one.
func (a *readAhead) await(ctx context.Context) (page store.Page, known bool) {
	if a == nil {
		return page, false
	}
	select {
	case page, known = <-a.pages:
	case <-ctx.Done():
	}
	return page, known
}

// readOn has pages read, from the first on, for who goes forward through a whole archive.
func (u *User) readOn(first store.Query) {
	u.dropAhead()
	ctx, cancel := context.WithCancel(context.Background())
	u.ahead = &readAhead{query: first, used: u.g.now(), pages: make(chan store.Page, pagesAhead), cancel: cancel}
	go readPages(ctx, u.g.store, first, u.ahead.pages)
	u.watchAhead(readAheadTime)
}

// readPages reads page after page, and closes pages at the end. The last page of an
// archive is not among them: there may be more in it by the time that it is asked for.
func readPages(ctx context.Context, archive *store.Store, query store.Query, pages chan<- store.Page) {
	defer close(pages)
	for {
		page, err := timedPage(ctx, archive, query)
		if err != nil || page.Complete || len(page.Lines) == 0 {
			return
		}
		select {
		case pages <- page:
		case <-ctx.Done():
			return
		}
		query = pageAfter(&query, &page)
	}
}

func timedPage(ctx context.Context, archive *store.Store, query store.Query) (store.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	return archive.Page(ctx, query)
}

// watchAhead lets go of pages that nobody asked for, when d has passed, unless that
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
		if left := u.ahead.used.Add(readAheadTime).Sub(u.g.now()); left > 0 {
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
