package gateway

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"

	"passerelle/ircconn"
)

// outage is what a network is in between the loss of its connection and the
// next one. Its rooms stay as they were last shown.
type outage struct {
	since     time.Time
	text      string      // what the user is told
	attempted time.Time   // when the last attempt began
	next      *time.Timer // of the next attempt; nil while one is under way
	nextAt    time.Time
	plans     int         // how often something was planned, to tell timers from those that were replaced
	limit     *time.Timer // of giving up
	parked    bool        // nobody was in a room when the attempt was due
	givenUp   bool        // clients were told; only persistent rooms are still tried for
}

const (
	// stableAfter is how long a connection lasts before its loss is taken for a
	// new one rather than for more of the trouble before.
	stableAfter = time.Minute
	// firstRetry and longestRetry bound how long is waited between attempts.
	firstRetry   = time.Second
	longestRetry = 10 * time.Minute
	// throttledRetry is how long at least to wait for a server that asks to be
	// left alone.
	throttledRetry = time.Minute
	// hastenAfter is how old an attempt is at least before a user's own action
	// causes the next one.
	hastenAfter = 15 * time.Second
)

// retryDelay is how long to wait before an attempt, of which there were so many:
// 1 to 5 s before the first, then twice as long each time, up to ten minutes, and
// never the same for all who lost their connection together.
func retryDelay(attempts int) time.Duration {
	if attempts == 0 {
		return firstRetry + rand.N(4*time.Second)
	}
	delay := longestRetry
	if attempts < 8 {
		delay = min(longestRetry, 5*time.Second<<attempts)
	}
	return delay - rand.N(delay/4)
}

// banWords and throttleWords are how servers say, in the text with which they
// close a connection, that a user is not welcome, or not yet.
var (
	banWords      = regexp.MustCompile(`(?i)\b(g?[kgzdq])[:-]?lined?\b|\bbanned\b|\bakill|\bautokill|\bblacklist|\bdnsbl\b|\bno access\b|not welcome|not authori[sz]ed to (use|connect)`)
	throttleWords = regexp.MustCompile(`(?i)throttl|too (many|fast)|reconnecting too|connection limit|session limit|clones? (allowed|limit)|wait a (while|moment|minute)|try again later`)
)

// outlook is what the reason of a connection's end says about trying again.
type outlook uint8

const (
	worthTrying outlook = iota
	throttled           // the server wants to be left alone for a while
	banned              // the user is not welcome there
	hopeless            // nothing would be different the next time
)

// refusedForGood are the numerics that refuse a user, not a moment: bans and
// wrong passwords (RFC 2812 §5.2, IRCv3 sasl).
var refusedForGood = map[int]outlook{
	463: banned, 465: banned, 466: banned,
	464: hopeless, 902: hopeless, 904: hopeless, 905: hopeless,
}

func outlookOf(err error) outlook {
	var cause *ircconn.Error
	if !errors.As(err, &cause) {
		return worthTrying
	}
	if known, listed := refusedForGood[cause.Numeric]; listed {
		return known
	}
	text := cause.Text
	if _, reason, has := strings.Cut(text, "("); has {
		text = reason // what stands before it names the user
	}
	switch {
	case cause.Kind == ircconn.KindLocal || cause.Kind == ircconn.KindForbidden || cause.Kind == ircconn.KindPassword:
		return hopeless
	case cause.Kind != ircconn.KindRefused && cause.Kind != ircconn.KindServerClosed:
		return worthTrying
	case cause.Err != nil:
		return worthTrying // the words are our own
	case throttleWords.MatchString(text):
		return throttled
	case banWords.MatchString(text):
		return banned
	}
	return worthTrying
}

// onDisconnected is the end of a connection. Where there were rooms, they stay,
// and the connection is tried again; otherwise, and where that is hopeless, the
// network ends: those who waited for a room get an error, those who were in one
// are taken out of it (status 332).
func (n *Network) onDisconnected(ev ircconn.Disconnected) {
	if ev.STS.Duration > 0 {
		n.onSTS(ev.STS) // it counts from the end of the connection
	}
	prospect := outlookOf(ev.Err)
	if prospect == banned {
		n.u.g.bans.add(n.u.jid, n.name, n.u.g.now().Add(banPause))
	}
	had := n.ready || n.outage != nil
	if had && len(n.channels) > 0 && prospect < banned && n.u.g.live().OutageLimit > 0 {
		n.suspend(ev.Err, prospect)
		return
	}
	text := "The connection to " + n.name + " has ended"
	if ev.Err != nil {
		text += ": " + ev.Err.Error()
	}
	switch {
	case n.outage != nil && n.outage.givenUp && prospect < banned:
	case prospect == banned:
		text += ". The gateway does not try again: ask the operators of the network what to do."
		n.tell(text)
	default:
		n.tell(text)
	}
	if !ev.WasRegistered && ev.Err != nil {
		n.showFailure(connectionRefusal(n.name, ev.Err))
	}
	n.ready = false
	n.fail(connectionRefusal(n.name, ev.Err))
	n.drop(exit{text: text, codes: []int{statusShutdown}})
	n.remove()
}

// suspend keeps the rooms of a network whose connection is gone, says so once in
// each of them, and plans the next attempt.
func (n *Network) suspend(err error, prospect outlook) {
	g := n.u.g
	if n.outage == nil {
		if g.now().Sub(n.since) >= stableAfter {
			n.attempts = 0
		}
		n.outage = &outage{since: g.now()}
		n.limitOutage()
		n.interrupt(err)
	} else {
		n.log().Info("the server could not be reached again", "attempts", n.attempts, "error", err)
	}
	if len(n.channels) == 0 {
		n.remove()
		return
	}
	delay := retryDelay(int(n.attempts))
	if prospect == throttled {
		delay = max(delay, throttledRetry+rand.N(throttledRetry))
	}
	n.attempts++
	n.plan(delay)
}

// interrupt takes note that the connection is gone, and tells the user.
func (n *Network) interrupt(err error) {
	n.ready = false
	n.awayText = ""
	n.asked = nil
	clear(n.parting)
	for _, p := range n.people {
		p.old = true
	}
	for _, ch := range n.channels {
		if ch.interrupt(); !ch.isOccupied() && !ch.keeps().stay {
			ch.delete() // it waited for a client to come back
		}
	}
	n.fail(n.interruption())
	n.dropContacts()
	n.contacts = nil
	n.showNetwork("unavailable")
	text := "The connection to " + n.name + " is lost"
	if err != nil {
		text += ": " + err.Error()
	}
	if text += "."; len(n.channels) > 0 {
		text += " The gateway is trying to get it back; until then nothing that you write is sent."
	}
	n.outage.text = text
	for _, ch := range n.channels {
		ch.announce(text)
	}
	n.tell(text)
}

// interrupt takes note that the room has lost its connection. Who and what was
// shown there stays.
func (ch *Channel) interrupt() {
	ch.sent, ch.joined = false, false
	ch.learning = time.Time{}
	ch.modesAsked, ch.modesAnswered = 0, 0
	ch.bans, ch.banning = nil, nil
	ch.topicID = ""
	ch.stopTimer()
	if !ch.named && ch.shown != nil { // it was lost again while it came back
		ch.members, ch.named, ch.shown = *ch.shown, true, nil
	}
}

// interruption is what whoever wants something of the network is told.
func (n *Network) interruption() error {
	if n.outage == nil {
		return refuse("recipient-unavailable", "you are not connected to %s; join one of its channels first", n.name)
	}
	return refuse("remote-server-timeout",
		"the connection to %s is lost, and the gateway is trying to get it back; this was not sent, send it again later", n.name)
}

// plan has the next attempt made when the delay is over.
func (n *Network) plan(delay time.Duration) {
	n.log().Info("the server is tried again", "after", delay.Round(time.Millisecond), "attempt", n.attempts)
	n.wait(delay, func() {
		// Others may be waiting for the same server.
		now := n.u.g.now()
		if turn := n.u.g.knocks.turn(n.name, now, n.u.g.live().ReconnectInterval); turn.After(now) {
			n.wait(turn.Sub(now), n.attempt)
			return
		}
		n.attempt()
	})
}

// wait does the next thing about an outage after a while, unless it is over or
// something else was planned by then.
func (n *Network) wait(d time.Duration, then func()) {
	o := n.outage
	if o.next != nil {
		o.next.Stop()
	}
	o.plans++
	plan := o.plans
	o.nextAt = n.u.g.now().Add(d)
	o.next = n.u.after(d, func(*User) {
		if n.outage == o && n.u.networks.of(n.name) == n && o.plans == plan && o.next != nil {
			then()
		}
	})
}

// hasten makes the next attempt soon, because the user wants something of the
// network.
func (n *Network) hasten() {
	o := n.outage
	if o == nil {
		return
	}
	if o.givenUp {
		o.givenUp, o.since = false, n.u.g.now()
		n.limitOutage()
	}
	if o.parked {
		o.parked = false
		n.plan(firstRetry)
		return
	}
	if o.next == nil {
		return
	}
	now := n.u.g.now()
	if soon := max(firstRetry, hastenAfter-now.Sub(o.attempted)); o.nextAt.Sub(now) > soon {
		n.plan(soon)
	}
}

// attempt tries to get the connection back.
func (n *Network) attempt() {
	if n.u.g.isClosing() {
		return // what there is, is kept for the next start
	}
	o := n.outage
	if len(n.channels) == 0 { // the network is about to be left, unless somebody joins
		o.next, o.parked = nil, true
		return
	}
	o.next, o.attempted = nil, n.u.g.now()
	if err := n.u.mayConnect(); err != nil {
		n.giveUpFor(n.u.stanzaError(err).Text)
		return
	}
	if err := n.open(n.wanted); err != nil {
		n.log().Warn("the server cannot be tried again", "error", err)
		n.giveUpFor(n.u.stanzaError(err).Text)
	}
}

// limitOutage has the outage given up when it has lasted too long. Another one may have
// begun by then.
func (n *Network) limitOutage() {
	o := n.outage
	o.limit = n.u.after(n.u.g.live().OutageLimit, func(*User) {
		if n.outage == o {
			n.giveUp()
		}
	})
}

// giveUp takes the clients out of the rooms when an outage has lasted too long.
// Where the user stays in rooms without a client, they are tried for further.
func (n *Network) giveUp() {
	o := n.outage
	if o == nil || o.givenUp || n.u.networks.of(n.name) != n {
		return
	}
	o.givenUp = true
	text := "The connection to " + n.name + " could not be had again for " + worded(n.u.g.now().Sub(o.since)) +
		"; join the room again to try once more"
	n.tell(text + ".")
	for _, ch := range n.channels {
		ch.refuseWaiting(refuse("remote-server-timeout", "%s", text))
		ch.removeAll(exit{text: text, codes: []int{statusShutdown}})
		ch.isAloneSince(o.since)
		if ch.keep(); !ch.keeps().stay {
			ch.delete()
		}
	}
	if len(n.channels) > 0 {
		return
	}
	n.quit(text)
}

// giveUpFor ends an outage for a reason that time does not change.
func (n *Network) giveUpFor(reason string) {
	text := "The gateway does not connect to " + n.name + " again: " + reason
	n.tell(text)
	n.quit(text)
}

// worded writes how long something took: "5 minutes", "2 hours".
func worded(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for _, unit := range units {
		if count := int(d / unit.size); count > 0 {
			if count > 1 {
				unit.name += "s"
			}
			return strconv.Itoa(count) + " " + unit.name
		}
	}
	return "a moment"
}

// recover ends an outage: the connection is there again.
func (n *Network) recover(nick string) {
	o := n.outage
	o.stop()
	n.outage = nil
	if old := n.self.Nick; old != nick {
		n.onNickChanged(ircconn.NickChanged{Source: ircconn.Source{Nick: old}, New: nick, Self: true})
	}
	n.tell("Connected to " + n.name + " again, as " + nick + ", after " + worded(n.u.g.now().Sub(o.since)) + ".")
}

func (o *outage) stop() {
	if o == nil {
		return
	}
	for _, timer := range []*time.Timer{o.next, o.limit} {
		if timer != nil {
			timer.Stop()
		}
	}
	o.next = nil
}

// onProgress tells how connecting goes. After an outage it is told when it has
// succeeded.
func (n *Network) onProgress(ev ircconn.Progress) {
	if n.outage == nil {
		n.tell(ev.Text)
	}
}
