package gateway

import (
	"slices"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// onRoomLeave is unavailable presence to a room (XEP-0045 §7.14): the session
// leaves at once, and the last one takes the user out of the channel.
func (u *User) onRoomLeave(r *request) error {
	n := u.networks.of(r.to.Network)
	if n == nil {
		return nil
	}
	ch := n.channel(r.to.Name)
	if ch == nil {
		return nil
	}
	ch.leave(r.From, saidSo, exit{text: r.ChildText("", "status"), codes: []int{statusSelf}})
	return nil
}

// leave takes one session out of the room, or off the list of those who wait.
func (ch *Channel) leave(full component.JID, how departure, why exit) {
	before := len(ch.waiting) + len(ch.sessions)
	ch.waiting = slices.DeleteFunc(ch.waiting, func(w joinRequest) bool { return w.jid == full })
	if s := ch.session(full); s != nil {
		ch.writeSelfGone(s, why)
		ch.sessions = slices.DeleteFunc(ch.sessions, func(s session) bool { return s.jid == full })
	}
	if before == len(ch.waiting)+len(ch.sessions) {
		return
	}
	if !ch.isOccupied() && (!ch.settled || !ch.keeps().stay) {
		ch.empty(full, how, why)
		return
	}
	if len(ch.sessions) == 0 {
		ch.isAloneSince(ch.n.u.g.now())
	}
	ch.keep()
	ch.n.updateAway()
	if self, there := ch.member(ch.n.nick()); there && len(ch.sessions) > 0 {
		ch.show(self)
	}
}

// writeSelfGone tells one session that it is out.
func (ch *Channel) writeSelfGone(s *session, why exit) {
	self, there := ch.member(ch.n.nick())
	if !there {
		self.nick = ch.n.nick()
	}
	a := ch.departure(self, why, ch.n.person(self.nick))
	start := len(ch.n.u.enc.Bytes())
	ch.writePresence(s, ch.n.nick(), "unavailable", &a)
	ch.n.u.holdExit(start)
}

// removeAll takes every session out of the room and forgets it.
func (ch *Channel) removeAll(why exit) {
	why.codes = append([]int{statusSelf}, why.codes...)
	for i := range ch.sessions {
		ch.writeSelfGone(&ch.sessions[i], why)
	}
	ch.sessions = nil
	ch.stopTimer()
}

// after does something about the channel when a time has passed, in place of what
// was to be done before.
func (ch *Channel) after(d time.Duration, then event) {
	ch.stopTimer()
	ch.timer = ch.n.u.after(d, then)
}

// stopTimer stops what waits for the channel, and lets go of it.
func (ch *Channel) stopTimer() {
	if ch.timer != nil {
		ch.timer.Stop()
		ch.timer = nil
	}
}

// part leaves the channel on IRC, with a reason, and forgets it.
func (ch *Channel) part(reason string) {
	n := ch.n
	if ch.sent {
		line := ircconn.Part(ch.name, clip(oneLine(translate.ToIRC(reason)), n.budget("PART", ch.name)))
		n.sendPart(ch.name, line)
	}
	ch.delete()
	n.updateAway()
}

// sendPart leaves a channel on IRC, later if too many lines wait now: nobody
// must stay in a channel unseen.
func (n *Network) sendPart(channel string, line ircconn.Line) {
	err := n.send(line)
	if err == nil {
		if n.parting == nil {
			n.parting = make(map[ircconn.Folded]int)
		}
		n.parting[n.fold(channel)]++
		return
	}
	n.log().Info("leaving a channel has to wait", "channel", channel, "error", err)
	if n.u.networks.of(n.name) != n {
		return
	}
	n.u.after(partRetry, func(u *User) {
		if u.networks.of(n.name) == n && n.channel(channel) == nil {
			n.sendPart(channel, line)
		}
	})
}

// partRetry is how long a PART waits that could not be queued.
const partRetry = 5 * time.Second

// bounceConditions are the errors by which a host tells that a resource is not
// there any more.
var bounceConditions = map[string]bool{
	"gone": true, "item-not-found": true, "recipient-unavailable": true, "redirect": true, "service-unavailable": true,
	"remote-server-not-found": true, "remote-server-timeout": true, "jid-malformed": true, "internal-server-error": true,
}

// onBounce is an error that came back for something we sent to a session: the
// client is gone without a word, and must not stay on IRC as a ghost.
func (u *User) onBounce(r *request) error {
	if !bounceConditions[component.ParseStanzaError(r.Stanza).Condition] {
		return nil
	}
	u.vanish(r.From)
	return nil
}
