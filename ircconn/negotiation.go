package ircconn

import (
	"slices"
	"strings"
	"unique"
)

const (
	// maxCapLineBytes is how long a CAP REQ may get.
	maxCapLineBytes = 500
)

// capOffer is what a server offers of what we know how to use, as "name=value"
// lines in order. Connections to one server share it.
type capOffer struct{ lines unique.Handle[string] }

// get returns the value of a capability, and whether it is offered.
func (o capOffer) get(name string) (value string, offered bool) {
	if o == (capOffer{}) {
		return "", false
	}
	for line := range strings.SplitSeq(o.lines.Value(), "\n") {
		if known, value, _ := strings.Cut(line, "="); known == name {
			return value, true
		}
	}
	return "", false
}

// read adds "name" and "name=value" entries.
func (o *capOffer) read(entries string) {
	for entry := range strings.FieldsSeq(entries) {
		name, value, _ := strings.Cut(entry, "=")
		if len(value) > maxCapValueBytes {
			value = ""
		}
		if capBit(name) != 0 {
			o.remove(name)
			o.lines = unique.Make(strings.TrimPrefix(o.text()+"\n"+name+"="+value, "\n"))
		}
	}
}

// remove takes a capability out.
func (o *capOffer) remove(name string) {
	lines := slices.DeleteFunc(strings.Split(o.text(), "\n"), func(line string) bool {
		return strings.HasPrefix(line, name+"=") || line == ""
	})
	o.lines = unique.Make(strings.Join(lines, "\n"))
}

func (o capOffer) text() string {
	if o == (capOffer{}) {
		return ""
	}
	return o.lines.Value()
}

// onCap is CAP: our nick, a subcommand, perhaps "*" when more lines follow, and
// capabilities (IRCv3 capability negotiation).
func onCap(s *session, m *message) {
	handle, known := capCommands[strings.ToUpper(m.params[1])]
	if known {
		handle(s, m)
	}
}

var capCommands = map[string]func(*session, *message){
	"LS":  onCapList,
	"NEW": onCapNew,
	"DEL": onCapDel,
	"ACK": onCapAck,
	"NAK": onCapNak,
}

func onCapList(s *session, m *message) {
	s.readSTS(m.last())
	if s.upgrade != 0 {
		return
	}
	s.capLists.read(m.last())
	if len(m.params) > 3 && m.params[2] == "*" {
		return
	}
	if s.registration == nil || s.registration.capEnded {
		// Somebody asked by a raw line.
		return
	}
	s.requestCaps()
	s.capsSettled()
}

func onCapNew(s *session, m *message) {
	s.readSTS(m.last())
	if s.upgrade != 0 {
		return
	}
	s.capLists.read(m.last())
	s.requestCaps()
	s.relogIn()
}

func onCapDel(s *session, m *message) {
	caps := s.caps
	for name := range strings.FieldsSeq(m.last()) {
		s.capLists.remove(name)
		caps = caps.without(name)
	}
	s.setCaps(caps)
	s.saslWithdrawn(strings.Fields(m.last()))
}

// requestCaps asks for everything that is offered and wanted and neither in
// force nor asked for.
func (s *session) requestCaps() {
	var names []string
	for _, name := range requestedCaps {
		_, offered := s.capLists.get(name)
		if !offered || s.caps.Has(name) || s.isRequested(name) {
			continue
		}
		// Labelled answers of several lines come as a batch, so the one is
		// not to be had without the other (IRCv3 labeled-response).
		if _, batches := s.capLists.get("batch"); name == "labeled-response" && !batches {
			continue
		}
		names = append(names, name)
	}
	if s.wantsSASL() {
		names = append(names, saslCap)
	}
	for len(names) > 0 {
		count, length := 0, len("CAP REQ :")
		for count < len(names) && (count == 0 || length+len(names[count])+1 <= maxCapLineBytes) {
			length += len(names[count]) + 1
			count++
		}
		s.requestBatch(names[:count:count])
		names = names[count:]
	}
}

func (s *session) isRequested(name string) bool {
	return slices.ContainsFunc(s.capRequests, func(request []string) bool { return slices.Contains(request, name) })
}

func (s *session) requestBatch(names []string) {
	s.capRequests = append(s.capRequests, names)
	s.send(newLine("CAP", "REQ", strings.Join(names, " ")))
}

// onCapAck puts capabilities in force, or out of it with a minus before the
// name. One request may be answered in several lines.
func onCapAck(s *session, m *message) {
	caps := s.caps
	for entry := range strings.FieldsSeq(m.last()) {
		name, disabled := strings.CutPrefix(entry, "-")
		// COMPAT: servers of the first version of CAP put "~" or "=" before
		// some names.
		name = strings.TrimLeft(name, "~=")
		if disabled {
			caps = caps.without(name)
		} else {
			value, _ := s.capLists.get(name)
			caps = caps.with(name, value)
		}
		s.answered(name)
	}
	s.setCaps(caps)
	s.capsSettled()
	s.relogIn()
}

// answered takes a capability off the oldest request that names it.
func (s *session) answered(name string) {
	for i, request := range s.capRequests {
		at := slices.Index(request, name)
		if at < 0 {
			continue
		}
		request = slices.Delete(slices.Clone(request), at, at+1)
		if len(request) == 0 {
			s.capRequests = slices.Delete(s.capRequests, i, i+1)
		} else {
			s.capRequests[i] = request
		}
		return
	}
}

// onCapNak is the refusal of a whole request. Its capabilities are asked for
// again one by one, since one of them may be the only reason. Servers cut the
// names short in the answer, so requests are taken in order.
func onCapNak(s *session, m *message) {
	if len(s.capRequests) == 0 {
		return
	}
	refused := s.capRequests[0]
	s.capRequests = slices.Delete(s.capRequests, 0, 1)
	if len(refused) > 1 {
		for _, name := range refused {
			s.requestBatch([]string{name})
		}
	} else {
		s.log().Debug("capability refused", "capability", refused[0])
		s.capLists.remove(refused[0])
	}
	s.capsSettled()
}
