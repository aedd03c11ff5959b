package ircconn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// saslCap is the capability of logging in. It is not among requestedCaps because
// it is requested only when there is an account to log in to.
const saslCap = "sasl"

// maxSASLBytes bounds a challenge and a response, before they are encoded.
const maxSASLBytes = 8192

// The names of SASL mechanisms.
const (
	mechanismExternal = "EXTERNAL"
	mechanismScram    = "SCRAM-SHA-256"
	mechanismPlain    = "PLAIN"
)

// defaultMechanisms are all mechanisms, the strongest first.
var defaultMechanisms = [...]string{mechanismExternal, mechanismScram, mechanismPlain}

var (
	errUnexpectedChallenge = errors.New("the server asks for more than the mechanism has")
	errNotProven           = errors.New("the server did not prove that it knows the password")
)

// mechanism is the client's side of one SASL mechanism.
type mechanism interface {
	// respond answers a challenge, of which the first is empty.
	respond(challenge []byte) ([]byte, error)
	// proven reports whether the server may say that the login succeeded.
	proven() bool
}

// oneResponse is a mechanism that says all at once: PLAIN (RFC 4616) and EXTERNAL
// (RFC 4422 appendix A).
type oneResponse struct {
	response []byte
	sent     bool
}

func (o *oneResponse) respond(challenge []byte) ([]byte, error) {
	if o.sent || len(challenge) > 0 {
		return nil, errUnexpectedChallenge
	}
	o.sent = true
	return o.response, nil
}

func (o *oneResponse) proven() bool { return o.sent }

// loginSettings are what a connection logs in with, as long as it lives.
type loginSettings struct {
	SASLOptions
	certificate bool
}

// newLoginSettings returns nil when there is nothing to log in with.
func newLoginSettings(options *Options) *loginSettings {
	settings := &loginSettings{options.SASL, options.Certificate != nil}
	if !settings.hasPassword() && !settings.certificate && len(settings.Mechanisms) == 0 {
		return nil
	}
	return settings
}

func (l *loginSettings) hasPassword() bool { return l.Account != "" && l.Password != "" }

// isMandatory reports whether there can be no registration without a login; see
// SASLRequired.
func (l *loginSettings) isMandatory() bool {
	return l.Policy == SASLRequired && (l.hasPassword() || len(l.Mechanisms) > 0)
}

func (l *loginSettings) names() []string {
	if len(l.Mechanisms) == 0 {
		return defaultMechanisms[:]
	}
	return l.Mechanisms
}

// usable returns the mechanisms that we can go through on a connection to the
// address.
func (l *loginSettings) usable(address Address) []string {
	var names []string
	if strings.ContainsRune(l.Account+l.Password, 0) {
		return nil
	}
	for _, name := range l.names() {
		switch name {
		case mechanismExternal:
			if l.certificate && address.TLS {
				names = append(names, name)
			}
		case mechanismScram, mechanismPlain:
			if l.hasPassword() && (address.TLS || l.AllowPlaintext) {
				names = append(names, name)
			}
		}
	}
	return names
}

// offered leaves of the mechanisms those in a server's list, which is empty when
// it does not say.
func offered(names []string, list string) []string {
	if list == "" {
		return names
	}
	known := strings.Split(strings.ToUpper(list), ",")
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(known, name) })
}

// obstacle says why there is no mechanism for a connection to the address, when
// the server's list is not the reason.
func (l *loginSettings) obstacle(address Address) string {
	names := l.names()
	for _, name := range names {
		if !slices.Contains(defaultMechanisms[:], name) {
			return fmt.Sprintf("%s is not a mechanism that is known here", name)
		}
	}
	switch {
	case len(l.usable(address)) > 0:
		return ""
	case strings.ContainsRune(l.Account+l.Password, 0):
		return "an account and a password cannot hold a NUL"
	case !address.TLS && l.hasPassword() && !l.AllowPlaintext:
		return "the password is not sent over a connection without TLS: use TLS, or allow that explicitly"
	case !address.TLS && slices.Contains(names, mechanismExternal):
		return "a certificate is of use only with TLS"
	case slices.Contains(names, mechanismExternal) && !l.certificate && len(names) == 1:
		return "EXTERNAL needs a client certificate"
	default:
		return fmt.Sprintf("%s needs an account and a password", strings.Join(names, ", "))
	}
}

// begin returns the client's side of a mechanism.
func (l *loginSettings) begin(name string) mechanism {
	switch name {
	case mechanismPlain:
		return &oneResponse{response: []byte("\x00" + l.Account + "\x00" + l.Password)}
	case mechanismScram:
		return newScram(l.Account, l.Password)
	default:
		// EXTERNAL: the certificate says which account.
		return &oneResponse{}
	}
}
