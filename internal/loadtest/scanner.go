package loadtest

import (
	"bytes"
	"io"
)

// scanner cuts a stream of XML into stanzas. It relies on what passerelle writes:
// '<' and '>' are nothing but the ends of tags, attributes stand in single quotes,
// and there are no comments and no CDATA sections.
type scanner struct {
	source io.Reader
	buffer []byte
	// What was read and not looked at is buffer[at:end]; a stanza under way began at
	// start.
	start, at, end int
	depth          int
}

func newScanner(source io.Reader) *scanner {
	return &scanner{source: source, buffer: make([]byte, 256<<10)}
}

// header reads up to the end of the stream's start tag, and returns that.
func (s *scanner) header() ([]byte, error) {
	for {
		tag, err := s.tag()
		if err != nil || tag[1] != '?' {
			return tag, err
		}
	}
}

// next returns the next stanza, which stays as it is until the next call, and
// io.EOF at the end of the stream.
func (s *scanner) next() (stanza, error) {
	for {
		tag, err := s.tag()
		if err != nil {
			return nil, err
		}
		switch {
		case tag[1] == '/':
			s.depth--
			if s.depth < 0 {
				return nil, io.EOF
			}
		case tag[len(tag)-2] != '/':
			if s.depth == 0 {
				s.start = s.at - len(tag)
			}
			s.depth++
		case s.depth == 0:
			return tag, nil
		}
		if s.depth == 0 {
			return s.buffer[s.start:s.at], nil
		}
	}
}

// tag returns the next tag.
func (s *scanner) tag() ([]byte, error) {
	for {
		if begin := bytes.IndexByte(s.buffer[s.at:s.end], '<'); begin >= 0 {
			s.at += begin
			if length := bytes.IndexByte(s.buffer[s.at:s.end], '>') + 1; length > 2 {
				s.at += length
				return s.buffer[s.at-length : s.at], nil
			}
		} else {
			s.at = s.end
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more.
func (s *scanner) fill() error {
	kept := s.at
	if s.depth > 0 {
		kept = s.start
	}
	copy(s.buffer, s.buffer[kept:s.end])
	s.start, s.at, s.end = 0, s.at-kept, s.end-kept
	if s.end > len(s.buffer)/2 {
		s.buffer = append(s.buffer, make([]byte, len(s.buffer))...)
	}
	n, err := s.source.Read(s.buffer[s.end:])
	s.end += n
	if n > 0 {
		return nil
	}
	return err
}

// stanza is one stanza as it was written.
type stanza []byte

// is reports whether its name is this.
func (s stanza) is(name string) bool {
	return len(s) > len(name)+1 && string(s[1:1+len(name)]) == name && (s[1+len(name)] == ' ' || s[1+len(name)] == '>')
}

// attribute returns one of its attributes, or nil.
func (s stanza) attribute(name string) []byte {
	tag := s[:bytes.IndexByte(s, '>')]
	for {
		at := bytes.Index(tag, []byte(name))
		if at < 1 {
			return nil
		}
		before, value := tag[at-1], tag[at+len(name):]
		if before == ' ' && len(value) > 2 && value[0] == '=' {
			value = value[2:]
			return value[:bytes.IndexByte(value, '\'')]
		}
		tag = value
	}
}

// kind is its attribute type.
func (s stanza) kind() string { return string(s.attribute("type")) }

// has reports whether text is anywhere in it.
func (s stanza) has(text string) bool { return bytes.Contains(s, []byte(text)) }

// isMessage reports whether it is what somebody said in a room.
func (s stanza) isMessage() bool {
	return s.is("message") && s.kind() == "groupchat" && s.has("<body>")
}

// isSubject reports whether it is the subject that ends a join (XEP-0045 §7.2.16).
func (s stanza) isSubject() bool {
	return s.is("message") && s.kind() == "groupchat" && s.has("<subject")
}

// isSelf reports whether it is a presence of the user in the room (XEP-0045 §7.2.2).
func (s stanza) isSelf() bool { return s.is("presence") && s.has(" code='110'") }

// number is the one in the body after key, as in "t=123;", or -1.
func (s stanza) number(key string) int64 {
	_, rest, found := bytes.Cut(s, []byte("<body>"+key))
	if !found {
		return -1
	}
	return leading(rest)
}

// leading is the number that text begins with, or -1.
func leading(text []byte) int64 {
	number := int64(-1)
	for _, c := range text {
		if c < '0' || c > '9' {
			break
		}
		number = max(number, 0)*10 + int64(c-'0')
	}
	return number
}

// user is the number of the user whom it is for.
func (s stanza) user() int {
	to := s.attribute("to")
	if len(to) == 0 || to[0] != 'u' {
		return -1
	}
	return int(leading(to[1:]))
}
