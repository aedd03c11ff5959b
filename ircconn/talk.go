package ircconn

import (
	"slices"
	"strings"
)

const ctcpDelimiter = '\x01'

func onPrivmsg(s *session, m *message) { s.talk(m, false) }

func onNotice(s *session, m *message) {
	identifies := s.noticeIdentifies(m)
	s.talk(m, true)
	if identifies {
		s.identified()
	}
}

// talk is PRIVMSG and NOTICE: a target and a text, which may be CTCP.
func (s *session) talk(m *message, notice bool) {
	status, target := s.support.splitStatus(m.params[0])
	text := m.params[1]
	self := !m.source.IsServer() && s.isSelf(m.source.Nick)
	action := false
	if command, params, found := parseCTCP(text); found {
		if command != "ACTION" || notice {
			s.emit(CTCP{
				Meta: m.Meta, Source: m.source, Target: target,
				Command: command, Params: params, Reply: notice, Self: self,
			})
			return
		}
		action, text = true, params
	}
	s.emit(Message{
		Meta: m.Meta, Source: m.source, Target: target, Status: status,
		Text: text, Notice: notice, Action: action, Self: self,
	})
}

// parseCTCP takes "\x01COMMAND parameters\x01" apart. The end may be missing,
// which happens to messages that a server cut.
func parseCTCP(text string) (command, params string, found bool) {
	if len(text) < 2 || text[0] != ctcpDelimiter {
		return "", "", false
	}
	inside := strings.TrimSuffix(text[1:], string(ctcpDelimiter))
	command, params, _ = strings.Cut(inside, " ")
	if command == "" {
		return "", "", false
	}
	return strings.ToUpper(command), params, true
}

// onAck is ACK (IRCv3 labeled-response).
func onAck(s *session, m *message) { s.emit(Acknowledged{Meta: m.Meta}) }

// onFail is "FAIL command code [context…] text" (IRCv3 standard-replies).
func onFail(s *session, m *message) {
	last := len(m.params) - 1
	event := Refused{
		Meta: m.Meta, Command: strings.ToUpper(m.params[0]), Code: m.params[1],
		Params: slices.Clone(m.params[2:last]), Text: m.params[last],
	}
	if len(event.Params) > 0 {
		event.Target = event.Params[0]
	}
	s.emit(event)
}

// onStandardReply is WARN and NOTE.
func onStandardReply(s *session, m *message) {
	s.emit(Reply{Meta: m.Meta, Command: m.command, Params: slices.Clone(m.params)})
}
