package store

import "testing"

func TestLag(t *testing.T) {
	q := newQueue(0)
	if got := q.stats(); got.Lag != 0 {
		t.Errorf("a lag of %v where nothing waits", got.Lag)
	}
	line := Line{User: "juliet@example.org", Channel: "#balcony"}
	for range 10 * markEvery {
		q.append(line)
	}
	first := q.marks[0].at
	q.marks[0].at = first.Add(-5e9)
	if got := q.stats(); got.Lag < 5e9 || got.Queued != 10*markEvery {
		t.Errorf("%v and %d lines, want 5 s and more", got.Lag, got.Queued)
	}
	lines, _ := q.takeLines()
	q.wrote(len(lines), 0)
	// What was written is not waited for any more.
	if got := q.stats(); got.Lag >= 5e9 || got.Lag <= 0 || len(q.marks) != 10-len(lines)/markEvery {
		t.Errorf("%v, and %d marks", got.Lag, len(q.marks))
	}
	for {
		lines, _ := q.takeLines()
		if len(lines) == 0 {
			break
		}
		q.giveUp(lines)
	}
	if got := q.stats(); got.Lag != 0 || got.Queued != 0 {
		t.Errorf("%v and %d lines at the end", got.Lag, got.Queued)
	}
	q.append(line)
	if len(q.marks) != 1 || q.stats().Lag <= 0 {
		t.Errorf("%d marks, and a lag of %v, of one line", len(q.marks), q.stats().Lag)
	}
}
