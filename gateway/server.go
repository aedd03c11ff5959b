package gateway

import (
	"fmt"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// asked is who last sent a raw command, and so gets its answers.
type asked struct {
	// say shows one line of an answer.
	say   func(text string)
	until time.Time
}

// onServerMessage is raw IRC: each line of a message to the server's address is
// sent as it is, and what the server says to it comes back there.
func (u *User) onServerMessage(r *request) error {
	body := r.ChildText("", "body")
	if body == "" {
		return nil
	}
	n, err := u.network(r.to.Network)
	if err != nil {
		return err
	}
	if err := refuseEncrypted(r.Stanza); err != nil {
		return err
	}
	var lines []ircconn.Line
	for _, text := range translate.Lines(body) {
		line, err := ircconn.ParseLine(text)
		if err != nil {
			return refuse("bad-request", "that is not a line of IRC: %v", err)
		}
		lines = append(lines, line)
	}
	if len(lines) > u.g.live().MaxLines {
		return refuse("policy-violation", "at most %d lines at once", u.g.live().MaxLines)
	}
	to := r.From
	n.listen(func(text string) { u.reply(r.To, to, text) })
	return n.send(lines...)
}

// reply is a chat message from one of our addresses to one session.
func (u *User) reply(from, to component.JID, text string) {
	u.enc.Stanza(component.Message, from, to, "chat", newID())
	u.enc.Leaf("body", "", forBody(text))
	u.enc.Close()
}

// relay sends a line for somebody who wants to see what the server says to it.
func (n *Network) relay(c *invocation, line ircconn.Line) error {
	n.listen(c.say)
	return n.send(line)
}

// listen directs the answers that nobody else waits for to whoever asked last.
func (n *Network) listen(say func(string)) {
	n.asked = &asked{say: say, until: n.u.g.now().Add(n.u.g.live().AnswerTimeout)}
}

// isAsked reports whether somebody wrote raw commands a short while ago.
func (n *Network) isAsked() bool {
	return n.asked != nil && n.u.g.now().Before(n.asked.until)
}

// answer shows what the server says to whoever asked, or to the user.
func (n *Network) answer(text string) {
	if n.isAsked() {
		n.asked.say(text)
		return
	}
	n.tell(text)
}

// tellAsker shows whoever sent a raw command the answers that otherwise only
// change what is shown of a room. What belongs to a join in progress is not for
// them.
func (n *Network) tellAsker(ev ircconn.Event) {
	if !n.isAsked() {
		return
	}
	for _, ch := range n.channels {
		if ch.sent && !ch.named || n.u.g.now().Before(ch.learning) {
			return
		}
	}
	if text, answer := describe(ev); answer {
		n.asked.say(text)
	}
}

// onGatewayMessage does what somebody asks of the gateway itself in a chat.
func (u *User) onGatewayMessage(r *request) error {
	if r.ChildText("", "body") == "" {
		return nil
	}
	if u.g.addressing.Fixed != "" && !u.isChatCommand(r.ChildText("", "body")) {
		return u.onServerMessage(r)
	}
	answer, err := u.chatCommand(r, r.ChildText("", "body"))
	if err != nil {
		return err
	}
	u.reply(r.To, r.From, answer)
	return nil
}

// onMotd shows the message of the day in one piece.
func (n *Network) onMotd(ev ircconn.Motd) {
	if n.attempts > 0 && !n.isAsked() {
		return // they have seen it when they first connected
	}
	lines := make([]string, 0, len(ev.Lines))
	for _, line := range ev.Lines {
		lines = append(lines, plain(line))
	}
	n.answer(strings.Join(lines, "\n"))
}

// silentReplies are the numerics that say nothing people need: the greeting, and
// the channel's age, which comes with its modes.
var silentReplies = map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 329: true}

// onReply shows a numeric that no one waits for. What comes before the welcome
// is over is part of it.
func (n *Network) onReply(ev ircconn.Reply) {
	if !n.ready || silentReplies[ev.Numeric] || n.onMonitor(ev) || n.onCaller(ev) {
		return
	}
	n.answer(joinParams(ev.Params))
}

func (n *Network) onUnhandled(ev ircconn.Unhandled) {
	n.answer(ev.Command + " " + joinParams(ev.Params))
}

func joinParams(params []string) string {
	return plain(strings.Join(params, " "))
}

// onRefused finds whose action the server refuses: a message, a join, or else
// whoever asked last.
func (n *Network) onRefused(ev ircconn.Refused) {
	if ev.Numeric == 734 {
		n.onMonitorFull(ev)
		return
	}
	if n.undelivered(ev) {
		return
	}
	if n.parting[n.fold(ev.Target)] > 0 {
		if ev.Numeric == 442 || ev.Numeric == 403 {
			n.parted(ev.Target)
		}
		return
	}
	if ch := n.channel(ev.Target); ch != nil && ch.sent && !ch.joined && ev.Numeric != 442 {
		if ch.refuseEntry(n.refusedJoin(ev), ev.Numeric) {
			return
		}
	}
	text := plain(ev.Text)
	if ev.Target != "" {
		text = ev.Target + ": " + text
	}
	n.answer(text)
}

// refusedJoin is the error of a refused JOIN; a channel that sends people on
// names the next one (470).
func (n *Network) refusedJoin(ev ircconn.Refused) error {
	err := refusedByIRC(ev)
	if r, ok := err.(*refusal); ok && ev.Numeric == 470 && len(ev.Params) > 1 {
		next := n.u.jidOf(translate.Channel, ev.Params[1], n.name)
		r.payload = "xmpp:" + next.String() + "?join"
		r.text += " (" + ev.Params[1] + ")"
	}
	return err
}

// describe puts an answer into words that a raw command got and that is not
// shown otherwise.
func describe(ev ircconn.Event) (string, bool) {
	switch ev := ev.(type) {
	case ircconn.WhoEntry:
		text := fmt.Sprintf("%s %s!%s@%s", ev.Channel, ev.Nick, ev.User, ev.Host)
		if ev.Account != "" {
			text += " account " + ev.Account
		}
		return text, true
	case ircconn.Names:
		nicks := make([]string, 0, len(ev.Members))
		for _, m := range ev.Members {
			nicks = append(nicks, m.Prefixes+m.Nick)
		}
		return ev.Channel + ": " + strings.Join(nicks, " "), true
	case ircconn.TopicReply:
		return ev.Channel + " topic: " + plain(ev.Topic), true
	case ircconn.ChannelModes:
		return ev.Channel + " modes: " + modeText(ev.Changes), true
	case ircconn.ListMode:
		var lines []string
		for _, item := range ev.Items {
			lines = append(lines, fmt.Sprintf("%s +%c %s by %s", ev.Channel, ev.Mode, item.Mask, item.Setter))
		}
		return strings.Join(append(lines, fmt.Sprintf("%s: end of list +%c", ev.Channel, ev.Mode)), "\n"), true
	case ircconn.SelfAway:
		return map[bool]string{true: "You are marked as away.", false: "You are no longer marked as away."}[ev.Away], true
	case ircconn.AwayReply:
		return ev.Nick + " is away: " + plain(ev.Text), true
	}
	return "", false
}
