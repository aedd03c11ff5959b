package ircconn

import (
	"math"
	"strings"
	"sync/atomic"
	"unique"
)

// Unlimited is the value of a limit that the server has declared not to exist.
const Unlimited = math.MaxInt32

// Support is what a server said about itself in ISUPPORT (005), with the
// values that hold where it said nothing. It is an immutable snapshot: nobody
// may write to it. Lengths are in bytes; 0 means that the server did not say.
type Support struct {
	Casemapping Casemapping
	// ChanTypes are the characters that channels begin with; "#&" where the
	// server did not say, and empty where it said that there are none.
	ChanTypes string
	// Network is the network's name for people; empty when not known.
	Network string

	NickLen    int
	ChannelLen int
	TopicLen   int
	KickLen    int
	AwayLen    int
	NameLen    int // real name (IRCv3 setname)
	UserLen    int
	HostLen    int
	// LineLen is the length of a whole line with CRLF and without tags; 512
	// where the server did not say.
	LineLen int
	// Modes is how many mode changes with a parameter one MODE may carry; 3
	// where the server did not say.
	Modes int

	// PrefixModes and PrefixChars are the membership modes and their
	// prefixes, highest first and one to one: "qaohv" and "~&@%+"; "ov" and
	// "@+" where the server did not say.
	PrefixModes string
	PrefixChars string
	// ChanModes are the channel modes of types A, B, C and D, in this order.
	ChanModes [4]string
	// StatusMsg are the prefixes that may stand before a channel as a target.
	StatusMsg string

	// TargMax is how many targets a command takes at most, by command in upper
	// case. A command that is not in it takes one.
	TargMax map[string]int
	// MaxList is how many entries a list mode holds at most, by its letter.
	MaxList map[byte]int
	// Excepts and Invex are the list modes of exceptions from bans and from
	// invite-only; 0 when the server has none.
	Excepts, Invex byte

	Whox    bool // WHO takes fields and answers 354 (IRCv3 WHOX)
	Monitor int  // nicks to monitor at most; 0 when there is no MONITOR
	// ChatHistory is how many lines one CHATHISTORY fetches at most (IRCv3
	// chathistory); 0 where the server did not say, or has no limit.
	ChatHistory int
	// HistoryByID is whether the server says that CHATHISTORY takes the ids of
	// messages (ISUPPORT MSGREFTYPES).
	HistoryByID bool
	UTF8Only    bool // the server refuses anything but UTF-8 (IRCv3 utf8-only)
	// Elist are the letters of the filters that LIST takes.
	Elist string
	// BotMode is the user mode that marks bots (IRCv3 bot-mode), or 0.
	BotMode byte
	// ClientTagDeny is which client-only tags the server drops, as it wrote it
	// (IRCv3 message-tags).
	ClientTagDeny string
	// AccountExtban are the names of the extended ban for accounts, such as
	// "a" and "account" (IRCv3 account-extban).
	AccountExtban []string
	Extban        Extban

	// tokens is all that came, as "NAME=value" lines in order. Connections to
	// one server share it, and with it the strings above, which are parts of it.
	tokens unique.Handle[string]
	// step is the last one that was taken from here; nil before the first.
	step atomic.Pointer[supportStep]
}

// Extban is how a server writes extended bans: Prefix, one of Types, a colon
// and a parameter. Prefix may be empty; Types is empty when there are none.
type Extban struct {
	Prefix string
	Types  string
}

// DefaultSupport returns what holds for a server that said nothing about
// itself.
func DefaultSupport() *Support { return defaultSupport }

// defaultSupport is shared, as every Support is: none changes once it is there.
var defaultSupport = newSupport()

// newSupport returns a Support of one's own, to be filled in.
func newSupport() *Support {
	return &Support{
		ChanTypes:   "#&",
		LineLen:     512,
		Modes:       3,
		PrefixModes: "ov",
		PrefixChars: "@+",
		ChanModes:   [4]string{"beI", "k", "l", "aimnpqrst"},
		tokens:      unique.Make(""),
	}
}

// IsChannel reports whether name is a channel and not a nick. It does not
// look past a STATUSMSG prefix.
func (s *Support) IsChannel(name string) bool {
	return name != "" && strings.IndexByte(s.ChanTypes, name[0]) >= 0
}

// ModeOf returns the membership mode of a prefix character ('o' for '@'), or 0
// when prefix is none.
func (s *Support) ModeOf(prefix byte) byte {
	if i := strings.IndexByte(s.PrefixChars, prefix); i >= 0 {
		return s.PrefixModes[i]
	}
	return 0
}

// KindOf returns what kind of channel mode a letter is. A letter that the
// server did not declare is a flag.
func (s *Support) KindOf(mode byte) ModeKind {
	if strings.IndexByte(s.PrefixModes, mode) >= 0 {
		return ModePrefix
	}
	for i, kind := range [...]ModeKind{ModeList, ModeAlways, ModeWhenSet} {
		if strings.IndexByte(s.ChanModes[i], mode) >= 0 {
			return kind
		}
	}
	if mode != 0 && (mode == s.Excepts || mode == s.Invex) {
		return ModeList
	}
	return ModeFlag
}

// Raw returns the value of an ISUPPORT parameter as the server wrote it,
// escapes undone, and whether it is there. The name is in upper case.
func (s *Support) Raw(name string) (value string, present bool) {
	for _, token := range readTokens(s.tokens.Value()) {
		if token.name == name {
			return token.value, true
		}
	}
	return "", false
}

// splitStatus takes the STATUSMSG prefixes off a target: "@#channel" gives "@"
// and "#channel". A name that is a channel only with its first character, as
// "+channel" where both channels and voices begin with +, stays whole.
func (s *Support) splitStatus(target string) (status, rest string) {
	end := 0
	for end < len(target) && strings.IndexByte(s.StatusMsg, target[end]) >= 0 {
		end++
	}
	for ; end > 0; end-- {
		if s.IsChannel(target[end:]) {
			return target[:end], target[end:]
		}
	}
	return "", target
}
