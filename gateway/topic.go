package gateway

import (
	"strings"
	"time"

	"passerelle/ircconn"
	"passerelle/translate"
)

// topic is a channel's topic: a room's subject.
type topic struct {
	text   string
	setter string // a nick; empty when unknown
	at     time.Time
	// id and stanzaID are those of the message that shows it, the same whenever
	// it is shown.
	id, stanzaID string
}

// nickOf returns the nick of a "nick!user@host", or of a nick.
func nickOf(mask string) string {
	nick, _, _ := strings.Cut(mask, "!")
	return nick
}

func (n *Network) onTopicReply(ev ircconn.TopicReply) {
	if ch := n.channel(ev.Channel); ch != nil && ch.joined {
		if ch.named && ch.topic.text != ev.Topic {
			ch.topic = topic{text: strings.Clone(ev.Topic)}
			ch.writeSubject(ch.sessions)
			return
		}
		ch.topic.text = strings.Clone(ev.Topic)
	}
}

func (n *Network) onTopicSetBy(ev ircconn.TopicSetBy) {
	if ch := n.channel(ev.Channel); ch != nil && ch.joined {
		ch.topic.setter, ch.topic.at = strings.Clone(nickOf(ev.Setter)), ev.Time
	}
}

func (n *Network) onTopicChanged(ev ircconn.TopicChanged) {
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined {
		return
	}
	ch.topic = topic{text: strings.Clone(ev.Topic), setter: strings.Clone(ev.Source.Nick)}
	if ch.named {
		if n.isSelf(ev.Source.Nick) && ch.topicID != "" {
			ch.topic.id, ch.topicID = ch.topicID, "" // of the message that asked for it
		}
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
	tail := &u.tail
	tail.Reset()
	tail.Leaf("subject", "", translate.CleanText(translate.ToXMPP(ch.topic.text).Body))
	occupant := ""
	if ch.topic.setter != "" {
		occupant = ch.occupantID(ircconn.Source{Nick: ch.topic.setter}, "")
	}
	if ch.topic.id == "" {
		ch.topic.id = newID()
	}
	if ch.topic.stanzaID == "" {
		ch.topic.stanzaID = newID()
	}
	ch.send(to, roomMessage{from, ch.topic.id, ch.topic.stanzaID, occupant, ch.topic.at})
}

// setTopic sends a new topic; its lines become one. A refusal goes to the sender
// of the message.
func (ch *Channel) setTopic(text, id string, failed func(error)) error {
	n := ch.n
	line := translate.ToIRC(oneLine(text))
	limit := n.budget("TOPIC", ch.name)
	if n.support.TopicLen > 0 && n.support.TopicLen < limit {
		limit = n.support.TopicLen
	}
	q := &question{failed: func(err error) {
		ch.topicID = ""
		if !n.ready || n.u.networks.of(n.name) != n {
			failed(err)
		}
		// Otherwise the topic was so already, which servers do not announce.
	}}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.TopicChanged:
			if n.same(ev.Channel, ch.name) && n.isSelf(ev.Source.Nick) {
				return answered
			}
		case ircconn.Refused:
			if n.concerns(q, ev, ch.name) {
				ch.topicID = ""
				failed(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	if err := n.ask(q, ircconn.Topic(ch.name, clip(line, limit))); err != nil {
		return err
	}
	ch.topicID = strings.Clone(id)
	return nil
}
