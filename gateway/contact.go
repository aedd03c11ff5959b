package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// contact is somebody on a network whom the user has in the roster.
type contact struct {
	nick   string
	online bool
	// polled is whether the server does not follow them, so that it is asked.
	polled bool
	// away is why they are away, in plain text, empty for not; isAwayUnknown is
	// whether the server is to be asked.
	away          string
	isAwayUnknown bool
}

// isonInterval is how often a server without MONITOR is asked who is there.
const isonInterval = time.Minute

// loadContacts reads whom the user follows when that is first needed.
func (u *User) loadContacts() error {
	if u.contactsKnown || u.g.store == nil {
		return nil
	}
	if !u.g.store.HasContacts(u.jid.String()) {
		u.contactsKnown = true
		return nil
	}
	var known []string
	err := u.g.askStore(storeTime, func(ctx context.Context) (err error) {
		known, err = u.g.store.Contacts(ctx, u.jid.String())
		return err
	})
	if err != nil {
		return u.storeFault(err, "a user's contacts could not be read", "your contacts cannot be read")
	}
	u.contacts, u.contactsKnown = make(map[string]bool, len(known)), true
	for _, jid := range known {
		u.contacts[jid] = true
	}
	return nil
}

// addContact begins to keep a JID as a contact.
func (u *User) addContact(jid component.JID) error {
	if u.g.store == nil {
		return nil
	}
	if err := u.loadContacts(); err != nil {
		return err
	}
	if err := u.limitContact(jid); err != nil {
		return err
	}
	if err := u.changeContact(jid, u.g.store.AddContact); err != nil {
		return err
	}
	if u.contacts == nil {
		u.contacts = make(map[string]bool)
	}
	u.contacts[jid.String()] = true
	return nil
}

// removeContact ends it.
func (u *User) removeContact(jid component.JID) error {
	if u.g.store == nil {
		return nil
	}
	if err := u.changeContact(jid, u.g.store.RemoveContact); err != nil {
		return err
	}
	delete(u.contacts, jid.String())
	return nil
}

// changeContact changes a contact in the store.
func (u *User) changeContact(jid component.JID, change func(ctx context.Context, user, contact string) error) error {
	if err := u.loadContacts(); err != nil {
		return err
	}
	err := u.g.askStore(storeTime, func(ctx context.Context) error { return change(ctx, u.jid.String(), jid.String()) })
	if err != nil {
		return u.storeFault(err, "a user's contacts could not be saved", "your contacts cannot be saved")
	}
	return nil
}

// onFollow is a subscription to somebody on IRC (XEP-0100 §4.6): it is accepted
// at once, and their presence follows.
func (u *User) onFollow(r *request) error {
	if u.g.store == nil {
		return u.onSubscribeRefused(r)
	}
	if err := u.addContact(r.To.Bare()); err != nil {
		return err
	}
	u.writeBarePresence(r, "subscribed")
	if n := u.networks.of(r.to.Network); n != nil && n.ready {
		n.follow([]string{r.to.Name})
		return nil
	}
	u.writeBarePresence(r, "unavailable")
	return nil
}

// onUnfollow ends it, and shows them as gone (RFC 6121 §3.3.3): clients that keep them in the
// roster would show for ever what they last saw.
func (u *User) onUnfollow(r *request) error {
	if err := u.removeContact(r.To.Bare()); err != nil {
		return err
	}
	u.writeBarePresence(r, "unavailable")
	u.writeBarePresence(r, "unsubscribed")
	if n := u.networks.of(r.to.Network); n != nil && n.ready {
		n.unfollow(r.to.Name)
	}
	return nil
}

// onContactProbe answers with what is known of a contact's presence.
func (u *User) onContactProbe(r *request) error {
	if n := u.networks.of(r.to.Network); n != nil {
		if c := n.contacts[n.fold(r.to.Name)]; c != nil && c.online {
			n.writeContact(c)
			if !n.caps.Has("extended-monitor") {
				n.wonder(c) // nobody said if that has changed
			}
			return nil
		}
	}
	u.writeBarePresence(r, "unavailable")
	return nil
}

// followAll follows all contacts of a network that has just been connected to.
func (n *Network) followAll() {
	if err := n.u.loadContacts(); err != nil {
		n.log().Warn("contacts are not followed", "error", err)
		return
	}
	var nicks []string
	for text := range n.u.contacts {
		jid, err := component.ParseJID(text)
		if err != nil {
			continue
		}
		if address, err := n.u.address(jid.Local); err == nil && address.Kind == translate.Nick && address.Network == n.name {
			nicks = append(nicks, address.Name)
		}
	}
	slices.Sort(nicks)
	n.follow(nicks)
}

// monitorChunk is how many nicks one MONITOR names, so that the line fits.
const monitorChunk = 10

// follow asks the server to say when people come and go (IRCv3 MONITOR), or who
// of them is there, again and again (ISON), where it does not do that.
func (n *Network) follow(nicks []string) {
	if n.contacts == nil && len(nicks) > 0 {
		n.contacts = make(map[ircconn.Folded]*contact)
	}
	for _, nick := range nicks {
		if n.contacts[n.fold(nick)] == nil {
			n.contacts[n.fold(nick)] = &contact{nick: strings.Clone(nick), polled: n.support.Monitor == 0}
		}
	}
	if len(nicks) == 0 {
		return
	}
	if n.support.Monitor == 0 {
		n.askIson()
		return
	}
	for chunk := range slices.Chunk(nicks, monitorChunk) {
		line := ircconn.Line{Command: "MONITOR", Params: []string{"+", strings.Join(chunk, ",")}}
		if err := n.send(line); err != nil {
			n.log().Warn("contacts are not followed", "error", err)
		}
	}
}

func (n *Network) unfollow(nick string) {
	if n.contacts[n.fold(nick)] == nil {
		return
	}
	delete(n.contacts, n.fold(nick))
	if n.support.Monitor == 0 {
		return
	}
	if err := n.send(ircconn.Line{Command: "MONITOR", Params: []string{"-", nick}}); err != nil {
		n.log().Debug("a contact is still followed", "error", err)
	}
}

// askIson asks who of the contacts is there (RFC 2812 §4.9), now and every
// minute from now on.
func (n *Network) askIson() {
	if n.isonTimer != nil {
		n.isonTimer.Stop()
	}
	var nicks []string
	for _, c := range n.contacts {
		if c.polled {
			nicks = append(nicks, c.nick)
		}
	}
	if len(nicks) == 0 {
		return
	}
	slices.Sort(nicks)
	for chunk := range slices.Chunk(nicks, monitorChunk) {
		n.askIsonOf(chunk)
	}
	n.isonTimer = n.u.after(isonInterval, func(u *User) {
		if u.networks.of(n.name) == n {
			n.askIson()
		}
	})
}

// askIsonOf asks who of some people is there.
func (n *Network) askIsonOf(nicks []string) {
	q := &question{failed: func(error) {}}
	q.answer = func(ev ircconn.Event) verdict {
		reply, ok := ev.(ircconn.Reply)
		if !ok || reply.Numeric != 303 {
			return unrelated
		}
		there := make(map[ircconn.Folded]bool)
		for nick := range strings.FieldsSeq(joinParams(reply.Params)) {
			there[n.fold(nick)] = true
		}
		for _, nick := range nicks {
			if c := n.contacts[n.fold(nick)]; c != nil {
				n.setOnline(c, there[n.fold(nick)])
			}
		}
		return answered | taken
	}
	line := ircconn.Line{Command: "ISON", Params: []string{strings.Join(nicks, " ")}}
	if err := n.ask(q, line); err != nil {
		n.log().Debug("who is there stays unknown", "error", err)
	}
}

// onMonitorFull takes the server's word that it follows no more people (734), and
// has those it names asked for instead.
func (n *Network) onMonitorFull(ev ircconn.Refused) {
	for _, param := range ev.Params {
		for nick := range strings.SplitSeq(param, ",") {
			if c := n.contacts[n.fold(nick)]; c != nil {
				c.polled = true
			}
		}
	}
	n.askIson()
}

// onMonitor takes the server's word on who came (730) and went (731), and that it
// follows no more people (734), and reports whether the reply was one of these.
func (n *Network) onMonitor(ev ircconn.Reply) bool {
	if ev.Numeric != 730 && ev.Numeric != 731 || len(ev.Params) == 0 {
		return false
	}
	for mask := range strings.SplitSeq(ev.Params[len(ev.Params)-1], ",") {
		if c := n.contacts[n.fold(nickOf(mask))]; c != nil {
			c.nick = strings.Clone(nickOf(mask))
			n.setOnline(c, ev.Numeric == 730)
		}
		if ev.Numeric == 731 {
			n.takeBack(nickOf(mask))
		}
	}
	return true
}

// setOnline shows that a contact came or went.
func (n *Network) setOnline(c *contact, online bool) {
	if c.online == online {
		return
	}
	c.online, c.away, c.isAwayUnknown = online, "", false
	n.writeContact(c)
	if online {
		n.wonder(c)
	}
}

// writeContact writes a contact's presence, with why they are away.
func (n *Network) writeContact(c *contact) {
	e, u := &n.u.enc, n.u
	presenceType := "unavailable"
	if c.online {
		presenceType = ""
	}
	start, from := len(e.Bytes()), u.jidOf(translate.Nick, c.nick, n.name)
	e.Stanza(component.Presence, from, u.jid, presenceType, "")
	if away := n.awayOf(c); c.online && away != "" {
		e.Leaf("show", "", "away")
		e.Leaf("status", "", away)
	}
	e.Close()
	u.holdPresence(from, start)
}

// dropContacts shows all contacts as gone, because the connection is.
func (n *Network) dropContacts() {
	if n.isonTimer != nil {
		n.isonTimer.Stop()
	}
	for _, c := range n.contacts {
		n.setOnline(c, false)
	}
}
