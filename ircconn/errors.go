package ircconn

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	// ErrQueueFull says that more lines wait for the server already than
	// Config.QueueLines allows.
	ErrQueueFull = errors.New("too many lines are waiting for the IRC server: try again in a moment")
	// ErrClosed says that the connection has ended, or is about to.
	ErrClosed = errors.New("the connection to the IRC server is closed")
)

// ErrorKind says in what way a connection failed.
type ErrorKind uint8

const (
	KindLocal        ErrorKind = iota // our side: a line that cannot be sent, a wrong setting
	KindResolve                       // the host name does not exist
	KindConnect                       // nobody listens there, or no way leads there
	KindTimeout                       // no answer in time while connecting or registering
	KindTLSFailed                     // the encrypted connection could not be trusted or made
	KindRefused                       // the server refused the registration
	KindServerClosed                  // the server ended the connection, or it broke
	KindPingTimeout                   // the server fell silent
	KindProtocol                      // whoever answered does not speak IRC
	KindLogin                         // there was no login, which was required
	KindForbidden                     // we may not connect there
	KindPassword                      // the server wants a password, or another one, and has no numeric for that
)

// Error is why a connection ended or a line was not sent.
type Error struct {
	Kind ErrorKind
	// Address is the "host:port" concerned; empty when none is.
	Address string
	// Numeric is the numeric of a server's refusal, or 0.
	Numeric int
	// Text is the server's own text where it gave one, else ours.
	Text string
	// Err is the underlying error, or nil.
	Err error
}

// Error says in plain words what happened, to whom, and what to do next.
func (e *Error) Error() string {
	var b strings.Builder
	switch e.Kind {
	case KindResolve:
		fmt.Fprintf(&b, "the host name of %s was not found: check its spelling", e.Address)
	case KindConnect:
		fmt.Fprintf(&b, "could not connect to %s", e.Address)
	case KindTimeout:
		fmt.Fprintf(&b, "%s did not answer in time", e.Address)
	case KindTLSFailed:
		fmt.Fprintf(&b, "no secure connection to %s", e.Address)
	case KindRefused:
		what := "registration"
		if 900 <= e.Numeric && e.Numeric <= 908 {
			what = "login"
		}
		fmt.Fprintf(&b, "%s refused the %s", e.Address, what)
	case KindPassword:
		fmt.Fprintf(&b, "%s refused the registration", e.Address)
	case KindLogin:
		fmt.Fprintf(&b, "no login at %s", e.Address)
	case KindServerClosed:
		fmt.Fprintf(&b, "the connection to %s was closed", e.Address)
	case KindPingTimeout:
		fmt.Fprintf(&b, "the connection to %s was lost: the server has fallen silent", e.Address)
	case KindForbidden:
		fmt.Fprintf(&b, "%s may not be connected to", e.Address)
	case KindProtocol:
		fmt.Fprintf(&b, "%s does not speak IRC", e.Address)
	case KindLocal:
		return e.Text
	}
	if e.Text != "" {
		b.WriteString(": ")
		b.WriteString(e.Text)
	}
	if e.Numeric != 0 {
		fmt.Fprintf(&b, " (%03d)", e.Numeric)
	}
	advice := adviceOf(e.Numeric)
	if e.Kind == KindPassword {
		advice = "set the right server password, or ask the operators of the network who may connect"
	}
	if advice != "" {
		b.WriteString(": ")
		b.WriteString(advice)
	}
	return b.String()
}

// passwordWords are how servers say in ERROR that they want another password.
//
// COMPAT: ngIRCd says "Access denied: Bad password?", and InspIRCd before version 4 "Access
// denied by configuration", where no connect class takes the password; neither sends 464.
var passwordWords = regexp.MustCompile(`(?i)\bbad password\b|\baccess denied by configuration\b`)

// adviceOf returns what to do about a numeric that refuses a registration.
func adviceOf(numeric int) string {
	switch numeric {
	case 433, 436, 437:
		return "choose another nick"
	case 432:
		return "choose a nick of the letters, digits and signs that this server allows"
	case 464:
		return "set the right server password"
	case 463, 465, 466:
		return "ask the operators of the network"
	case 902:
		return "ask the services of the network about the account"
	case 904, 906:
		return "check the account, the password and the certificate for SASL, or let the connection go on without a login"
	case 905:
		return "choose a shorter password for SASL"
	}
	return ""
}

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }

func localError(format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: KindLocal, Text: err.Error(), Err: errors.Unwrap(err)}
}
