package ircconn

import (
	"fmt"
	"strings"
)

// onWelcome is 001. Its first parameter is our nick, whatever we asked for; its
// text mostly ends with our whole prefix.
func onWelcome(s *session, m *message) {
	if s.phase != phaseRegistering {
		return
	}
	if s.welcomedTooEarly(); s.isOver() {
		return
	}
	if !isName(m.params[0]) {
		s.fail(&Error{Kind: KindProtocol, Text: fmt.Sprintf("it gave us a nick of %d bytes", len(m.params[0]))})
		return
	}
	s.phase = phaseWelcoming
	s.self.Nick = strings.Clone(m.params[0])
	words := strings.Fields(m.last())
	if len(words) > 0 {
		if seen := parseSource(words[len(words)-1]); seen.User != "" && s.isSelf(seen.Nick) {
			s.self.User, s.self.Host = strings.Clone(seen.User), strings.Clone(seen.Host)
		}
	}
	s.registration = nil
}

// welcomedTooEarly is a server that did not wait for the end of the negotiation,
// because it knows none or will not have our login.
func (s *session) welcomedTooEarly() {
	s.registration.capEnded = true
	switch {
	case s.sasl == nil || s.registration.loginOver:
	case s.caps.Has(saslCap):
		s.loginFailed(&Error{Kind: KindLogin, Text: "the server went on without waiting for it"})
	default:
		s.logIn()
	}
}

// welcome is the end of the message of the day, or the time for it is over.
func (s *session) welcome() {
	if s.phase != phaseWelcoming {
		return
	}
	options := s.conn.options
	s.conn.writer.setLimits(s.limits())
	s.unsent = true
	for _, err := range s.conn.writer.precede(options.AfterConnect) {
		s.emit(Progress{Text: sentence(fmt.Sprintf("a command after connecting was not sent: %v", err))})
	}
	usesLogin := len(options.AfterConnect) > 0 || options.Password != "" || options.Certificate != nil
	if options.WaitForLogin > 0 && usesLogin && !s.loggedIn {
		s.phase = phaseIdentifying
		return
	}
	s.registered()
}

// registered says that we are in.
func (s *session) registered() {
	s.phase = phaseRegistered
	peer := s.conn.peer()
	s.conn.registered = true
	s.conn.options = nil
	s.conn.writer.setLimits(s.limits())
	s.emit(Registered{
		Nick:    s.self.Nick,
		Source:  s.self,
		Address: s.address.HostPort(),
		Secure:  s.address.TLS,
		Peer:    peer,
		Support: s.support,
		Caps:    s.caps,
	})
	s.conn.writer.release()
	s.unsent = true
}

// identified ends the wait for a login.
func (s *session) identified() {
	if s.phase == phaseIdentifying {
		s.registered()
	}
}

// identifiedTexts are parts of what services say once they know us, in lower
// case.
var identifiedTexts = []string{
	"you are now identified",      // Atheme, Anope
	"you are now logged in",       // Atheme, ergo
	"you are now recognized",      // Anope
	"you are already logged in",   // Atheme
	"you are already identified",  // Anope
	"you are successfully logged", // ergo
	"you are now authed",          // Quakenet's Q
}

// noticeIdentifies reports whether a notice says that we are logged in. Only the
// services and the server itself are believed.
func (s *session) noticeIdentifies(m *message) bool {
	if s.phase != phaseIdentifying || !m.source.IsServer() && !isService(m.source.Nick) || !s.isSelf(m.params[0]) {
		return false
	}
	text := strings.ToLower(m.params[1])
	for _, known := range identifiedTexts {
		if strings.Contains(text, known) {
			return true
		}
	}
	return false
}
