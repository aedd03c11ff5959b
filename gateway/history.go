package gateway

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"passerelle/component"
	"passerelle/store"
	"passerelle/translate"
)

// keeping is what the user's choices say about a channel, as long as neither
// they nor the admin's have changed.
type keeping struct {
	choices int
	live    *Live
	record  bool // what is said is archived
	stay    bool // the user stays when the last client leaves
}

// isPersistent reports whether the user chose to stay.
func (ch *Channel) isPersistent() bool {
	u, scope := ch.n.u, ch.scope()
	return u.isOn(setPersistent, scope) || u.isOn(setPersistent, store.Scope{User: scope.User})
}

// keeps returns what the choices say about the channel. All channels are
// persistent for who chose so for all.
func (ch *Channel) keeps() keeping {
	u := ch.n.u
	if now := u.g.live(); ch.keeping.live != now || ch.keeping.choices != u.choices {
		scope := ch.scope()
		ch.keeping = keeping{
			choices: u.choices, live: now, record: u.g.store != nil && u.isOn(setRecord, scope),
			stay: ch.isPersistent() || ch.isAutoJoined(),
		}
	}
	return ch.keeping
}

// scope is where the user's choices for the channel are kept. The room's address
// has the channel's name in lower case, in whatever case the server writes it.
func (ch *Channel) scope() store.Scope {
	address, err := ch.n.u.address(ch.jid.Local)
	if err != nil {
		address = translate.Address{Kind: translate.Channel, Name: ch.name, Network: ch.n.name}
	}
	return ch.n.u.scope(address)
}

// record archives a message, whose content is in u.tail. It waits only while the user is
// sent more than can be written: nothing of it is to be lost.
func (ch *Channel) record(m roomMessage, nick, body string) {
	if !ch.keeps().record {
		return
	}
	at := m.at
	if at.IsZero() {
		at = ch.n.u.g.now()
	}
	scope := ch.scope()
	ch.n.u.worked += recordedBytes
	ch.n.u.g.store.Append(store.Line{
		ID: m.stanzaID, User: scope.User, Server: scope.Server, Channel: scope.Channel, At: at,
		MessageID: m.id, Nick: nick, Occupant: m.occupant, Body: body, Payload: slices.Clone(ch.n.u.tail.Bytes()),
	})
}

// unrecorded are the hints by which a client asks that a message is not kept
// (XEP-0334 §4).
func unrecorded(s *component.Stanza) bool {
	return s.Child(nsHints, "no-store") != nil || s.Child(nsHints, "no-permanent-store") != nil
}

// historyLimits are what a client wants of a room's history on joining
// (XEP-0045 §7.2.13). Those it does not give are negative or zero.
type historyLimits struct {
	stanzas int
	chars   int
	since   time.Time
}

func (u *User) historyLimits(x *component.Element, scope store.Scope) historyLimits {
	limits := historyLimits{stanzas: -1, chars: -1}
	history := x.Child(nsMUC, "history")
	if number, err := strconv.Atoi(history.Attr("maxstanzas")); err == nil && number >= 0 {
		limits.stanzas = number
	}
	if number, err := strconv.Atoi(history.Attr("maxchars")); err == nil && number >= 0 {
		limits.chars = number
	}
	if seconds, err := strconv.Atoi(history.Attr("seconds")); err == nil && seconds >= 0 && seconds < longestSeconds {
		limits.since = u.g.now().Add(-time.Duration(seconds) * time.Second)
	}
	if since, err := parseStamp(history.Attr("since")); err == nil && since.After(limits.since) {
		limits.since = since
	}
	switch {
	case limits.stanzas >= 0:
	case !limits.since.IsZero():
		limits.stanzas = largestHistory
	default:
		limits.stanzas, _ = strconv.Atoi(u.value(setMaxHistory, scope))
	}
	return limits
}

// longestSeconds is more than any archive goes back: a hundred years.
const longestSeconds = 100 * 366 * 24 * 3600

// largestHistory is how many messages a join brings at most, whatever the client
// asks for: for more there is the archive.
const largestHistory = 1000

// historyBytes is how large the content of a join's history is at most.
const historyBytes = 1 << 20

// writeHistory sends a session what was said before it came.
func (ch *Channel) writeHistory(to session, stanza *component.Stanza) {
	u := ch.n.u
	scope := ch.scope()
	limits := u.historyLimits(stanza.Child(nsMUC, "x"), scope)
	if u.g.store == nil || limits.stanzas == 0 || limits.chars == 0 || u.g.archiveIsAway() {
		return
	}
	query := store.Query{
		User: scope.User, Server: scope.Server, Channel: scope.Channel, Start: limits.since,
		Backward: true, Max: min(limits.stanzas, largestHistory),
	}
	page, err := u.g.recent(query)
	if err == nil && !ch.alone.IsZero() && stanza.Child(nsMUC, "x").Child(nsMUC, "history") == nil {
		page, err = ch.missed(query, page)
	}
	if err != nil {
		if !errors.Is(err, errStoreAway) {
			ch.log().Error("the history could not be read", "error", err)
		}
		return
	}
	start := len(page.Lines)
	for chars := 0; start > 0; start-- {
		if limits.chars < 0 {
			start = 0
			break
		}
		chars += ch.historySize(to, &page.Lines[start-1])
		if chars > limits.chars {
			break
		}
	}
	size := 0
	for i := len(page.Lines); i > start; i-- {
		if size += len(page.Lines[i-1].Payload); size > historyBytes {
			start = i
		}
	}
	for i := start; i < len(page.Lines); i++ {
		ch.writeLine(to.jid, &page.Lines[i])
		u.flushLarge()
	}
}

// missed is the history of who comes back to a room that they stayed in: what was
// said since the last client left, where that is more than usual.
func (ch *Channel) missed(query store.Query, usual store.Page) (store.Page, error) {
	query.Start, query.Max = ch.alone, largestHistory
	page, err := ch.n.u.g.recent(query)
	if err != nil || len(page.Lines) < len(usual.Lines) {
		return usual, err
	}
	return page, nil
}

// historySize is how many characters a message of the history has as a stanza.
func (ch *Channel) historySize(to session, line *store.Line) int {
	u := ch.n.u
	before := len(u.enc.Bytes())
	if before > 0 {
		u.flush()
	}
	ch.writeLine(to.jid, line)
	size := len([]rune(string(u.enc.Bytes())))
	u.enc.Reset()
	return size
}

// writeLine writes an archived message as history of the room.
func (ch *Channel) writeLine(to component.JID, line *store.Line) {
	u := ch.n.u
	u.enc.Stanza(component.Message, ch.occupant(line.Nick), to, "groupchat", line.MessageID)
	u.enc.Raw(line.Payload)
	writeStanzaID(&u.enc, line.ID, ch.jid)
	if line.Occupant != "" {
		writeOccupantID(&u.enc, line.Occupant)
	}
	writeDelay(&u.enc, ch.jid, line.At)
	u.enc.Close()
}

// tellGaps tells users, once a gap, that messages to them were not archived.
func (g *Gateway) tellGaps(users map[string]int, err error) {
	g.log.Error("messages were not archived", "users", len(users), "error", err)
	for jid, count := range users {
		if u := g.user(jid); u != nil {
			g.of(u, func(u *User) {
				u.notify(u.gatewayJID(), strconv.Itoa(count)+" messages could not be kept for your history, because of a fault in the gateway's storage. You have seen them if you were online.")
			})
		}
	}
	for _, admin := range g.live().Admins {
		jid, err := component.ParseJID(admin)
		if err != nil {
			continue
		}
		g.tellAdmin(jid, "Messages of "+strconv.Itoa(len(users))+" users could not be archived; the log says why.")
	}
}

// tellAdmin writes to an admin, who need not have anything here.
func (g *Gateway) tellAdmin(admin component.JID, text string) {
	var e component.Encoder
	e.Stanza(component.Message, component.JID{Domain: g.domain}, admin, "headline", newID())
	e.Leaf("body", "", text)
	e.Close()
	g.meter.shards[0].sent(&e)
	if err := g.out.Offer(e.Bytes()); err != nil {
		g.log.Warn("an admin could not be told", "admin", admin.String(), "error", err)
	}
}

// parseStamp reads a time as XMPP writes it (XEP-0082).
func parseStamp(text string) (time.Time, error) {
	return time.Parse(time.RFC3339Nano, text)
}
