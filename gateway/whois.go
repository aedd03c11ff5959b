package gateway

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"passerelle/ircconn"
	"passerelle/translate"
)

// whois is what a server says about somebody (RFC 2812 §3.6.2, and the numerics
// that servers of today add).
type whois struct {
	nick, user, host, realName string
	server, account, away      string
	channels                   []string
	notes                      []string // operator, bot, secure connection and the like
	idle                       time.Duration
	isIdleKnown                bool
	at                         time.Time
}

// whoisMemory is how long an answer serves for the next question.
const whoisMemory = time.Minute

// whoisLines is how much of what a server may say without end is kept, and
// whoisBytes how much of each part of a line.
const whoisLines, whoisBytes = 100, 512

// whoisNotes are the numerics whose text is worth showing as it is.
var whoisNotes = map[int]bool{276: true, 313: true, 320: true, 335: true, 338: true, 378: true, 379: true, 671: true}

// askWhois asks about somebody and gives the answer to use. Who is not there
// becomes an error.
func (n *Network) askWhois(nick string, use func(*whois), failed func(error)) error {
	if known := n.whois[n.fold(nick)]; known != nil && n.u.g.now().Sub(known.at) < whoisMemory {
		use(known)
		return nil
	}
	if err := n.checkNick(nick); err != nil {
		return err
	}
	answer := &whois{nick: nick}
	q := &question{failed: failed}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.Reply:
			if len(ev.Params) == 0 || !n.same(ev.Params[0], nick) {
				return unrelated
			}
			if ev.Numeric != 318 {
				return answer.take(ev.Numeric, ev.Params[1:])
			}
			if answer.user == "" {
				failed(refuse("item-not-found", "%s is not on %s", nick, n.name))
				return answered | taken
			}
			n.rememberWhois(answer)
			use(answer)
			return answered | taken
		case ircconn.AwayReply:
			if n.same(ev.Nick, nick) {
				answer.away = ev.Text
				return taken
			}
		case ircconn.Refused:
			if n.concerns(q, ev, nick) {
				failed(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	// With the nick twice the answer comes from the person's own server, which
	// alone knows how long they have been idle.
	return n.ask(q, ircconn.Line{Command: "WHOIS", Params: []string{nick, nick}})
}

// take takes one line of the answer.
func (w *whois) take(numeric int, params []string) verdict {
	params = slices.Clone(params)
	for i := range params {
		params[i] = strings.Clone(translate.CutBytes(params[i], whoisBytes))
	}
	text := ""
	if len(params) > 0 {
		text = plain(params[len(params)-1])
	}
	switch {
	case numeric == 311 && len(params) >= 4:
		w.user, w.host, w.realName = params[0], params[1], text
	case numeric == 312 && len(params) >= 1:
		w.server = params[0]
	case numeric == 317 && len(params) >= 1:
		if seconds, err := strconv.Atoi(params[0]); err == nil && seconds >= 0 {
			w.idle, w.isIdleKnown = time.Duration(seconds)*time.Second, true
		}
	case numeric == 319 && len(w.channels) < whoisLines:
		w.channels = append(w.channels, strings.Fields(text)...)
	case numeric == 330 && len(params) >= 1:
		w.account = params[0]
	case whoisNotes[numeric] && len(w.notes) < whoisLines:
		w.notes = append(w.notes, joinParams(params))
	default:
		return unrelated
	}
	return taken
}

// whoisLimit is how many answers are remembered for one network.
const whoisLimit = 50

func (n *Network) rememberWhois(answer *whois) {
	if n.whois == nil || len(n.whois) >= whoisLimit {
		n.whois = make(map[ircconn.Folded]*whois)
	}
	answer.at = n.u.g.now()
	n.whois[n.fold(answer.nick)] = answer
}

// personOf returns the network and nick that a request is about: an occupant of
// a room, or a nick.
func (u *User) personOf(r *request) (*Network, string, error) {
	n, err := u.network(r.to.Network)
	if err != nil {
		return nil, "", err
	}
	if r.to.Kind == translate.Nick {
		return n, r.to.Name, nil
	}
	ch, _, err := u.inRoom(r)
	if err != nil {
		return nil, "", err
	}
	if u.isOwnOccupant(r) {
		return n, n.nick(), nil
	}
	nick := ch.nickOf(r.occupant())
	if nick == "" {
		return nil, "", refuse("item-not-found", "%s is not in %s", r.occupant(), ch.name)
	}
	return n, nick, nil
}
