package store

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// full is a queue in which no line of juliet has room.
func full(patience time.Duration) *queue {
	q := newQueue(patience)
	for n := 0; n < queueLines/2; n++ {
		q.append(sampleLine(n))
	}
	return q
}

// Who says more at once than can be written waits for the writer, and loses nothing.
func TestBurstIsKept(t *testing.T) {
	p := quick()
	p.room = waitTime
	s := openWith(t, Config{Directory: t.TempDir()}, p)
	leave := holdWriter(t, s)
	const size = 64 << 10
	const half, whole = queueBytes / 2 / size, queueBytes / size
	say := func(from, to int) {
		for n := from; n < to; n++ {
			if !s.Append(Line{ID: fmt.Sprint(n), User: "juliet@example.org", Channel: "#verona", At: epoch, Payload: make([]byte, size)}) {
				t.Errorf("line %d is lost", n)
			}
		}
	}
	say(0, half)
	said := make(chan struct{})
	go func() {
		defer close(said)
		say(half, whole)
	}()
	leave()
	<-said
	page, err := s.Page(deadline(t), Query{User: "juliet@example.org", Channel: "#verona"})
	if err != nil || page.Total != whole {
		t.Errorf("%d lines are kept, %v", page.Total, err)
	}
}

// Room is waited for as long as that may help, and no longer.
func TestWaitingForRoom(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(q *queue)
		kept      bool
		took      time.Duration
	}{
		"lines are taken":      {func(q *queue) { q.takeLines() }, true, time.Second},
		"the writer is stuck":  {func(*queue) {}, false, 5 * time.Second},
		"the database fails":   {func(q *queue) { q.failed(errors.New("no space")) }, false, time.Second},
		"the store is closed":  {func(q *queue) { q.close() }, false, time.Second},
		"taken, by the closed": {func(q *queue) { q.close(); q.takeLines() }, false, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := full(5 * time.Second)
			go func() {
				time.Sleep(time.Second)
				test.meanwhile(q)
			}()
			start := time.Now()
			if kept := q.append(sampleLine(queueLines)); kept != test.kept || time.Since(start) != test.took {
				t.Errorf("%s: kept %v after %v, want %v after %v", name, kept, time.Since(start), test.kept, test.took)
			}
			synctest.Wait()
		})
	}
}

// Where others have filled the queue nobody waits but they.
func TestOnlyWhoFillsTheQueueWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(5 * time.Second)
		for n := range queueLines {
			line := sampleLine(n)
			line.User = fmt.Sprintf("flooder%d@example.org", n%shares)
			q.append(line)
		}
		if got := q.length(); got != queueLines {
			t.Fatalf("%d lines wait", got)
		}
		start := time.Now()
		line := sampleLine(queueLines)
		line.User = "bystander@example.org"
		if q.append(line) {
			t.Error("a line was taken into a full queue")
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("a bystander waited %v", waited)
		}
	})
}

// One who waited in vain is enough: the next do not, until the writer goes on.
func TestNobodyWaitsForAStuckWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := full(5 * time.Second)
		start := time.Now()
		for n := range 10 {
			if q.append(sampleLine(queueLines + n)) {
				t.Error("a line is taken")
			}
		}
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("ten lines waited %v", waited)
		}
		q.takeLines()
		if !q.append(sampleLine(queueLines)) || time.Since(start) != 5*time.Second {
			t.Errorf("no line is taken again, after %v", time.Since(start))
		}
	})
}

// What has no room ever is refused at once.
func TestNoRoomEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(time.Second)
		large := sampleLine(0)
		large.Payload = make([]byte, queueBytes)
		start := time.Now()
		if q.append(large) {
			t.Error("a line larger than the queue is taken")
		}
		q.close()
		if q.append(sampleLine(0)) {
			t.Error("a closed queue takes a line")
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("they waited %v", waited)
		}
	})
}
