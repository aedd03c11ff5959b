package gateway

import (
	"fmt"
	"math"
	"strconv"

	"passerelle/component"
	"passerelle/translate"
)

// Pages of the list of channels (XEP-0059). The ids in it are the addresses of the
// channels.
const (
	// defaultItems is how many items a page has where the client does not say;
	// largestItems how many at most.
	defaultItems = 100
	largestItems = 500
)

// window is the part of a list that a client wants.
type window struct {
	max           int
	after, before string
	backward      bool
	index         int  // -1 for none
	wholeList     bool // even for a part that has come
}

func parseWindow(set *component.Element) (window, error) {
	w := window{max: defaultItems, index: -1, wholeList: set == nil}
	for name, number := range map[string]*int{"max": &w.max, "index": &w.index} {
		text := set.ChildText(nsRSM, name)
		if text == "" {
			continue
		}
		value, err := strconv.Atoi(text)
		if err != nil || value < 0 {
			return w, refuse("bad-request", "%q is not a number of items", text)
		}
		*number = min(value, math.MaxInt32)
	}
	w.max = min(w.max, largestItems)
	w.after = set.ChildText(nsRSM, "after")
	if before := set.Child(nsRSM, "before"); before != nil {
		w.backward, w.before = true, before.Text
	}
	// To ask for nothing is to ask how much there is.
	w.wholeList = w.wholeList || w.max == 0
	return w, nil
}

// span returns where the window begins and ends in a list, which may be beyond its
// end.
func (w window) span(l *channelList) (from, to int, err error) {
	switch {
	case w.index >= 0:
		from = w.index
	case w.after != "":
		i, err := l.place(w.after)
		if err != nil {
			return 0, 0, err
		}
		from = i + 1
	case w.before != "":
		i, err := l.place(w.before)
		return max(0, i-w.max), i, err
	case w.backward:
		return max(0, l.all()-w.max), l.all(), nil
	}
	return from, from + w.max, nil
}

// hasCome reports whether all of the window is in a list that still grows.
func (w window) hasCome(l *channelList) bool {
	if w.wholeList || w.backward && w.before == "" {
		return false
	}
	_, to, err := w.span(l)
	return err == nil && to <= len(l.channels)
}

// cut returns where the window begins and ends in what is kept of a list. A page that
// begins behind that, or is the last, is refused (XEP-0059 §2.6): an empty one would
// say that the list ends there.
func (w window) cut(l *channelList) (from, to int, err error) {
	from, to, err = w.span(l)
	if err != nil {
		return 0, 0, err
	}
	notKept := from >= len(l.channels) && from < l.all()
	if w.backward {
		notKept = to > len(l.channels)
	}
	if w.max > 0 && notKept {
		return 0, 0, refuse("feature-not-implemented",
			"%s has %d channels, of which only the first %d are kept here; search for the others by how many people are in them", l.n.name, l.all(), len(l.channels))
	}
	return min(from, len(l.channels)), min(to, len(l.channels)), nil
}

// onChannelList answers with the channels of a network (XEP-0045 §6.3). Who is
// not connected gets none: discovery opens no connection.
func (u *User) onChannelList(r *request, query *component.Element) error {
	n := u.networks.of(r.to.Network)
	if n == nil || !n.ready {
		u.openDisco(r, nsDiscoItems, "")
		u.enc.Close()
		u.enc.Close()
		return nil
	}
	w, err := parseWindow(query.Child(nsRSM, "set"))
	if err != nil {
		return err
	}
	return n.list("", listReader{enough: w.hasCome, use: func(list *channelList, err error) {
		if err == nil {
			err = u.writeChannelList(r, list, w)
		}
		if err != nil {
			u.replyError(r.Stanza, err)
		}
	}})
}

func (u *User) writeChannelList(r *request, list *channelList, w window) error {
	from, to, err := w.cut(list)
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
		u.writeItem(list.jid(i), list.channels[i].title())
	}
	u.writeWindow(list, from, to)
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

// writeWindow says which part of a list was sent (XEP-0059 §2.6). How long the list is
// nobody knows before it is whole.
func (u *User) writeWindow(list *channelList, from, to int) {
	u.enc.Open("set", nsRSM)
	if to > from {
		u.enc.Open("first", "")
		u.enc.Attr("index", strconv.Itoa(from))
		u.enc.Text(list.jid(from).String())
		u.enc.Close()
		u.enc.Leaf("last", "", list.jid(to-1).String())
	}
	if list.whole {
		u.enc.Leaf("count", "", strconv.Itoa(list.all()))
	}
	u.enc.Close()
}
