package ircconn

import "sync/atomic"

// LineKind is what a line is about, as far as an admin wants to know.
type LineKind uint8

// The kinds of lines.
const (
	LineMessage  LineKind = iota // PRIVMSG, NOTICE, TAGMSG
	LineJoin                     // JOIN
	LinePart                     // PART
	LineQuit                     // QUIT
	LineNick                     // NICK
	LineMode                     // MODE
	LineTopic                    // TOPIC
	LineKick                     // KICK
	LineAway                     // AWAY
	LinePing                     // PING and PONG
	LineQuestion                 // WHO, WHOIS, NAMES, LIST, ISON and the like
	LineNumeric                  // all numerics
	LineOther                    // registration and all the rest
	// LineKinds is how many kinds there are.
	LineKinds
)

var lineKindNames = [LineKinds]string{
	"message", "join", "part", "quit", "nick", "mode", "topic", "kick", "away", "ping", "question", "numeric", "other",
}

// String is the kind in one lower-case word.
func (k LineKind) String() string {
	if k < LineKinds {
		return lineKindNames[k]
	}
	return lineKindNames[LineOther]
}

// lineKinds is what commands are about; those that are not here are LineOther.
var lineKinds = map[string]LineKind{
	"PRIVMSG": LineMessage, "NOTICE": LineMessage, "TAGMSG": LineMessage,
	"JOIN": LineJoin, "PART": LinePart, "QUIT": LineQuit, "NICK": LineNick, "MODE": LineMode, "TOPIC": LineTopic, "KICK": LineKick,
	"AWAY": LineAway, "PING": LinePing, "PONG": LinePing,
	"WHO": LineQuestion, "WHOIS": LineQuestion, "WHOWAS": LineQuestion, "NAMES": LineQuestion, "LIST": LineQuestion, "ISON": LineQuestion,
	"MONITOR": LineQuestion, "USERHOST": LineQuestion, "VERSION": LineQuestion, "TIME": LineQuestion, "MOTD": LineQuestion,
	"CHATHISTORY": LineQuestion,
}

// kindOfCommand returns what a command in upper case is about.
func kindOfCommand(command string) LineKind {
	if isNumeric(command) {
		return LineNumeric
	}
	if kind, known := lineKinds[command]; known {
		return kind
	}
	return LineOther
}

// Traffic counts the lines, and the faults, of all connections that share it by
// Options. The zero
// value is ready, and a nil one counts nothing.
type Traffic struct {
	received, sent [LineKinds]atomic.Uint64
	waiting        atomic.Int64
	panics         atomic.Uint64
}

// TrafficStats are the counts of a Traffic since it was made.
type TrafficStats struct {
	// Received and Sent are the lines that were read from and written to
	// sockets, by LineKind.
	Received, Sent [LineKinds]uint64
	// Waiting is how many lines wait to leave now, at the pace of their
	// connections.
	Waiting int
	// Panics counts our own faults that ended a connection.
	Panics uint64
}

// Stats gives the counts; it may be called from any goroutine.
func (t *Traffic) Stats() TrafficStats {
	var s TrafficStats
	if t == nil {
		return s
	}
	for kind := range LineKinds {
		s.Received[kind], s.Sent[kind] = t.received[kind].Load(), t.sent[kind].Load()
	}
	s.Waiting, s.Panics = int(t.waiting.Load()), t.panics.Load()
	return s
}

func (t *Traffic) didReceive(command string) {
	if t != nil {
		t.received[kindOfCommand(command)].Add(1)
	}
}

func (t *Traffic) didSend(batch []outgoing) {
	if t == nil {
		return
	}
	for i := range batch {
		t.sent[batch[i].kind].Add(1)
	}
}

func (t *Traffic) panicked() {
	if t != nil {
		t.panics.Add(1)
	}
}

func (t *Traffic) queued(lines int) {
	if t != nil && lines != 0 {
		t.waiting.Add(int64(lines))
	}
}
