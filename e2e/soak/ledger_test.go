//go:build soak

package soak

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// answerTime is how long a message may take to be shown or refused. The gateway
	// itself refuses what IRC does not confirm in 20 s.
	answerTime = 60 * time.Second
	// silence is how long the gateway may have had a message, without a word, when the
	// stream on which it came is lost.
	silence = 30 * time.Second
	// delivery is how long what was written to a server may lie in front of it.
	delivery = 10 * time.Second
)

// ledger knows of each message what has become of it, and of each stream to the XMPP
// server and of each server how long it lasted. It may be used from any goroutine.
type ledger struct {
	mu       sync.Mutex
	messages map[string]*message
	streams  []span
	events   []event
	// listeners are when the person on IRC in each channel was there.
	listeners [][]span
}

// span is a while; to is zero as long as it lasts.
type span struct{ from, to time.Time }

// event is something that was done to the servers.
type event struct {
	what string
	span
}

// message is one that a user wrote to a room.
type message struct {
	id      string
	channel int
	sent    time.Time
	// entered is when it was written to the gateway's socket, answered when the first
	// answer to it had been written to the XMPP server's.
	entered, answered passage
	// shown and refused are when its sender was told, with what words; heard is when
	// somebody on IRC had it.
	shown, refused, heard time.Time
	words                 string
	// severed is when the sender's session ended before there was an answer.
	severed time.Time
}

// passage is when something passed on which of the streams.
type passage struct {
	at     time.Time
	stream int
}

func newLedger() *ledger {
	return &ledger{messages: make(map[string]*message), listeners: make([][]span, soakChannels)}
}

// begin counts a message that is about to be sent.
func (l *ledger) begin(id string, channel int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages[id] = &message{id: id, channel: channel, sent: time.Now()}
}

// note changes what is known of a message, if it is one.
func (l *ledger) note(id string, change func(*message)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.messages[id]; m != nil {
		change(m)
	}
}

// first sets a moment that is not set yet.
func first(at *time.Time) {
	if at.IsZero() {
		*at = time.Now()
	}
}

// during notes what is done to the servers, while it is done.
func (l *ledger) during(what string, do func()) {
	l.mu.Lock()
	number := len(l.events)
	l.events = append(l.events, event{what, span{from: time.Now()}})
	l.mu.Unlock()
	do()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events[number].to = time.Now()
}

// listens notes that the person in a channel is there, until gone is called.
func (l *ledger) listens(channel int) (gone func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := len(l.listeners[channel])
	l.listeners[channel] = append(l.listeners[channel], span{from: time.Now()})
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.listeners[channel][number].to = time.Now()
	}
}

// messageID is the id of a message, as an attribute of a stanza.
var messageID = regexp.MustCompile(`\bid=['"](soak-[0-9]+-[0-9]+)['"]`)

// watchStream returns a harness.Watcher of the streams to the XMPP server: gateways are its
// clients. Only the answers to a message have its id; what others are shown has not.
func (l *ledger) watchStream() func(stream int, toServer bool, piece []byte) {
	const longest = 64
	type direction struct {
		stream   int
		toServer bool
	}
	tails := make(map[direction][]byte)
	return func(stream int, toServer bool, piece []byte) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for len(l.streams) <= stream {
			l.streams = append(l.streams, span{from: time.Now()})
		}
		if piece == nil {
			first(&l.streams[stream].to)
			delete(tails, direction{stream, toServer})
			return
		}
		text := append(tails[direction{stream, toServer}], piece...)
		for _, found := range messageID.FindAllSubmatch(text, -1) {
			if m := l.messages[string(found[1])]; m != nil {
				m.pass(stream, toServer)
			}
		}
		tails[direction{stream, toServer}] = slices.Clone(text[max(0, len(text)-longest):])
	}
}

func (m *message) pass(stream int, toServer bool) {
	passed := &m.entered
	if toServer {
		passed = &m.answered
	}
	if passed.at.IsZero() {
		*passed = passage{time.Now(), stream}
	}
}

// verdict is what has become of a message.
type verdict string

const (
	isShown   verdict = "shown to its sender"
	isRefused verdict = "refused"
	// The XMPP server was killed, or cut off, before it had passed the message on.
	isOutside verdict = "lost before it reached the gateway"
	// The gateway had it, or its socket, and no stream to answer on.
	isCutOff verdict = "in the gateway when the stream was lost"
	// The XMPP server was killed, or cut off, before it had passed the answer on.
	isDeserted verdict = "answered when the XMPP server was killed"
	isUntold   verdict = "answered when the way to the XMPP server was cut"
	isLost     verdict = "unaccounted for"
)

// verdict judges a message; what follows from the loss of a stream or of a server is told
// from what the gateway has lost.
func (l *ledger) verdict(m *message) verdict {
	switch {
	case !m.shown.IsZero():
		return isShown
	case !m.refused.IsZero():
		return isRefused
	case m.entered.at.IsZero():
		// An XMPP server goes on writing to a stream until it notices its end.
		if !m.severed.IsZero() || l.streamLost(m.sent.Add(-delivery), m.sent.Add(answerTime)) {
			return isOutside
		}
	case m.answered.at.IsZero():
		if end := l.streams[m.entered.stream].to; !end.IsZero() && end.Sub(m.entered.at) < silence {
			return isCutOff
		}
	default:
		end := l.streams[m.answered.stream].to
		switch {
		case !m.severed.IsZero():
			return isDeserted
		case !end.IsZero() && end.Sub(m.answered.at) < delivery:
			return isUntold
		}
	}
	return isLost
}

// streamLost reports whether there was a moment without a stream between two.
func (l *ledger) streamLost(from, to time.Time) bool {
	return slices.ContainsFunc(l.streams, func(s span) bool { return !s.to.IsZero() && s.to.After(from) && s.to.Before(to) })
}

// lostStream is streamLost for who does not hold the ledger.
func (l *ledger) lostStream(from, to time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streamLost(from, to)
}

// contradiction says what is wrong with what a sender was told, or nothing.
func (l *ledger) contradiction(m *message) string {
	switch {
	case !m.shown.IsZero() && !m.refused.IsZero() && !strings.Contains(m.words, "look whether"):
		return "both shown and refused"
	case !m.heard.IsZero() && strings.Contains(m.words, "not sent"):
		return "refused as not sent, and yet heard on IRC"
	case !m.shown.IsZero() && m.heard.IsZero() && l.listened(m.channel, m.sent, m.shown.Add(delivery)):
		return "shown, and never heard on IRC"
	}
	return ""
}

// listened reports whether the person in a channel was there all the while.
func (l *ledger) listened(channel int, from, to time.Time) bool {
	return slices.ContainsFunc(l.listeners[channel], func(s span) bool {
		return s.from.Before(from) && (s.to.IsZero() || s.to.After(to))
	})
}

// account is the outcome of a soak.
type account struct {
	total    int
	verdicts map[verdict]int
	// untoldHeard is how many of those whose senders were told nothing were heard on IRC.
	untoldHeard int
	// faults describe what must not be.
	faults []string
	// outages counts what was done to the servers, by what it was.
	outages map[string]int
	streams int
}

// close judges all messages.
func (l *ledger) close() account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := account{total: len(l.messages), verdicts: make(map[verdict]int), outages: make(map[string]int), streams: len(l.streams)}
	for _, e := range l.events {
		a.outages[e.what]++
	}
	for _, m := range l.messages {
		judged := l.verdict(m)
		a.verdicts[judged]++
		if judged != isShown && judged != isRefused && !m.heard.IsZero() {
			a.untoldHeard++
		}
		if judged == isLost {
			a.faults = append(a.faults, l.describe(m, string(judged)))
		}
		if wrong := l.contradiction(m); wrong != "" {
			a.faults = append(a.faults, l.describe(m, wrong))
		}
	}
	slices.Sort(a.faults)
	return a
}

// describe says all that is known of a message, and what happened around it.
func (l *ledger) describe(m *message, what string) string {
	var b strings.Builder
	after := func(name string, at time.Time) {
		if !at.IsZero() {
			fmt.Fprintf(&b, ", %s %+.3fs", name, at.Sub(m.sent).Seconds())
		}
	}
	fmt.Fprintf(&b, "%s: %s, sent %s", what, m.id, m.sent.Format("15:04:05.000"))
	after(fmt.Sprintf("to the gateway on stream %d", m.entered.stream), m.entered.at)
	after(fmt.Sprintf("answered on stream %d", m.answered.stream), m.answered.at)
	after("shown", m.shown)
	after(fmt.Sprintf("refused (%s)", m.words), m.refused)
	after("heard on IRC", m.heard)
	after("session ended", m.severed)
	b.WriteString("; around it")
	from, to := m.sent.Add(-answerTime), m.sent.Add(answerTime)
	for _, e := range l.events {
		if e.to.After(from) && e.from.Before(to) {
			fmt.Fprintf(&b, ", %s %+.1f to %+.1fs", e.what, e.from.Sub(m.sent).Seconds(), e.to.Sub(m.sent).Seconds())
		}
	}
	for number, s := range l.streams {
		if s.from.Before(to) && (s.to.IsZero() || s.to.After(from)) {
			fmt.Fprintf(&b, ", stream %d from %+.1f", number, s.from.Sub(m.sent).Seconds())
			after("to", s.to)
		}
	}
	return b.String()
}

// String is the outcome in a few lines.
func (a account) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d messages:", a.total)
	for _, v := range []verdict{isShown, isRefused, isOutside, isCutOff, isDeserted, isUntold, isLost} {
		fmt.Fprintf(&b, "\n%7d %s", a.verdicts[v], v)
	}
	fmt.Fprintf(&b, "\n%7d of those whose senders were told nothing were heard on IRC\ndone:", a.untoldHeard)
	for _, what := range slices.Sorted(maps.Keys(a.outages)) {
		fmt.Fprintf(&b, " %s %d times,", what, a.outages[what])
	}
	fmt.Fprintf(&b, " %d streams in all", a.streams)
	return b.String()
}
