package store

import "time"

// fits says whether the queue takes another line of a user. The caller holds the
// mutex.
func (q *queue) fits(user string, size int) bool {
	all, own := load{len(q.lines), q.bytes}, q.users[user]
	return !all.exceeds(size, 1) && !(all.exceeds(0, 2) && own.exceeds(size, shares))
}

// muchWaits is which part of the queue, in its lines or bytes, a user must have already
// to wait for more room. Nobody else waits: what one says must not be held up by what
// others have said.
const muchWaits = 16

// awaitRoom waits until the queue takes another line of a user who fills it, and reports
// whether it takes one. It does not wait for a database that is in trouble or has kept
// somebody waiting in vain, until lines are written again. The caller holds the mutex,
// which is given free meanwhile.
func (q *queue) awaitRoom(user string, size int) bool {
	empty, own := load{}, q.users[user]
	if q.fits(user, size) || q.closed || !own.exceeds(0, muchWaits) || empty.exceeds(size, 1) {
		return q.fits(user, size) && !q.closed
	}
	timer := time.NewTimer(q.patience)
	defer timer.Stop()
	for !q.closed && q.err == nil && !q.stuck {
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room, late := q.room, false
		q.mu.Unlock()
		select {
		case <-room:
		case <-timer.C:
			late = true
		}
		q.mu.Lock()
		if q.fits(user, size) {
			return !q.closed
		}
		q.stuck = q.stuck || late
	}
	return false
}

// madeRoom has those who wait for room look whether there is some. The caller holds the
// mutex.
func (q *queue) madeRoom() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}
