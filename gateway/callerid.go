package gateway

import (
	"strings"

	"passerelle/ircconn"
	"passerelle/translate"
)

// callersLimit is how many people may wait to be accepted on one network.
const callersLimit = 100

// onCaller takes the server's word (718) that somebody wants to write to the user,
// who lets nobody do so but those they chose (user mode +g). It becomes a request
// for the user's presence, which is the question that XMPP has for it (XEP-0100
// §4.6), and is told in words as well. It reports whether the reply was that.
func (n *Network) onCaller(ev ircconn.Reply) bool {
	if ev.Numeric != 718 || len(ev.Params) == 0 {
		return false
	}
	nick, from := strings.Clone(ev.Params[0]), ""
	if len(ev.Params) > 1 && strings.Contains(ev.Params[1], "@") {
		from = " (" + plain(ev.Params[1]) + ")"
	}
	jid := n.u.jidOf(translate.Nick, nick, n.name)
	wish := nick + from + " wants to write to you, and you accept messages only from people you chose (+g). To accept them, "
	if len(n.callers) >= callersLimit {
		n.tell(wish + "write here: ACCEPT " + nick)
		return true
	}
	n.tell(wish + "grant the request of " + jid.String() + ", or write here: ACCEPT " + nick)
	if n.callers == nil {
		n.callers = make(map[ircconn.Folded]bool)
	}
	n.callers[n.fold(nick)] = true
	start := len(n.u.enc.Bytes())
	n.u.writePresenceFrom(jid, "subscribe")
	n.u.holdPrivate(start)
	return true
}

// onGranted is the user's consent to what somebody on IRC asked, which lets them
// write to the user. Contacts that nobody asked for have nothing to be let in to.
func (u *User) onGranted(r *request) error {
	n := u.networks.of(r.to.Network)
	if n == nil || !n.callers[n.fold(r.to.Name)] {
		return nil
	}
	delete(n.callers, n.fold(r.to.Name))
	return n.send(ircconn.Line{Command: "ACCEPT", Params: []string{r.to.Name}})
}

// onRefusal is that the user does not consent. IRC needs not be told.
func (u *User) onRefusal(r *request) error {
	if n := u.networks.of(r.to.Network); n != nil {
		delete(n.callers, n.fold(r.to.Name))
	}
	return nil
}
