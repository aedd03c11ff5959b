package ircconn

import (
	"bytes"
	"errors"
	"strings"

	"github.com/ergochat/irc-go/ircmsg"
)

// Tag is one message tag of an outgoing line (IRCv3 message-tags), its value
// unescaped.
type Tag struct{ Name, Value string }

// Line is one line to send. Every parameter is one value; only the last may be
// empty, contain spaces or begin with a colon.
type Line struct {
	// Tags are sent when the message-tags capability is in force, else left
	// out.
	Tags    []Tag
	Command string
	Params  []string
	// Label is sent when the labeled-response capability is in force, else
	// left out; the answer then carries it in Meta.Label.
	Label string
	// Receipt asks for a Written event once the line has been handed to the
	// socket, unless it is 0.
	Receipt uint64
}

// WithLabel returns the line with a label (IRCv3 labeled-response).
func (l Line) WithLabel(label string) Line {
	l.Label = label
	return l
}

// WithReceipt returns the line with the number of a Written event.
func (l Line) WithReceipt(receipt uint64) Line {
	l.Receipt = receipt
	return l
}

// ParseLine reads a raw command as a person typed it: a command and its
// parameters, without tags and prefix. The error is an *Error.
func ParseLine(raw string) (Line, error) {
	raw = strings.TrimLeft(raw, " ")
	if strings.ContainsAny(raw, "\r\n\x00") {
		return Line{}, localError("a command must be a single line")
	}
	if raw == "" {
		return Line{}, localError("there is no command to send")
	}
	if raw[0] == '@' || raw[0] == ':' {
		return Line{}, localError("a command begins with its name, not with %q", raw[:1])
	}
	message, err := ircmsg.ParseLine(raw)
	if err != nil {
		return Line{}, localError("that is not an IRC command: %w", err)
	}
	line := Line{Command: message.Command, Params: message.Params}
	if err := line.checkCommand(); err != nil {
		return Line{}, err
	}
	return line, nil
}

// lineLimits is what the connection at hand allows in an outgoing line.
type lineLimits struct {
	bytes  int // of a line with CRLF and without tags
	tags   bool
	labels bool
	encode func(string) []byte // nil for UTF-8
}

// bytes returns the line as it goes to the socket, CRLF included, or an *Error
// when it cannot be one line of IRC within the limits.
func (l Line) bytes(limits lineLimits) ([]byte, error) {
	if err := l.checkCommand(); err != nil {
		return nil, err
	}
	message := ircmsg.MakeMessage(nil, "", l.Command, l.Params...)
	if limits.tags {
		for _, tag := range l.Tags {
			message.SetTag(tag.Name, tag.Value)
		}
	}
	if limits.labels && l.Label != "" {
		message.SetTag("label", l.Label)
	}
	length := limits.bytes
	if limits.encode != nil {
		length = 0
	}
	data, err := message.LineBytesStrict(true, length)
	if err == nil && limits.encode != nil {
		data, err = encodeLine(data, limits)
	}
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, ircmsg.ErrorBodyTooLong):
		return nil, localError("%s: the line is longer than the %d bytes that this server takes: %w", l.Command, limits.bytes, err)
	case errors.Is(err, ircmsg.ErrorTagsTooLong):
		return nil, localError("%s: the message tags are too long: %w", l.Command, err)
	case errors.Is(err, ircmsg.ErrorLineContainsBadChar):
		return nil, localError("%s: a line cannot contain a line break or a NUL: %w", l.Command, err)
	case errors.Is(err, ircmsg.ErrorBadParam):
		return nil, localError("%s: a parameter before the last cannot be empty, contain a space or begin with a colon: %w", l.Command, err)
	}
	return nil, localError("%s: the line cannot be sent: %w", l.Command, err)
}

// encodeLine turns a complete line into the charset of the server; its tags are
// UTF-8 always (IRCv3 message-tags).
func encodeLine(data []byte, limits lineLimits) ([]byte, error) {
	start := 0
	if data[0] == '@' {
		start = bytes.IndexByte(data, ' ') + 1
	}
	text := string(data[start : len(data)-len("\r\n")])
	encoded := limits.encode(text)
	if bytes.ContainsAny(encoded, "\r\n\x00") {
		return nil, ircmsg.ErrorLineContainsBadChar
	}
	if len(encoded)+len("\r\n") > limits.bytes {
		return nil, ircmsg.ErrorBodyTooLong
	}
	line := append(data[:start:start], encoded...)
	return append(line, "\r\n"...), nil
}

// checkCommand closes what ircmsg leaves open: a command with a space in it
// would be read as a command and parameters.
func (l Line) checkCommand() error {
	if l.Command == "" {
		return localError("there is no command to send")
	}
	for i := range len(l.Command) {
		if !isCommandByte(l.Command[i]) {
			return localError("an IRC command consists of letters and digits, not %q", l.Command)
		}
	}
	return nil
}

func isCommandByte(b byte) bool {
	return 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' || '0' <= b && b <= '9'
}
