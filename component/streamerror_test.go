package component

import (
	"errors"
	"strings"
	"testing"

	"mellium.im/xmpp/stream"
)

func TestStreamErrors(t *testing.T) {
	for _, test := range []struct{ in, want, payload string }{
		{"<stream:error/>", "stream error of the host server: undefined-condition", ""},
		{"<stream:error><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>bye</text><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><x xmlns='urn:x'/></stream:error>",
			"stream error of the host server: conflict (bye)", ""},
		{"<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>a:1</see-other-host></stream:error>",
			"stream error of the host server: see-other-host", "a:1"},
	} {
		top, err := parseOne(t, test.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := parseStreamError(top.stanza.Children); got.Error() != test.want || got.Payload != test.payload {
			t.Errorf("%s: got %v, payload %q", test.in, got, got.Payload)
		}
	}
}

func TestStreamErrorIsWritten(t *testing.T) {
	err := &StreamError{Condition: "not-well-formed", Text: "'<'"}
	want := "<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" +
		"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>'&lt;'</text></stream:error></stream:stream>"
	if got := string(err.encode()); got != want {
		t.Errorf("got %s", got)
	}
	if got := err.Error(); got != "stream error: not-well-formed ('<')" {
		t.Errorf("got %s", got)
	}
}

func TestHandshakeErrors(t *testing.T) {
	refused := stream.Error{Err: "not-authorized"}
	refused.Text = append(refused.Text, struct{ Lang, Value string }{"", "go away"})
	var got *StreamError
	if err := handshakeError(refused); !errors.As(err, &got) || got.Condition != "not-authorized" || got.Text != "go away" || !got.Received {
		t.Errorf("got %v", err)
	}
	if err := handshakeError(stream.Error{}); !errors.As(err, &got) || got.Condition != "undefined-condition" {
		t.Errorf("got %v", err)
	}
	if err := handshakeError(errors.New("cut")); errors.As(err, &got) || !strings.HasSuffix(err.Error(), "cut") {
		t.Errorf("got %v", err)
	}
	start, final := asStartError(handshakeError(refused))
	if !final || !errors.As(start, &got) {
		t.Errorf("start error is %v", start)
	}
}
