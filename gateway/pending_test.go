package gateway

import (
	"errors"
	"slices"
	"testing"

	"passerelle/ircconn"
)

// outcome is how a question ended.
type outcome struct {
	events []ircconn.Event
	err    error
	times  int
}

// wonder asks a question that a numeric answers, and notes how it ends.
func (w *world) wonder(numeric int, name string) *outcome {
	w.t.Helper()
	o := &outcome{}
	q := &question{failed: func(err error) { o.err, o.times = err, o.times+1 }}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.Reply:
			if ev.Numeric == numeric {
				o.events, o.times = append(o.events, ev), o.times+1
				return answered | taken
			}
		case ircconn.Refused:
			if w.network().concerns(q, ev, name) {
				o.err, o.times = refusedByIRC(ev), o.times+1
				return answered | taken
			}
		}
		return unrelated
	}
	if err := w.network().ask(q, ircconn.Whois(name), ircconn.Whois(name)); err != nil {
		o.err, o.times = err, o.times+1
	}
	return o
}

func (o *outcome) expect(t *testing.T, condition string) {
	t.Helper()
	if o.times != 1 {
		t.Fatalf("answered %d times", o.times)
	}
	var r *refusal
	if condition == "" {
		if o.err != nil {
			t.Errorf("failed with %v", o.err)
		}
	} else if !errors.As(o.err, &r) || r.condition != condition {
		t.Errorf("failed with %v, want %s", o.err, condition)
	}
}

// A question is answered once: by an event, by its deadline, or by the end.
func TestQuestionsEnd(t *testing.T) {
	refused := ircconn.Refused{Numeric: 401, Target: "a", Params: []string{"a"}}
	tests := map[string]struct {
		end       func(w *world)
		condition string
	}{
		"answer":     {func(w *world) { w.event(ircconn.Reply{Numeric: 311}) }, ""},
		"refusal":    {func(w *world) { w.event(refused) }, "item-not-found"},
		"deadline":   {func(w *world) { w.pass(w.g.live().AnswerTimeout) }, "remote-server-timeout"},
		"connection": {func(w *world) { w.event(ircconn.Disconnected{}) }, "remote-server-timeout"},
		"kill":       {func(w *world) { w.event(ircconn.Killed{}) }, "service-unavailable"},
		"shutdown":   {func(w *world) { w.do(w.u.shutDown) }, "service-unavailable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := connected(t)
			o := w.wonder(311, "a")
			test.end(w)
			o.expect(t, test.condition)
			if n := w.u.networks.of("irc.test"); n != nil {
				if len(n.questions) != 0 {
					t.Error("the question is still there")
				}
				w.event(ircconn.Reply{Numeric: 311}, refused)
			}
			w.pass(w.g.live().AnswerTimeout)
			o.expect(t, test.condition)
		})
	}
}

func TestQuestionThatCannotBeSent(t *testing.T) {
	w := connected(t)
	w.irc.refusing = ircconn.ErrQueueFull
	w.wonder(311, "a").expect(t, "resource-constraint")
	if len(w.network().questions) != 0 {
		t.Error("the question waits")
	}
}

// The oldest question of those that an answer fits gets it.
func TestQuestionsInTurn(t *testing.T) {
	w := connected(t)
	first, other, second := w.wonder(311, "a"), w.wonder(312, "b"), w.wonder(311, "a")
	w.event(ircconn.Reply{Numeric: 311, Params: []string{"one"}})
	first.expect(t, "")
	if second.times != 0 || other.times != 0 {
		t.Error("one answer answers several questions")
	}
	w.event(ircconn.Reply{Numeric: 311, Params: []string{"two"}})
	second.expect(t, "")
	w.event(ircconn.Reply{Numeric: 312})
	other.expect(t, "")
}

// Labels tell whose refusal it is, also of a later line; without, names do.
func TestConcerns(t *testing.T) {
	w := connected(t, "labeled-response")
	first, second := w.wonder(311, "a"), w.wonder(311, "a")
	var labels []string
	for _, line := range w.irc.sent {
		labels = append(labels, line.Label)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(labels)))) != 4 {
		t.Fatalf("labels %q", labels)
	}
	w.event(ircconn.Refused{Numeric: 401, Target: "a", Params: []string{"a"}})
	w.event(ircconn.Refused{Numeric: 401, Target: "x", Meta: ircconn.Meta{Label: labels[3]}})
	second.expect(t, "item-not-found")
	w.event(ircconn.Refused{Numeric: 401, Target: "x", Meta: ircconn.Meta{Label: labels[0]}})
	first.expect(t, "item-not-found")

	w = connected(t)
	b, a := w.wonder(311, "b"), w.wonder(311, "[a]")
	w.event(ircconn.Refused{Numeric: 401, Target: "c", Params: []string{"c"}})
	w.event(ircconn.Refused{Numeric: 401, Target: "{A}", Params: []string{"{A}"}})
	a.expect(t, "item-not-found")
	w.event(ircconn.Refused{Numeric: 441, Target: "x", Params: []string{"x", "B"}})
	b.expect(t, "item-not-found")
}

// A message that is refused says nothing about a question that names its channel.
func TestRefusedMessageIsNoAnswer(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "hello")
	w.admin("set", "q1", `<item nick='romeo' role='none'/>`)
	w.event(ircconn.Refused{Numeric: 404, Target: "#chan", Params: []string{"#chan"}, Text: "cannot send"})
	w.expectOne(`type='error' id='m1'`)
	w.event(ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "no op"})
	w.expectOne(`type='error' id='q1'`)
}
