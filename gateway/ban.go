package gateway

import (
	"strings"

	"passerelle/ircconn"
	"passerelle/translate"
)

// banTarget is whom to ban: the nick of somebody, or a mask.
type banTarget struct{ name string }

// isMask reports whether it is a mask already, as in "*!*@host" or "$a:account".
func (t banTarget) isMask() bool { return strings.ContainsAny(t.name, "!@*?$:~") }

// kick puts somebody out of the channel (XEP-0045 §8.2) and calls done when the
// server has said yes or no.
func (ch *Channel) kick(nick, reason string, done func(error)) error {
	n := ch.n
	limit := n.budget("KICK", ch.name+" "+nick)
	if n.support.KickLen > 0 {
		limit = min(limit, n.support.KickLen)
	}
	q := &question{failed: done}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.Kicked:
			if n.same(ev.Channel, ch.name) && n.same(ev.Nick, nick) {
				n.onKicked(ev)
				done(nil)
				return answered | taken
			}
		case ircconn.Refused:
			if n.concerns(q, ev, nick, ch.name) {
				done(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	return n.ask(q, ircconn.Kick(ch.name, nick, clip(translate.ToIRC(oneLine(reason)), limit)))
}

// ban bans somebody from the channel (XEP-0045 §9.1): first the mask, then, when
// the server has taken it and they are in the channel, the kick.
func (ch *Channel) ban(target banTarget, reason string, done func(error)) error {
	if target.isMask() {
		return ch.setBan(target.name, done)
	}
	nick := target.name
	if m, there := ch.member(nick); there {
		nick = m.nick
	}
	return ch.maskOf(nick, func(mask string) error {
		return ch.setBan(mask, func(err error) {
			if err != nil || !ch.hasMember(nick) {
				done(err)
				return
			}
			folded := ch.n.fold(nick)
			if ch.banning == nil {
				ch.banning = make(map[ircconn.Folded]bool)
			}
			ch.banning[folded] = true
			kicked := func(err error) {
				delete(ch.banning, folded)
				done(err)
			}
			if err := ch.kick(nick, reason, kicked); err != nil {
				kicked(err)
			}
		})
	}, done)
}

func (ch *Channel) setBan(mask string, done func(error)) error {
	return ch.changeModes([]ircconn.ModeChange{{Add: true, Mode: 'b', Kind: ircconn.ModeList, Arg: mask}}, done)
}

// unban lifts a ban. The mask is the one of the list as it was last asked for,
// since an address may have changed its letters' case.
func (ch *Channel) unban(mask string, done func(error)) error {
	for _, item := range ch.bans {
		if ch.n.same(item.Mask, mask) {
			mask = item.Mask
		}
	}
	return ch.changeModes([]ircconn.ModeChange{{Mode: 'b', Kind: ircconn.ModeList, Arg: mask}}, done)
}

// maskOf finds the mask by which to ban somebody: their account where the
// network can ban accounts, else their host, which is asked for when it is not
// known, else the nick. What use does fails goes to done.
func (ch *Channel) maskOf(nick string, use func(mask string) error, done func(error)) error {
	n := ch.n
	p := n.person(nick)
	if p != nil && p.account != "" && len(n.support.AccountExtban) > 0 {
		name := n.support.AccountExtban[0]
		return use(n.support.Extban.Prefix + name + ":" + p.account)
	}
	if p != nil && p.host != "" {
		return use("*!*@" + p.host)
	}
	finish := func(host string) {
		mask := nick + "!*@*"
		if host != "" {
			mask = "*!*@" + host
		}
		if err := use(mask); err != nil {
			done(err)
		}
	}
	q := &question{failed: func(error) { finish("") }}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.Reply:
			if ev.Numeric == 302 {
				finish(hostOf(ev.Params))
				return answered | taken
			}
		case ircconn.Refused:
			if ev.Numeric == 421 || ev.Numeric == 461 {
				finish("")
				return answered | taken
			}
		}
		return unrelated
	}
	return n.ask(q, ircconn.Line{Command: "USERHOST", Params: []string{nick}})
}

// hostOf reads the host in an answer to USERHOST, "nick=+user@host" (302).
func hostOf(params []string) string {
	if len(params) == 0 {
		return ""
	}
	_, host, _ := strings.Cut(strings.TrimSpace(params[len(params)-1]), "@")
	return host
}

// listBans asks for the bans of the channel, the outcasts of the room.
func (ch *Channel) listBans(use func([]ircconn.ListItem), failed func(error)) error {
	n := ch.n
	q := &question{failed: failed}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.ListMode:
			if ev.Mode == 'b' && n.same(ev.Channel, ch.name) {
				ch.keepBans(ev.Items)
				use(ch.bans)
				return answered | taken
			}
		case ircconn.Refused:
			if n.concerns(q, ev, ch.name) {
				failed(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	return n.ask(q, ircconn.Mode(ch.name, "+b"))
}

// onListMode keeps a list of bans that was asked for by hand.
func (n *Network) onListMode(ev ircconn.ListMode) {
	if ch := n.channel(ev.Channel); ch != nil && ev.Mode == 'b' {
		ch.keepBans(ev.Items)
	}
}
