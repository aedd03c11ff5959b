package gateway

import (
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// query is a private conversation: where its other side is to be shown.
type query struct {
	room  component.JID // the room that our user last wrote through; zero for the server-wide address
	until time.Time     // how long that holds
	away  string        // the last reason for their absence that was told
}

const (
	// queryMemory is how long answers follow into the room that a private
	// message went through.
	queryMemory = time.Hour
	// queryLimit is how many conversations of one network are remembered.
	queryLimit = 1000
)

// remember keeps what is known of a conversation.
func (n *Network) remember(nick string, q query) {
	if n.queries == nil || len(n.queries) >= queryLimit {
		n.queries = make(map[ircconn.Folded]query)
	}
	n.queries[n.fold(strings.Clone(nick))] = q
}

// onPrivateMessage is a message to nick%server@gateway.
func (u *User) onPrivateMessage(r *request) error {
	return u.whisper(r, r.to.Name, component.JID{})
}

// onRoomMessage is a message of a room that is not for all: to one occupant
// (XEP-0045 §7.5), or an invitation (§7.8).
func (u *User) onRoomMessage(r *request) error {
	if r.occupant() == "" {
		if x := r.Child(nsMUCUser, "x"); x.Child(nsMUCUser, "invite") != nil {
			return u.inviteAll(r, x)
		}
		if decline := r.Child(nsMUCUser, "x").Child(nsMUCUser, "decline"); decline != nil {
			return u.decline(r, decline)
		}
		if r.ChildText("", "body") == "" {
			return nil
		}
		return refuse("not-acceptable", "this is the address of the channel %s: join it as a group chat to talk there", r.to.Name)
	}
	ch, _, err := u.inRoom(r)
	if err != nil {
		if _, unconnected := u.network(r.to.Network); unconnected != nil {
			return err
		}
		return u.whisper(r, r.occupant(), component.JID{}) // from outside the room it is as to nick%server
	}
	nick := ch.nickOf(r.occupant())
	if nick == "" {
		return refuse("item-not-found", "%s is not in %s", r.occupant(), ch.name)
	}
	return u.whisper(r, nick, ch.jid)
}

// nickOf returns the nick of an occupant, who appears under a resource that may
// be cleaned of some characters, in memory of its own; empty for nobody.
func (ch *Channel) nickOf(resource string) string {
	if m, there := ch.member(resource); there {
		return strings.Clone(m.nick)
	}
	for _, m := range ch.members.all() {
		if translate.NickToResource(m.nick) == resource {
			return strings.Clone(m.nick)
		}
	}
	return ""
}

// whisper sends a private message; room is where it was written, or zero.
func (u *User) whisper(r *request, nick string, room component.JID) error {
	n, err := u.network(r.to.Network)
	if err != nil {
		return err
	}
	if err := refuseEncrypted(r.Stanza); err != nil {
		return err
	}
	if err := n.checkNick(nick); err != nil {
		return err
	}
	body := r.ChildText("", "body")
	if x := r.Child(nsConference, "x"); x != nil {
		return u.inviteDirectly(r, n, nick, x)
	}
	if body == "" {
		return nil // markers, receipts and chat states say nothing that IRC could carry
	}
	q := n.queries[n.fold(nick)]
	q.room, q.until = room, u.g.now().Add(queryMemory)
	n.remember(nick, q)
	if name, args, is := slashCommand(body); is {
		return u.runCommand(&invocation{n: n, stanza: r.Stanza, session: r.From, args: args}, name)
	}
	return n.transmit(&outgoing{target: nick, stanza: r.Stanza, body: body}, utteranceOf(r.Stanza, body))
}

// checkNick refuses what IRC would take for several people, or for something
// other than a person (RFC 2812 §3.3.1).
func (n *Network) checkNick(nick string) error {
	if strings.ContainsAny(nick, ", *?!@") || strings.ContainsAny(nick[:1], "$:"+n.support.StatusMsg+n.support.ChanTypes) {
		return refuse("item-not-found", "%q is not the nick of one person", nick)
	}
	return nil
}

// onQuery shows a private message or notice: from the server-wide address, so
// that our user's own server archives it, or in the room where the conversation
// goes on.
func (n *Network) onQuery(ev ircconn.Message) {
	if ev.Source.IsServer() {
		n.tell(plain(ev.Text))
		return
	}
	if ev.Self && !n.isSelf(ev.Target) {
		return // said by another client through the same bouncer, to somebody else
	}
	u := n.u
	q, known := n.queries[n.fold(ev.Source.Nick)]
	if q.away = ""; known {
		n.remember(ev.Source.Nick, q)
	}
	tail := &u.tail
	tail.Reset()
	if !writeBody(tail, ev) {
		return
	}
	start := len(u.enc.Bytes())
	defer func() { u.holdPrivate(start) }()
	if at := u.late(ev.Time); !at.IsZero() {
		writeDelay(tail, u.gatewayJID(), at)
	} else {
		u.writeHeld(tail)
	}
	if n.whisperInRoom(q, ev) {
		return
	}
	u.enc.Stanza(component.Message, u.jidOf(translate.Nick, ev.Source.Nick, n.name), u.jid, "chat", newID())
	u.enc.Raw(tail.Bytes())
	u.enc.Close()
}

// whisperInRoom sends the message in u.tail from the occupant of the room where
// our user wrote to them, and reports whether that room still serves.
func (n *Network) whisperInRoom(q query, ev ircconn.Message) bool {
	if q.room == (component.JID{}) || n.u.g.now().After(q.until) {
		return false
	}
	for _, ch := range n.channels {
		if ch.jid != q.room || !ch.hasMember(ev.Source.Nick) || len(ch.sessions) == 0 {
			continue
		}
		id := newID()
		for i := range ch.sessions {
			e := &n.u.enc
			e.Stanza(component.Message, ch.occupant(ev.Source.Nick), ch.sessions[i].jid, "chat", id)
			e.Raw(n.u.tail.Bytes())
			e.Leaf("x", nsMUCUser, "")
			writeOccupantID(e, ch.occupantID(ev.Source, ev.Account))
			e.Close()
		}
		return true
	}
	return false
}
