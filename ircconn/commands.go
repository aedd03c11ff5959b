package ircconn

import "strings"

func newLine(command string, params ...string) Line {
	return Line{Command: command, Params: params}
}

// withOptional leaves out a last parameter that is empty.
func withOptional(command, last string, params ...string) Line {
	if last != "" {
		params = append(params, last)
	}
	return Line{Command: command, Params: params}
}

// Privmsg writes to a channel or nick (RFC 2812 §3.3.1).
func Privmsg(target, text string) Line { return newLine("PRIVMSG", target, text) }

// Notice writes to a channel or nick without asking for an answer (RFC 2812
// §3.3.2).
func Notice(target, text string) Line { return newLine("NOTICE", target, text) }

// Action is "/me text" in a channel or to a nick (CTCP ACTION).
func Action(target, text string) Line { return CTCPQuery(target, "ACTION", text) }

// CTCPQuery asks a nick or channel something by CTCP.
func CTCPQuery(target, command, params string) Line { return Privmsg(target, ctcp(command, params)) }

// CTCPReply answers a CTCP query.
func CTCPReply(target, command, params string) Line { return Notice(target, ctcp(command, params)) }

// ctcp takes its own delimiter out of the parameters: it would end the CTCP
// message early.
func ctcp(command, params string) string {
	text := command
	if params != "" {
		text += " " + params
	}
	return "\x01" + strings.ReplaceAll(text, "\x01", "") + "\x01"
}

// Join joins a channel; key may be empty.
func Join(channel, key string) Line { return withOptional("JOIN", key, channel) }

// Part leaves a channel; reason may be empty.
func Part(channel, reason string) Line { return withOptional("PART", reason, channel) }

// Nick asks for another nick.
func Nick(nick string) Line { return newLine("NICK", nick) }

// Topic sets a channel's topic, or clears it when text is empty.
func Topic(channel, text string) Line { return newLine("TOPIC", channel, text) }

// Kick puts a nick out of a channel; reason may be empty.
func Kick(channel, nick, reason string) Line { return withOptional("KICK", reason, channel, nick) }

// Mode changes the modes of a channel or of ourselves, such as "+ov" with two
// nicks, or asks for them when modes is empty.
func Mode(target, modes string, args ...string) Line {
	if modes == "" {
		return newLine("MODE", target)
	}
	return newLine("MODE", append([]string{target, modes}, args...)...)
}

// Who asks about the users that a mask matches (answers: WhoEntry, WhoEnd).
func Who(mask string) Line { return newLine("WHO", mask) }

// whoxToken marks the WHOX answers whose fields WhoAccounts chose.
const whoxToken = "152"

// WhoAccounts is Who with the services accounts in the answer; only for servers
// with Support.Whox (IRCv3 WHOX).
func WhoAccounts(mask string) Line { return newLine("WHO", mask, "%tcuhnfa,"+whoxToken) }

// Whois asks everything about one nick (answers: Reply, Refused, AwayReply).
func Whois(nick string) Line { return newLine("WHOIS", nick) }

// Invite invites a nick to a channel.
func Invite(nick, channel string) Line { return newLine("INVITE", nick, channel) }

// Away marks us as away, or as back when text is empty.
func Away(text string) Line { return withOptional("AWAY", text) }

// List asks for the list of channels; filter, such as "*linux*" or ">10", may
// be empty (answers: Reply 322 and 323).
func List(filter string) Line { return withOptional("LIST", filter) }
