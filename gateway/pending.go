package gateway

import (
	"slices"
	"strconv"
	"time"

	"passerelle/ircconn"
)

// verdict is what a question says about an event.
type verdict uint8

const (
	unrelated verdict = 0
	taken     verdict = 1 << 0 // nobody else needs to see the event
	answered  verdict = 1 << 1 // the question waits no longer
)

// question waits for what the server says to something that we sent. It is
// always answered: by an event, by its deadline, or by the connection's end.
type question struct {
	labels []string // of its lines
	answer func(ircconn.Event) verdict
	failed func(error)
	timer  *time.Timer
	// patience is how long to wait for the answer; 0: as long as for any.
	patience time.Duration
}

// ask sends lines and waits for what the server says to them. Each line gets a
// label (IRCv3 labeled-response), by which concerns recognises its refusal. failed
// is called when no answer comes.
func (n *Network) ask(q *question, lines ...ircconn.Line) error {
	for i := range lines {
		label := n.newLabel()
		lines[i] = lines[i].WithLabel(label)
		q.labels = append(q.labels, label)
	}
	if err := n.send(lines...); err != nil {
		return err
	}
	if q.patience == 0 {
		q.patience = n.u.g.live().AnswerTimeout
	}
	q.timer = n.u.after(q.patience, func(*User) {
		if n.withdraw(q) {
			q.failed(refuse("remote-server-timeout", "%s did not answer", n.name))
		}
	})
	n.questions = append(n.questions, q)
	return nil
}

// settle shows an event to the questions, and reports whether one took it.
func (n *Network) settle(ev ircconn.Event) bool {
	for _, q := range n.questions {
		said := q.answer(ev)
		if said&answered != 0 && n.withdraw(q) {
			q.timer.Stop()
		}
		if said != unrelated {
			return said&taken != 0
		}
	}
	return false
}

// withdraw takes a question off the list, and reports whether it was there.
func (n *Network) withdraw(q *question) bool {
	i := slices.Index(n.questions, q)
	if i < 0 {
		return false
	}
	n.questions = slices.Delete(slices.Clone(n.questions), i, i+1)
	return true
}

// givesLabels reports whether the server gives labels back.
func (n *Network) givesLabels() bool { return n.caps.Has("labeled-response") }

// concerns reports whether a refusal is an answer to the question: by its label
// where the server gives labels back, or else by the channel or nick it names.
func (n *Network) concerns(q *question, ev ircconn.Refused, names ...string) bool {
	if n.givesLabels() {
		return slices.Contains(q.labels, ev.Label)
	}
	if refusesOnlyMessages[ev.Numeric] {
		return false
	}
	for _, param := range append([]string{ev.Target}, ev.Params...) {
		for _, name := range names {
			if n.same(param, name) {
				return true
			}
		}
	}
	return false
}

func (n *Network) newLabel() string {
	n.labels++
	return strconv.FormatUint(uint64(n.labels), 36)
}
