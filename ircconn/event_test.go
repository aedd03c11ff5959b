package ircconn

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// fullSupport is what a modern server says.
var fullSupport = []string{
	"CASEMAPPING=ascii", "PREFIX=(qaohv)~&@%+", "CHANMODES=beI,k,lH,imnpst", "STATUSMSG=@+", "EXCEPTS=e", "INVEX=I",
}

var (
	romeo   = Source{Nick: "romeo", User: "rm", Host: "verona.example"}
	juliet  = Source{Nick: "juliet", User: "jcapulet", Host: "host.test"}
	server  = Source{Host: "irc.test"}
	instant = time.Date(2026, 2, 14, 20, 30, 5, 250e6, time.UTC)
)

// TestLineToEvent is the table of all that a line can become once we are in.
func TestLineToEvent(t *testing.T) {
	const from = ":romeo!rm@verona.example "
	tests := []struct {
		name  string
		lines string // several separated by \n
		want  []Event
	}{
		{"message to a channel", from + "PRIVMSG #c :hello there", []Event{Message{Source: romeo, Target: "#c", Text: "hello there"}}},
		{"message without a colon", from + "PRIVMSG #c hello", []Event{Message{Source: romeo, Target: "#c", Text: "hello"}}},
		{"lower case command", from + "privmsg #c :hello", []Event{Message{Source: romeo, Target: "#c", Text: "hello"}}},
		{"empty message", from + "PRIVMSG #c :", []Event{Message{Source: romeo, Target: "#c"}}},
		{"private message", from + "PRIVMSG juliet :hi", []Event{Message{Source: romeo, Target: "juliet", Text: "hi"}}},
		{"echo of ours", ":Juliet!jcapulet@host.test PRIVMSG #c :hi", []Event{Message{Source: Source{"Juliet", "jcapulet", "host.test"}, Target: "#c", Text: "hi", Self: true}}},
		{"notice", from + "NOTICE #c :hi", []Event{Message{Source: romeo, Target: "#c", Text: "hi", Notice: true}}},
		{"notice of the server", ":irc.test NOTICE juliet :*** hi", []Event{Message{Source: server, Target: "juliet", Text: "*** hi", Notice: true}}},
		{"notice without a prefix", "NOTICE AUTH :*** hi", []Event{Message{Target: "AUTH", Text: "*** hi", Notice: true}}},
		{"to the operators of a channel", from + "PRIVMSG @#c :psst", []Event{Message{Source: romeo, Target: "#c", Status: "@", Text: "psst"}}},
		{"to several ranks of a channel", from + "NOTICE @+#c :psst", []Event{Message{Source: romeo, Target: "#c", Status: "@+", Text: "psst", Notice: true}}},
		{"a rank that is none here", from + "PRIVMSG %#c :psst", []Event{Message{Source: romeo, Target: "%#c", Text: "psst"}}},
		{"action", from + "PRIVMSG #c :\x01ACTION waves\x01", []Event{Message{Source: romeo, Target: "#c", Text: "waves", Action: true}}},
		{"action without its end", from + "PRIVMSG #c :\x01ACTION waves", []Event{Message{Source: romeo, Target: "#c", Text: "waves", Action: true}}},
		{"action without a text", from + "PRIVMSG #c :\x01ACTION\x01", []Event{Message{Source: romeo, Target: "#c", Action: true}}},
		{"ctcp query", from + "PRIVMSG juliet :\x01version\x01", []Event{CTCP{Source: romeo, Target: "juliet", Command: "VERSION"}}},
		{"ctcp query with parameters", from + "PRIVMSG juliet :\x01PING 1 2\x01", []Event{CTCP{Source: romeo, Target: "juliet", Command: "PING", Params: "1 2"}}},
		{"ctcp query to ranks", from + "PRIVMSG @#c :\x01TIME\x01", []Event{CTCP{Source: romeo, Target: "#c", Command: "TIME"}}},
		{"ctcp reply", from + "NOTICE juliet :\x01VERSION nurse 1.0\x01", []Event{CTCP{Source: romeo, Target: "juliet", Command: "VERSION", Params: "nurse 1.0", Reply: true}}},
		{"ctcp of nothing is text", from + "PRIVMSG juliet :\x01\x01", []Event{Message{Source: romeo, Target: "juliet", Text: "\x01\x01"}}},

		{"tags", "@time=2026-02-14T20:30:05.250Z;msgid=a\\sb;account=rm;label=7;+channel-context=#c " + from + "NOTICE juliet :hi", []Event{Message{
			Meta:   Meta{Time: instant, Label: "7", MessageID: "a b", Account: "rm", ChannelContext: "#c"},
			Source: romeo, Target: "juliet", Text: "hi", Notice: true,
		}}},
		{"draft of channel-context", "@+draft/channel-context=#c " + from + "NOTICE juliet :hi", []Event{Message{Meta: Meta{ChannelContext: "#c"}, Source: romeo, Target: "juliet", Text: "hi", Notice: true}}},
		{"malformed time", "@time=yesterday " + from + "PRIVMSG #c :hi", []Event{Message{Source: romeo, Target: "#c", Text: "hi"}}},
		{"tag that is not UTF-8", "@x=\xff;msgid=1 " + from + "PRIVMSG #c :hi", []Event{Message{Meta: Meta{MessageID: "1"}, Source: romeo, Target: "#c", Text: "hi"}}},
		{"body that is not UTF-8", from + "PRIVMSG #c :caf\xe9", []Event{Message{Source: romeo, Target: "#c", Text: "caf\uFFFD"}}},
		{"NUL", from + "PRIVMSG #c :a\x00b", []Event{Message{Source: romeo, Target: "#c", Text: "ab"}}},

		{"join", from + "JOIN #c", []Event{Joined{Source: romeo, Channel: "#c"}}},
		{"join of several", from + "JOIN #c,#d", []Event{Joined{Source: romeo, Channel: "#c"}, Joined{Source: romeo, Channel: "#d"}}},
		{"extended join", from + "JOIN #c rmontague :Romeo Montague", []Event{Joined{Source: romeo, Channel: "#c", Account: "rmontague", RealName: "Romeo Montague"}}},
		{"extended join without account", from + "JOIN #c * :Romeo", []Event{Joined{Source: romeo, Channel: "#c", RealName: "Romeo"}}},
		{"own join", ":juliet!j2@cloak JOIN :#c", []Event{Joined{Source: Source{"juliet", "j2", "cloak"}, Channel: "#c", Self: true}}},
		{"part", from + "PART #c :bye now", []Event{Parted{Source: romeo, Channel: "#c", Reason: "bye now"}}},
		{"part without a reason", from + "PART #c", []Event{Parted{Source: romeo, Channel: "#c"}}},
		{"kick", from + "KICK #c mercutio :out", []Event{Kicked{Source: romeo, Channel: "#c", Nick: "mercutio", Reason: "out"}}},
		{"kick of ourselves without a reason", from + "KICK #c JULIET", []Event{Kicked{Source: romeo, Channel: "#c", Nick: "JULIET", Self: true}}},
		{"quit", from + "QUIT :irc.a irc.b", []Event{Quit{Source: romeo, Reason: "irc.a irc.b"}}},
		{"quit without anything", from + "QUIT", []Event{Quit{Source: romeo}}},
		{"own quit", ":juliet!j@h QUIT :x", []Event{Quit{Source: Source{"juliet", "j", "h"}, Reason: "x", Self: true}}},
		{"kill of ourselves", ":irc.test KILL juliet :flood", []Event{Killed{Source: server, Reason: "flood"}}},
		{"kill of somebody else", ":irc.test KILL romeo :flood", []Event{Unhandled{Source: server, Command: "KILL", Params: []string{"romeo", "flood"}}}},
		{"nick", from + "NICK Montague", []Event{NickChanged{Source: romeo, New: "Montague"}}},
		{"invitation", from + "INVITE juliet #c", []Event{Invited{Source: romeo, Nick: "juliet", Channel: "#c", Self: true}}},
		{"invitation of somebody else", from + "INVITE nurse #c", []Event{Invited{Source: romeo, Nick: "nurse", Channel: "#c"}}},
		{"away", from + "AWAY :at the ball", []Event{AwayChanged{Source: romeo, Text: "at the ball"}}},
		{"back", from + "AWAY", []Event{AwayChanged{Source: romeo}}},
		{"account", from + "ACCOUNT rm", []Event{AccountChanged{Source: romeo, Account: "rm"}}},
		{"no account", from + "ACCOUNT *", []Event{AccountChanged{Source: romeo}}},
		{"chghost", from + "CHGHOST m mantua.example", []Event{HostChanged{Source: romeo, NewUser: "m", NewHost: "mantua.example"}}},
		{"own chghost", ":juliet!jcapulet@host.test CHGHOST j cloak", []Event{HostChanged{Source: juliet, NewUser: "j", NewHost: "cloak", SelfHost: true}}},
		{"own host", ":irc.test 396 juliet cloak :is now your host", []Event{HostChanged{Source: juliet, NewUser: "jcapulet", NewHost: "cloak", SelfHost: true}}},
		{"own user and host", ":irc.test 396 juliet j@cloak :is now", []Event{HostChanged{Source: juliet, NewUser: "j", NewHost: "cloak", SelfHost: true}}},
		{"setname", from + "SETNAME :R. M.", []Event{RealNameChanged{Source: romeo, RealName: "R. M."}}},

		{"topic", from + "TOPIC #c :new", []Event{TopicChanged{Source: romeo, Channel: "#c", Topic: "new"}}},
		{"topic cleared", from + "TOPIC #c :", []Event{TopicChanged{Source: romeo, Channel: "#c"}}},
		{"no topic", ":irc.test 331 juliet #c :No topic is set", []Event{TopicReply{Channel: "#c"}}},
		{"topic on joining", ":irc.test 332 juliet #c :a topic", []Event{TopicReply{Channel: "#c", Topic: "a topic"}}},
		{"topic set by", ":irc.test 333 juliet #c romeo!rm@v 1771101005", []Event{TopicSetBy{Channel: "#c", Setter: "romeo!rm@v", Time: time.Unix(1771101005, 0).UTC()}}},
		{"topic set by without time", ":irc.test 333 juliet #c romeo", []Event{TopicSetBy{Channel: "#c", Setter: "romeo"}}},
		{"names", ":irc.test 353 juliet = #c :@+romeo!rm@v ~juliet nurse", []Event{Names{Channel: "#c", Members: []NamesEntry{
			{Nick: "romeo", Prefixes: "@+", User: "rm", Host: "v"}, {Nick: "juliet", Prefixes: "~"}, {Nick: "nurse"},
		}}}},
		{"names without kind", ":irc.test 353 juliet #c :romeo ", []Event{Names{Channel: "#c", Members: []NamesEntry{{Nick: "romeo"}}}}},
		{"names end", ":irc.test 366 juliet #c :End", []Event{NamesEnd{Channel: "#c"}}},
		{"who", ":irc.test 352 juliet #c rm v irc.test romeo G@ :0 Romeo", []Event{WhoEntry{Channel: "#c", Nick: "romeo", User: "rm", Host: "v", Away: true}}},
		{"who without channel", ":irc.test 352 juliet * rm v irc.test romeo H :0 Romeo", []Event{WhoEntry{Nick: "romeo", User: "rm", Host: "v"}}},
		{"whox", ":irc.test 354 juliet 152 #c rm v romeo H@ rmontague", []Event{WhoEntry{Channel: "#c", Nick: "romeo", User: "rm", Host: "v", Account: "rmontague"}}},
		{"whox without account", ":irc.test 354 juliet 152 #c rm v romeo G 0", []Event{WhoEntry{Channel: "#c", Nick: "romeo", User: "rm", Host: "v", Away: true}}},
		{"whox that somebody typed", ":irc.test 354 juliet 7 romeo", []Event{Reply{Numeric: 354, Params: []string{"7", "romeo"}}}},
		{"who end", ":irc.test 315 juliet #c :End", []Event{WhoEnd{Mask: "#c"}}},
		{"away reply", ":irc.test 301 juliet romeo :out", []Event{AwayReply{Nick: "romeo", Text: "out"}}},
		{"we are back", ":irc.test 305 juliet :You are no longer away", []Event{SelfAway{}}},
		{"we are away", ":irc.test 306 juliet :You are away", []Event{SelfAway{Away: true}}},

		{"mode with a list entry between", from + "MODE #c +ob-v romeo *!*@x nurse", []Event{ModeChanged{Source: romeo, Channel: "#c", Changes: []ModeChange{
			{Add: true, Mode: 'o', Kind: ModePrefix, Arg: "romeo"}, {Add: true, Mode: 'b', Kind: ModeList, Arg: "*!*@x"}, {Mode: 'v', Kind: ModePrefix, Arg: "nurse"},
		}}}},
		{"own modes", ":juliet MODE juliet :+ix-w", []Event{ModeChanged{Source: Source{Nick: "juliet"}, Changes: []ModeChange{
			{Add: true, Mode: 'i', Kind: ModeUserFlag}, {Add: true, Mode: 'x', Kind: ModeUserFlag}, {Mode: 'w', Kind: ModeUserFlag},
		}}}},
		{"modes of somebody else", from + "MODE romeo +i", []Event{Unhandled{Source: romeo, Command: "MODE", Params: []string{"romeo", "+i"}}}},
		{"modes asked for", ":irc.test 324 juliet #c +ntl 5", []Event{ChannelModes{Channel: "#c", Changes: []ModeChange{
			{Add: true, Mode: 'n'}, {Add: true, Mode: 't'}, {Add: true, Mode: 'l', Kind: ModeWhenSet, Arg: "5"},
		}}}},

		{"ban list", ":irc.test 367 juliet #c *!*@x romeo 1771101005\n:irc.test 367 juliet #C *!*@y\n:irc.test 368 juliet #c :End", []Event{ListMode{Channel: "#c", Mode: 'b', Items: []ListItem{
			{Mask: "*!*@x", Setter: "romeo", Time: time.Unix(1771101005, 0).UTC()}, {Mask: "*!*@y"},
		}}}},
		{"empty ban list", ":irc.test 368 juliet #c :End", []Event{ListMode{Channel: "#c", Mode: 'b'}}},
		{"end of a list without text", ":irc.test 368 juliet #c", []Event{ListMode{Channel: "#c", Mode: 'b'}}},
		{"exceptions", ":irc.test 348 juliet #c a!*@*\n:irc.test 349 juliet #c :End", []Event{ListMode{Channel: "#c", Mode: 'e', Items: []ListItem{{Mask: "a!*@*"}}}}},
		{"invitations", ":irc.test 346 juliet #c a!*@*\n:irc.test 347 juliet #c :End", []Event{ListMode{Channel: "#c", Mode: 'I', Items: []ListItem{{Mask: "a!*@*"}}}}},
		{"quiets", ":irc.test 728 juliet #c q a!*@* romeo 1771101005\n:irc.test 729 juliet #c q :End", []Event{ListMode{Channel: "#c", Mode: 'q', Items: []ListItem{
			{Mask: "a!*@*", Setter: "romeo", Time: time.Unix(1771101005, 0).UTC()},
		}}}},
		{"two lists at once", ":irc.test 367 juliet #c x\n:irc.test 367 juliet #d y\n:irc.test 368 juliet #c\n:irc.test 368 juliet #d", []Event{
			ListMode{Channel: "#c", Mode: 'b', Items: []ListItem{{Mask: "x"}}}, ListMode{Channel: "#d", Mode: 'b', Items: []ListItem{{Mask: "y"}}},
		}},
		{"message of the day", ":irc.test 375 juliet :- day\n:irc.test 372 juliet :- one\n:irc.test 372 juliet :two\n:irc.test 376 juliet :End", []Event{Motd{Lines: []string{"one", "two"}}}},

		{"no such nick", ":irc.test 401 juliet mercutio :No such nick", []Event{Refused{Numeric: 401, Target: "mercutio", Params: []string{"mercutio"}, Text: "No such nick"}}},
		{"not on channel", ":irc.test 441 juliet romeo #c :They are not there", []Event{Refused{Numeric: 441, Target: "romeo", Params: []string{"romeo", "#c"}, Text: "They are not there"}}},
		{"unknown command", ":irc.test 421 juliet FOO :Unknown command", []Event{Refused{Numeric: 421, Command: "FOO", Target: "FOO", Params: []string{"FOO"}, Text: "Unknown command"}}},
		{"too few parameters", ":irc.test 461 juliet KICK :Not enough", []Event{Refused{Numeric: 461, Command: "KICK", Target: "KICK", Params: []string{"KICK"}, Text: "Not enough"}}},
		{"refusal of nothing in particular", ":irc.test 481 juliet :Permission denied", []Event{Refused{Numeric: 481, Text: "Permission denied"}}},
		{"nick in use later", ":irc.test 433 juliet romeo :in use", []Event{Refused{Numeric: 433, Target: "romeo", Params: []string{"romeo"}, Text: "in use"}}},
		{"channel unavailable", ":irc.test 437 juliet #c :unavailable", []Event{Refused{Numeric: 437, Target: "#c", Params: []string{"#c"}, Text: "unavailable"}}},
		{"wrong password later", ":irc.test 464 juliet :Password incorrect", []Event{Refused{Numeric: 464, Text: "Password incorrect"}}},
		{"forward", ":irc.test 470 juliet #c ##c :Forwarding", []Event{Refused{Numeric: 470, Target: "#c", Params: []string{"#c", "##c"}, Text: "Forwarding"}}},
		{"try again", ":irc.test 263 juliet LIST :Try again", []Event{Refused{Numeric: 263, Command: "LIST", Target: "LIST", Params: []string{"LIST"}, Text: "Try again"}}},
		{"caller id", ":irc.test 716 juliet romeo :is in +g mode", []Event{Refused{Numeric: 716, Target: "romeo", Params: []string{"romeo"}, Text: "is in +g mode"}}},
		{"bad mode parameter", ":irc.test 696 juliet #c k * :Invalid", []Event{Refused{Numeric: 696, Target: "#c", Params: []string{"#c", "k", "*"}, Text: "Invalid"}}},
		{"login failed", ":irc.test 904 juliet :SASL failed", []Event{Refused{Numeric: 904, Text: "SASL failed"}}},
		{"fail", "FAIL privmsg INVALID_UTF8 #c :No", []Event{Refused{Command: "PRIVMSG", Code: "INVALID_UTF8", Target: "#c", Params: []string{"#c"}, Text: "No"}}},
		{"fail without context", "FAIL * X :No", []Event{Refused{Command: "*", Code: "X", Params: []string{}, Text: "No"}}},
		{"warn", ":irc.test WARN REHASH C :text", []Event{Reply{Command: "WARN", Params: []string{"REHASH", "C", "text"}}}},
		{"note", ":irc.test NOTE * C :text", []Event{Reply{Command: "NOTE", Params: []string{"*", "C", "text"}}}},
		{"reply", ":irc.test 311 juliet romeo rm v * :Romeo", []Event{Reply{Numeric: 311, Params: []string{"romeo", "rm", "v", "*", "Romeo"}}}},
		{"reply without anything", ":irc.test 999", []Event{Reply{Numeric: 999}}},
		{"acknowledged", "@label=4 :irc.test ACK", []Event{Acknowledged{Meta: Meta{Label: "4"}}}},
		{"new isupport", ":irc.test 005 juliet NICKLEN=7 :are supported", nil},

		{"unknown command from the server", ":irc.test WALLOPS :hi all", []Event{Unhandled{Source: server, Command: "WALLOPS", Params: []string{"hi all"}}}},
		{"message without a text", from + "PRIVMSG #c", []Event{Unhandled{Source: romeo, Command: "PRIVMSG", Params: []string{"#c"}}}},
		{"kick without a nick", from + "KICK #c", []Event{Unhandled{Source: romeo, Command: "KICK", Params: []string{"#c"}}}},
		{"numeric without parameters", ":irc.test 332 juliet", []Event{Unhandled{Source: server, Command: "332", Params: []string{"juliet"}}}},
		{"typing", "@+typing=active " + from + "TAGMSG #c", nil},
		{"pong", ":irc.test PONG irc.test passerelle", nil},
		{"spaces only", "   ", nil},
		{"prefix only", ":irc.test", nil},
		{"tags only", "@time=x", nil},
		{"no letters", ":x \xff\xfe y", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRecorder()
			s := newTestSession(r.sink, fullSupport...)
			before := len(r.all())
			for line := range strings.SplitSeq(test.lines, "\n") {
				s.receive([]byte(line))
			}
			got := r.all()[before:]
			if test.name == "new isupport" {
				if len(got) != 1 || got[0].(SupportChanged).Support.NickLen != 7 || s.support.PrefixModes != "qaohv" {
					t.Fatalf("got %s", describe(got))
				}
				return
			}
			if len(got) != len(test.want) || len(got) > 0 && !reflect.DeepEqual(got, test.want) {
				t.Fatalf("got %s\nwant %s", describe(got), describe(test.want))
			}
		})
	}
}

// TestOwnNickIsFollowed: who we are decides what counts as ours.
func TestOwnNickIsFollowed(t *testing.T) {
	r := newRecorder()
	s := newTestSession(r.sink, fullSupport...)
	s.receive([]byte(":juliet!jcapulet@host.test NICK :Capulet"))
	if got := eventsOf[NickChanged](r.all()); len(got) != 1 || !got[0].Self || got[0].New != "Capulet" {
		t.Fatalf("got %+v", got)
	}
	s.receive([]byte(":juliet!x@y PRIVMSG #c :an impostor"))
	s.receive([]byte(":capulet!jcapulet@host.test PRIVMSG #c :me"))
	got := eventsOf[Message](r.all())
	if len(got) != 2 || got[0].Self || !got[1].Self {
		t.Fatalf("got %+v", got)
	}
}

// TestOwnHostIsFollowed: 396 reports the host that went before.
func TestOwnHostIsFollowed(t *testing.T) {
	r := newRecorder()
	s := newTestSession(r.sink)
	if got := waitFor[Registered](t, r, nil).Source; got != juliet {
		t.Fatalf("Registered.Source = %+v", got)
	}
	s.receive([]byte(":juliet!~j@cloak.one JOIN #c"))
	s.receive([]byte(":irc.test 396 juliet cloak.two :is now"))
	got := waitFor[HostChanged](t, r, nil)
	want := HostChanged{Source: Source{"juliet", "~j", "cloak.one"}, NewUser: "~j", NewHost: "cloak.two", SelfHost: true}
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

// TestServerWithoutDot: a server named "irc" is no user.
func TestServerWithoutDot(t *testing.T) {
	r := newRecorder()
	s := newSession(newConn(new(testConfig()), Options{Nick: "juliet"}, r.sink, nil), Address{})
	for _, line := range []string{
		":irc NOTICE * :*** hi", ":irc 001 juliet :hi", ":irc 422 juliet :-", ":irc MODE juliet +i", ":nurse NOTICE juliet :hi", ":irc NOTICE juliet :hi",
	} {
		s.receive([]byte(line))
	}
	var got []Source
	for _, m := range eventsOf[Message](r.all()) {
		got = append(got, m.Source)
	}
	if want := []Source{{Host: "irc"}, {Nick: "nurse"}, {Host: "irc"}}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v", got)
	}
	if modes := waitFor[ModeChanged](t, r, nil); !modes.Source.IsServer() {
		t.Fatalf("got %+v", modes)
	}
}

func TestDecodeOfOtherCharsets(t *testing.T) {
	options := Options{Nick: "juliet", Decode: func(line []byte) []byte {
		var out []rune
		for _, b := range line {
			out = append(out, rune(b))
		}
		return []byte(string(out))
	}}
	r := newRecorder()
	s := newSession(newConn(new(testConfig()), options, r.sink, nil), Address{})
	s.receive([]byte("@msgid=\xc3\xa9 :a!b@c PRIVMSG #c :caf\xe9"))
	s.receive([]byte(":a!b@c PRIVMSG #c :caf\xc3\xa9"))
	for _, got := range eventsOf[Message](r.all()) {
		if got.Text != "café" || got.MessageID != "" && got.MessageID != "é" {
			t.Errorf("got %+v", got)
		}
	}
	if n := len(r.all()); n != 2 {
		t.Fatalf("%d events", n)
	}
}

// TestDecodeCannotBreakLines: what Decode returns is not trusted either.
func TestDecodeCannotBreakLines(t *testing.T) {
	if got := text([]byte(":a PRIVMSG #c :\xff"), func([]byte) []byte { return []byte("PING x\r\n\x00\xff") }); got != "PING x\uFFFD" {
		t.Fatalf("got %q", got)
	}
}
