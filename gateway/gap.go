package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"passerelle/ircconn"
	"passerelle/store"
)

const (
	// gapFuzz makes up for clocks that differ: so much of what is known is asked
	// for again (IRCv3 chathistory).
	gapFuzz = 10 * time.Second
	// gapLines is how many lines are fetched for one channel at most.
	gapLines = 1000
	// gapPage is how many are asked for at once, where the server allows.
	gapPage = 200
	// gapTime is how long a join waits for them.
	gapTime = 5 * time.Second
)

// historyBatches are the batches in which servers and bouncers send what was said
// before.
var historyBatches = map[string]bool{"chathistory": true, "znc.in/playback": true}

// historyServant is whom Ergo lets say who came and went.
//
// COMPAT: that is no talk, and what is past of it is of no use in a room.
const historyServant = "HistServ"

// gap is what a channel has missed and the server is asked for.
type gap struct {
	ch    *Channel
	since time.Time // zero: the latest, because nothing is known
	most  int
	lines []ircconn.Message
	seen  int       // what was sent of it, lines and what is none
	last  time.Time // when the last of that was said
	// lastID is the server's id of the last of that; empty when it has none.
	lastID string
	// overlap is the last time from which on a page was asked for once more, and again
	// are the lines of that time that were there already.
	overlap time.Time
	again   []ircconn.Message
	done    func()
}

// fillGap asks a server or bouncer that keeps history for what the channel has
// missed, and then goes on. It reports whether there is anybody to ask.
func (n *Network) fillGap(ch *Channel, then func()) bool {
	if !n.caps.Has("batch") || !n.caps.Has("server-time") {
		return false
	}
	since := ch.lastHeard()
	switch {
	case n.caps.Has("draft/chathistory") && !n.historyless:
		for _, waiting := range n.gaps {
			if waiting.ch == ch {
				waiting.done = then
				return true
			}
		}
		most := gapLines
		if since.IsZero() {
			most, _ = strconv.Atoi(n.u.value(setMaxHistory, ch.scope()))
		}
		if most == 0 {
			return false
		}
		n.gaps = append(n.gaps, &gap{ch: ch, since: since, most: min(most, gapLines), done: then})
		if len(n.gaps) == 1 {
			n.askHistory()
		}
		return true
	case n.caps.Has("znc.in/playback"):
		line := ircconn.Privmsg("*playback", "PLAY "+ch.name+" "+strconv.FormatInt(max(0, since.Unix()), 10))
		if err := n.send(line); err != nil {
			ch.log().Debug("the bouncer was not asked for what was missed", "error", err)
		}
	}
	return false
}

// lastHeard is when the newest line was said that is known of the channel, or
// zero.
func (ch *Channel) lastHeard() time.Time {
	if !ch.heard.IsZero() || ch.n.u.g.store == nil {
		return ch.heard
	}
	return ch.newest(time.Time{})
}

// askHistory asks for the next lines of the first gap (IRCv3 chathistory).
func (n *Network) askHistory() {
	g := n.gaps[0]
	page := min(gapPage, g.most-g.seen)
	if limit := n.support.ChatHistory; limit > 0 {
		page = min(page, limit)
	}
	line := ircconn.Line{Command: "CHATHISTORY", Params: []string{"LATEST", g.ch.name, "*", strconv.Itoa(page)}}
	if !g.since.IsZero() {
		line.Params = []string{"AFTER", g.ch.name, n.after(g), strconv.Itoa(page)}
	}
	before := g.seen
	q := &question{patience: gapTime, failed: func(error) { n.withoutHistory() }}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.BatchEnded:
			if ev.Type != "chathistory" {
				return unrelated
			}
			if got := g.seen - before; got >= page && !g.since.IsZero() && g.seen < g.most {
				n.u.post(func(*User) { n.nextPage(g) }, nil)
			} else {
				n.gapFilled(g)
			}
			return answered | taken
		case ircconn.Refused:
			if ev.Command == "CHATHISTORY" {
				n.gapFilled(g)
				return answered | taken
			}
		}
		return unrelated
	}
	if err := n.ask(q, line); err != nil {
		g.ch.log().Debug("the server was not asked for what was missed", "error", err)
		n.gapFilled(g)
	}
}

// after is what the next lines of a gap come after. Several may have been said in one
// millisecond, of which the last page had only some: where they cannot be asked for by
// id, that millisecond is asked for again, unless all of the page was of it.
func (n *Network) after(g *gap) string {
	g.again = nil
	from := g.last
	switch {
	case g.seen == 0:
		from = g.since.Add(-gapFuzz)
	case g.lastID != "" && n.support.HistoryByID && !strings.ContainsAny(g.lastID, " \r\n\x00"):
		return "msgid=" + g.lastID
	case !g.last.Equal(g.overlap):
		g.overlap, from = g.last, from.Add(-time.Millisecond)
		for i := len(g.lines) - 1; i >= 0 && g.lines[i].Time.Equal(g.last); i-- {
			g.again = append(g.again, g.lines[i])
		}
	}
	return "timestamp=" + stamp(from)
}

// had reports, once for each, whether a line was in the page before as well.
func (g *gap) had(ev ircconn.Message) bool {
	i := slices.IndexFunc(g.again, func(line ircconn.Message) bool {
		return line.Time.Equal(ev.Time) && line.Source == ev.Source && line.Text == ev.Text && line.MessageID == ev.MessageID
	})
	if i < 0 {
		return false
	}
	g.again = slices.Delete(g.again, i, i+1)
	return true
}

func (n *Network) nextPage(g *gap) {
	if len(n.gaps) > 0 && n.gaps[0] == g {
		n.askHistory()
	}
}

// gapFilled shows what was fetched for a channel, and asks for the next one's.
func (n *Network) gapFilled(g *gap) {
	if len(n.gaps) == 0 || n.gaps[0] != g {
		return
	}
	n.gaps = n.gaps[1:]
	if n.channel(g.ch.name) == g.ch {
		g.ch.showMissed(g.lines, g.since)
		g.done()
	}
	if len(n.gaps) > 0 && n.ready {
		n.askHistory()
	}
}

// withoutHistory lets everybody in who waits for history, because the server has
// not answered, and asks it for none as long as this connection lasts.
func (n *Network) withoutHistory() {
	n.historyless = true
	gaps := n.gaps
	n.gaps = nil
	for _, g := range gaps {
		if n.channel(g.ch.name) == g.ch {
			g.ch.showMissed(g.lines, g.since)
			g.done()
		}
	}
}

// onPastEnded is the end of a batch of history that nobody asked for by name.
func (n *Network) onPastEnded(kind string) {
	if !historyBatches[kind] {
		return
	}
	for _, ch := range n.channels {
		past := ch.past
		ch.past = nil
		ch.showMissed(past, time.Time{})
	}
}

// onPast is a line of a batch of history.
func (n *Network) onPast(ev ircconn.Message) {
	ch := n.channel(ev.Target)
	if ch == nil || ev.Time.IsZero() {
		return
	}
	if g := n.countPast(ch, ev.Meta); g != nil {
		if len(g.lines) < g.most && !g.had(ev) {
			g.lines = append(g.lines, ev)
		}
		return
	}
	if len(ch.past) < gapLines {
		ch.past = append(ch.past, ev)
	}
}

// countPast counts something of a batch of history, and returns the gap that it is a
// part of, or nil. It may be that of an earlier visit to the channel, which nobody needs
// any more.
func (n *Network) countPast(ch *Channel, line ircconn.Meta) *gap {
	if len(n.gaps) == 0 || n.gaps[0].ch.folded != ch.folded {
		return nil
	}
	g := n.gaps[0]
	g.seen, g.last, g.lastID = g.seen+1, line.Time, line.MessageID
	return g
}

// onPastQuery is a query to programs in a batch of history: nobody waits for an answer,
// but it is one of the lines that were asked for.
func (n *Network) onPastQuery(ev ircconn.CTCP) {
	if ch := n.channel(ev.Target); ch != nil && !ev.Time.IsZero() {
		n.countPast(ch, ev.Meta)
	}
}

// showMissed archives lines that were said while we were not there, and shows them
// with their time; those that are known already are left out. since is when the last
// line was heard before, if that is what they were asked by.
func (ch *Channel) showMissed(lines []ircconn.Message, since time.Time) {
	if len(lines) == 0 {
		return
	}
	u := ch.n.u
	if first := lines[0].Time; u.unheard != nil && first.Before(u.unheard.since) {
		u.unheard.since = first // the clients are to be told of these too
	}
	known := ch.knownSince(lines[0].Time.Add(-gapFuzz))
	if !ch.keeps().record {
		known.until = since // by the server's own clock
	}
	tail := &ch.n.u.tail
	for _, ev := range lines {
		tail.Reset()
		if known.has(ch, ev) || ev.Source.IsServer() || ev.Source.Nick == historyServant || !writeBody(tail, ev) {
			continue
		}
		id := ch.stanzaID(ev)
		m := roomMessage{ch.occupant(ev.Source.Nick), id, id, ch.occupantID(ev.Source, ev.Account), ev.Time}
		ch.record(m, ev.Source.Nick, ev.Text)
		ch.send(ch.sessions, m)
		ch.n.u.flushLarge()
	}
	if last := lines[len(lines)-1].Time; last.After(ch.heard) {
		ch.heard = last
	}
}

// knownLines are lines of the archive, by id and by who said what. Where there is none,
// those are known that were said until a time.
type knownLines struct {
	ids   map[string]bool
	said  map[[2]string][]time.Time
	until time.Time
}

func (ch *Channel) knownSince(start time.Time) knownLines {
	known := knownLines{ids: make(map[string]bool), said: make(map[[2]string][]time.Time)}
	u := ch.n.u
	if u.g.store == nil || u.g.archiveIsAway() {
		return known
	}
	scope := ch.scope()
	page, err := u.g.recent(store.Query{
		User: scope.User, Server: scope.Server, Channel: scope.Channel, Start: start, Max: gapLines,
	})
	if err != nil {
		ch.log().Warn("what is known of a channel could not be read", "error", err)
	}
	for i := range page.Lines {
		line := &page.Lines[i]
		known.ids[line.ID] = true
		for _, text := range ch.textsOf(line) {
			key := [2]string{line.Nick, text}
			known.said[key] = append(known.said[key], line.At)
		}
	}
	return known
}

// textsOf are the texts that a line of the archive may have on IRC. What our own user
// said is archived as it was written on XMPP, and was composed anew for IRC.
func (ch *Channel) textsOf(line *store.Line) []string {
	texts := []string{line.Body}
	if !ch.n.isSelf(line.Nick) {
		return texts
	}
	what := utterance{unstyled: bytes.Contains(line.Payload, []byte("<unstyled "))}
	what.text, what.notice = strings.CutPrefix(line.Body, noticeMark)
	lines, err := ch.n.compose(ch.name, what)
	if err != nil {
		return texts
	}
	for _, composed := range lines {
		text := composed.Params[len(composed.Params)-1]
		if action, is := strings.CutPrefix(text, "\x01ACTION "); is {
			text = strings.TrimSuffix(action, "\x01")
		}
		if text != line.Body {
			texts = append(texts, text)
		}
	}
	return texts
}

// has reports whether a line is among them: by the server's id, by its time, or by the same
// words of the same person at about the same time.
func (known knownLines) has(ch *Channel, ev ircconn.Message) bool {
	if ev.MessageID != "" && known.ids[ch.stanzaID(ev)] || !ev.Time.After(known.until) {
		return true
	}
	key := [2]string{ev.Source.Nick, ev.Text}
	for i, at := range known.said[key] {
		if d := at.Sub(ev.Time); d.Abs() < gapFuzz/2 {
			known.said[key] = slices.Delete(known.said[key], i, i+1) // people say things twice
			return true
		}
	}
	return false
}

// stanzaID is the id under which a line is shown and archived. Where the server
// keeps history it is made of the server's own, so that a line which is fetched
// again has the same.
func (ch *Channel) stanzaID(ev ircconn.Message) string {
	if ev.MessageID == "" || !ch.n.caps.Has("draft/chathistory") {
		return newID()
	}
	sum := sha256.Sum256([]byte(ch.jid.String() + "\x00" + ev.MessageID))
	return hex.EncodeToString(sum[:16])
}
