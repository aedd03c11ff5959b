package crew

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// All that is given is done, once.
func TestAllIsDone(t *testing.T) {
	const pieces, givers = 5000, 4
	var done [pieces * givers]int
	var all sync.WaitGroup
	all.Add(len(done))
	c := New(3, func(i int) {
		done[i]++
		all.Done()
	})
	defer c.Close()
	for giver := range givers {
		go func() {
			for i := range pieces {
				c.Give(giver*pieces + i)
			}
		}()
	}
	all.Wait()
	for i, times := range done {
		if times != 1 {
			t.Fatalf("piece %d was done %d times", i, times)
		}
	}
}

// Work that waits holds nobody up, however much of it there is.
func TestWorkMayWait(t *testing.T) {
	const held = 50
	release := make(chan struct{})
	begun := make(chan struct{}, held)
	finished := make(chan struct{})
	c := New(2, func(waits bool) {
		if !waits {
			close(finished)
			return
		}
		begun <- struct{}{}
		<-release
	})
	defer c.Close()
	defer close(release)
	for range held {
		c.Give(true)
	}
	c.Give(false)
	for range held {
		<-begun
	}
	<-finished
}

// Who is in a crew does not pile up: work one after the other needs no more than the
// crew's size.
func TestGoroutinesAreFew(t *testing.T) {
	const size = 3
	done := make(chan struct{})
	c := New(size, func(struct{}) { done <- struct{}{} })
	defer c.Close()
	for range 1000 {
		c.Give(struct{}{})
		<-done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.staff > size {
		t.Errorf("%d goroutines, of %d", c.staff, size)
	}
}

// A crew that was closed still does what it is given.
func TestClosedCrewWorks(t *testing.T) {
	done := make(chan struct{})
	c := New(2, func(struct{}) { close(done) })
	c.Close()
	c.Give(struct{}{})
	<-done
}

// Where goroutines are held up for long, only the first work of others waits for the
// foreman, and when they are free again no more stay than before.
func TestHeldUpGoroutinesAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, held = 2, 9
		release := make(chan struct{})
		c := New(size, func(waits bool) {
			if waits {
				<-release
			}
		})
		give := func(waits bool) (took time.Duration) {
			began := time.Now()
			before := c.begun()
			c.Give(waits)
			for synctest.Wait(); c.begun() == before; synctest.Wait() {
				time.Sleep(patience / 4)
			}
			return time.Since(began)
		}
		for range held {
			give(true)
		}
		if took := give(false); took > 2*patience {
			t.Errorf("work waited %v for those that are held up", took)
		}
		for range 3 {
			if took := give(false); took > 0 {
				t.Errorf("work waited %v although others are held up for longer", took)
			}
		}
		close(release)
		synctest.Wait()
		c.mu.Lock()
		if c.staff != size || c.rest != size {
			t.Errorf("%d goroutines stay and %d rest, of %d", c.staff, c.rest, size)
		}
		c.mu.Unlock()
		c.Close()
	})
}

// begun is how much work was begun.
func (c *Crew[T]) begun() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken
}

func BenchmarkGive(b *testing.B) {
	done := make(chan struct{}, 1)
	c := New(2, func(struct{}) { done <- struct{}{} })
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		c.Give(struct{}{})
		<-done
	}
}
