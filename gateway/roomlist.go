package gateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

const nsSearch = "jabber:iq:search"

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
	// have more, which a filter finds.
	listLimit = 50000
	// listTime is how long a server may take for the whole list.
	listTime = 2 * time.Minute
	// longestListed is how much of a channel's name and topic is kept, in bytes.
	longestListed = 300
	// listWaiting is how many requests may wait for one list.
	listWaiting = 16
	// defaultItems is how many items a page has where the client does not say;
	// largestItems how many at most.
	defaultItems = 100
	largestItems = 500
)

// channelList is a list of channels as far as it has come.
type channelList struct {
	channels []listed
	at       time.Time
	complete bool
	waiting  []func(*channelList, error)
}

// list gives the network's channels to use, from the last question if that is
// not long ago.
func (n *Network) list(use func(*channelList, error)) error {
	return n.listWith("", use)
}

// listWith is list with a filter that the server applies (ISUPPORT ELIST); what it
// gives is not kept for others.
func (n *Network) listWith(filter string, use func(*channelList, error)) error {
	known := n.channelList
	switch {
	case known != nil && known.complete && n.u.g.now().Sub(known.at) < listMemory:
		use(known, nil)
		return nil
	case known != nil && !known.complete && len(known.waiting) >= listWaiting:
		return refuse("resource-constraint", "the list of channels is on its way already; wait for it")
	case known != nil && !known.complete:
		known.waiting = append(known.waiting, use)
		return nil
	}
	keep := func(list *channelList) {
		if filter == "" {
			n.channelList = list
		}
	}
	fresh := &channelList{waiting: []func(*channelList, error){use}}
	finish := func(err error) {
		if keep(fresh); err != nil {
			keep(nil)
		}
		fresh.complete, fresh.at = true, n.u.g.now()
		slices.SortFunc(fresh.channels, func(a, b listed) int { return strings.Compare(a.name, b.name) })
		fresh.channels = slices.CompactFunc(fresh.channels, func(a, b listed) bool { return a.name == b.name })
		for _, use := range fresh.waiting {
			use(fresh, err)
			n.u.flushLarge()
		}
		fresh.waiting = nil
		n.u.after(listMemory, func(*User) {
			if n.channelList == fresh {
				n.channelList = nil
			}
		})
	}
	q := &question{failed: finish, patience: listTime}
	q.answer = func(ev ircconn.Event) verdict {
		switch ev := ev.(type) {
		case ircconn.Reply:
			return fresh.take(ev, finish)
		case ircconn.Refused:
			if ev.Numeric == 263 || n.givesLabels() && slices.Contains(q.labels, ev.Label) {
				finish(refusedByIRC(ev))
				return answered | taken
			}
		}
		return unrelated
	}
	if err := n.ask(q, ircconn.List(filter)); err != nil {
		return err
	}
	keep(fresh)
	return nil
}

// take takes a line of the list (321, 322, 323).
func (l *channelList) take(ev ircconn.Reply, finish func(error)) verdict {
	switch ev.Numeric {
	case 321:
		return taken
	case 322:
		if len(ev.Params) >= 2 && len(l.channels) < listLimit {
			users, _ := strconv.Atoi(ev.Params[1])
			topic := ""
			if len(ev.Params) > 2 {
				topic = plain(ev.Params[2])
			}
			l.channels = append(l.channels, listed{
				strings.Clone(translate.CutBytes(ev.Params[0], longestListed)), users, strings.Clone(translate.CutBytes(topic, longestListed)),
			})
		}
		return taken
	case 323:
		finish(nil)
		return answered | taken
	}
	return unrelated
}

// window is the part of a list that a client wants (XEP-0059).
type window struct {
	max           int
	after, before string
	backward      bool
	index         int // -1 for none
}

func parseWindow(set *component.Element) (window, error) {
	w := window{max: defaultItems, index: -1}
	for name, number := range map[string]*int{"max": &w.max, "index": &w.index} {
		text := set.ChildText(nsRSM, name)
		if text == "" {
			continue
		}
		value, err := strconv.Atoi(text)
		if err != nil || value < 0 {
			return w, refuse("bad-request", "%q is not a number of items", text)
		}
		*number = value
	}
	w.max = min(w.max, largestItems)
	w.after = set.ChildText(nsRSM, "after")
	if before := set.Child(nsRSM, "before"); before != nil {
		w.backward, w.before = true, before.Text
	}
	return w, nil
}

// cut returns where the window begins and ends in a list of ids.
func (w window) cut(ids []string) (from, to int, err error) {
	find := func(id string) (int, error) {
		i := slices.Index(ids, id)
		if i < 0 {
			return 0, refuse("item-not-found", "there is no item %q in the list", id)
		}
		return i, nil
	}
	switch {
	case w.index >= 0:
		if w.index > len(ids) {
			return 0, 0, refuse("item-not-found", "the list has only %d items", len(ids))
		}
		return w.index, min(w.index+w.max, len(ids)), nil
	case w.after != "":
		i, err := find(w.after)
		return i + 1, min(i+1+w.max, len(ids)), err
	case w.before != "":
		i, err := find(w.before)
		return max(0, i-w.max), i, err
	case w.backward:
		return max(0, len(ids)-w.max), len(ids), nil
	}
	return 0, min(w.max, len(ids)), nil
}

// onChannelList answers with the channels of a network (XEP-0045 §6.3). Who is
// not connected gets none: discovery opens no connection.
func (u *User) onChannelList(r *request, query *component.Element) error {
	n := u.networks[r.to.Network]
	if n == nil || !n.ready {
		u.openDisco(r, nsDiscoItems, "")
		u.enc.Close()
		u.enc.Close()
		return nil
	}
	set := query.Child(nsRSM, "set")
	w, err := parseWindow(set)
	if err != nil {
		return err
	}
	return n.list(func(list *channelList, err error) {
		if err == nil {
			err = u.writeChannelList(r, n, list, w)
		}
		if err != nil {
			u.replyError(r.Stanza, err)
		}
	})
}

func (u *User) writeChannelList(r *request, n *Network, list *channelList, w window) error {
	ids := make([]string, len(list.channels))
	for i, channel := range list.channels {
		ids[i] = u.jidOf(translate.Channel, channel.name, n.name).String()
	}
	from, to, err := w.cut(ids)
	if err != nil {
		return err
	}
	u.openDisco(r, nsDiscoItems, "")
	start := len(u.enc.Bytes())
	for i := from; i < to; i++ {
		if u.isFull(start) {
			to = i
			break
		}
		u.enc.Open("item", "")
		u.enc.Attr("jid", ids[i])
		u.enc.Attr("name", list.channels[i].title())
		u.enc.Close()
	}
	u.writeWindow(ids, from, to)
	u.enc.Close()
	u.enc.Close()
	return nil
}

// title is a channel in a list for people: its name, how many are in it, and
// its topic.
func (l listed) title() string {
	title := fmt.Sprintf("%s (%d)", l.name, l.users)
	if l.topic != "" {
		title += " " + l.topic
	}
	return translate.CutBytes(title, longestListed)
}

// writeWindow says which part of a list was sent (XEP-0059 §2.6).
func (u *User) writeWindow(ids []string, from, to int) {
	u.enc.Open("set", nsRSM)
	if to > from {
		u.enc.Open("first", "")
		u.enc.Attr("index", strconv.Itoa(from))
		u.enc.Text(ids[from])
		u.enc.Close()
		u.enc.Leaf("last", "", ids[to-1])
	}
	u.enc.Leaf("count", "", strconv.Itoa(len(ids)))
	u.enc.Close()
}

// searchFeature finds channels of a network by a word of their name or topic and
// by how many are in them (XEP-0055).
func searchFeature() feature {
	return feature{
		xep: "XEP-0055", on: onServer, advertise: []string{nsSearch},
		iq: map[iqKey]iqHandler{
			{"get", nsSearch, "query"}: (*User).onSearchForm,
			{"set", nsSearch, "query"}: (*User).onSearch,
		},
	}
}

func (u *User) onSearchForm(r *request, _ *component.Element) error {
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsSearch)
	u.enc.Leaf("instructions", "", "Find channels of this network.")
	(&form{formType: nsSearch, title: "Find channels", fields: []field{
		{name: "text", kind: textSingle, label: "In the name or topic"},
		{name: "least", kind: textSingle, label: "With at least so many people", least: 0, most: 1000000},
	}}).write(&u.enc, "form")
	u.enc.Close()
	u.enc.Close()
	return nil
}

func (u *User) onSearch(r *request, query *component.Element) error {
	filled, ok := parseSubmission(query.Child(nsForms, "x"))
	if !ok {
		return refuse("bad-request", "the search form was not filled in")
	}
	n, err := u.network(r.to.Network)
	if err != nil {
		return err
	}
	least, _ := strconv.Atoi(filled.first("least"))
	word := strings.ToLower(filled.first("text"))
	filter := ""
	if least > 1 && strings.Contains(strings.ToUpper(n.support.Elist), "U") {
		filter = ">" + strconv.Itoa(least-1)
	}
	return n.listWith(filter, func(list *channelList, err error) {
		if err != nil {
			u.replyError(r.Stanza, err)
			return
		}
		u.writeSearch(r, n, list, word, least)
	})
}

// writeSearch answers with a table of what was found.
func (u *User) writeSearch(r *request, n *Network, list *channelList, word string, least int) {
	e := &u.enc
	e.Result(r.Stanza)
	e.Open("query", nsSearch)
	e.Open("x", nsForms)
	e.Attr("type", "result")
	u.writeField("FORM_TYPE", "hidden", nsSearch)
	e.Open("reported", "")
	for _, column := range []struct{ name, kind, label string }{
		{"jid", "jid-single", "Address"}, {"name", "text-single", "Channel"}, {"nusers", "text-single", "People"}, {"description", "text-single", "Topic"},
	} {
		e.Open("field", "")
		e.Attr("var", column.name)
		e.Attr("type", column.kind)
		e.Attr("label", column.label)
		e.Close()
	}
	e.Close()
	start, found := len(e.Bytes()), 0
	for _, channel := range list.channels {
		if channel.users < least || !strings.Contains(strings.ToLower(channel.name+" "+channel.topic), word) {
			continue
		}
		if found++; found > largestItems || u.isFull(start) {
			break
		}
		e.Open("item", "")
		u.writeField("jid", "jid-single", u.jidOf(translate.Channel, channel.name, n.name).String())
		u.writeField("name", "text-single", channel.name)
		u.writeField("nusers", "text-single", strconv.Itoa(channel.users))
		u.writeField("description", "text-single", channel.topic)
		e.Close()
	}
	e.Close()
	e.Close()
	e.Close()
}
