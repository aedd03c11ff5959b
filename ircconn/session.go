package ircconn

import (
	"io"
	"log/slog"
	"slices"
	"strings"
)

// phase is how far a session is.
type phase uint8

const (
	phaseRegistering phase = iota // until 001
	phaseWelcoming                // until the end of the message of the day
	phaseIdentifying              // until the services know us
	phaseRegistered
)

// session is what one registered or registering connection knows. All of it
// belongs to the reading goroutine.
type session struct {
	conn    *Conn
	address Address
	self    Source // our nick, and user and host as far as they are known
	support *Support
	caps    Caps
	phase   phase
	// hopeless is whether the failure would be the same at other addresses, verified
	// whether the certificate of the server was, brokenOff whether the server's answer to
	// the end of a login by us is still to come.
	loggedIn, hopeless, verified, brokenOff bool
	unsent                                  bool // there are lines to flush
	// supportLines is how many lines of ISUPPORT have come.
	supportLines int32
	// registration is nil once the server has accepted us.
	registration *registration
	// sasl is nil when there is nothing to log in with, login while no login is
	// under way.
	sasl  *loginSettings
	login *login
	// capRequests are the CAP REQ that have no answer yet, in order.
	capRequests [][]string
	capLists    capOffer
	received    received
	batches     []batch
	lists       *lists // nil while none arrives
	motd        *motd  // nil while it does not arrive
	// serverName is the name the server goes by in prefixes, where it could be
	// taken for a nick; empty otherwise.
	serverName string
	// failure is set when the session is over.
	failure *Error
	// sts is the last policy of a secure connection, nil when there was none;
	// upgrade is the port with TLS where to begin again, or 0.
	sts     *STSReceived
	upgrade int
	decode  func([]byte) []byte
}

func (s *session) init(c *Conn, address Address) {
	s.conn = c
	s.address = address
	s.self = Source{Nick: c.options.Nick}
	s.support = DefaultSupport()
	s.verified = c.verifies(address)
	s.decode = c.options.Decode
	s.sasl = newLoginSettings(c.options)
	s.registration = newRegistration(c.options)
}

// log is made when it is needed: a logger with an attribute of its own would
// stay in memory with each connection.
func (s *session) log() *slog.Logger { return s.conn.log.With("address", s.address.HostPort()) }

func (s *session) emit(event Event) {
	s.received.events++
	s.conn.emit(event)
}

// send has a line leave when what was read is worked on, together with others.
func (s *session) send(line Line) {
	s.conn.writer.urgent(line)
	s.unsent = true
}

// isOver reports whether the session has ended, and with it the reading.
func (s *session) isOver() bool { return s.failure != nil || s.conn.wasClosed() }

// fail ends the session; the first reason counts.
func (s *session) fail(failure *Error) {
	if s.failure == nil {
		failure.Address = s.address.HostPort()
		s.failure = failure
	}
}

// isSelf reports whether nick is ours.
func (s *session) isSelf(nick string) bool {
	return nick == s.self.Nick || s.support.Casemapping.Fold(nick) == s.support.Casemapping.Fold(s.self.Nick)
}

// receive turns one line into events.
func (s *session) receive(line []byte) {
	s.received.lines++
	decoded := text(line, s.decode)
	traceIncoming(s.conn.log, decoded)
	m := messages.Get().(*message)
	defer m.forget()
	if err := m.parse(decoded); err != nil || !isCommand(m.command) {
		s.garbage(err)
		return
	}
	s.conn.traffic.didReceive(m.command)
	if !m.source.isSane() {
		s.skip(m)
		return
	}
	s.recogniseServer(m)
	s.placeInBatch(m)
	h, known := handlers[m.command]
	switch {
	case known && len(m.params) >= h.params:
		h.handle(s, m)
	case !known && isNumeric(m.command):
		s.numeric(m)
	default:
		s.unhandled(m)
	}
}

// recogniseServer tells a server whose name has no dot from a user: only servers
// send numerics, and only they talk to us before we are in.
func (s *session) recogniseServer(m *message) {
	name := m.source.Nick
	if name == "" || m.source.User != "" || m.source.Host != "" {
		return
	}
	if isNumeric(m.command) && name != s.serverName {
		s.serverName = strings.Clone(name)
	}
	if name == s.serverName || s.phase == phaseRegistering {
		m.source = Source{Host: name}
	}
}

// garbage is a line that is none. Before the server has accepted us it means
// that the other side speaks something else; later it is skipped.
func (s *session) garbage(err error) {
	if s.phase == phaseRegistering {
		what := "this port is for something else"
		if !s.address.TLS {
			what = "this port is for something else, perhaps for TLS"
		}
		s.fail(&Error{Kind: KindProtocol, Text: what, Err: err})
		return
	}
	s.log().Debug("malformed line skipped", "error", err)
}

// skip is for a line in which a name is too long to be one.
func (s *session) skip(m *message) {
	s.log().Debug("line skipped: a name in it is too long", "command", m.command)
}

// isCommand reports whether a command is of letters or a number of three digits
// (RFC 2812 §2.3.1).
func isCommand(command string) bool {
	if isNumeric(command) {
		return true
	}
	for i := range len(command) {
		if command[i] < 'A' || command[i] > 'Z' {
			return false
		}
	}
	return command != ""
}

func isNumeric(command string) bool {
	if len(command) != 3 {
		return false
	}
	for i := range 3 {
		if command[i] < '0' || command[i] > '9' {
			return false
		}
	}
	return true
}

func (s *session) unhandled(m *message) {
	s.emit(Unhandled{Meta: m.Meta, Source: m.source, Command: m.command, Params: slices.Clone(m.params)})
}

// closedBy ends the session because reading or writing did.
func (s *session) closedBy(err error) {
	if s.registration != nil && s.registration.refusal != nil {
		s.fail(s.registration.refusal)
		return
	}
	if internal, ok := err.(*Error); ok {
		s.fail(internal)
		return
	}
	failure := &Error{Kind: KindServerClosed, Err: err}
	switch {
	case err == io.EOF && s.phase == phaseRegistering:
		failure.Text = "it ended the connection before the registration was complete"
	case err == io.EOF:
		failure.Text = "it ended the connection without a word"
	case isTimeout(err):
		failure.Kind = KindPingTimeout
		failure.Text = "it takes nothing any more"
	default:
		failure.Text = systemText(err)
	}
	s.fail(failure)
}

// onError is ERROR: the server closes the connection (RFC 2812 §3.7.4).
func onError(s *session, m *message) {
	if s.phase != phaseRegistering {
		s.fail(&Error{Kind: KindServerClosed, Text: m.last()})
		return
	}
	refusal := s.registration.refusal
	if refusal == nil {
		refusal = &Error{Kind: KindRefused, Text: m.last()}
		if passwordWords.MatchString(m.last()) {
			refusal.Kind = KindPassword
		}
	}
	s.fail(refusal)
}

func onPing(s *session, m *message) {
	// Some servers send two parameters and want the last; with one it is the
	// same.
	s.send(newLine("PONG", m.params...))
}

func onIgnored(*session, *message) {}

// setCaps puts other capabilities in force.
func (s *session) setCaps(caps Caps) {
	if caps.Equal(s.caps) {
		return
	}
	s.caps = caps
	s.conn.writer.setLimits(s.limits())
	if s.phase == phaseRegistered {
		s.emit(CapsChanged{Caps: caps})
	}
}

// limits is what the server lets us send.
func (s *session) limits() lineLimits {
	return lineLimits{
		bytes:  s.support.LineLen,
		tags:   s.caps.Has("message-tags"),
		labels: s.caps.Has("labeled-response"),
		encode: s.encoder(),
	}
}

// encoder is how lines leave the charset of this process; nil where the server
// takes UTF-8 only (ISUPPORT UTF8ONLY).
func (s *session) encoder() func(string) []byte {
	if s.support.UTF8Only {
		return nil
	}
	return s.conn.encode
}

// onSupport is 005: our nick, the parameters and a text for people.
func onSupport(s *session, m *message) {
	if s.supportLines++; s.supportLines > maxSupportLines {
		return
	}
	tokens := m.params[1:]
	if strings.Contains(m.last(), " ") {
		tokens = tokens[:len(tokens)-1]
	}
	s.support = s.support.With(tokens)
	s.conn.writer.setLimits(s.limits())
	if s.phase == phaseRegistered {
		s.emit(SupportChanged{Support: s.support})
	}
}
