package component

import "errors"

// StartError says that the first attempt to open a stream was refused for a
// reason that trying again does not remove.
type StartError struct {
	// Condition is the stream error of the host server (RFC 6120 §4.9.3), ""
	// when it sent none.
	Condition string
	// Reason says in plain words what is wrong and what to look at.
	Reason string
	// Err is the error behind it.
	Err error
}

// Error is the reason, followed by the error behind it.
func (e *StartError) Error() string {
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap gives the error behind it.
func (e *StartError) Unwrap() error {
	return e.Err
}

// refusals are the stream errors that mean that something has to be changed by a
// person, with what that is.
var refusals = map[string]string{
	"not-authorized":      "the XMPP server refuses the component: the secret is wrong, or it does not know the hostname",
	"host-unknown":        "the XMPP server does not know the component's hostname: add the component to its configuration",
	"host-gone":           "the XMPP server does not serve the component's hostname any more",
	"conflict":            "another component is already connected to the XMPP server under this hostname",
	"improper-addressing": "the XMPP server does not accept the component's hostname",
	"invalid-namespace":   "this port of the XMPP server is not for components",
	"policy-violation":    "the XMPP server does not allow the component",
	"unsupported-version": "the XMPP server does not speak XEP-0114 on this port",
}

// asStartError says whether an attempt failed for good.
func asStartError(err error) (*StartError, bool) {
	var start *StartError
	if errors.As(err, &start) {
		return start, true
	}
	var refused *StreamError
	if errors.As(err, &refused) && refused.Received {
		if reason, ok := refusals[refused.Condition]; ok {
			return &StartError{Condition: refused.Condition, Reason: reason, Err: refused}, true
		}
	}
	return nil, false
}
