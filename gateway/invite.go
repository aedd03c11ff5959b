package gateway

import (
	"strings"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// mostInvitations is how many people one message may invite.
const mostInvitations = 10

// inviteAll sends the invitations of one message.
func (u *User) inviteAll(r *request, x *component.Element) error {
	invitations := 0
	for i := range x.Children {
		if invitation := &x.Children[i]; invitation.Space == nsMUCUser && invitation.Local == "invite" {
			if invitations++; invitations > mostInvitations {
				return refuse("policy-violation", "at most %d people can be invited at once", mostInvitations)
			}
			if err := u.invite(r, invitation); err != nil {
				return err
			}
		}
	}
	return nil
}

// invite is an invitation that our user sends through the room (XEP-0045
// §7.8.2): somebody on IRC gets an INVITE, a JID elsewhere is passed a direct
// one (XEP-0249).
func (u *User) invite(r *request, invitation *component.Element) error {
	ch, _, err := u.inRoom(r)
	if err != nil {
		return err
	}
	reason := forBody(invitation.ChildText(nsMUCUser, "reason"))
	nick, jid, err := ch.invitee(invitation.Attr("to"))
	if err != nil {
		return err
	}
	if nick == "" {
		u.inviteJID(ch, jid, reason)
		return nil
	}
	return ch.n.inviteNick(nick, ch.name, func(err error) {
		if err != nil {
			u.replyError(r.Stanza, err)
		}
	})
}

// invitee is whom an invitation is for: a nick on the channel's network, or a JID
// elsewhere. A nick can be written in all the ways that biboumi has: alone, as the
// localpart of an address of ours with or without a server, whose name does not
// count, and as the resource of one, such as that of an occupant.
func (ch *Channel) invitee(to string) (string, component.JID, error) {
	if nick, is := bareNick(to); is && nick == "" {
		return "", component.JID{}, refuse("jid-malformed", "the invitation names nobody")
	} else if is {
		return nick, component.JID{}, nil
	}
	jid, err := component.ParseJID(to)
	if err != nil {
		return "", jid, refuse("jid-malformed", "the invitation names nobody: %v", err)
	}
	g := ch.n.u.g
	if jid.Domain != g.domain {
		return "", jid, nil
	}
	if jid.Resource != "" {
		for _, other := range ch.n.channels {
			if nick := other.nickOf(jid.Resource); nick != "" && other.jid == jid.Bare() {
				return nick, jid, nil
			}
		}
		return jid.Resource, jid, nil
	}
	name, hasServer := cutServer(jid.Local)
	if nick := translate.Unescape(name); nick != "" && (hasServer || g.addressing.Fixed != "") {
		return nick, jid, nil
	}
	return "", jid, refuse("item-not-found", "%s is nobody on %s", jid, ch.n.name)
}

// bareNick returns the nick that is written without an address, or with a server
// but no gateway. A word with a dot is a host's name: no nick has one.
func bareNick(to string) (string, bool) {
	if strings.ContainsAny(to, "@/") {
		return "", false
	}
	nick, hasServer := cutServer(to)
	return nick, hasServer || !strings.ContainsAny(to, ".:")
}

// cutServer returns what stands before the server's name, and whether there is one.
func cutServer(address string) (name string, hasServer bool) {
	if at := strings.LastIndexByte(address, '%'); at >= 0 {
		return address[:at], true
	}
	return address, false
}

// inviteJID invites somebody on XMPP to join through this gateway too.
func (u *User) inviteJID(ch *Channel, to component.JID, reason string) {
	u.g.invitations.note(u.jid, invitation{ch.jid, to.Bare()}, u.g.now())
	u.enc.Stanza(component.Message, ch.jid, to, "", newID())
	u.enc.Open("x", nsMUCUser)
	u.enc.Open("invite", "")
	u.enc.JIDAttr("from", u.jid)
	if reason != "" {
		u.enc.Leaf("reason", "", reason)
	}
	u.enc.Close()
	if ch.key != "" {
		u.enc.Leaf("password", "", ch.key)
	}
	u.enc.Close()
	u.writeDirectInvitation(ch.jid, ch.key, reason)
	u.enc.Close()
}

// writeDirectInvitation says the same for clients that know only direct
// invitations (XEP-0249).
func (u *User) writeDirectInvitation(room component.JID, key, reason string) {
	u.enc.Open("x", nsConference)
	u.enc.JIDAttr("jid", room)
	if key != "" {
		u.enc.Attr("password", key)
	}
	if reason != "" {
		u.enc.Attr("reason", reason)
	}
	u.enc.Close()
}

// inviteDirectly is a direct invitation (XEP-0249) that our user sends to
// somebody on IRC.
func (u *User) inviteDirectly(r *request, n *Network, nick string, x *component.Element) error {
	room, err := component.ParseJID(x.Attr("jid"))
	if err != nil || room.Domain != u.g.domain {
		return refuse("item-not-found", "people on IRC can be invited to channels of their network only")
	}
	address, err := u.address(room.Local)
	if err != nil || address.Kind != translate.Channel || address.Network != n.name {
		return refuse("item-not-found", "people on IRC can be invited to channels of their network only")
	}
	return n.inviteNick(nick, address.Name, func(err error) {
		if err != nil {
			u.replyError(r.Stanza, err)
		}
	})
}

// decline tells whoever invited our user that they do not come (XEP-0045 §7.8.2).
func (u *User) decline(r *request, decline *component.Element) error {
	jid, err := component.ParseJID(decline.Attr("to"))
	if err != nil {
		return refuse("jid-malformed", "the refusal names nobody: %v", err)
	}
	if jid.Domain != u.g.domain {
		return u.declineToJID(r, jid, forBody(decline.ChildText(nsMUCUser, "reason")))
	}
	n, err := u.network(r.to.Network)
	if err != nil {
		return err
	}
	address, err := u.address(jid.Local)
	if err != nil || address.Kind != translate.Nick || address.Network != n.name {
		return refuse("item-not-found", "%s is nobody on %s", jid, n.name)
	}
	if err := n.checkNick(address.Name); err != nil {
		return err
	}
	text := "I do not come to " + r.to.Name
	if reason := oneLine(decline.ChildText(nsMUCUser, "reason")); reason != "" {
		text += ": " + reason
	}
	return n.send(ircconn.Notice(address.Name, clip(text, n.budget("NOTICE", address.Name))))
}

// declineToJID tells another of our users. Only who was invited can do so, and once.
func (u *User) declineToJID(r *request, inviter component.JID, reason string) error {
	room := r.To.Bare()
	if !u.g.invitations.take(inviter.Bare(), invitation{room, u.jid}, u.g.now()) {
		return refuse("item-not-found", "%s has not invited you to %s, or that was more than a day ago", inviter.Bare(), r.to.Name)
	}
	u.enc.Stanza(component.Message, room, inviter.Bare(), "", newID())
	u.enc.Open("x", nsMUCUser)
	u.enc.Open("decline", "")
	u.enc.JIDAttr("from", u.jid)
	if reason != "" {
		u.enc.Leaf("reason", "", reason)
	}
	u.enc.Close()
	u.enc.Close()
	u.enc.Close()
	return nil
}

// inviteNick asks somebody on IRC into a channel (RFC 2812 §3.2.7) and calls
// done when the server has said yes (341) or no.
func (n *Network) inviteNick(nick, channel string, done func(error)) error {
	if err := n.checkNick(nick); err != nil {
		return err
	}
	q := &question{failed: done}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.Reply:
			if ev.Numeric == 341 {
				done(nil)
				return answered | taken
			}
		case ircconn.Refused:
			if n.concerns(q, ev, nick, channel) {
				done(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	return n.ask(q, ircconn.Invite(nick, channel))
}

// onInvited passes an invitation on to our user (XEP-0045 §7.8.2). One of
// somebody else (IRCv3 invite-notify) is told in the room.
func (n *Network) onInvited(ev ircconn.Invited) {
	u := n.u
	if !ev.Self {
		if ch := n.channel(ev.Channel); ch != nil && ch.named {
			ch.announce(ev.Source.Nick + " has invited " + ev.Nick)
		}
		return
	}
	room := u.jidOf(translate.Channel, ev.Channel, n.name)
	start := len(u.enc.Bytes())
	u.enc.Stanza(component.Message, room, u.jid, "", newID())
	u.enc.Open("x", nsMUCUser)
	u.enc.Open("invite", "")
	u.enc.JIDAttr("from", u.jidOf(translate.Nick, ev.Source.Nick, n.name))
	reason := ev.Source.Nick + " invites you to " + ev.Channel
	u.enc.Leaf("reason", "", reason)
	u.enc.Close()
	u.enc.Close()
	u.writeDirectInvitation(room, "", reason)
	u.writeHeld(&u.enc)
	u.enc.Close()
	u.holdPrivate(start)
}
