package ircconn

import "strings"

// onJoin is JOIN, with account and real name where extended-join is in force
// (IRCv3 extended-join).
func onJoin(s *session, m *message) {
	self := s.isSelf(m.source.Nick)
	if self {
		s.seeSelf(m.source)
	}
	event := Joined{Meta: m.Meta, Source: m.source, Self: self}
	if len(m.params) >= 3 {
		event.RealName = m.params[2]
		if m.params[1] != "*" {
			event.Account = nameOrNone(m.params[1])
		}
	}
	for channel := range strings.SplitSeq(m.params[0], ",") {
		if isChannelName(channel) {
			event.Channel = channel
			s.emit(event)
		}
	}
}

// seeSelf learns our user and host from a prefix of ours.
func (s *session) seeSelf(seen Source) {
	if seen.User != "" {
		s.self.User = strings.Clone(seen.User)
	}
	if seen.Host != "" {
		s.self.Host = strings.Clone(seen.Host)
	}
}

func onPart(s *session, m *message) {
	event := Parted{Meta: m.Meta, Source: m.source, Reason: m.param(1), Self: s.isSelf(m.source.Nick)}
	for channel := range strings.SplitSeq(m.params[0], ",") {
		event.Channel = channel
		s.emit(event)
	}
}

func onKick(s *session, m *message) {
	s.emit(Kicked{
		Meta: m.Meta, Source: m.source, Channel: m.params[0], Nick: m.params[1],
		Reason: m.param(2), Self: s.isSelf(m.params[1]),
	})
}

func onQuit(s *session, m *message) {
	s.emit(Quit{Meta: m.Meta, Source: m.source, Reason: m.param(0), Self: s.isSelf(m.source.Nick)})
}

// onKill is KILL. One that is not aimed at us is only news.
func onKill(s *session, m *message) {
	if !s.isSelf(m.params[0]) {
		s.unhandled(m)
		return
	}
	s.emit(Killed{Meta: m.Meta, Source: m.source, Reason: m.param(1)})
}

func onNick(s *session, m *message) {
	if !isName(m.params[0]) {
		s.skip(m)
		return
	}
	// COMPAT: InspIRCd 3 answers a labelled NICK with the new nick as its source.
	if m.Label != "" && s.support.Casemapping.Compare(m.source.Nick, m.params[0]) == 0 {
		m.source.Nick = s.self.Nick
	}
	self := s.isSelf(m.source.Nick)
	if self {
		s.self.Nick = strings.Clone(m.params[0])
		s.seeSelf(m.source)
	}
	s.emit(NickChanged{Meta: m.Meta, Source: m.source, New: m.params[0], Self: self})
}

func onInvite(s *session, m *message) {
	s.emit(Invited{
		Meta: m.Meta, Source: m.source, Nick: m.params[0], Channel: m.params[1],
		Self: s.isSelf(m.params[0]),
	})
}

// onAway is AWAY of somebody (IRCv3 away-notify).
func onAway(s *session, m *message) {
	s.emit(AwayChanged{Meta: m.Meta, Source: m.source, Text: cutBytes(m.param(0), maxAwayBytes)})
}

// onAccount is ACCOUNT (IRCv3 account-notify); "*" stands for none.
func onAccount(s *session, m *message) {
	account := nameOrNone(m.params[0])
	if account == "*" {
		account = ""
	}
	s.emit(AccountChanged{Meta: m.Meta, Source: m.source, Account: account})
}

// onChghost is CHGHOST with the new user and host (IRCv3 chghost).
func onChghost(s *session, m *message) {
	if !isName(m.params[0]) || !isName(m.params[1]) {
		s.skip(m)
		return
	}
	self := s.isSelf(m.source.Nick)
	if self {
		s.seeSelf(Source{User: m.params[0], Host: m.params[1]})
	}
	s.emit(HostChanged{
		Meta: m.Meta, Source: m.source, NewUser: m.params[0], NewHost: m.params[1], SelfHost: self,
	})
}

// onOwnHost is 396: our new host, or user@host.
func onOwnHost(s *session, m *message) {
	old := s.self
	seen := Source{User: s.self.User, Host: m.params[1]}
	if user, host, found := strings.Cut(m.params[1], "@"); found {
		seen = Source{User: user, Host: host}
	}
	if !seen.isSane() {
		s.skip(m)
		return
	}
	s.seeSelf(seen)
	s.emit(HostChanged{Meta: m.Meta, Source: old, NewUser: seen.User, NewHost: seen.Host, SelfHost: true})
	s.identified()
}

// onSetname is SETNAME (IRCv3 setname).
func onSetname(s *session, m *message) {
	s.emit(RealNameChanged{Meta: m.Meta, Source: m.source, RealName: m.params[0]})
}

func onAwayReply(s *session, m *message) {
	s.emit(AwayReply{Meta: m.Meta, Nick: m.params[1], Text: cutBytes(m.param(2), maxAwayBytes)})
}

func onBack(s *session, m *message) { s.emit(SelfAway{Meta: m.Meta, Away: false}) }

func onGone(s *session, m *message) { s.emit(SelfAway{Meta: m.Meta, Away: true}) }
