package gateway

import (
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// delayed is how old a line must be, by the server's own time, before its
// message is marked as delayed (IRCv3 server-time, XEP-0203).
const delayed = 10 * time.Second

// utterance is what somebody says, in the form that one command carries.
type utterance struct {
	text   string
	notice bool
	// unstyled is whether the text is to be taken as it is (XEP-0393 §6).
	unstyled bool
}

// utteranceOf returns what a message says.
func utteranceOf(s *component.Stanza, body string) utterance {
	return utterance{text: unescapeSlash(body), unstyled: s.Child(nsStyling, "unstyled") != nil}
}

// lines are the lines of the text with the formatting of IRC.
func (what utterance) lines() []string {
	if what.unstyled {
		return translate.Lines(translate.StripFormatting(what.text))
	}
	return translate.Lines(translate.ToIRC(what.text))
}

// onGroupchat is a message to a room (XEP-0045 §7.4), a change of its subject
// (§8.1), or a command.
func (u *User) onGroupchat(r *request) error {
	if r.occupant() != "" {
		return refuse("bad-request", "a groupchat message goes to the room, not to one occupant")
	}
	ch, s, err := u.inRoom(r)
	if err != nil {
		return err
	}
	if err := refuseEncrypted(r.Stanza); err != nil {
		return err
	}
	if sizeWritten(r.Children) > largestStanza {
		return refuse("policy-violation", "the message is too large to be shown in the room")
	}
	body := r.ChildText("", "body")
	if subject := r.Child("", "subject"); subject != nil && body == "" {
		return ch.setTopic(subject.Text, r.ID, func(err error) { u.replyError(r.Stanza, err) })
	}
	if body == "" {
		return nil // markers and chat states say nothing that IRC could carry
	}
	if name, args, is := slashCommand(body); is {
		ch.acknowledge(s, r.Stanza)
		return u.runCommand(&invocation{n: ch.n, ch: ch, stanza: r.Stanza, session: s.jid, args: args}, name)
	}
	return ch.say(r.Stanza, utteranceOf(r.Stanza, body))
}

// say sends a message to the channel. It is shown in the room when the server
// has it: on its echo, or else when it was written.
func (ch *Channel) say(s *component.Stanza, what utterance) error {
	if ch.n.ready && !ch.joined {
		return refuse("remote-server-timeout", "you are not back in %s yet; this was not sent, send it again in a moment", ch.name)
	}
	out := &outgoing{ch: ch, target: ch.name, stanza: s, body: what.text}
	if what.notice {
		out.body = noticeMark + what.text
	}
	return ch.n.transmit(out, what)
}

// compose makes the lines of an utterance: formatting translated, split where a
// line would not fit, ACTION for /me. Too many lines are refused whole.
func (n *Network) compose(target string, what utterance) ([]ircconn.Line, error) {
	var lines []ircconn.Line
	for _, text := range what.lines() {
		make, command := ircconn.Privmsg, "PRIVMSG"
		limit := n.budget(command, target)
		if what.notice {
			make, limit = ircconn.Notice, n.budget("NOTICE", target)
		} else if rest, action := strings.CutPrefix(text, "/me "); action {
			make, text, limit = ircconn.Action, rest, limit-len("\x01ACTION \x01")
		}
		for _, piece := range translate.Split(text, limit) {
			lines = append(lines, make(target, piece))
		}
		if len(lines) > n.u.g.live().MaxLines {
			return nil, refuse("policy-violation",
				"the message makes more than %d lines on IRC; send less at once, or put the text somewhere and send its address", n.u.g.live().MaxLines)
		}
	}
	if len(lines) == 0 {
		return nil, refuse("bad-request", "the message has no text")
	}
	return lines, nil
}

// reflect shows our user's own message to all sessions in the room, with the id
// that the sender gave it (XEP-0045 §7.4, XEP-0359 §3).
func (ch *Channel) reflect(s *component.Stanza, body string) {
	tail := &ch.n.u.tail
	tail.Reset()
	tail.Leaf("body", "", body)
	for i := range s.Children {
		if child := &s.Children[i]; !ch.ours(child) {
			tail.Element(child)
		}
	}
	id := s.ID
	if id == "" {
		id = newID()
	}
	m := roomMessage{
		from: ch.ownResource(), id: id, stanzaID: newID(), occupant: ch.occupantID(ircconn.Source{Nick: ch.n.nick()}, ""),
	}
	if !unrecorded(s) {
		ch.record(m, ch.n.nick(), body)
	}
	ch.send(ch.sessions, m)
}

// sizeWritten is how many bytes elements take when they are written again, at
// most. That can be far more than they came in: namespaces that a client
// declared once are written with each element, and quotes are escaped.
func sizeWritten(elements []component.Element) int {
	size := 0
	for i := range elements {
		e := &elements[i]
		size += 2*len(e.Local) + len(e.Space) + len("<  xmlns=''></>") + sizeEscaped(e.Text)
		for _, attr := range e.Attrs {
			size += 2*len(attr.Local) + sizeEscaped(attr.Space) + len(" xmlns:a0=''  a0:=''") + sizeEscaped(attr.Value)
		}
		if size += sizeWritten(e.Children); size > largestStanza {
			break
		}
	}
	return size
}

// sizeEscaped is how many bytes a text takes at most.
func sizeEscaped(text string) int {
	size := len(text)
	for _, escaped := range [...]string{"<", ">", "&", "'", `"`} {
		size += (len("&apos;") - 1) * strings.Count(text, escaped)
	}
	return size
}

// ours reports whether a child of a message is for the room alone to write: the
// body, which is written anew, and marks that a client could forge.
func (ch *Channel) ours(e *component.Element) bool {
	switch e.Space {
	case "":
		return e.Local == "body"
	case nsStanzaID:
		return e.Local == "stanza-id"
	case nsOccupantID, nsDelay, nsMUCUser:
		return true
	}
	return false
}

// acknowledge shows a command to the session that gave it, so that its client
// does not wait for it to appear.
func (ch *Channel) acknowledge(s *session, stanza *component.Stanza) {
	u := ch.n.u
	u.enc.Stanza(component.Message, ch.ownResource(), s.jid, "groupchat", stanza.ID)
	u.enc.Leaf("body", "", forBody(stanza.ChildText("", "body")))
	if origin := stanza.Child(nsStanzaID, "origin-id"); origin != nil {
		u.enc.Open("origin-id", nsStanzaID)
		u.enc.Attr("id", origin.Attr("id"))
		u.enc.Close()
	}
	u.enc.Leaf("no-store", nsHints, "")
	u.enc.Close()
}

// roomMessage is what every groupchat message has beside its content.
type roomMessage struct {
	from     component.JID
	id       string
	stanzaID string    // by the room (XEP-0359)
	occupant string    // the occupant id of who said it; empty for the room itself
	at       time.Time // when, where that is not now; else zero
}

// send sends a message, whose first children are in u.tail, to sessions: with
// the same ids for all.
func (ch *Channel) send(to []session, m roomMessage) {
	u := ch.n.u
	tail := &u.tail
	writeStanzaID(tail, m.stanzaID, ch.jid)
	if m.occupant != "" {
		writeOccupantID(tail, m.occupant)
	}
	if !m.at.IsZero() {
		writeDelay(tail, ch.jid, m.at)
	}
	for i := range to {
		u.enc.Stanza(component.Message, m.from, to[i].jid, "groupchat", m.id)
		u.enc.Raw(tail.Bytes())
		u.enc.Close()
	}
}

// writeStanzaID marks a message with the id that the room gave it (XEP-0359 §3).
func writeStanzaID(e *component.Encoder, id string, room component.JID) {
	e.Open("stanza-id", nsStanzaID)
	e.Attr("id", id)
	e.JIDAttr("by", room)
	e.Close()
}

// announce says something in the room's own name, to all sessions.
func (ch *Channel) announce(text string) {
	tail := &ch.n.u.tail
	tail.Reset()
	tail.Leaf("body", "", forBody(text))
	ch.send(ch.sessions, roomMessage{from: ch.jid, id: newID(), stanzaID: newID()})
}

// inform says something in the room's own name, to one session.
func (ch *Channel) inform(to component.JID, text string) {
	u := ch.n.u
	u.enc.Stanza(component.Message, ch.jid, to, "groupchat", newID())
	u.enc.Leaf("body", "", forBody(text))
	u.enc.Leaf("no-store", nsHints, "")
	u.enc.Close()
}

// onMessage is a PRIVMSG, NOTICE or ACTION.
func (n *Network) onMessage(ev ircconn.Message) {
	if historyBatches[ev.Batch] {
		n.onPast(ev)
		return
	}
	if ev.Self && n.echoed(ev) {
		if ch := n.channel(ev.Target); ch != nil && !ev.Time.IsZero() {
			ch.heard = ev.Time
		}
		return
	}
	if !n.caps.Has("away-notify") && n.person(ev.Source.Nick) != nil {
		n.setAway(ev.Source.Nick, "") // nobody else will say that they are back
	}
	if n.support.IsChannel(ev.Target) {
		if ch := n.channel(ev.Target); ch != nil {
			ch.onMessage(ev)
		}
		return
	}
	if ch := n.context(ev); ch != nil {
		ch.onMessage(ev)
		return
	}
	n.onQuery(ev)
}

// onMessage shows what somebody said in the room.
func (ch *Channel) onMessage(ev ircconn.Message) {
	if !ch.named && ch.shown == nil {
		return
	}
	from, occupant := ch.jid, ""
	if !ev.Source.IsServer() {
		from, occupant = ch.occupant(ev.Source.Nick), ch.occupantID(ev.Source, ev.Account)
	}
	tail := &ch.n.u.tail
	tail.Reset()
	if !writeBody(tail, ev) {
		return
	}
	id := ch.stanzaID(ev)
	m := roomMessage{from, id, id, occupant, ch.n.u.late(ev.Time)}
	ch.heard = ev.Time
	if !ev.Source.IsServer() {
		ch.record(m, ev.Source.Nick, ev.Text)
	}
	ch.send(ch.sessions, m)
}

// late returns the time of a line that is old enough to be said, or zero.
func (u *User) late(at time.Time) time.Time {
	if at.IsZero() || u.g.now().Sub(at) < delayed {
		return time.Time{}
	}
	return at
}

// noticeMark stands before what was said by NOTICE, which clients of IRC show
// apart because programs answer with it.
const noticeMark = "[notice] "

// writeBody writes what was said as a body, with <unstyled/> where its
// characters would be taken for styling (XEP-0393 §6). It reports whether there
// is anything to show.
func writeBody(e *component.Encoder, ev ircconn.Message) bool {
	styled := translate.ToXMPP(ev.Text)
	body := translate.CleanText(styled.Body)
	if strings.TrimSpace(body) == "" && !ev.Action {
		return false
	}
	if ev.Action {
		body = "/me " + body
	}
	if ev.Notice {
		body = noticeMark + body
	}
	if ev.Status != "" {
		body = statusMark(ev.Status) + body
	}
	e.Leaf("body", "", body)
	if styled.Unstyled {
		e.Leaf("unstyled", nsStyling, "")
	}
	return true
}

// statusMark says who of a channel a message was for (ISUPPORT STATUSMSG).
func statusMark(status string) string {
	names := map[string]string{"@": "(ops) ", "%": "(halfops) ", "+": "(voiced) "}
	if name, known := names[status]; known {
		return name
	}
	return "(" + status + ") "
}

// context returns the channel that a private line belongs to, or nil: the one
// that the server or the sender marked it with (IRCv3 +channel-context), or,
// for the notices of bots and services, the one they begin with.
func (n *Network) context(ev ircconn.Message) *Channel {
	if ev.ChannelContext != "" {
		return n.channel(ev.ChannelContext)
	}
	if !ev.Notice || !strings.HasPrefix(ev.Text, "[") {
		return nil
	}
	name, _, closed := strings.Cut(translate.StripFormatting(ev.Text[1:]), "]")
	if !closed || !n.support.IsChannel(name) {
		return nil
	}
	return n.channel(name)
}
