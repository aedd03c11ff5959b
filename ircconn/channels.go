package ircconn

import (
	"strconv"
	"strings"
	"time"
)

func onTopic(s *session, m *message) {
	s.emit(TopicChanged{Meta: m.Meta, Source: m.source, Channel: m.params[0], Topic: m.params[1]})
}

func onNoTopic(s *session, m *message) {
	s.emit(TopicReply{Meta: m.Meta, Channel: m.params[1]})
}

func onTopicReply(s *session, m *message) {
	s.emit(TopicReply{Meta: m.Meta, Channel: m.params[1], Topic: m.params[2]})
}

func onTopicSetBy(s *session, m *message) {
	s.emit(TopicSetBy{Meta: m.Meta, Channel: m.params[1], Setter: m.params[2], Time: unixTime(m.param(3))})
}

// unixTime reads seconds since 1970; the zero time when there are none.
func unixTime(seconds string) time.Time {
	number, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || number <= 0 || number > 1<<40 {
		return time.Time{}
	}
	return time.Unix(number, 0).UTC()
}

// onNames is 353: our nick, mostly the kind of channel, the channel, members.
func onNames(s *session, m *message) {
	list := m.last()
	members := make([]NamesEntry, 0, strings.Count(list, " ")+1)
	for entry := range strings.FieldsSeq(list) {
		if member := parseMember(s.support, entry); (Source{Nick: member.Nick, User: member.User, Host: member.Host}).isSane() {
			members = append(members, member)
		}
	}
	s.emit(Names{Meta: m.Meta, Channel: m.params[len(m.params)-2], Members: members})
}

// parseMember reads "@+nick" or "@+nick!user@host" (IRCv3 multi-prefix and
// userhost-in-names).
func parseMember(support *Support, entry string) NamesEntry {
	end := 0
	for end < len(entry) && strings.IndexByte(support.PrefixChars, entry[end]) >= 0 {
		end++
	}
	member := NamesEntry{Prefixes: entry[:end], Nick: entry[end:]}
	if nick, userhost, found := strings.Cut(member.Nick, "!"); found {
		member.Nick = nick
		member.User, member.Host, _ = strings.Cut(userhost, "@")
	}
	return member
}

func onNamesEnd(s *session, m *message) {
	s.emit(NamesEnd{Meta: m.Meta, Channel: m.params[1]})
}

// onWhoEntry is 352: our nick, channel, user, host, server, nick, flags.
func onWhoEntry(s *session, m *message) {
	if !(Source{Nick: m.params[5], User: m.params[2], Host: m.params[3]}).isSane() {
		s.skip(m)
		return
	}
	s.emit(WhoEntry{
		Meta: m.Meta, Channel: channelOrNone(m.params[1]), Nick: m.params[5],
		User: m.params[2], Host: m.params[3], Away: isAway(m.params[6]),
	})
}

// onWhoxEntry is 354. Which fields it has is up to whoever asked; the answers
// to WhoAccounts are known by their token: our nick, token, channel, user,
// host, nick, flags, account.
func onWhoxEntry(s *session, m *message) {
	if len(m.params) != 8 || m.params[1] != whoxToken {
		s.numeric(m)
		return
	}
	if !(Source{Nick: m.params[5], User: m.params[3], Host: m.params[4]}).isSane() {
		s.skip(m)
		return
	}
	account := nameOrNone(m.params[7])
	if account == "0" {
		account = ""
	}
	s.emit(WhoEntry{
		Meta: m.Meta, Channel: channelOrNone(m.params[2]), User: m.params[3], Host: m.params[4],
		Nick: m.params[5], Away: isAway(m.params[6]), Account: account,
	})
}

func channelOrNone(channel string) string {
	if channel == "*" {
		return ""
	}
	return channel
}

// isAway reads the flags of a WHO answer, which begin with G for gone or H for
// here.
func isAway(flags string) bool { return strings.HasPrefix(flags, "G") }

func onWhoEnd(s *session, m *message) {
	s.emit(WhoEnd{Meta: m.Meta, Mask: m.params[1]})
}
