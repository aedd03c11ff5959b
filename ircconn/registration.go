package ircconn

import (
	"fmt"
)

// registration is what is needed only until the server has accepted us.
type registration struct {
	nicks nickChooser
	// capEnded is whether the negotiation is over: CAP END was sent, or the
	// server has none.
	capEnded bool
	// loginOver is whether the login has succeeded, or the registration goes
	// on without it.
	loginOver bool
	// refusal is the last numeric that said no; it explains the end of the
	// connection that follows.
	refusal *Error
}

func newRegistration(options *Options) *registration {
	return &registration{nicks: newNickChooser(options.Nick, options.AlternativeNicks)}
}

// begin sends the first lines. NICK and USER do not wait for the answer to CAP
// LS, so that servers without capabilities need no detection.
func (s *session) begin() {
	options := s.conn.options
	var lines []Line
	if options.WEBIRC != nil && !options.WEBIRC.Address.IsValid() {
		s.fail(localError("cannot register: WEBIRC needs the address of the user"))
		return
	}
	if options.WEBIRC != nil && (s.address.TLS || !options.WEBIRC.TLSOnly) {
		lines = append(lines, options.WEBIRC.line(s.address, options.Certificate))
	}
	lines = append(lines, newLine("CAP", "LS", "302"))
	if options.Password != "" {
		lines = append(lines, newLine("PASS", options.Password))
	}
	lines = append(lines, Nick(options.Nick),
		newLine("USER", orElse(options.Username, "user"), "0", "*", orElse(options.RealName, options.Nick)))
	for _, line := range lines {
		s.sendOrFail(line)
	}
}

// sendOrFail sends a line of the registration, which cannot go on without it. It
// holds what somebody configured, and so may be one that cannot be sent.
func (s *session) sendOrFail(line Line) {
	if _, err := line.bytes(s.limits()); err != nil {
		s.fail(localError("cannot register: %w", err))
		return
	}
	s.send(line)
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// capsSettled logs in once every request has its answer, and then ends the
// negotiation.
func (s *session) capsSettled() {
	if s.registration == nil || s.registration.capEnded || len(s.capRequests) > 0 || s.login != nil || s.isOver() {
		return
	}
	if s.sasl != nil && !s.registration.loginOver {
		s.logIn()
		return
	}
	s.registration.capEnded = true
	s.send(newLine("CAP", "END"))
}

// onNickRefused is 432, 433, 436 and 437: another nick while registering, an
// ordinary refusal later.
func onNickRefused(s *session, m *message) {
	if s.phase != phaseRegistering {
		s.refused(m)
		return
	}
	numeric := numberOf(m.command)
	asked := s.self.Nick
	s.registration.refusal = &Error{Kind: KindRefused, Numeric: numeric, Text: m.last()}
	next, found := s.registration.nicks.next(asked, m.param(1), numeric)
	if !found {
		s.fail(s.registration.refusal)
		return
	}
	s.emit(Progress{Text: fmt.Sprintf("The nick %s is not available (%s): trying %s…", asked, m.last(), next)})
	s.self.Nick = next
	s.sendOrFail(Nick(next))
}

// onRegistrationRefused is 463, 464, 465 and 466. The server closes the
// connection afterwards.
func onRegistrationRefused(s *session, m *message) {
	if s.phase != phaseRegistering {
		s.refused(m)
		return
	}
	s.registration.refusal = &Error{Kind: KindRefused, Numeric: numberOf(m.command), Text: m.last()}
}

// onUnknownCommand is 421, and 451 and 410 for CAP: a server without
// capabilities, or with SASL only in name.
func onUnknownCommand(s *session, m *message) {
	if s.phase == phaseRegistering && s.login != nil {
		s.loginRefused(m)
		return
	}
	if s.phase == phaseRegistering && !s.registration.capEnded {
		s.capRequests = nil
		// Only a server that knows CAP waits for its end.
		s.registration.capEnded = numberOf(m.command) != 410
		s.capsSettled()
		if !s.registration.loginOver && !s.isOver() {
			s.logIn()
		}
		s.registration.capEnded = true
		return
	}
	if s.phase == phaseRegistering {
		return
	}
	s.refused(m)
}
