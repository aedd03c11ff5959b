package gateway

import (
	"slices"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// outgoing is a message of our user on its way: until the server has echoed or
// refused it, or where it does neither, for as long as a refusal could follow.
type outgoing struct {
	ch      *Channel // nil for a private message
	target  string
	stanza  *component.Stanza
	body    string    // as the room is to show it
	labels  []string  // of its lines, where the server gives them back
	lines   int       // that were neither echoed nor refused yet
	receipt uint64    // of its last line
	echoes  bool      // the server gives back what it has taken
	shown   bool      // echoed, or written where the server does not echo
	at      time.Time // when it was written, and then shown; zero before
	failed  bool      // a line of it was refused, and its sender told
}

// outboxLimit is how many messages may be under way (Network.outbox), and shownKept how
// many of those that a server which does not echo was sent are kept (Network.shown): a
// refusal could still follow. For a while it is twice as many.
const (
	outboxLimit = 256
	shownKept   = 32
)

// transmit queues the lines of a message and remembers it. Nothing is queued
// when any line cannot be.
func (n *Network) transmit(out *outgoing, what utterance) error {
	lines, err := n.compose(out.target, what)
	if err != nil {
		return err
	}
	if len(n.outbox) >= outboxLimit {
		return refuse("resource-constraint", "too many messages wait to be sent to %s; try again in a moment", n.name)
	}
	out.lines = len(lines)
	if n.givesLabels() {
		for i := range lines {
			label := n.newLabel()
			lines[i] = lines[i].WithLabel(label)
			out.labels = append(out.labels, label)
		}
	}
	n.receipts++
	out.receipt, out.echoes = uint64(n.receipts), n.caps.Has("echo-message")
	last := &lines[len(lines)-1]
	*last = last.WithReceipt(out.receipt)
	if err := n.send(lines...); err != nil {
		return err
	}
	n.outbox = append(n.outbox, out)
	return nil
}

// onWritten shows a message in its room when its last line has left, where the
// server does not echo. Where it does, its answer is due from now on. Lines leave in
// order, but the word of it can come out of order, because several goroutines write:
// what was sent before has left, too.
func (n *Network) onWritten(ev ircconn.Written) {
	for i := 0; i < len(n.outbox) && n.outbox[i].receipt <= ev.Receipt; {
		out := n.outbox[i]
		if !out.echoes {
			n.outbox = slices.Delete(n.outbox, i, i+1)
			out.show(n.u.g.now())
			n.keepShown(out)
			continue
		}
		if i++; out.at.IsZero() {
			out.at = n.u.g.now()
			n.watchEchoes(n.u.g.live().AnswerTimeout)
		}
	}
}

// keepShown keeps a message that was shown for a while.
func (n *Network) keepShown(out *outgoing) {
	out.keepAddresses()
	if len(n.shown) >= 2*shownKept {
		n.shown = slices.Delete(n.shown, 0, shownKept)
	}
	n.shown = append(n.shown, out)
}

// watchEchoes looks at the messages that wait for their echo when d has passed,
// unless that is planned already.
func (n *Network) watchEchoes(d time.Duration) {
	if n.echoTimer != nil {
		return
	}
	n.echoTimer = n.u.after(d, func(*User) {
		n.echoTimer = nil
		n.refuseUnechoed()
	})
}

// refuseUnechoed returns the messages to their senders that the server should have
// echoed or refused by now: it is not known what has become of them.
func (n *Network) refuseUnechoed() {
	limit := n.u.g.live().AnswerTimeout
	now := n.u.g.now()
	next := time.Duration(-1)
	n.outbox = slices.DeleteFunc(n.outbox, func(out *outgoing) bool {
		if out.at.IsZero() {
			return false
		}
		if left := out.at.Add(limit).Sub(now); left > 0 {
			if next < 0 || left < next {
				next = left
			}
			return false
		}
		if !out.failed {
			n.u.replyError(out.stanza, refuse("remote-server-timeout",
				"%s has not confirmed this message within %v; look whether it has arrived before you send it again", n.name, limit))
		}
		return true
	})
	if next >= 0 {
		n.watchEchoes(next)
	}
}

// failOutbox returns the messages to their senders that were under way when the
// connection ended. The server may have taken them: its echo, and even the word that
// they were written, can be lost with it.
func (n *Network) failOutbox() {
	outbox := n.outbox
	n.outbox, n.shown = nil, nil
	for _, out := range outbox {
		if !out.failed {
			n.u.replyError(out.stanza, refuse("remote-server-timeout",
				"the connection to %s has ended before this message was confirmed; look whether it has arrived before you send it again", n.name))
		}
	}
}

// forgetShown drops the messages whose refusal would have come by now.
func (n *Network) forgetShown() {
	limit := n.u.g.now().Add(-n.u.g.live().AnswerTimeout)
	n.shown = slices.DeleteFunc(n.shown, func(out *outgoing) bool { return out.at.Before(limit) })
}

// show shows the message in its room, unless it was refused.
func (out *outgoing) show(now time.Time) {
	if out.ch != nil && !out.shown && !out.failed {
		out.ch.reflect(out.stanza, out.body)
	}
	out.shown, out.at = true, now
	out.body = ""
}

// keepAddresses leaves of the stanza what a refusal still needs: how to answer it. The
// rest can be large, and all of it is held by the smallest part.
func (out *outgoing) keepAddresses() {
	s := out.stanza
	s.ID, s.Lang, s.Children = strings.Clone(s.ID), "", nil
	if ch := out.ch; ch != nil && s.Type == "groupchat" && s.To == ch.jid {
		if session := ch.session(s.From); session != nil {
			s.Type, s.From, s.To = "groupchat", session.jid, ch.jid // which are kept anyway
			return
		}
	}
	s.Type, s.From, s.To = strings.Clone(s.Type), cloneJID(s.From), cloneJID(s.To)
}

// echoed recognises a line of ours that the server gave back (IRCv3
// echo-message), and shows the message when its last line is there. It reports
// whether the line was one.
func (n *Network) echoed(ev ircconn.Message) bool {
	answers := func(out *outgoing) bool { return slices.Contains(out.labels, ev.Label) }
	if ev.Label == "" {
		answers = func(out *outgoing) bool { return out.echoes && n.same(out.target, ev.Target) }
	}
	if i := slices.IndexFunc(n.outbox, answers); i >= 0 {
		n.account(n.outbox[i], ev.Label)
		return true
	}
	// One that was sent before we knew that the server echoes. Where it does not, a
	// bouncer tells what the user's other client has said.
	n.forgetShown()
	if ev.Label == "" {
		if !n.caps.Has("echo-message") {
			return false
		}
		answers = func(out *outgoing) bool { return n.same(out.target, ev.Target) }
	}
	for _, some := range [][]*outgoing{n.shown, n.outbox} {
		if i := slices.IndexFunc(some, answers); i >= 0 {
			n.account(some[i], ev.Label)
			return true
		}
	}
	return false
}

// onAccepted is the server's word that it has carried out a labelled line and
// has nothing else to say to it: of a message, that no echo follows.
func (n *Network) onAccepted(label string) {
	if label == "" {
		return
	}
	i := slices.IndexFunc(n.outbox, func(out *outgoing) bool { return out.echoes && slices.Contains(out.labels, label) })
	if i >= 0 {
		n.account(n.outbox[i], label)
	}
}

// onEchoLost shows what waits for echoes that will not come any more.
func (n *Network) onEchoLost() {
	outbox := n.outbox
	n.outbox = nil
	for _, out := range outbox {
		out.echoes = false
		out.show(n.u.g.now())
		n.keepShown(out)
	}
}

// account notes that the server has answered one more line of a message.
func (n *Network) account(out *outgoing, label string) {
	out.labels = slices.DeleteFunc(out.labels, func(l string) bool { return l == label })
	if out.lines--; out.lines > 0 {
		return
	}
	out.show(n.u.g.now())
	isOut := func(other *outgoing) bool { return other == out }
	n.outbox = slices.DeleteFunc(n.outbox, isOut)
	n.shown = slices.DeleteFunc(n.shown, isOut)
}

// refusesMessage are the numerics that answer a PRIVMSG or NOTICE.
var refusesMessage = map[int]bool{
	401: true, 402: true, 403: true, 404: true, 407: true, 408: true, 411: true, 412: true, 413: true, 414: true, 415: true, 417: true,
	439: true, 477: true, 486: true, 489: true, 492: true, 494: true, 531: true, 716: true,
}

// refusesOnlyMessages are those of them that answer nothing else.
var refusesOnlyMessages = map[int]bool{404: true, 412: true, 415: true, 417: true, 531: true, 716: true}

// undelivered returns an error to the sender of the message that a refusal is
// about, and reports whether there is one. Without labels it is one to the target
// that the server named: where it echoes, the first that it has not echoed; where
// it does not, the last that has left, since those before it were not refused.
func (n *Network) undelivered(ev ircconn.Refused) bool {
	n.forgetShown()
	var found *outgoing
	for _, some := range [][]*outgoing{n.shown, n.outbox} {
		for _, out := range some {
			if ev.Label != "" {
				if slices.Contains(out.labels, ev.Label) {
					found = out
				}
				continue
			}
			if refusesMessage[ev.Numeric] && n.same(out.target, ev.Target) && (found == nil || out.shown) {
				found = out
			}
		}
	}
	if found == nil {
		return false
	}
	if !found.failed {
		found.failed = true
		n.u.replyError(found.stanza, refusedByIRC(ev))
	}
	n.account(found, ev.Label)
	return true
}

// encryptions are the payloads that only the recipient can read, by namespace.
var encryptions = map[string]bool{
	"urn:xmpp:eme:0":                 true, // XEP-0380
	"eu.siacs.conversations.axolotl": true, // XEP-0384 before 0.4
	"urn:xmpp:omemo:1":               true,
	"urn:xmpp:omemo:2":               true,
	"urn:xmpp:openpgp:0":             true, // XEP-0373
	"jabber:x:encrypted":             true, // XEP-0027
	"http://jabber.org/protocol/e2e": true, // RFC 3923
	"urn:xmpp:otr:0":                 true,
}

// refuseEncrypted refuses a message that IRC could not read. Its body is only a
// stopgap for clients without that encryption and must not reach the channel.
func refuseEncrypted(s *component.Stanza) error {
	for i := range s.Children {
		if encryptions[s.Children[i].Space] {
			return refuse("not-acceptable", "IRC cannot carry encrypted messages; switch encryption off for this chat")
		}
	}
	if translate.IsOTR(s.ChildText("", "body")) {
		return refuse("not-acceptable", "IRC cannot carry OTR messages; switch encryption off for this chat")
	}
	return nil
}
