package component

import (
	"maps"
	"slices"
)

// conditions are the stanza error conditions of RFC 6120 §8.3.3, each with the
// error type recommended there.
var conditions = map[string]string{
	"bad-request":             "modify",
	"conflict":                "cancel",
	"feature-not-implemented": "cancel",
	"forbidden":               "auth",
	"gone":                    "cancel",
	"internal-server-error":   "cancel",
	"item-not-found":          "cancel",
	"jid-malformed":           "modify",
	"not-acceptable":          "modify",
	"not-allowed":             "cancel",
	"not-authorized":          "auth",
	"policy-violation":        "modify",
	"recipient-unavailable":   "wait",
	"redirect":                "modify",
	"registration-required":   "auth",
	"remote-server-not-found": "cancel",
	"remote-server-timeout":   "wait",
	"resource-constraint":     "wait",
	"service-unavailable":     "cancel",
	"subscription-required":   "auth",
	"undefined-condition":     "cancel",
	"unexpected-request":      "wait",
}

// StanzaError is the error that a stanza of type "error" carries (RFC 6120 §8.3).
type StanzaError struct {
	// Type is what the sender may do: auth, cancel, continue, modify or wait.
	Type string
	// Condition is the defined condition, for example "item-not-found".
	Condition string
	// Text is for people; "" when there is none.
	Text string
	// By is who found the error (RFC 6120 §8.3.1); the zero JID when unknown.
	By JID
	// Extra are the application-specific conditions.
	Extra []Element
	// Payload is the character data of the condition, for example the address
	// in <gone/> and <redirect/>.
	Payload string
}

// NewError makes an error with the type that RFC 6120 §8.3.3 recommends for the
// condition. A condition that is not defined there becomes undefined-condition.
func NewError(condition, text string) *StanzaError {
	errorType, ok := conditions[condition]
	if !ok {
		condition = "undefined-condition"
		errorType = conditions[condition]
	}
	return &StanzaError{Type: errorType, Condition: condition, Text: text}
}

// Error is the condition, followed by the text if there is one.
func (e *StanzaError) Error() string {
	if e.Text == "" {
		return e.Condition
	}
	return e.Condition + ": " + e.Text
}

// ErrorReply writes the whole error stanza that answers s, from its addressee to
// its sender and with its id. Nothing is written for an error or the result of an
// IQ: they are never answered (RFC 6120 §8.3.1, §8.2.3).
func (e *Encoder) ErrorReply(s *Stanza, err *StanzaError) {
	if !answerable(s) {
		return
	}
	e.Stanza(s.Kind, s.To, s.From, "error", s.ID)
	e.Open("error", "")
	errorType, condition := err.Type, err.Condition
	if _, ok := conditions[condition]; !ok {
		condition = "undefined-condition"
	}
	if errorType == "" {
		errorType = conditions[condition]
	}
	e.Attr("type", errorType)
	if err.By != (JID{}) {
		e.jidAttr("by", err.By)
	}
	e.Leaf(condition, nsStanzas, err.Payload)
	if err.Text != "" {
		e.Leaf("text", nsStanzas, err.Text)
	}
	for i := range err.Extra {
		e.Element(&err.Extra[i])
	}
	e.Close()
	e.Close()
}

// Conditions are the defined conditions of stanza errors (RFC 6120 §8.3.3), in
// order.
func Conditions() []string { return slices.Sorted(maps.Keys(conditions)) }

// answerable reports whether s may be answered with an error.
func answerable(s *Stanza) bool {
	return s.Type != "error" && (s.Kind != IQ || s.Type != "result")
}

// Result opens the result that answers the IQ s; [Encoder.Close] ends it.
func (e *Encoder) Result(s *Stanza) {
	e.Stanza(IQ, s.To, s.From, "result", s.ID)
}

// ParseStanzaError reads the error out of a stanza of type "error". It never
// returns nil: what is missing or unknown becomes undefined-condition and its
// recommended type.
func ParseStanzaError(s *Stanza) *StanzaError {
	parsed := &StanzaError{}
	if el := s.Child("", "error"); el != nil {
		parsed.Type = el.Attr("type")
		if by, err := ParseJID(el.Attr("by")); err == nil {
			parsed.By = by
		}
		for i := range el.Children {
			parsed.add(&el.Children[i])
		}
	}
	if _, ok := conditions[parsed.Condition]; !ok {
		parsed.Condition = "undefined-condition"
	}
	if parsed.Type == "" {
		parsed.Type = conditions[parsed.Condition]
	}
	return parsed
}

func (e *StanzaError) add(child *Element) {
	switch {
	case child.Space != nsStanzas:
		e.Extra = append(e.Extra, *child)
	case child.Local == "text":
		if e.Text == "" {
			e.Text = child.Text
		}
	case e.Condition == "":
		e.Condition, e.Payload = child.Local, child.Text
	}
}
