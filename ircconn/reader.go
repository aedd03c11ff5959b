package ircconn

import (
	"errors"
	"net"
	"time"
)

// reader is the incoming half of one connection: bytes to lines to events. All
// of it belongs to the connection's goroutine.
type reader struct {
	conn    *Conn
	session session
	watch   watch
	in      input
	lines   lineSplitter
}

func newReader(c *Conn, stream net.Conn, address Address) *reader {
	r := &reader{conn: c}
	r.session.init(c, address)
	r.in.init(r, stream, c.options.Poller)
	r.watch.init(r, c.options.WaitForLogin)
	return r
}

// resume works on what has arrived while no goroutine did, or on why nothing has.
func (r *reader) resume(err error) {
	r.conn.proceed(r, func() { r.arrived(err) })
}

// arrived works on what there is to read, or on why nothing is.
func (r *reader) arrived(err error) {
	if err != nil {
		r.step(nil, err)
		return
	}
	for !r.session.isOver() {
		chunk, err := r.in.read()
		if errors.Is(err, errWouldBlock) {
			return
		}
		r.step(chunk, err)
		if err != nil || !r.in.mayHaveMore() {
			return
		}
		r.conn.answer(r) // in a flood the end of what there is may never come
		if r.in.passed() {
			r.step(nil, errTimeout)
		}
	}
}

// step works on what one wait has brought.
func (r *reader) step(chunk []byte, err error) {
	r.conn.hear(time.Now())
	switch {
	case err == nil:
		r.lines.split(chunk, r.conn.config.MaxLineBytes, r.session.receive, r.session.isOver)
		r.in.release()
		r.session.received.bytes += int32(len(chunk))
		r.session.received.report(&r.session)
		r.watch.heard()
	case errors.Is(err, errTimeout):
		r.expired()
	default:
		r.session.closedBy(err)
	}
	r.watch.follow(r.session.phase)
}

// expired acts on a read deadline that has passed.
func (r *reader) expired() {
	if err := r.conn.writer.failed(); err != nil {
		r.session.closedBy(err)
		return
	}
	switch r.watch.expired(r.session.phase) {
	case actionPing:
		r.session.send(newLine("PING", pingToken))
	case actionWelcome:
		r.session.welcome()
	case actionIdentified:
		r.session.identified()
	case actionRegistrationTimeout:
		if r.session.loginTimedOut() {
			r.watch.extend(r.conn.config.RegistrationTimeout)
			return
		}
		r.session.fail(&Error{Kind: KindTimeout, Text: "it accepted the connection but not the registration"})
	case actionDead:
		r.session.fail(&Error{Kind: KindPingTimeout})
	}
}
