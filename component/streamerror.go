package component

// StreamError is an error that ends the stream (RFC 6120 §4.9), whichever side
// found it.
type StreamError struct {
	// Condition is the defined condition, for example "not-well-formed".
	Condition string
	// Text is for people; "" when there is none.
	Text string
	// Payload is the character data of the condition: the address in
	// <see-other-host/>.
	Payload string
	// Received says that the host server sent the error; otherwise we did.
	Received bool
}

// Error says who found what.
func (e *StreamError) Error() string {
	s := "stream error: "
	if e.Received {
		s = "stream error of the host server: "
	}
	s += e.Condition
	if e.Text != "" {
		s += " (" + e.Text + ")"
	}
	return s
}

func notWellFormed(text string) error {
	return &StreamError{Condition: "not-well-formed", Text: text}
}

func restrictedXML(text string) error {
	return &StreamError{Condition: "restricted-xml", Text: text}
}

func badNamespacePrefix(text string) error {
	return &StreamError{Condition: "bad-namespace-prefix", Text: text}
}

// parseStreamError reads a <stream:error/> that was received.
func parseStreamError(children []Element) *StreamError {
	e := &StreamError{Condition: "undefined-condition", Received: true}
	for i := range children {
		switch child := &children[i]; {
		case child.Space != nsStreams:
		case child.Local == "text":
			e.Text = child.Text
		default:
			e.Condition, e.Payload = child.Local, child.Text
		}
	}
	return e
}

// encode writes the error and the end of the stream.
func (e *StreamError) encode() []byte {
	var enc Encoder
	enc.Open("stream:error", "")
	enc.Leaf(e.Condition, nsStreams, "")
	if e.Text != "" {
		enc.Leaf("text", nsStreams, e.Text)
	}
	enc.Close()
	enc.Raw([]byte(streamEnd))
	return enc.Bytes()
}
