package ircconn

import "time"

// welcomeGrace is how long after 001 a server may take to end its message of
// the day before we go on without.
const welcomeGrace = 10 * time.Second

// pingToken is the parameter of our PINGs; servers return it in their PONGs.
const pingToken = "passerelle"

// action is what a passed deadline calls for.
type action uint8

const (
	actionNone action = iota
	actionPing
	actionWelcome
	actionIdentified
	actionRegistrationTimeout
	actionDead
)

// watch keeps the time of one connection on its reading goroutine. It arms the
// read deadline of the socket, which the runtime keeps in any case, so that an
// idle connection costs neither a timer nor a second goroutine. The deadline
// is not moved on each read: when it passes, the time of the last one decides.
type watch struct {
	reader    *reader
	loginWait time.Duration // for the services
	phaseEnds time.Time     // while registering and being welcomed
	lastHeard time.Time
	phase     phase
	pinged    bool
}

func (w *watch) init(r *reader, loginWait time.Duration) {
	w.reader, w.loginWait = r, loginWait
	w.lastHeard = time.Now()
	w.extend(w.config().RegistrationTimeout)
}

func (w *watch) config() *Config { return w.reader.conn.config }

func (w *watch) arm(at time.Time) { w.reader.in.setDeadline(at) }

// extend has the phase at hand end after so long.
func (w *watch) extend(length time.Duration) {
	w.phaseEnds = time.Now().Add(length)
	w.arm(w.phaseEnds)
}

// heard notes that the server has spoken. The time counts from the end of the
// work on what it said: the sink may have waited long.
func (w *watch) heard() {
	w.lastHeard = time.Now()
	w.pinged = false
}

// follow arms the deadline of a phase that has just begun.
func (w *watch) follow(current phase) {
	if current == w.phase {
		return
	}
	w.phase = current
	switch current {
	case phaseRegistering:
	case phaseWelcoming:
		w.extend(welcomeGrace)
	case phaseIdentifying:
		w.extend(w.loginWait)
	case phaseRegistered:
		w.arm(w.lastHeard.Add(w.config().PingInterval))
	}
}

// expired returns what the passed deadline calls for, and arms the next.
func (w *watch) expired(current phase) action {
	now := time.Now()
	if current != phaseRegistered {
		if now.Before(w.phaseEnds) {
			w.arm(w.phaseEnds)
			return actionNone
		}
		switch current {
		case phaseWelcoming:
			return actionWelcome
		case phaseIdentifying:
			return actionIdentified
		default:
			return actionRegistrationTimeout
		}
	}
	silence := now.Sub(w.lastHeard)
	switch {
	case silence >= w.config().PingTimeout:
		return actionDead
	case silence < w.config().PingInterval:
		w.arm(w.lastHeard.Add(w.config().PingInterval))
		return actionNone
	case w.pinged:
		w.arm(w.lastHeard.Add(w.config().PingTimeout))
		return actionNone
	}
	w.pinged = true
	w.arm(w.lastHeard.Add(w.config().PingTimeout))
	return actionPing
}
