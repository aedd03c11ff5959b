package gateway

import (
	"strings"

	"passerelle/ircconn"
)

// person is what is known about somebody on a network beside their nick. There
// is none for members of whom nothing else is known.
type person struct {
	nick       string
	user, host string
	account    string
	away       string // why; empty when not away
	// key is what their occupant id is made of. It is fixed when they are
	// first seen, so that the id stays when the nick or the account changes.
	key string
	// old is whether they were last seen before the connection was lost: the nick may
	// be somebody else's by now.
	old bool
}

// see returns the record of somebody who was just seen for the first time (they
// joined, or were in a list with user and host), and makes it if need be.
func (n *Network) see(source ircconn.Source, account string) *person {
	before := n.person(source.Nick)
	if before != nil && !before.isOther(source) {
		before.update(source)
		return before
	}
	p := newPerson(source, account, n.identity(source, account))
	if before != nil {
		p.away = before.away // as that nick is shown until it is known better
	}
	n.note(p)
	return p
}

// newPerson makes a record that shares the memory of its key where that names nick, user
// and host as they are.
func newPerson(source ircconn.Source, account, key string) *person {
	p := &person{account: strings.Clone(account), key: key}
	mask, _ := strings.CutPrefix(key, maskKey)
	p.nick, mask = sharing(mask, source.Nick, "!")
	p.user, mask = sharing(mask, source.User, "@")
	p.host, _ = sharing(mask, source.Host, "")
	return p
}

// sharing returns a copy of a word, which is the beginning of a text if that begins with
// it, and what follows it there and a separator.
func sharing(text, word, separator string) (copied, rest string) {
	rest, begins := strings.CutPrefix(text, word)
	if !begins {
		return strings.Clone(word), ""
	}
	rest, _ = strings.CutPrefix(rest, separator)
	return text[:len(word)], rest
}

// person is what is known of whoever has a nick, nil if nothing is.
func (n *Network) person(nick string) *person { return n.people[n.fold(nick)] }

// know returns the record of somebody who may have been shown already without
// one; their identity is then the nick.
func (n *Network) know(nick string) *person {
	folded := n.fold(nick)
	p := n.people[folded]
	if p == nil {
		p = &person{nick: strings.Clone(nick), key: "nick " + string(folded)}
		n.note(p)
	}
	return p
}

// note keeps the record of somebody under their nick.
func (n *Network) note(p *person) {
	if n.people == nil {
		n.people = make(map[ircconn.Folded]*person)
	}
	n.people[n.fold(p.nick)] = p
}

// meet is know for somebody who is seen with user and host now.
func (n *Network) meet(source ircconn.Source, account string) *person {
	p := n.know(source.Nick)
	if p.isOther(source) {
		return n.see(source, account)
	}
	p.update(source)
	return p
}

// isOther reports whether a source of the same nick is somebody else, as far as can be
// seen: nobody told who came and went while the connection was lost.
func (p *person) isOther(source ircconn.Source) bool {
	return p.old && source.Host != "" && p.host != "" && (p.user != source.User || !strings.EqualFold(p.host, source.Host))
}

func (p *person) update(source ircconn.Source) {
	p.old = p.old && source.Host == ""
	if source.User != "" && source.User != p.user {
		p.user = strings.Clone(source.User)
	}
	if source.Host != "" && source.Host != p.host {
		p.host = strings.Clone(source.Host)
	}
}

// maskKey begins the identity of whoever is known by nick, user and host.
const maskKey = "mask "

// identity is what tells people apart on a network: the services account, or
// else the full nick!user@host, or the nick when that is all there is.
func (n *Network) identity(source ircconn.Source, account string) string {
	var room [identityBytes]byte
	return string(n.appendIdentity(room[:0], source, account))
}

func (n *Network) appendIdentity(to []byte, source ircconn.Source, account string) []byte {
	if account != "" && account != "*" {
		return append(append(to, "account "...), n.fold(account)...)
	}
	nick := n.fold(source.Nick)
	if source.Host == "" {
		return append(append(to, "nick "...), nick...)
	}
	to = append(append(append(to, maskKey...), nick...), '!')
	to = append(append(to, source.User...), '@')
	return append(to, strings.ToLower(source.Host)...)
}

// forget drops what is known about somebody who shares no channel with us.
func (n *Network) forget(nick string) {
	folded := n.fold(nick)
	if _, known := n.people[folded]; !known {
		return
	}
	for _, ch := range n.channels {
		if !ch.named || ch.hasMember(nick) {
			return // where the list is not complete, they may still be in it
		}
	}
	delete(n.people, folded)
}

// forgetStrangers drops what is known about those who left while the list of a
// channel's members was on its way.
func (n *Network) forgetStrangers() {
	for _, p := range n.people {
		n.forget(p.nick)
	}
}
