package ircconn

import "strings"

const (
	// maxListItems and maxListBytes bound the entries of all lists under way
	// together.
	maxListItems = 5000
	maxListBytes = 1 << 20
	// maxLists bounds the lists under way.
	maxLists = 50
	// maxMotdLines and maxMotdBytes bound the message of the day.
	maxMotdLines = 2000
	maxMotdBytes = 256 << 10
)

// lists are the list modes whose entries are still arriving; a nil one has none.
type lists struct {
	open  map[listKey]*ListMode
	items int
	bytes int // of masks and setters
}

// motd is the message of the day as far as it has arrived.
type motd struct {
	lines []string
	bytes int
}

type listKey struct {
	channel Folded
	mode    byte
}

// listLine takes a list numeric apart: which list, and the parameters after
// the channel and, for 728 and 729, after the letter.
func (s *session) listLine(m *message) (key listKey, rest []string) {
	key.channel = s.support.Casemapping.Fold(m.params[1])
	rest = m.params[2:]
	switch m.command {
	case "346", "347":
		key.mode = letterOr(s.support.Invex, 'I')
	case "348", "349":
		key.mode = letterOr(s.support.Excepts, 'e')
	case "367", "368":
		key.mode = 'b'
	case "728", "729":
		if rest[0] != "" {
			key.mode = rest[0][0]
		}
		rest = rest[1:]
	}
	return key, rest
}

func letterOr(letter, standard byte) byte {
	if letter == 0 {
		return standard
	}
	return letter
}

func onListItem(s *session, m *message) {
	key, rest := s.listLine(m)
	if s.lists == nil {
		s.lists = &lists{open: make(map[listKey]*ListMode)}
	}
	list := s.lists.open[key]
	if list == nil {
		if len(s.lists.open) >= maxLists {
			s.log().Debug("entry of a list dropped: too many lists under way")
			return
		}
		list = &ListMode{Channel: strings.Clone(m.params[1]), Mode: key.mode}
		key.channel = Folded(strings.Clone(string(key.channel)))
		s.lists.open[key] = list
	}
	item := ListItem{Mask: strings.Clone(rest[0])}
	if len(rest) > 1 {
		item.Setter = strings.Clone(rest[1])
	}
	if len(rest) > 2 {
		item.Time = unixTime(rest[2])
	}
	size := item.bytes()
	if s.lists.items >= maxListItems || s.lists.bytes+size > maxListBytes {
		list.Truncated = true
		return
	}
	s.lists.items++
	s.lists.bytes += size
	list.Items = append(list.Items, item)
}

func (i ListItem) bytes() int { return len(i.Mask) + len(i.Setter) }

// onListEnd delivers a list; one without entries has only this line.
func onListEnd(s *session, m *message) {
	key, _ := s.listLine(m)
	list := s.lists.end(key)
	if list == nil {
		list = &ListMode{Channel: m.params[1], Mode: key.mode}
	}
	if s.lists != nil && len(s.lists.open) == 0 {
		s.lists = nil
	}
	list.Meta = m.Meta
	s.emit(*list)
}

// end takes out a list that has arrived; it is nil when nothing of it has.
func (l *lists) end(key listKey) *ListMode {
	if l == nil || l.open[key] == nil {
		return nil
	}
	list := l.open[key]
	delete(l.open, key)
	l.items -= len(list.Items)
	for _, item := range list.Items {
		l.bytes -= item.bytes()
	}
	return list
}

func onMotdStart(s *session, _ *message) { s.motd = nil }

func onMotdLine(s *session, m *message) {
	line := strings.Clone(strings.TrimPrefix(m.last(), "- "))
	if s.motd == nil {
		s.motd = new(motd)
	}
	if len(s.motd.lines) >= maxMotdLines || s.motd.bytes+len(line) > maxMotdBytes {
		return
	}
	s.motd.lines = append(s.motd.lines, line)
	s.motd.bytes += len(line)
}

// onMotdEnd is 376, or 422 when there is none: the end of the welcome, or of
// the answer to MOTD.
func onMotdEnd(s *session, _ *message) {
	said := s.motd
	s.motd = nil
	s.welcome()
	if said != nil {
		s.emit(Motd{Lines: said.lines})
	}
}
