package gateway

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// onRoomPresence is available presence to a room: joining it, or for somebody
// who is in it another nick or another availability (XEP-0045 §7.2, §7.6, §7.7).
func (u *User) onRoomPresence(r *request) error {
	if r.occupant() == "" {
		return refuse("jid-malformed", "to join a room, say under which nick: %s/nick", r.To)
	}
	wantsIn := r.Child(nsMUC, "x")
	ch, s, err := u.inRoom(r)
	switch {
	case err != nil && wantsIn == nil:
		u.writeNotIn(r)
		return nil
	case err == nil && !ch.named && wantsIn == nil: // in a room that comes back
		s.show, s.status = availability(r.Stanza)
		ch.n.updateAway()
		return nil
	case err != nil || !ch.named:
		return u.join(r, wantsIn)
	case wantsIn != nil:
		s.show, s.status = availability(r.Stanza)
		ch.welcomeAgain(*s, r.Stanza)
		if ch.n.updateAway(); !ch.n.wantsOtherNick(s, r.occupant()) {
			return nil
		}
	}
	return ch.updateSession(s, r)
}

// writeNotIn tells a client that believes to be in a room that it is not, in the
// way that clients understand (XEP-0045 §7.2.1: an explicit kick).
func (u *User) writeNotIn(r *request) {
	e := &u.enc
	e.Stanza(component.Presence, r.To, r.From, "unavailable", r.ID)
	e.Open("x", nsMUCUser)
	e.Open("item", "")
	e.Attr("affiliation", string(translate.NoAffiliation))
	e.Attr("role", string(translate.NoRole))
	e.Close()
	for _, code := range []int{statusSelf, statusKicked, statusError} {
		e.Open("status", "")
		e.Attr("code", strconv.Itoa(code))
		e.Close()
	}
	e.Close()
	e.Close()
}

// join begins to enter a room: at once where the user is in it with another
// resource, else when the server has let us in.
func (u *User) join(r *request, x *component.Element) error {
	if r.Size > mostJoinBytes {
		return refuse("policy-violation", "a request to join may not be larger than %d bytes", mostJoinBytes)
	}
	n := u.networks.of(r.to.Network)
	if n == nil || n.channel(r.to.Name) == nil {
		if err := u.limitJoin(); err != nil {
			return err
		}
	}
	if n == nil {
		var err error
		if n, err = u.connect(r.to.Network, r.occupant()); err != nil {
			return err
		}
	}
	n.hasten()
	ch := n.channel(r.to.Name)
	if ch == nil {
		ch = n.newChannel(r.to.Name, r.To.Bare())
	}
	if key := x.ChildText(nsMUC, "password"); key != "" && !ch.sent {
		ch.key = strings.Clone(key)
	}
	if ch.jid != r.To.Bare() {
		return &refusal{
			condition: "gone", payload: "xmpp:" + ch.jid.String() + "?join",
			text: "the channel is known by another spelling here: " + ch.jid.String(),
		}
	}
	request := joinRequest{session: session{jid: cloneJID(r.From), wanted: strings.Clone(r.occupant())}, stanza: r.Stanza}
	request.show, request.status = availability(r.Stanza)
	ch.waiting = slices.DeleteFunc(ch.waiting, func(w joinRequest) bool { return w.jid == r.From })
	if err := ch.mayEnter(r.From); err != nil {
		return err
	}
	ch.waiting = append(ch.waiting, request)
	if n.outage != nil && !ch.named {
		ch.limitWait(r.Stanza)
	}
	n.enter(ch)
	return nil
}

// limitWait has a client that joins in an outage wait for the connection no longer
// than for any other answer.
func (ch *Channel) limitWait(join *component.Stanza) {
	n := ch.n
	n.u.after(n.u.g.live().AnswerTimeout, func(*User) {
		waits := func(w joinRequest) bool { return w.stanza == join }
		if n.channel(ch.name) != ch || n.outage == nil || !slices.ContainsFunc(ch.waiting, waits) {
			return
		}
		ch.waiting = slices.DeleteFunc(ch.waiting, waits)
		n.u.replyError(join, n.interruption())
		if !ch.settled && !ch.isOccupied() {
			ch.delete()
		}
	})
}

// enter does the next step of joining a channel, as far as the server lets us.
func (n *Network) enter(ch *Channel) {
	switch {
	case ch.named: // in an outage, the room as it was
		ch.admit()
	case n.ready && !ch.sent:
		n.enterAll([]*Channel{ch})
	case ch.joined: // perhaps without having asked, so that nothing waits for the list of members
		ch.watchEntry()
	}
}

// enterAll asks the server to let us into some channels, of which those with keys
// come first.
func (n *Network) enterAll(channels []*Channel) {
	var names, keys []string
	for _, ch := range channels {
		names = append(names, ch.name)
		if key, _, _ := strings.Cut(ch.key, ","); key != "" {
			keys = append(keys, key) // a comma would shift the keys of the others
		}
	}
	if err := n.send(ircconn.Join(strings.Join(names, ","), strings.Join(keys, ","))); err != nil {
		for _, ch := range channels {
			ch.refuseEntry(err, 0)
		}
		return
	}
	for _, ch := range channels {
		ch.sent = true
		ch.watchEntry()
	}
}

// watchEntry waits for the answer to a JOIN.
func (ch *Channel) watchEntry() {
	n := ch.n
	generation := n.generation
	ch.after(n.u.g.live().AnswerTimeout, func(*User) {
		switch {
		case n.channel(ch.name) != ch || ch.named && ch.joined || !ch.sent || n.generation != generation:
		case ch.joined: // COMPAT: bouncers and others that send no list of names
			n.complete(ch)
		default:
			ch.refuseEntry(refuse("remote-server-timeout", "%s did not answer the request to join %s", n.name, ch.name), 0)
		}
	})
}

// refuseWaiting answers all who wait to enter with an error; the room is then
// not half joined.
func (ch *Channel) refuseWaiting(err error) {
	waiting := ch.waiting
	ch.waiting = nil
	for _, request := range waiting {
		ch.n.u.replyError(request.stanza, err)
	}
	if len(ch.sessions) == 0 && !ch.settled {
		ch.delete()
	}
}

// admit lets everybody in who waits for the room.
func (ch *Channel) admit() {
	waiting := ch.waiting
	ch.waiting = nil
	for _, request := range waiting {
		if s := ch.session(request.jid); s != nil {
			*s = request.session
		} else {
			ch.sessions = append(ch.sessions, request.session)
		}
		ch.stopTimer()
		ch.welcome(request.session, request.stanza)
		if ch.n.outage != nil {
			ch.inform(request.jid, ch.n.outage.text)
		}
		ch.alone = time.Time{}
	}
	if len(waiting) > 0 {
		ch.keep()
	}
	ch.n.updateAway()
}

// welcome sends one session all there is to see in a room, in the order of
// XEP-0045 §7.1: the others, ourselves, what was said, the subject.
func (ch *Channel) welcome(s session, stanza *component.Stanza) {
	ch.writeOccupants(s, stanza)
	ch.writeHistory(s, stanza)
	ch.writeSubject([]session{s})
}

// welcomeAgain is for a session that is in the room already. It has the history,
// unless it says otherwise.
func (ch *Channel) welcomeAgain(s session, stanza *component.Stanza) {
	ch.writeOccupants(s, stanza)
	if stanza.Child(nsMUC, "x").Child(nsMUC, "history") != nil {
		ch.writeHistory(s, stanza)
	}
	ch.writeSubject([]session{s})
}

// writeOccupants shows one session everybody in the room, itself last.
func (ch *Channel) writeOccupants(s session, stanza *component.Stanza) {
	n := ch.n
	for _, m := range ch.members.all() {
		if n.isSelf(m.nick) {
			continue
		}
		p := n.person(m.nick)
		a := ch.listedAppearance(m, p)
		a.id = ch.listedID(m.nick, p)
		ch.writePresence(&s, m.nick, "", &a)
		n.u.flushLarge()
	}
	if self, there := ch.member(n.nick()); there {
		a := ch.appearanceOf(self)
		a.codes = []int{statusSelf}
		if stanza.To.Resource != n.nick() {
			a.codes = append(a.codes, statusNickImposed)
		}
		ch.writePresence(&s, n.nick(), "", &a)
	}
}

// onJoined is a JOIN: our own is the server letting us in.
func (n *Network) onJoined(ev ircconn.Joined) {
	if ev.Self {
		n.onSelfJoined(ev)
		return
	}
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined {
		return
	}
	p := n.see(ev.Source, ev.Account)
	if at, added := ch.put(ev.Source.Nick, 0); added {
		ch.showPerson(ch.members.at(at), p)
	}
}

// onSelfJoined begins to collect what the server says about the channel. It may
// have put us there without being asked.
func (n *Network) onSelfJoined(ev ircconn.Joined) {
	if n.parting[n.fold(ev.Channel)] > 0 {
		return // of a visit that the user has ended already
	}
	n.self.User, n.self.Host = strings.Clone(ev.Source.User), strings.Clone(ev.Source.Host)
	ch := n.channel(ev.Channel)
	if ch == nil {
		ch = n.newChannel(ev.Channel, n.u.jidOf(translate.Channel, ev.Channel, n.name))
		n.tell("The server has put you into " + ev.Channel + ". To see it, join " + ch.jid.String())
		ch.partUnlessEntered()
	}
	ch.name, ch.joined, ch.sent = strings.Clone(ev.Channel), true, true
	ch.beginAgain()
	if err := n.send(ircconn.Mode(ev.Channel, "")); err != nil {
		ch.log().Debug("the modes of a channel stay unknown", "error", err)
		return
	}
	ch.learning = n.u.g.now().Add(n.u.g.live().AnswerTimeout)
}

// partUnlessEntered leaves a channel that nobody asked for when no client has
// entered it for a while.
func (ch *Channel) partUnlessEntered() {
	n := ch.n
	ch.after(n.u.g.live().AnswerTimeout+n.u.g.live().IdleQuit, func(*User) {
		if n.channel(ch.name) == ch && len(ch.sessions) == 0 && len(ch.waiting) == 0 && !ch.keeps().stay {
			ch.part("")
		}
	})
}

// onNames takes one line of the list of members.
func (n *Network) onNames(ev ircconn.Names) {
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined {
		return
	}
	if !ch.named {
		bytes := 0
		for _, entry := range ev.Members {
			bytes += len(entry.Nick)
		}
		ch.members.grow(len(ev.Members), bytes)
		n.u.g.growth.add(0, len(ev.Members))
	}
	for _, entry := range ev.Members {
		if entry.Host != "" {
			n.see(ircconn.Source{Nick: entry.Nick, User: entry.User, Host: entry.Host}, "")
		}
		modes := n.modeBits(entry.Prefixes)
		if ch.add(entry.Nick, modes) {
			if ch.named {
				ch.showNick(entry.Nick)
			}
			continue
		}
		at := ch.place(entry.Nick)
		if ch.members.at(at).modes != modes {
			ch.members.setModes(at, modes)
			ch.show(ch.members.at(at))
		}
	}
}

// onNamesEnd completes the list of members, and lets in who waits.
func (n *Network) onNamesEnd(ev ircconn.NamesEnd) {
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined || ch.named {
		return
	}
	n.complete(ch)
}

// complete takes the list of members for complete.
func (n *Network) complete(ch *Channel) {
	ch.members.sortAndMerge(n.support.Casemapping)
	ch.named, ch.settled = true, true
	n.forgetStrangers()
	ch.add(n.nick(), 0) // COMPAT: channels with hidden members (+D, auditorium) may list nobody
	ch.catchUp()
	entered := func() {
		ch.admit()
		n.askWho(ch)
	}
	if !n.fillGap(ch, entered) {
		entered()
	}
}

// The largest channel whose members' away states are asked for on joining: the
// answer has a line for each.
const whoLimit = 300

// askWho asks who is away, where changes of it will be told (away-notify).
func (n *Network) askWho(ch *Channel) {
	if !n.asksWho(ch) {
		return
	}
	line := ircconn.Who(ch.name)
	if n.support.Whox {
		line = ircconn.WhoAccounts(ch.name)
	}
	if err := n.send(line); err != nil {
		ch.log().Debug("who is away stays unknown", "error", err)
		ch.learning = time.Time{}
		return
	}
	ch.learning = n.u.g.now().Add(n.u.g.live().AnswerTimeout)
}

func (n *Network) asksWho(ch *Channel) bool {
	return n.caps.Has("away-notify") && ch.members.len() <= whoLimit
}

// onWhoEnd ends what we asked ourselves on joining.
func (n *Network) onWhoEnd(ev ircconn.WhoEnd) {
	if ch := n.channel(ev.Mask); ch != nil {
		ch.learning = time.Time{}
	}
}
