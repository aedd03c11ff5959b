package gateway

import (
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// topic is a channel's topic: a room's subject.
type topic struct {
	text   string
	setter string // a nick; empty when unknown
	at     time.Time
}

// nickOf returns the nick of a "nick!user@host", or of a nick.
func nickOf(mask string) string {
	nick, _, _ := strings.Cut(mask, "!")
	return nick
}

func (n *Network) onTopicReply(ev ircconn.TopicReply) {
	if ch := n.channel(ev.Channel); ch != nil && ch.joined {
		if ch.named && ch.topic.text != ev.Topic {
			ch.topic = topic{text: ev.Topic}
			ch.writeSubject(ch.sessions)
			return
		}
		ch.topic.text = strings.Clone(ev.Topic)
	}
}

func (n *Network) onTopicSetBy(ev ircconn.TopicSetBy) {
	if ch := n.channel(ev.Channel); ch != nil && ch.joined {
		ch.topic.setter, ch.topic.at = nickOf(ev.Setter), ev.Time
	}
}

func (n *Network) onTopicChanged(ev ircconn.TopicChanged) {
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined {
		return
	}
	ch.topic = topic{text: ev.Topic, setter: ev.Source.Nick}
	if ch.named {
		ch.writeSubject(ch.sessions)
	}
	ch.topic.at = n.u.g.now()
	if !ev.Time.IsZero() {
		ch.topic.at = ev.Time
	}
}

// writeSubject sends the topic to sessions: always, also an empty one, because
// it ends the join (XEP-0045 §7.2.15). When the topic is older than the join it
// has a delay with the time it was set.
func (ch *Channel) writeSubject(to []session) {
	u := ch.n.u
	from := ch.jid
	if ch.topic.setter != "" {
		from = ch.occupant(ch.topic.setter)
	}
	id := newID()
	for i := range to {
		u.enc.Stanza(component.Message, from, to[i].jid, "groupchat", id)
		u.enc.Leaf("subject", "", translate.ToXMPP(ch.topic.text).Body)
		if !ch.topic.at.IsZero() {
			writeDelay(&u.enc, ch.jid, ch.topic.at)
		}
		u.enc.Close()
	}
}

// setTopic sends a new topic; its lines become one. A refusal goes to the sender
// of the message.
func (ch *Channel) setTopic(text string, failed func(error)) error {
	n := ch.n
	line := translate.ToIRC(oneLine(text))
	limit := n.budget("TOPIC", ch.name)
	if n.support.TopicLen > 0 && n.support.TopicLen < limit {
		limit = n.support.TopicLen
	}
	q := &question{failed: func(error) {}} // a topic that stays as it was is not announced
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.TopicChanged:
			if n.same(ev.Channel, ch.name) && n.isSelf(ev.Source.Nick) {
				return answered
			}
		case ircconn.Refused:
			if n.concerns(q, ev, ch.name) {
				failed(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	return n.ask(q, ircconn.Topic(ch.name, clip(line, limit)))
}
