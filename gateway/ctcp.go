package gateway

import (
	"time"

	"passerelle/ircconn"
	"passerelle/translate"
)

const programName = "passerelle"

// slots limit how often something is done: some at once, then one each interval.
type slots struct {
	used int
	last time.Time
}

const (
	ctcpBurst    = 4
	ctcpInterval = 5 * time.Second
)

// take reports whether it may be done now.
func (s *slots) take(now time.Time) bool {
	if freed := int(now.Sub(s.last) / ctcpInterval); freed > 0 {
		s.used = max(0, s.used-freed)
		s.last = now
	}
	if s.used >= ctcpBurst {
		return false
	}
	s.used++
	return true
}

// ctcpAnswers are the queries that the gateway answers for its users, so that
// nobody on IRC learns what client they use or where they are.
var ctcpAnswers = map[string]func(g *Gateway, params string) string{
	"VERSION": func(g *Gateway, _ string) string { return programName + " " + g.version },
	"PING":    func(_ *Gateway, params string) string { return params },
	"TIME":    func(g *Gateway, _ string) string { return g.now().UTC().Format(time.RFC1123Z) },
	"CLIENTINFO": func(g *Gateway, _ string) string {
		if g.aboutUser() == "" {
			return "ACTION CLIENTINFO PING TIME VERSION"
		}
		return "ACTION CLIENTINFO FINGER PING TIME USERINFO VERSION"
	},
	"FINGER":   func(g *Gateway, _ string) string { return g.aboutUser() },
	"USERINFO": func(g *Gateway, _ string) string { return g.aboutUser() },
}

// onCTCP answers a query, a few at a time (RFC 2812 §3.3.2 forbids to answer a
// notice). A reply that nobody waits for is shown.
func (n *Network) onCTCP(ev ircconn.CTCP) {
	if historyBatches[ev.Batch] {
		n.onPastQuery(ev)
		return
	}
	if ev.Self {
		return
	}
	if ev.Reply {
		n.answer("CTCP " + ev.Command + " from " + ev.Source.Nick + ": " + plain(ev.Params))
		return
	}
	answer := ctcpAnswers[ev.Command]
	if answer == nil || ev.Source.IsServer() {
		return
	}
	if n.ctcpSlots == nil {
		n.ctcpSlots = new(slots)
	}
	if !n.ctcpSlots.take(n.u.g.now()) {
		return
	}
	text := answer(n.u.g, ev.Params)
	if text == "" && ev.Command != "PING" {
		return
	}
	params := clip(text, n.budget("NOTICE", ev.Source.Nick)-len(ev.Command)-len("\x01 \x01"))
	if err := n.send(ircconn.CTCPReply(ev.Source.Nick, ev.Command, params)); err != nil {
		n.log().Debug("a CTCP query stays unanswered", "error", err)
	}
}

// askCTCP asks the client of somebody on IRC and gives its reply to use. Who
// does not answer, or is not there, becomes an error for the request.
func (u *User) askCTCP(r *request, name, params string, use func(reply string)) error {
	n, err := u.network(r.to.Network)
	if err != nil {
		return err
	}
	nick := r.to.Name
	if r.to.Kind == translate.Channel {
		ch, _, err := u.inRoom(r)
		if err != nil {
			return err
		}
		if nick = ch.nickOf(r.occupant()); nick == "" {
			return refuse("item-not-found", "%s is not in %s", r.occupant(), ch.name)
		}
	}
	q := &question{failed: func(err error) { u.replyError(r.Stanza, err) }}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.CTCP:
			if ev.Reply && ev.Command == name && n.same(ev.Source.Nick, nick) {
				use(plain(ev.Params))
				return answered | taken
			}
		case ircconn.Refused:
			if n.concerns(q, ev, nick) {
				u.replyError(r.Stanza, refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	return n.ask(q, ircconn.CTCPQuery(nick, name, params))
}
