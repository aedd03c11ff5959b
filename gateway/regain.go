package gateway

import (
	"strings"
	"time"

	"passerelle/ircconn"
)

// regainInterval is how often a server without MONITOR is asked whether the
// user's nick is free again.
const regainInterval = 30 * time.Second

// regain gets the nick back that the user asked for, when it is free: after an
// outage it is often still held by the connection that was lost.
func (n *Network) regain() {
	n.regaining = n.attempts > 0 && !n.same(n.wanted, n.nick())
	if !n.regaining {
		return
	}
	if n.support.Monitor > 0 {
		if err := n.send(ircconn.Line{Command: "MONITOR", Params: []string{"+", n.wanted}}); err != nil {
			n.log().Debug("the nick is not watched", "error", err)
		}
		return
	}
	n.pollWanted()
}

// pollWanted asks again and again whether somebody has the nick (RFC 2812 §4.9).
func (n *Network) pollWanted() {
	generation := n.generation
	n.u.after(regainInterval, func(u *User) {
		if u.networks.of(n.name) != n || n.generation != generation || !n.regaining || !n.ready {
			return
		}
		q := &question{failed: func(error) {}}
		q.answer = func(ev ircconn.Event) verdict {
			reply, is := ev.(ircconn.Reply)
			if !is || reply.Numeric != 303 {
				return unrelated
			}
			held := false
			for nick := range strings.FieldsSeq(joinParams(reply.Params)) {
				held = held || n.same(nick, n.wanted)
			}
			if !held {
				n.takeBack(n.wanted)
			}
			return answered | taken
		}
		if err := n.ask(q, ircconn.Line{Command: "ISON", Params: []string{n.wanted}}); err != nil {
			n.log().Debug("whether the nick is free stays unknown", "error", err)
		}
		n.pollWanted()
	})
}

// takeBack takes the wanted nick, if that is the one which has just become free.
func (n *Network) takeBack(free string) {
	if !n.regaining || !n.same(free, n.wanted) {
		return
	}
	err := n.changeNick(n.wanted, func(err error) { n.log().Info("the nick cannot be had back", "error", err) })
	if err != nil {
		n.log().Info("the nick cannot be had back", "error", err)
	}
}

// regained ends the watch when the user has the nick, or has chosen another.
func (n *Network) regained() {
	if !n.regaining || !n.same(n.wanted, n.nick()) {
		return
	}
	n.regaining = false
	if n.support.Monitor == 0 || n.contacts[n.fold(n.wanted)] != nil {
		return
	}
	if err := n.send(ircconn.Line{Command: "MONITOR", Params: []string{"-", n.wanted}}); err != nil {
		n.log().Debug("the own nick stays watched", "error", err)
	}
}
