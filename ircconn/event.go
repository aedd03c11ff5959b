package ircconn

import (
	"net/netip"
	"time"
)

// Event is something that the IRC server said or that happened to the
// connection, with its parameters already checked. The set is sealed: only the
// types of this file are events. An event and everything it points to belongs
// to the receiver and is never written again by the connection.
type Event interface{ event() }

// Source is who a line came from: a user (Nick, and User and Host where the
// server sent them) or a server (Nick empty, Host its name).
type Source struct {
	Nick, User, Host string
}

// IsServer reports whether the line came from a server and not from a user.
func (s Source) IsServer() bool { return s.Nick == "" }

// Meta is what message tags say about a line (IRCv3 message-tags).
type Meta struct {
	// Time is the server's time of the line (IRCv3 server-time), in UTC;
	// the zero time when the server sent none.
	Time time.Time
	// Label is the label of the line of ours that this one answers (IRCv3
	// labeled-response), also inside a labelled batch; empty when none.
	Label string
	// MessageID is the server's opaque msgid (IRCv3 message-ids).
	MessageID string
	// Account is the services account of the source (IRCv3 account-tag).
	Account string
	// Batch is the type of the outermost batch the line stands in, such as
	// "netsplit" or "chathistory" (IRCv3 batch); empty when none. The
	// labeled-response batch does not count.
	Batch string
	// ChannelContext is the channel a private line belongs to (IRCv3
	// +channel-context, +draft/channel-context); empty when none.
	ChannelContext string
}

// Progress is one step of connecting, as a sentence for people.
type Progress struct{ Text string }

// Registered says that the server has accepted us and has finished its
// welcome; channels can be joined from now on.
type Registered struct {
	// Nick is the nick the server gave us, perhaps not the one asked for.
	Nick string
	// Source is our own nick, user and host as far as they are known.
	Source Source
	// Address is the "host:port" in use, Secure whether TLS protects it.
	Address string
	Secure  bool
	// Peer is the server's address; the zero value where a proxy connects.
	Peer    netip.Addr
	Support *Support
	Caps    Caps
}

// Disconnected is the last event of a connection, sent exactly once, whoever
// ended it and however early.
type Disconnected struct {
	// Err is what ended it: an *Error. It is nil after Close.
	Err error
	// WasRegistered is whether the server had accepted us before.
	WasRegistered bool
	// STS is the last STSReceived of a verified connection, whose duration
	// counts again from now on (IRCv3 sts); zero when there was none.
	STS STSReceived
}

// LoggedIn says that we are logged in to a services account (900), by SASL or
// otherwise; it may come before Registered.
type LoggedIn struct {
	Meta
	Account string
}

// LoggedOut says that we are not logged in any more (901).
type LoggedOut struct{ Meta }

// STSReceived is a policy of strict transport security (IRCv3 sts). One that came
// over an insecure connection, which has only a Port, has been acted upon
// already: the connection begins again with TLS. One of a secure connection is
// to be kept for Duration, or forgotten when that is 0; it is sent only where
// the certificate was verified.
type STSReceived struct {
	Host     string // of the address in use
	Port     int    // to use from now on
	Duration time.Duration
	Secure   bool
}

// SupportChanged carries a new ISUPPORT snapshot after registration.
type SupportChanged struct{ Support *Support }

// CapsChanged carries the capabilities in force after CAP NEW, DEL or ACK.
type CapsChanged struct{ Caps Caps }

// Written says that a line whose Receipt was not zero has been handed to the
// socket.
type Written struct{ Receipt uint64 }

// Received says how much the server has sent since the last Received, for those who
// bound the work that a server causes. It comes now and then: not with what little a
// silent server sends.
type Received struct {
	Bytes int // all of them, as they were read
	Lines int // that made no other event
}

// Message is a PRIVMSG or NOTICE that is not a CTCP query, or a CTCP ACTION.
type Message struct {
	Meta
	Source Source
	// Target is a channel or our own nick as the server wrote it, without
	// the STATUSMSG prefix, which is in Status ("@" for "@#channel").
	Target string
	Status string
	Text   string
	Notice bool
	Action bool
	// Self is whether we are the source: an echo (IRCv3 echo-message).
	Self bool
}

// CTCP is a CTCP query (in a PRIVMSG) or reply (in a NOTICE) other than ACTION.
type CTCP struct {
	Meta
	Source  Source
	Target  string
	Command string // in upper case
	Params  string
	Reply   bool
	Self    bool
}

// Joined is a JOIN of anybody, ourselves included.
type Joined struct {
	Meta
	Source  Source
	Channel string
	// Account and RealName are there with extended-join; Account is empty
	// for somebody who is not logged in.
	Account, RealName string
	Self              bool
}

// Parted is a PART.
type Parted struct {
	Meta
	Source  Source
	Channel string
	Reason  string
	Self    bool
}

// Kicked is a KICK; Source is who kicked and Nick is who had to go.
type Kicked struct {
	Meta
	Source  Source
	Channel string
	Nick    string
	Reason  string
	Self    bool // Nick is ours
}

// Quit is a QUIT, or a KILL seen as one.
type Quit struct {
	Meta
	Source Source
	Reason string
	Self   bool
}

// Killed is a KILL aimed at us; the connection ends after it.
type Killed struct {
	Meta
	Source Source
	Reason string
}

// NickChanged is a NICK.
type NickChanged struct {
	Meta
	Source Source // with the old nick
	New    string
	Self   bool
}

// ModeKind says what kind of channel mode a letter is (ISUPPORT CHANMODES and
// PREFIX).
type ModeKind uint8

const (
	ModeFlag     ModeKind = iota // type D: never a parameter
	ModeList                     // type A: a list such as +b
	ModeAlways                   // type B: always a parameter, such as +k
	ModeWhenSet                  // type C: a parameter only when set, such as +l
	ModePrefix                   // a membership prefix such as +o
	ModeUserFlag                 // a user's own mode, not a channel's
)

// ModeChange is one letter of a MODE line.
type ModeChange struct {
	Add  bool
	Mode byte
	Kind ModeKind
	Arg  string
}

// ModeChanged is a MODE of a channel, or of ourselves when Channel is empty.
type ModeChanged struct {
	Meta
	Source  Source
	Channel string
	Changes []ModeChange
}

// ChannelModes is the answer to "MODE #channel" (324).
type ChannelModes struct {
	Meta
	Channel string
	Changes []ModeChange
}

// TopicChanged is a TOPIC.
type TopicChanged struct {
	Meta
	Source  Source
	Channel string
	Topic   string
}

// TopicReply is the topic on joining or asking (332), empty for 331.
type TopicReply struct {
	Meta
	Channel string
	Topic   string
}

// TopicSetBy is who set the topic and when (333).
type TopicSetBy struct {
	Meta
	Channel string
	Setter  string // a nick or a full nick!user@host
	Time    time.Time
}

// NamesEntry is one member in a list of names.
type NamesEntry struct {
	Nick string
	// Prefixes are all prefix characters, highest first (IRCv3
	// multi-prefix), such as "@+".
	Prefixes string
	// User and Host are there with userhost-in-names.
	User, Host string
}

// Names is one line of a list of members (353); NamesEnd follows the last.
type Names struct {
	Meta
	Channel string
	Members []NamesEntry
}

// NamesEnd is the end of a list of members (366).
type NamesEnd struct {
	Meta
	Channel string
}

// WhoEntry is one line of a WHO answer (352, or 354 with WHOX fields).
type WhoEntry struct {
	Meta
	Channel          string
	Nick, User, Host string
	Account          string // WHOX only
	Away             bool
}

// WhoEnd is the end of a WHO answer (315); Mask is what was asked for.
type WhoEnd struct {
	Meta
	Mask string
}

// ListItem is one entry of a channel's list mode.
type ListItem struct {
	Mask   string
	Setter string
	Time   time.Time // zero when the server did not say
}

// ListMode is the whole list of a list mode such as +b (367 and 368, 346 and
// 347, 348 and 349, 728 and 729).
type ListMode struct {
	Meta
	Channel string
	Mode    byte
	Items   []ListItem
	// Truncated is whether entries over our limit were left out.
	Truncated bool
}

// AwayChanged is an AWAY of somebody else (IRCv3 away-notify); an empty Text
// means that they are back.
type AwayChanged struct {
	Meta
	Source Source
	Text   string
}

// AwayReply is a 301: the one we wrote to, or asked about, is away.
type AwayReply struct {
	Meta
	Nick string
	Text string
}

// SelfAway says whether the server has us as away (305, 306).
type SelfAway struct {
	Meta
	Away bool
}

// AccountChanged is an ACCOUNT (IRCv3 account-notify); an empty Account means
// that they logged out.
type AccountChanged struct {
	Meta
	Source  Source
	Account string
}

// HostChanged is a CHGHOST (IRCv3 chghost), or our own new host (396).
type HostChanged struct {
	Meta
	Source   Source // with the old user and host, where known
	NewUser  string
	NewHost  string
	SelfHost bool // about ourselves
}

// RealNameChanged is a SETNAME (IRCv3 setname).
type RealNameChanged struct {
	Meta
	Source   Source
	RealName string
}

// Invited is an INVITE: of us, or of somebody else with invite-notify.
type Invited struct {
	Meta
	Source  Source
	Nick    string
	Channel string
	Self    bool // Nick is ours
}

// Motd is the whole message of the day.
type Motd struct{ Lines []string }

// Refused is an error numeric (400 to 599, and the refusals below 400 that
// modern servers have) or a FAIL (IRCv3 standard-replies).
type Refused struct {
	Meta
	// Numeric is the number, or 0 for FAIL, which has Command and Code.
	Numeric int
	// Command is the command that a FAIL or a 421 or 461 names.
	Command string
	// Code is the code of a FAIL, such as "INVALID_UTF8".
	Code string
	// Target is the first parameter after our nick that is not the text: a
	// channel or nick in most refusals; empty when there is none.
	Target string
	// Params are all parameters after our nick (of a FAIL, after the
	// code) but without the text.
	Params []string
	Text   string
}

// Reply is any other numeric, and WARN and NOTE (IRCv3 standard-replies).
type Reply struct {
	Meta
	Numeric int    // 0 for WARN and NOTE
	Command string // "WARN" or "NOTE"; empty for a numeric
	// Params are all parameters, of a numeric those after our nick.
	Params []string
}

// Acknowledged is an ACK (IRCv3 labeled-response): a labelled line of ours was
// carried out and has no other answer.
type Acknowledged struct{ Meta }

// BatchEnded is the end of a batch whose lines were all sent as events before.
type BatchEnded struct {
	Meta
	Type string
}

// Unhandled is a line that no other event describes, shown to people as text.
type Unhandled struct {
	Meta
	Source  Source
	Command string
	Params  []string
}

func (Progress) event()        {}
func (Registered) event()      {}
func (Disconnected) event()    {}
func (LoggedIn) event()        {}
func (LoggedOut) event()       {}
func (STSReceived) event()     {}
func (SupportChanged) event()  {}
func (CapsChanged) event()     {}
func (Written) event()         {}
func (Received) event()        {}
func (Message) event()         {}
func (CTCP) event()            {}
func (Joined) event()          {}
func (Parted) event()          {}
func (Kicked) event()          {}
func (Quit) event()            {}
func (Killed) event()          {}
func (NickChanged) event()     {}
func (ModeChanged) event()     {}
func (ChannelModes) event()    {}
func (TopicChanged) event()    {}
func (TopicReply) event()      {}
func (TopicSetBy) event()      {}
func (Names) event()           {}
func (NamesEnd) event()        {}
func (WhoEntry) event()        {}
func (WhoEnd) event()          {}
func (ListMode) event()        {}
func (AwayChanged) event()     {}
func (AwayReply) event()       {}
func (SelfAway) event()        {}
func (AccountChanged) event()  {}
func (HostChanged) event()     {}
func (RealNameChanged) event() {}
func (Invited) event()         {}
func (Motd) event()            {}
func (Refused) event()         {}
func (Reply) event()           {}
func (Acknowledged) event()    {}
func (BatchEnded) event()      {}
func (Unhandled) event()       {}
