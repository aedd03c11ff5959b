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

// setsMode stands between who set the modes of a channel and which.
const setsMode = " sets mode "

// onModeChanged takes a MODE: members' modes are shown as roles and
// affiliations, the channel's own as a line in the room.
func (n *Network) onModeChanged(ev ircconn.ModeChanged) {
	if ev.Channel == "" {
		return // our own user modes have no meaning on XMPP
	}
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined {
		return
	}
	moderatedBefore, moderatorBefore := ch.moderation(), ch.selfModerates()
	var touched []string
	var told []ircconn.ModeChange
	for _, change := range ev.Changes {
		if change.Kind != ircconn.ModePrefix {
			ch.setMode(change)
			told = append(told, change)
			continue
		}
		at := ch.place(change.Arg)
		if at < 0 {
			continue
		}
		modes := ch.members.at(at).modes &^ n.modeBit(change.Mode)
		if change.Add {
			modes |= n.modeBit(change.Mode)
		}
		ch.members.setModes(at, modes)
		touched = append(touched, change.Arg)
	}
	if !moderatorBefore && ch.selfModerates() {
		ch.showAll() // with everybody's address, which moderators see
	} else {
		ch.showChanges(touched, moderatedBefore)
	}
	if len(told) > 0 && ch.named {
		by := ev.Source.Nick
		if by == "" {
			by = ev.Source.Host
		}
		ch.announce(by + setsMode + modeText(told))
		if slices.ContainsFunc(told, func(c ircconn.ModeChange) bool { return c.Kind != ircconn.ModeList }) {
			ch.showConfigured()
		}
	}
}

// showChanges shows the members whose modes changed, and, where the channel's
// moderation is not what it was before, those whose role depends on it.
func (ch *Channel) showChanges(nicks []string, before translate.Moderation) {
	if ch.moderation() != before {
		for _, m := range ch.members.all() {
			if m.modes == 0 {
				nicks = append(nicks, m.nick)
			}
		}
	}
	slices.Sort(nicks)
	for _, nick := range slices.Compact(nicks) {
		ch.showNick(nick)
		ch.n.u.flushLarge()
	}
}

// modeValues are the modes of a channel that are set, with their parameters. There are
// few of them.
type modeValues []modeValue

type modeValue struct {
	mode  byte
	value string // the parameter; empty for a flag
}

func (v modeValues) find(mode byte) int {
	return slices.IndexFunc(v, func(m modeValue) bool { return m.mode == mode })
}

// of returns the parameter of a mode, and whether it is set.
func (v modeValues) of(mode byte) (value string, set bool) {
	if i := v.find(mode); i >= 0 {
		return v[i].value, true
	}
	return "", false
}

func (v *modeValues) set(mode byte, value string) {
	if i := v.find(mode); i >= 0 {
		(*v)[i].value = value
		return
	}
	*v = append(*v, modeValue{mode, value})
}

func (v *modeValues) remove(mode byte) {
	if i := v.find(mode); i >= 0 {
		*v = slices.Delete(*v, i, i+1)
	}
}

// longestModeArg is how much of a mode's parameter is kept, in bytes.
const longestModeArg = 128

// setMode keeps a mode of the channel; lists are not kept.
func (ch *Channel) setMode(change ircconn.ModeChange) {
	switch {
	case change.Kind == ircconn.ModeList:
	case change.Add:
		change.Arg = strings.Clone(translate.CutBytes(change.Arg, longestModeArg))
		ch.modes.set(change.Mode, change.Arg)
		if change.Mode == 'k' {
			ch.key = change.Arg
			ch.keep()
		}
	default:
		ch.modes.remove(change.Mode)
		if change.Mode == 'k' {
			ch.key = ""
			ch.keep()
		}
	}
}

// onChannelModes takes all modes of a channel (324), asked for on joining.
func (n *Network) onChannelModes(ev ircconn.ChannelModes) {
	ch := n.channel(ev.Channel)
	if ch == nil || !ch.joined {
		return
	}
	ch.modesAnswered = min(ch.modesAnswered+1, ch.modesAsked)
	if !n.asksWho(ch) {
		ch.learning = time.Time{}
	}
	before := ch.moderation()
	key := ch.key
	ch.modes = ch.modes[:0]
	for _, change := range ev.Changes {
		ch.setMode(change)
	}
	if ch.key == "" || strings.Trim(ch.key, "*") == "" {
		ch.key = key // the server may hide it
	}
	ch.showChanges(nil, before)
}

// modeText writes mode changes as IRC does: "+b-k mask key".
func modeText(changes []ircconn.ModeChange) string {
	var modes strings.Builder
	var args []string
	sign := byte(0)
	for _, change := range changes {
		want := byte('-')
		if change.Add {
			want = '+'
		}
		if want != sign {
			modes.WriteByte(want)
			sign = want
		}
		modes.WriteByte(change.Mode)
		if change.Arg != "" {
			if change.Arg != "" {
				args = append(args, change.Arg)
			}
		}
	}
	return strings.Join(append([]string{modes.String()}, args...), " ")
}

// changeModes asks the server for mode changes and calls done when it has said
// yes or no. A question for the channel's modes follows the changes as a fence:
// its answer comes also where nothing had to change.
func (ch *Channel) changeModes(changes []ircconn.ModeChange, done func(error)) error {
	n := ch.n
	if len(changes) == 0 {
		done(nil)
		return nil
	}
	var lines []ircconn.Line
	names := []string{ch.name}
	for part := range slices.Chunk(changes, max(1, min(n.support.Modes, len(changes)))) {
		text, _, _ := strings.Cut(modeText(part), " ")
		var args []string
		for _, change := range part {
			if change.Arg != "" {
				args = append(args, change.Arg)
			}
			names = append(names, string(change.Mode), change.Arg)
		}
		lines = append(lines, ircconn.Mode(ch.name, text, args...))
	}
	open := slices.Clone(changes)
	fence := int32(0) // the number of the last line among the questions for modes
	q := &question{failed: done}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.ModeChanged:
			if ev.Channel == "" || !n.same(ev.Channel, ch.name) {
				return unrelated
			}
			open = slices.DeleteFunc(open, func(c ircconn.ModeChange) bool { return n.contains(ev.Changes, c) })
			if len(open) > 0 {
				return unrelated
			}
			n.onModeChanged(ev) // before the request that caused it is answered
			done(nil)
			return answered | taken
		case ircconn.Refused:
			if !n.concerns(q, ev, names...) {
				return unrelated
			}
			if alreadySo[ev.Numeric] {
				return taken
			}
			done(refusedByIRC(ev))
			return answered | taken
		case ircconn.ChannelModes:
			if n.same(ev.Channel, ch.name) && ch.isFence(ev, q, fence) {
				done(nil)
				return answered
			}
		}
		return unrelated
	}
	err := n.ask(q, append(lines, ircconn.Mode(ch.name, ""))...)
	fence = ch.modesAsked
	return err
}

// alreadySo are the refusals that mean that a list is as it is wanted already
// (InspIRCd: the entry is there, the entry is not there).
var alreadySo = map[int]bool{697: true, 698: true}

// isFence reports whether an answer is the one to a question's last line: by its
// label, or else by how many such answers the server owed us before it.
func (ch *Channel) isFence(ev ircconn.ChannelModes, q *question, fence int32) bool {
	if ch.n.givesLabels() {
		return ev.Label == q.labels[len(q.labels)-1]
	}
	return ch.modesAnswered+1 >= fence
}

func (n *Network) contains(changes []ircconn.ModeChange, wanted ircconn.ModeChange) bool {
	return slices.ContainsFunc(changes, func(c ircconn.ModeChange) bool {
		return c.Add == wanted.Add && c.Mode == wanted.Mode && n.same(c.Arg, wanted.Arg)
	})
}

// memberModes turns the steps of a role or affiliation into mode changes.
func memberModes(nick string, steps []translate.ModeStep) []ircconn.ModeChange {
	changes := make([]ircconn.ModeChange, len(steps))
	for i, step := range steps {
		changes[i] = ircconn.ModeChange{Add: step.Add, Mode: step.Mode, Kind: ircconn.ModePrefix, Arg: nick}
	}
	return changes
}

// showConfigured tells the clients that what the room is like has changed
// (XEP-0045 §10.2.1), so that they ask again.
func (ch *Channel) showConfigured() {
	e := &ch.n.u.enc
	for i := range ch.sessions {
		e.Stanza(component.Message, ch.jid, ch.sessions[i].jid, "groupchat", newID())
		e.Open("x", nsMUCUser)
		e.Open("status", "")
		e.Attr("code", strconv.Itoa(statusConfigured))
		e.Close()
		e.Close()
		e.Close()
	}
}
