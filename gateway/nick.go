package gateway

import (
	"slices"
	"strings"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// wantsOtherNick reports whether a session asks for another nick than it has. A
// client that has been given another nick than it wanted may go on addressing
// the room by the wanted one; that is no request.
func (n *Network) wantsOtherNick(s *session, resource string) bool {
	return resource != n.nick() && resource != s.wanted && n.legalNick(resource) != n.nick()
}

func (n *Network) legalNick(resource string) string {
	return translate.NickToIRC(resource, translate.NickLimits{
		Bytes:   n.support.NickLen,
		Unicode: n.support.Casemapping == ircconn.RFC7613,
	})
}

// updateSession takes the presence of somebody who is in the room: another
// availability, another nick, or both.
func (ch *Channel) updateSession(s *session, r *request) error {
	n := ch.n
	s.show, s.status = availability(r.Stanza)
	ch.keep()
	n.updateAway()
	if !n.wantsOtherNick(s, r.occupant()) {
		if self, there := ch.member(n.nick()); there {
			ch.show(self)
		}
		return nil
	}
	nick := n.legalNick(r.occupant())
	if nick == "" {
		return refuse("not-acceptable", "IRC has no letters for the nick %q", r.occupant())
	}
	before := s.wanted
	s.wanted = strings.Clone(r.occupant())
	err := n.changeNick(nick, func(err error) {
		if s := ch.session(r.From); s != nil && s.wanted == r.occupant() {
			s.wanted = before
		}
		n.u.replyError(r.Stanza, err)
	})
	if err != nil {
		s.wanted = before
	}
	return err
}

// nickRefusals are the answers that refuse a change of nick.
var nickRefusals = map[int]bool{
	431: true, 432: true, 433: true, 435: true, 436: true, 437: true, 438: true, 447: true, 484: true, 485: true,
}

// changeNick asks for another nick, which is one for the whole network
// (RFC 2812 §3.1.2). A refusal goes to failed.
func (n *Network) changeNick(nick string, failed func(error)) error {
	q := &question{failed: failed}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.NickChanged:
			if ev.Self {
				n.wanted = strings.Clone(ev.New)
				n.keep()
				return answered
			}
		case ircconn.Acknowledged:
			if slices.Contains(q.labels, ev.Label) {
				return answered
			}
		case ircconn.Refused:
			if n.concerns(q, ev, nick) && (nickRefusals[ev.Numeric] || n.givesLabels()) {
				failed(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	return n.ask(q, ircconn.Nick(nick))
}

// onNickChanged shows a new nick in every room: the old one leaves with 303, the
// new one enters (XEP-0045 §7.6).
func (n *Network) onNickChanged(ev ircconn.NickChanged) {
	old := ev.Source.Nick
	n.renamePerson(old, ev.New, ev.Source)
	self := ev.Self || n.isSelf(old)
	for _, ch := range n.channels {
		if !ch.named {
			ch.renameShown(old, ev.New)
		} else if m, there := ch.member(old); there {
			ch.showRename(m, old, ev.New)
		}
	}
	if self {
		n.self.Nick = strings.Clone(ev.New)
		for _, ch := range n.channels {
			for i := range ch.sessions {
				ch.sessions[i].wanted = n.self.Nick
			}
			ch.keep()
		}
	}
	for _, ch := range n.channels {
		m, found := ch.removeMember(old)
		if !found {
			continue
		}
		ch.add(ev.New, m.modes)
		ch.showNick(ev.New)
	}
	if self {
		n.regained()
		return
	}
	n.takeBack(old)
}

// renamePerson keeps what is known about somebody, and so their occupant id,
// under the new nick.
func (n *Network) renamePerson(old, renamed string, source ircconn.Source) {
	shared := false
	for _, ch := range n.channels {
		shared = shared || ch.hasMember(old)
	}
	if !shared {
		return
	}
	p := n.meet(source, "")
	delete(n.people, n.fold(old))
	p.nick = strings.Clone(renamed)
	n.note(p)
	if q, known := n.queries[n.fold(old)]; known {
		delete(n.queries, n.fold(old))
		n.remember(renamed, q)
	}
}

// showRename is the first half of a change of nick: the old nick is gone and
// says which one follows. The occupant id of both halves is the same.
func (ch *Channel) showRename(m member, old, renamed string) {
	n := ch.n
	a := ch.appearanceOf(m)
	a.show, a.status = "", ""
	if !n.isSelf(old) {
		a.id = ch.occupantID(ircconn.Source{Nick: renamed}, "")
	}
	a.newNick = translate.NickToResource(renamed)
	a.codes = []int{statusNewNick}
	if n.isSelf(old) {
		a.codes = append(a.codes, statusSelf)
	}
	for i := range ch.sessions {
		ch.writePresence(&ch.sessions[i], old, "unavailable", &a)
	}
}

// renameShown shows a new nick in a room whose members are being listed anew, where
// the clients know the old one.
func (ch *Channel) renameShown(old, renamed string) {
	if ch.shown == nil {
		return
	}
	at, known := ch.shown.find(ch.n.support.Casemapping, old)
	if !known {
		return
	}
	m := ch.shown.at(at)
	a := ch.appearanceOf(m)
	ch.showRename(m, old, renamed)
	ch.shown.remove(at)
	at, _ = ch.shown.find(ch.n.support.Casemapping, renamed)
	ch.shown.insert(at, renamed, m.modes)
	if ch.n.isSelf(old) {
		a.codes = []int{statusSelf}
	} else {
		a.id = ch.occupantID(ircconn.Source{Nick: renamed}, "") // as showRename says
	}
	for i := range ch.sessions {
		ch.writePresence(&ch.sessions[i], renamed, "", &a)
	}
}

// ownResource is the JID of our own user in the room.
func (ch *Channel) ownResource() component.JID { return ch.occupant(ch.n.nick()) }
