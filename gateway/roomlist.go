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

// listed is a channel of a network's list.
type listed struct {
	name  string
	users int
	topic string
}

const (
	// listMemory is how long a list serves for the next question. Clients page
	// through it, and servers do not like to be asked twice.
	listMemory = 5 * time.Minute
	// listLimit is how many channels of a list are kept; the largest networks
	// have more, which are counted.
	listLimit = 50000
	// listTime is how long a server may take for the whole list.
	listTime = 2 * time.Minute
	// longestListed is how much of a channel's name and topic is kept, in bytes.
	longestListed = 300
	// listReaders is how many requests may wait for one list.
	listReaders = 16
)

// channelList is a list of channels as far as it has come, in the order in which the
// server names them. That order is as good as any to page through, and the first page
// need not wait for the last channel.
type channelList struct {
	n        *Network
	channels []listed
	places   map[string]int // of channels, by the localparts of their addresses
	beyond   int            // how many more there are than are kept
	at       time.Time      // when it was whole
	whole    bool
	waiting  []listReader
}

// listReader is a request that a list answers.
type listReader struct {
	// enough reports whether the request can be answered from what has come.
	enough func(*channelList) bool
	// use answers it, also with an error where the rest does not come.
	use func(*channelList, error)
}

// all is how many channels the server has named.
func (l *channelList) all() int { return len(l.channels) + l.beyond }

// jid is the address of a channel that is kept.
func (l *channelList) jid(i int) component.JID {
	return l.n.u.jidOf(translate.Channel, l.channels[i].name, l.n.name)
}

// place finds a channel by its address.
func (l *channelList) place(address string) (int, error) {
	local, domain, _ := strings.Cut(address, "@")
	place, known := l.places[local]
	if !known || domain != l.n.u.g.domain {
		return 0, refuse("item-not-found", "there is no item %q in the list", address)
	}
	return place, nil
}

// list gives a reader the network's channels, from the last question if that is not
// long ago. With a filter that the server applies (ISUPPORT ELIST) they may be fewer;
// what it gives is not kept for others.
func (n *Network) list(filter string, reader listReader) error {
	known := n.channelList
	switch {
	case known != nil && !known.whole:
		return known.add(reader)
	case known != nil && n.u.g.now().Sub(known.at) < listMemory && (filter == "" || known.beyond == 0):
		reader.use(known, nil)
		return nil
	}
	fresh := &channelList{n: n, places: make(map[string]int), waiting: []listReader{reader}}
	q := &question{failed: fresh.end, patience: listTime}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.Reply:
			return fresh.onLine(ev)
		case ircconn.Refused:
			if ev.Numeric == 263 || n.givesLabels() && slices.Contains(q.labels, ev.Label) {
				fresh.end(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	if err := n.ask(q, ircconn.List(filter)); err != nil {
		return err
	}
	if filter == "" {
		n.channelList = fresh
	}
	return nil
}

// add has one more request wait for a list that is on its way, unless enough of it
// has come.
func (l *channelList) add(reader listReader) error {
	if reader.enough(l) {
		reader.use(l, nil)
		return nil
	}
	if len(l.waiting) >= listReaders {
		return refuse("resource-constraint", "%d requests wait for the list of channels of %s already; ask again when it has come", listReaders, l.n.name)
	}
	l.waiting = append(l.waiting, reader)
	return nil
}

// onLine takes a line of the list (321, 322, 323).
func (l *channelList) onLine(ev ircconn.Reply) verdict {
	switch ev.Numeric {
	case 321:
		return taken
	case 322:
		if len(ev.Params) >= 2 {
			l.take(ev.Params)
			l.serve()
		}
		return taken
	case 323:
		l.end(nil)
		return answered | taken
	}
	return unrelated
}

// take keeps or counts a channel. Some servers name one twice.
func (l *channelList) take(params []string) {
	name := strings.Clone(translate.CutBytes(params[0], longestListed))
	local := l.n.u.jidOf(translate.Channel, name, l.n.name).Local
	if _, twice := l.places[local]; twice {
		return
	}
	if len(l.channels) >= listLimit {
		l.beyond++
		return
	}
	channel := listed{name: name}
	channel.users, _ = strconv.Atoi(params[1])
	if len(params) > 2 {
		channel.topic = strings.Clone(translate.CutBytes(plain(params[2]), longestListed))
	}
	l.places[local] = len(l.channels)
	l.channels = append(l.channels, channel)
}

// serve answers the requests that what has come is enough for.
func (l *channelList) serve() {
	l.waiting = slices.DeleteFunc(l.waiting, func(reader listReader) bool {
		if !reader.enough(l) {
			return false
		}
		reader.use(l, nil)
		l.n.u.flushLarge()
		return true
	})
}

// end answers those who still wait: nothing more comes of the list, which is whole
// unless there is an error.
func (l *channelList) end(err error) {
	l.whole, l.at = err == nil, l.n.u.g.now()
	kept := l.n.channelList == l
	if kept && err != nil {
		l.n.channelList = nil
	}
	for _, reader := range l.waiting {
		reader.use(l, err)
		l.n.u.flushLarge()
	}
	l.waiting = nil
	if kept && err == nil {
		l.n.u.after(listMemory, func(*User) {
			if l.n.channelList == l {
				l.n.channelList = nil
			}
		})
	}
}
