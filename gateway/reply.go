package gateway

import (
	"errors"
	"fmt"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// refusal is the error of a request that the gateway, or IRC, does not fulfil.
type refusal struct {
	condition string // RFC 6120 §8.3.3
	errorType string // where it is not the condition's usual one
	text      string
	payload   string             // of the condition: the address that <gone/> points to
	detail    *component.Element // an application's own condition
	limit     string             // the key of the limit that was reached, in gateway.limits
}

func (r *refusal) Error() string { return r.text }

// refuse is the error of a request that ends here: a condition of RFC 6120
// §8.3.3 and what happened, in plain words.
func refuse(condition, format string, args ...any) error {
	return &refusal{condition: condition, text: fmt.Sprintf(format, args...)}
}

// refusedByIRC is the error of a request that the IRC server refused.
func refusedByIRC(ev ircconn.Refused) error {
	meaning := translate.RefusalOf(ev.Numeric, ev.Code, translate.StripFormatting(ev.Text))
	return &refusal{condition: meaning.Condition, errorType: meaning.Type, text: meaning.Text}
}

// longestErrorText is how much an error says, in bytes: its text may quote what
// was sent.
const longestErrorText = 1000

// stanzaError is the one place where errors become stanza errors: a refusal
// says itself what it is, and anything else is our own fault and is logged.
func (u *User) stanzaError(err error) *component.StanzaError {
	var r *refusal
	if !errors.As(err, &r) {
		u.log().Error("a request could not be handled", "error", err)
		u.g.meter.refused("internal-server-error")
		return component.NewError("internal-server-error", "the gateway could not do that because of a fault of its own")
	}
	u.g.meter.refused(r.condition)
	u.g.meter.limited(r.limit)
	stanzaError := component.NewError(r.condition, translate.CutBytes(translate.CleanText(r.text), longestErrorText))
	if r.errorType != "" {
		stanzaError.Type = r.errorType
	}
	stanzaError.Payload = r.payload
	if r.detail != nil {
		stanzaError.Extra = []component.Element{*r.detail}
	}
	return stanzaError
}

// replyError answers a stanza with an error, unless it is one that must not be
// answered.
func (u *User) replyError(s *component.Stanza, err error) {
	if wantsError(s) {
		u.enc.ErrorReply(s, u.stanzaError(err))
	}
}

// wantsError reports whether a stanza may be answered with an error (RFC 6120
// §8.3.1): errors and results never, and of presences only those that ask for
// something.
func wantsError(s *component.Stanza) bool {
	switch s.Kind {
	case component.IQ:
		return s.Type == "get" || s.Type == "set"
	case component.Presence:
		return s.Type == "" || s.Type == "subscribe"
	}
	return s.Type != "error"
}

// result answers an IQ with an empty result.
func (u *User) result(r *request) {
	u.enc.Result(r.Stanza)
	u.enc.Close()
}
