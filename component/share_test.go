package component

import (
	"bytes"
	"errors"
	"regexp"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// sharedQueue is a queue whose writer is the test.
type sharedQueue struct {
	*queue
	t *testing.T
}

var markIDs = regexp.MustCompile(`<iq from='irc.localhost' to='localhost' type='get' id='([^']*)'><ping xmlns='urn:xmpp:ping'/></iq>`)

// answer takes what is queued, and answers the marks in it.
func (q sharedQueue) answer(answerType string) (taken []byte, marks int) {
	q.t.Helper()
	q.mu.Lock()
	taken = bytes.Clone(q.buf)
	q.buf = q.buf[:0]
	q.emptied.Broadcast()
	q.mu.Unlock()
	for _, found := range markIDs.FindAllSubmatch(taken, -1) {
		marks++
		pong := &Stanza{Kind: IQ, Type: answerType, ID: string(found[1]), From: JID{Domain: "localhost"}}
		if answerType != "" && !q.answered(pong) {
			q.t.Errorf("the answer %+v was not recognised", pong)
		}
	}
	return taken, marks
}

// sends sends in the background until the queue is closed, and counts the bytes.
func (q sharedQueue) sends(s *Sender, size int) (sent *atomic.Int64, ended chan struct{}) {
	sent, ended = new(atomic.Int64), make(chan struct{})
	go func() {
		defer close(ended)
		for q.sendAs(s, make([]byte, size)) == nil {
			sent.Add(int64(size))
		}
	}()
	return sent, ended
}

// Whoever sends without end waits for the host server to work on it; others do not.
func TestOneSenderDoesNotFillTheStream(t *testing.T) {
	for _, answerType := range []string{"result", "error"} {
		synctest.Test(t, func(t *testing.T) {
			q := sharedQueue{newQueue("irc.localhost", "localhost"), t}
			var flooder, honest Sender
			sent, ended := q.sends(&flooder, 1000)
			synctest.Wait()
			if sent.Load() < shareBytes || sent.Load() > shareBytes+1000 {
				t.Errorf("%d bytes were sent at once", sent.Load())
			}
			if err := q.sendAs(&honest, make([]byte, 100)); err != nil {
				t.Error(err)
			}
			for round := int64(2); round < 5; round++ {
				if _, marks := q.answer(answerType); marks != 1 {
					t.Errorf("there are %d marks", marks)
				}
				synctest.Wait()
				if sent.Load() < round*shareBytes || sent.Load() > round*(shareBytes+1000) {
					t.Errorf("%d bytes were sent in %d rounds", sent.Load(), round)
				}
			}
			q.close(nil)
			<-ended
		})
	}
}

// What uses up a share has its mark behind it at once, so that the next stanzas need
// not wait for the answer; not so where the host server answers none.
func TestLargeSendIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := sharedQueue{newQueue("irc.localhost", "localhost"), t}
		var sender Sender
		send := func() {
			if err := q.sendAs(&sender, make([]byte, shareBytes)); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			send()
			if _, marks := q.answer("result"); marks != 1 {
				t.Fatalf("there are %d marks", marks)
			}
		}
		send()
		time.Sleep(markTimeout + time.Second)
		q.answer("")
		for range 3 {
			send()
		}
		if _, marks := q.answer(""); marks != 0 {
			t.Errorf("a server that answers none is asked %d times", marks)
		}
		q.abandon()
	})
}

// A host server that answers no pings is not waited for, nor one that stops to.
func TestHostServerThatAnswersNoMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := sharedQueue{newQueue("irc.localhost", "localhost"), t}
		var sender Sender
		sent, ended := q.sends(&sender, 1000)
		time.Sleep(firstMarkTimeout + time.Millisecond)
		synctest.Wait()
		if sent.Load() < softLimit {
			t.Errorf("only %d bytes were sent to a deaf server", sent.Load())
		}
		// It answers after all, late.
		before := sent.Load()
		q.answer("result")
		synctest.Wait()
		if more := sent.Load() - before; more < shareBytes || more > softLimit+2*shareBytes {
			t.Errorf("%d bytes more were sent to a server that has answered", more)
		}
		// And has longer from then on.
		before = sent.Load()
		q.answer("")
		time.Sleep(markTimeout - time.Second)
		synctest.Wait()
		if sent.Load() > before+2*shareBytes {
			t.Errorf("%d bytes were sent to a server that is held up", sent.Load()-before)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if sent.Load() < before+softLimit/2 {
			t.Errorf("only %d bytes were sent to a server that answers no more", sent.Load()-before)
		}
		q.abandon()
		<-ended
	})
}

// What a stream that is lost has taken along is told by what the host server has confirmed, not by
// when it was last heard.
func TestWhatIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := sharedQueue{newQueue("irc.localhost", "localhost"), t}
		began := time.Now()
		// write does what the writer does, and has the host server answer the marks in it, or not.
		write := func(answerType string, wantMarks int) {
			t.Helper()
			taken, _ := q.take(nil)
			q.mu.Lock()
			q.buf = taken
			q.mu.Unlock()
			if _, marks := q.answer(answerType); marks != wantMarks {
				t.Errorf("%v after the beginning there are %d marks", time.Since(began), marks)
			}
		}
		expect := func(want time.Duration) {
			t.Helper()
			if got := q.heard(time.Now()).Sub(began); got != want {
				t.Errorf("%v after the beginning, what was sent is confirmed until %v", time.Since(began), got)
			}
		}
		say := func() {
			t.Helper()
			if err := q.send([]byte("<message from='irc.localhost'/>")); err != nil {
				t.Fatal(err)
			}
		}
		say()
		write("result", 0) // too soon for a mark, and none was answered
		expect(0)
		time.Sleep(marksApart)
		say()
		write("result", 1)
		expect(time.Second)
		time.Sleep(time.Hour) // nothing more was said, so all is confirmed
		expect(time.Hour + time.Second)
		say()
		write("", 1) // the host server is busy
		time.Sleep(2 * marksApart)
		say()
		write("", 0) // and is not asked again meanwhile
		expect(time.Second)
		time.Sleep(markTimeout)
		synctest.Wait()
		say()
		write("", 0) // nor when it seems to answer none
		q.abandon()
		expect(time.Second)
	})
}

func TestOffersOfOneSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := sharedQueue{newQueue("irc.localhost", "localhost"), t}
		var flooder, honest Sender
		offered := 0
		for q.offerAs(&flooder, make([]byte, 1000)) == nil {
			offered += 1000
		}
		if offered < offerShareBytes || offered > offerShareBytes+1000 {
			t.Errorf("%d bytes were taken", offered)
		}
		if err := q.offerAs(&flooder, []byte("x")); !errors.Is(err, ErrQueueFull) {
			t.Errorf("one more: %v", err)
		}
		if err := q.offerAs(&honest, []byte("x")); err != nil {
			t.Errorf("another's: %v", err)
		}
		if _, marks := q.answer("result"); marks != 1 {
			t.Errorf("there are %d marks", marks)
		}
		if err := q.offerAs(&flooder, []byte("x")); err != nil {
			t.Errorf("after the answer: %v", err)
		}
		// What began on a stream that is lost does not count on the next.
		next := newQueue("irc.localhost", "localhost")
		flooder.ahead = offerShareBytes
		if err := next.offerAs(&flooder, []byte("x")); err != nil {
			t.Errorf("on a new stream: %v", err)
		}
		q.close(nil)
		next.close(nil)
	})
}

func TestWhatIsNoAnswerToAMark(t *testing.T) {
	q := newQueue("irc.localhost", "localhost")
	server := JID{Domain: "localhost"}
	for _, s := range []*Stanza{
		{Kind: IQ, Type: "get", ID: q.markID + "1", From: server},
		{Kind: Message, Type: "error", ID: q.markID + "1", From: server},
		{Kind: IQ, Type: "result", ID: q.markID + "1", From: JID{Domain: "elsewhere"}},
		{Kind: IQ, Type: "result", ID: q.markID, From: server},
		{Kind: IQ, Type: "result", ID: "1", From: server},
	} {
		if q.answered(s) {
			t.Errorf("%+v counts as an answer", s)
		}
	}
}
