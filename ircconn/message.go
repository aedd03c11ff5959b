package ircconn

import (
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/ergochat/irc-go/ircmsg"
)

// message is one incoming line in parts. Its strings share one line. It is lent from
// messages while its line is worked on: what is kept is copied out of it.
type message struct {
	Meta
	source  Source
	command string
	params  []string
	batch   string // reference of the batch it stands in
	told    timeTag
}

// timeTag is the time tag of the line that was taken apart before: lines that come
// together have the same, and so have those of several users in a channel.
type timeTag struct {
	text string
	at   time.Time
}

// messages lends what lines are taken apart in: one is needed for each, and only
// while it is worked on.
var messages = sync.Pool{New: func() any { return new(message) }}

// forget gives the message back.
func (m *message) forget() {
	clear(m.params)
	m.Meta, m.source, m.command, m.params, m.batch = Meta{}, Source{}, "", m.params[:0], ""
	messages.Put(m)
}

// last returns the last parameter, or nothing.
func (m *message) last() string {
	if len(m.params) == 0 {
		return ""
	}
	return m.params[len(m.params)-1]
}

// param returns a parameter, or nothing.
func (m *message) param(i int) string {
	if i >= len(m.params) {
		return ""
	}
	return m.params[i]
}

// text turns a line into valid UTF-8 without NULs. Tags are UTF-8 whatever the
// rest is (IRCv3 message-tags), so decode never gets them.
func text(line []byte, decode func([]byte) []byte) string {
	if utf8.Valid(line) {
		return strings.ReplaceAll(string(line), "\x00", "")
	}
	tags := ""
	if line[0] == '@' {
		end := strings.IndexByte(string(line), ' ') + 1
		tags = strings.ToValidUTF8(string(line[:end]), "\uFFFD")
		line = line[end:]
	}
	if decode != nil && !utf8.Valid(line) {
		line = decode(line)
	}
	decoded := tags + strings.ToValidUTF8(string(line), "\uFFFD")
	return strings.Map(func(r rune) rune {
		if r == 0 || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, decoded)
}

// errNoCommand says that a line is none of IRC.
var errNoCommand = errors.New("there is no command in it")

// parse takes a line without control characters apart (RFC 2812 §2.3.1). ircmsg does
// the same, which a test compares, but rejects a line for one bad tag, makes a map of
// them, and a slice of parameters that grows, for each line: a seventh of all the
// garbage of a join.
func (m *message) parse(line string) error {
	if tags, found := strings.CutPrefix(line, "@"); found {
		tags, line = cutWord(tags)
		m.readTags(tags)
	}
	source := ""
	if line = skipSpaces(line); strings.HasPrefix(line, ":") {
		source, line = cutWord(line[1:])
	}
	command, line := cutWord(skipSpaces(line))
	if command == "" {
		return errNoCommand
	}
	m.command = strings.ToUpper(command)
	for line = skipSpaces(line); line != ""; line = skipSpaces(line) {
		if line[0] == ':' {
			m.params = append(m.params, line[1:])
			break
		}
		var param string
		param, line = cutWord(line)
		m.params = append(m.params, param)
	}
	m.source = parseSource(source)
	return nil
}

// cutWord is strings.Cut at a space.
func cutWord(line string) (word, rest string) {
	if i := strings.IndexByte(line, ' '); i >= 0 {
		return line[:i], line[i+1:]
	}
	return line, ""
}

// skipSpaces is strings.TrimLeft for a space.
func skipSpaces(line string) string {
	for line != "" && line[0] == ' ' {
		line = line[1:]
	}
	return line
}

func (m *message) readTags(tags string) {
	for tag := range strings.SplitSeq(tags, ";") {
		name, value, _ := strings.Cut(tag, "=")
		switch name {
		case "time":
			if value != m.told.text {
				m.told = timeTag{value, parseTime(value)}
			}
			m.Time = m.told.at
		case "label":
			m.Label = ircmsg.UnescapeTagValue(value)
		case "msgid":
			m.MessageID = ircmsg.UnescapeTagValue(value)
		case "account":
			m.Account = nameOrNone(ircmsg.UnescapeTagValue(value))
		case "batch":
			m.batch = ircmsg.UnescapeTagValue(value)
		case "+channel-context", "+draft/channel-context":
			m.ChannelContext = ircmsg.UnescapeTagValue(value)
		}
	}
}

// parseTime reads the time tag (IRCv3 server-time); the zero time when it is
// malformed.
func parseTime(value string) time.Time {
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// parseSource tells users from servers: a user has a "!" or "@", or no dot. The
// name of a server has one (RFC 2812 §1.1), which a nick cannot.
func parseSource(prefix string) Source {
	parsed, err := ircmsg.ParseNUH(prefix)
	if err != nil {
		return Source{}
	}
	if parsed.User == "" && parsed.Host == "" && strings.ContainsRune(parsed.Name, '.') {
		return Source{Host: parsed.Name}
	}
	return Source{Nick: parsed.Name, User: parsed.User, Host: parsed.Host}
}
