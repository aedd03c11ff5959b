package ircconn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ergochat/irc-go/ircutils"
)

// login is SASL under way (IRCv3 sasl-3.2).
type login struct {
	names     []string // of the mechanisms still to be tried
	name      string   // of the mechanism at hand
	mechanism mechanism
	challenge *ircutils.SASLBuffer
}

// wantsSASL reports whether the capability is to be requested.
func (s *session) wantsSASL() bool {
	list, isOffered := s.capLists.get(saslCap)
	return s.sasl != nil && isOffered && !s.caps.Has(saslCap) && !s.isRequested(saslCap) && !s.loggedIn &&
		len(offered(s.sasl.usable(s.address), list)) > 0
}

// logIn begins to log in if there is something to log in with, or says why it
// cannot be done.
func (s *session) logIn() {
	if s.sasl == nil || s.login != nil {
		return
	}
	if s.loggedIn {
		// By PASS, where that takes an account as well (Ergo, bouncers).
		s.loginOver()
		return
	}
	names := s.sasl.usable(s.address)
	list, isOffered := s.capLists.get(saslCap)
	text := s.sasl.obstacle(s.address)
	switch {
	case text != "":
	case !isOffered:
		text = "the server offers no SASL, or none at the moment"
	case len(offered(names, list)) == 0:
		text = fmt.Sprintf("the server offers %s and none of %s", list, strings.Join(names, ", "))
	case !s.caps.Has(saslCap):
		text = "the server refused the sasl capability"
	default:
		s.login = &login{names: offered(names, list)}
		s.tryMechanism(nil)
		return
	}
	if !s.sasl.isMandatory() && !s.sasl.hasPassword() {
		// A certificate is of use without SASL as well.
		s.log().Debug("no login", "reason", text)
		s.loginOver()
		return
	}
	s.loginFailed(&Error{Kind: KindLogin, Text: text})
}

// tryMechanism begins with the next mechanism. refusal is why the last one did
// not work, or nil.
func (s *session) tryMechanism(refusal *Error) {
	if len(s.login.names) == 0 {
		s.loginFailed(refusal)
		return
	}
	name := s.login.names[0]
	if refusal != nil {
		s.emit(Progress{Text: fmt.Sprintf("The login with %s was refused (%s): trying %s…", s.login.name, refusal.Text, name)})
	}
	s.login.names = s.login.names[1:]
	s.login.name = name
	s.login.mechanism = s.sasl.begin(name)
	s.login.challenge = ircutils.NewSASLBuffer(maxSASLBytes)
	s.send(newLine("AUTHENTICATE", name))
}

// loginFailed ends the login. While registering this is the end of the session,
// unless the login is optional.
func (s *session) loginFailed(failure *Error) {
	s.login = nil
	if s.phase != phaseRegistering {
		s.log().Info("not logged in", "error", failure)
		return
	}
	if s.sasl.isMandatory() {
		// Another address would ask for the same password.
		s.hopeless = failure.Numeric != 0
		s.fail(failure)
		return
	}
	s.emit(Progress{Text: sentence("going on without a login: " + failure.Text)})
	s.loginOver()
}

// loginOver goes on with the registration after a login, or without one.
func (s *session) loginOver() {
	s.login = nil
	if s.registration != nil {
		s.registration.refusal = nil
		s.registration.loginOver = true
		s.capsSettled()
	}
}

// abortLogin ends a login for a reason of ours. Other mechanisms are not tried: a
// server that gets one wrong is not to be trusted with the password itself.
func (s *session) abortLogin(reason error) {
	failure := &Error{Kind: KindLogin, Text: fmt.Sprintf("%s: %s", s.login.name, reason), Err: reason}
	if s.phase != phaseRegistering || !s.sasl.isMandatory() {
		s.send(newLine("AUTHENTICATE", "*"))
		s.brokenOff = true
	}
	s.loginFailed(failure)
}

// loginTimedOut gives up a login that the server does not answer, and reports
// whether there was one.
func (s *session) loginTimedOut() bool {
	if s.login == nil || s.phase != phaseRegistering {
		return false
	}
	s.abortLogin(errors.New("no answer in time: the services of the network may be away"))
	return true
}

// onAuthenticate is one piece of a challenge, "+" for an empty one.
func onAuthenticate(s *session, m *message) {
	if s.login == nil {
		return
	}
	complete, challenge, err := s.login.challenge.Add(m.params[0])
	if err != nil {
		s.abortLogin(fmt.Errorf("the server's challenge is malformed: %w", err))
		return
	}
	if !complete {
		return
	}
	response, err := s.login.mechanism.respond(challenge)
	if err == nil && len(response) > maxSASLBytes {
		err = errors.New("the account and the password are too long")
	}
	if err != nil {
		s.abortLogin(err)
		return
	}
	for _, piece := range ircutils.EncodeSASLResponse(response) {
		s.send(newLine("AUTHENTICATE", piece))
	}
}

// onLoggedIn is 900: our nick, our prefix, the account and a text.
func onLoggedIn(s *session, m *message) {
	s.loggedIn = true
	s.emit(LoggedIn{Meta: m.Meta, Account: m.params[2]})
	s.identified()
}

// onLoggedOut is 901.
func onLoggedOut(s *session, m *message) {
	s.loggedIn = false
	s.emit(LoggedOut{Meta: m.Meta})
}

// onLoginSucceeded is 903, and 907 for a connection that is logged in already.
func onLoginSucceeded(s *session, m *message) {
	if s.login == nil {
		s.numeric(m)
		return
	}
	if m.command == "903" && !s.login.mechanism.proven() {
		s.abortLogin(errNotProven)
		return
	}
	s.loggedIn = true
	s.loginOver()
}

// onLoginRefused is 902, 904, 905 and 906.
func onLoginRefused(s *session, m *message) {
	switch {
	case s.brokenOff && (s.login == nil || m.command == "906"):
		// That is what we did. Some services have it as 904, and InspIRCd says it no earlier than
		// with the welcome where they have not answered at all.
		s.brokenOff = false
	case s.login != nil:
		s.loginRefused(m)
	case s.phase == phaseRegistered:
		s.refused(m)
	}
	// Otherwise it is the answer to a login that we have given up.
}

// loginRefused goes on to the next mechanism: services may have the password in
// a form that only one of them can use. There is none for a locked account.
func (s *session) loginRefused(m *message) {
	refusal := &Error{Kind: KindRefused, Numeric: numberOf(m.command), Text: m.last()}
	if refusal.Numeric == 902 {
		s.login.names = nil
	}
	if s.registration != nil {
		s.registration.refusal = refusal
	}
	if s.phase == phaseRegistered && len(s.login.names) == 0 {
		s.refused(m)
	}
	s.tryMechanism(refusal)
}

// onMechanisms is 908: our nick, the mechanisms that the server has, and a text.
// A refusal of the mechanism at hand follows.
func onMechanisms(s *session, m *message) {
	if s.login == nil {
		s.numeric(m)
		return
	}
	s.login.names = offered(s.login.names, m.params[1])
}

// relogIn logs in after the registration, when the server offers it again.
func (s *session) relogIn() {
	if s.phase != phaseRegistering && s.caps.Has(saslCap) {
		s.logIn()
	}
}

// saslWithdrawn is CAP DEL of sasl: the services have gone.
func (s *session) saslWithdrawn(names []string) {
	if s.login != nil && slices.Contains(names, saslCap) {
		s.loginFailed(&Error{Kind: KindLogin, Text: "the services of the network have gone"})
	}
}
