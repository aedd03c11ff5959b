package ircconn

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

func TestSupportValues(t *testing.T) {
	get := map[string]func(*Support) any{
		"casemapping":   func(s *Support) any { return s.Casemapping },
		"chantypes":     func(s *Support) any { return s.ChanTypes },
		"network":       func(s *Support) any { return s.Network },
		"nicklen":       func(s *Support) any { return s.NickLen },
		"channellen":    func(s *Support) any { return s.ChannelLen },
		"topiclen":      func(s *Support) any { return s.TopicLen },
		"kicklen":       func(s *Support) any { return s.KickLen },
		"awaylen":       func(s *Support) any { return s.AwayLen },
		"namelen":       func(s *Support) any { return s.NameLen },
		"userlen":       func(s *Support) any { return s.UserLen },
		"hostlen":       func(s *Support) any { return s.HostLen },
		"linelen":       func(s *Support) any { return s.LineLen },
		"modes":         func(s *Support) any { return s.Modes },
		"prefix":        func(s *Support) any { return s.PrefixModes + " " + s.PrefixChars },
		"chanmodes":     func(s *Support) any { return s.ChanModes },
		"statusmsg":     func(s *Support) any { return s.StatusMsg },
		"targmax":       func(s *Support) any { return s.TargMax },
		"maxlist":       func(s *Support) any { return s.MaxList },
		"excepts":       func(s *Support) any { return s.Excepts },
		"invex":         func(s *Support) any { return s.Invex },
		"whox":          func(s *Support) any { return s.Whox },
		"history by id": func(s *Support) any { return s.HistoryByID },
		"monitor":       func(s *Support) any { return s.Monitor },
		"utf8only":      func(s *Support) any { return s.UTF8Only },
		"elist":         func(s *Support) any { return s.Elist },
		"bot":           func(s *Support) any { return s.BotMode },
		"deny":          func(s *Support) any { return s.ClientTagDeny },
		"account":       func(s *Support) any { return s.AccountExtban },
		"extban":        func(s *Support) any { return s.Extban },
	}
	tests := []struct {
		field  string
		tokens []string
		want   any
	}{
		{"casemapping", nil, RFC1459},
		{"casemapping", []string{"CASEMAPPING=ascii"}, ASCII},
		{"casemapping", []string{"CASEMAPPING=rfc1459"}, RFC1459},
		{"casemapping", []string{"CASEMAPPING=strict-rfc1459"}, StrictRFC1459},
		{"casemapping", []string{"CASEMAPPING=rfc1459-strict"}, StrictRFC1459},
		{"casemapping", []string{"CASEMAPPING=rfc7613"}, RFC7613},
		{"casemapping", []string{"CASEMAPPING=ascii", "CASEMAPPING=klingon"}, ASCII},
		{"casemapping", []string{"casemapping=ASCII"}, ASCII},
		{"chantypes", nil, "#&"},
		{"chantypes", []string{"CHANTYPES=#"}, "#"},
		{"chantypes", []string{"CHANTYPES="}, ""},
		{"chantypes", []string{"CHANTYPES"}, ""},
		{"chantypes", []string{"CHANTYPES=#", "-CHANTYPES"}, "#&"},
		{"network", []string{`NETWORK=A\x20B\x3dC`}, "A B=C"},
		{"network", []string{`NETWORK=A\x0d\x0aQUIT\x00`}, `A\x0d\x0aQUIT\x00`},
		{"network", []string{`NETWORK=A\x2`}, `A\x2`},
		{"network", []string{`NETWORK=A\xzz`}, `A\xzz`},
		{"network", []string{`NETWORK=A\xff`}, "A\uFFFD"},
		{"nicklen", nil, 0},
		{"nicklen", []string{"NICKLEN=30"}, 30},
		{"nicklen", []string{"NICKLEN=30", "NICKLEN=x"}, 30},
		{"nicklen", []string{"NICKLEN=0"}, 0},
		{"nicklen", []string{"NICKLEN=-3"}, 0},
		{"nicklen", []string{"NICKLEN=30", "-NICKLEN"}, 0},
		{"nicklen", []string{"NICKLEN=99999999999999999999"}, 0},
		{"channellen", []string{"CHANNELLEN=64"}, 64},
		{"topiclen", []string{"TOPICLEN=307"}, 307},
		{"kicklen", []string{"KICKLEN=255"}, 255},
		{"awaylen", []string{"AWAYLEN=200"}, 200},
		{"namelen", []string{"NAMELEN=128"}, 128},
		{"userlen", []string{"USERLEN=10"}, 10},
		{"hostlen", []string{"HOSTLEN=64"}, 64},
		{"linelen", nil, 512},
		{"linelen", []string{"LINELEN=2048"}, 2048},
		{"linelen", []string{"LINELEN=100"}, 512},
		{"linelen", []string{"LINELEN=10000000"}, 512},
		{"modes", nil, 3},
		{"modes", []string{"MODES=20"}, 20},
		{"modes", []string{"MODES"}, Unlimited},
		{"modes", []string{"MODES="}, Unlimited},
		{"modes", []string{"MODES=x"}, 3},
		{"prefix", nil, "ov @+"},
		{"prefix", []string{"PREFIX=(qaohv)~&@%+"}, "qaohv ~&@%+"},
		{"prefix", []string{"PREFIX="}, " "},
		{"prefix", []string{"PREFIX"}, " "},
		{"prefix", []string{"PREFIX=(ov)@"}, "ov @+"},
		{"prefix", []string{"PREFIX=ov@+"}, "ov @+"},
		{"prefix", []string{"PREFIX=(oo)@+"}, "ov @+"},
		{"chanmodes", []string{"CHANMODES=eIbq,k,flj,CFLPQ"}, [4]string{"eIbq", "k", "flj", "CFLPQ"}},
		{"chanmodes", []string{"CHANMODES=b,,,,X"}, [4]string{"b", "", "", ""}},
		{"chanmodes", []string{"CHANMODES=b,k"}, DefaultSupport().ChanModes},
		{"statusmsg", nil, ""},
		{"statusmsg", []string{"STATUSMSG=@+"}, "@+"},
		{"targmax", []string{"TARGMAX=PRIVMSG:4,whois:,JOIN:x,:3"}, map[string]int{"PRIVMSG": 4, "WHOIS": Unlimited}},
		{"maxlist", []string{"MAXLIST=bq:100,e:5,I:x"}, map[byte]int{'b': 100, 'q': 100, 'e': 5}},
		{"excepts", nil, byte(0)},
		{"excepts", []string{"EXCEPTS"}, byte('e')},
		{"excepts", []string{"EXCEPTS=X"}, byte('X')},
		{"excepts", []string{"EXCEPTS=XY"}, byte(0)},
		{"invex", []string{"INVEX"}, byte('I')},
		{"whox", []string{"WHOX"}, true},
		{"whox", []string{"WHOX", "-WHOX"}, false},
		{"history by id", []string{"MSGREFTYPES=timestamp,msgid"}, true},
		{"history by id", []string{"MSGREFTYPES=timestamp"}, false},
		{"history by id", nil, false},
		{"monitor", []string{"MONITOR=100"}, 100},
		{"monitor", []string{"MONITOR"}, Unlimited},
		{"monitor", nil, 0},
		{"utf8only", []string{"UTF8ONLY"}, true},
		{"elist", []string{"ELIST=cmntu"}, "CMNTU"},
		{"bot", []string{"BOT=B"}, byte('B')},
		{"bot", []string{"BOT"}, byte(0)},
		{"deny", []string{"CLIENTTAGDENY=*,-typing"}, "*,-typing"},
		{"account", []string{"ACCOUNTEXTBAN=a,account"}, []string{"a", "account"}},
		{"extban", []string{"EXTBAN=$,acjr"}, Extban{"$", "acjr"}},
		{"extban", []string{"EXTBAN=,ac"}, Extban{"", "ac"}},
		{"extban", []string{"EXTBAN=acjr"}, Extban{}},
	}
	for _, test := range tests {
		s := DefaultSupport().With(test.tokens)
		if got := get[test.field](s); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v: %s = %#v, want %#v", test.tokens, test.field, got, test.want)
		}
	}
}

func TestSupportIsImmutable(t *testing.T) {
	before := DefaultSupport().With([]string{"NICKLEN=9", "FOO=bar"})
	after := before.With([]string{"NICKLEN=30", "-FOO", "CHANMODES=b,k,l,n"})
	if before.NickLen != 9 || after.NickLen != 30 || before.ChanModes == after.ChanModes {
		t.Fatalf("before %+v after %+v", before, after)
	}
	if value, present := before.Raw("FOO"); !present || value != "bar" {
		t.Fatalf("Raw = %q, %v", value, present)
	}
	if _, present := after.Raw("FOO"); present {
		t.Fatal("-FOO did not remove it")
	}
}

// TestSupportIsShared: connections to one server hold its parameters once.
func TestSupportIsShared(t *testing.T) {
	make := func() *Support {
		return DefaultSupport().With([]string{"NETWORK=" + strings.Repeat("x", 20), "FOO"}).With([]string{"NICKLEN=9"})
	}
	first, second := make(), make()
	if first.tokens != second.tokens || unsafe.StringData(first.Network) != unsafe.StringData(second.Network) {
		t.Fatal("the same parameters are held twice")
	}
}

func TestSupportIsBounded(t *testing.T) {
	s := DefaultSupport()
	for i := range 10 * maxSupportTokens {
		s = s.With([]string{string([]byte{'A' + byte(i%26), 'A' + byte(i/26%26), 'A' + byte(i/676)})})
	}
	if len(readTokens(s.tokens.Value())) != maxSupportTokens {
		t.Fatalf("%d tokens", len(readTokens(s.tokens.Value())))
	}
	long := make([]byte, maxSupportTokenBytes)
	if _, present := DefaultSupport().With([]string{"X=" + string(long)}).Raw("X"); present {
		t.Fatal("a token of any length was kept")
	}
}

func TestSupportNames(t *testing.T) {
	s := DefaultSupport().With([]string{"CHANTYPES=#+", "STATUSMSG=@+", "PREFIX=(qo)~@", "EXCEPTS=E"})
	channels := map[string]bool{"#c": true, "+c": true, "&c": false, "nick": false, "": false, "@#c": false}
	for name, want := range channels {
		if got := s.IsChannel(name); got != want {
			t.Errorf("IsChannel(%q) = %v", name, got)
		}
	}
	targets := map[string][2]string{
		"@#c": {"@", "#c"}, "@+#c": {"@+", "#c"}, "+c": {"", "+c"}, "++c": {"+", "+c"}, "@nick": {"", "@nick"}, "": {"", ""}, "@": {"", "@"},
	}
	for target, want := range targets {
		if status, rest := s.splitStatus(target); [2]string{status, rest} != want {
			t.Errorf("splitStatus(%q) = %q %q", target, status, rest)
		}
	}
	if s.ModeOf('@') != 'o' || s.ModeOf('+') != 0 {
		t.Error("prefixes and modes do not match")
	}
	kinds := map[byte]ModeKind{'q': ModePrefix, 'b': ModeList, 'E': ModeList, 'k': ModeAlways, 'l': ModeWhenSet, 'n': ModeFlag, 'Z': ModeFlag}
	for mode, want := range kinds {
		if got := s.KindOf(mode); got != want {
			t.Errorf("KindOf(%c) = %v, want %v", mode, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	tests := []struct {
		mapping Casemapping
		in      string
		want    Folded
	}{
		{RFC1459, `Nick[]\~`, `nick{}|^`},
		{RFC1459, `{}|^`, `{}|^`},
		{RFC1459, "É", "É"},
		{ASCII, `Nick[]\~`, `nick[]\~`},
		{StrictRFC1459, `Nick[]\~^`, `nick{}|~^`},
		{RFC7613, `ÉTÉ[Ж`, `été[ж`},
		{RFC7613, "A\xff", "a\uFFFD"},
		{ASCII, "", ""},
	}
	for _, test := range tests {
		got := test.mapping.Fold(test.in)
		if got != test.want {
			t.Errorf("%v.Fold(%q) = %q, want %q", test.mapping, test.in, got, test.want)
		}
		if again := test.mapping.Fold(string(got)); again != got {
			t.Errorf("folding %q again gives %q", got, again)
		}
	}
	for mapping := RFC1459; mapping <= RFC7613; mapping++ {
		if n := testing.AllocsPerRun(10, func() { _ = mapping.Fold("#folded-{already}") }); n != 0 {
			t.Errorf("mapping %d allocates %v times for a folded name", mapping, n)
		}
	}
}

func TestParseModes(t *testing.T) {
	s := DefaultSupport().With([]string{"PREFIX=(ov)@+", "CHANMODES=beI,k,lj,imnst"})
	tests := []struct {
		letters string
		args    []string
		want    []ModeChange
	}{
		{"+b-o+v", []string{"*!*@x", "a", "b"}, []ModeChange{{true, 'b', ModeList, "*!*@x"}, {false, 'o', ModePrefix, "a"}, {true, 'v', ModePrefix, "b"}}},
		{"o", []string{"a"}, []ModeChange{{true, 'o', ModePrefix, "a"}}},
		{"+k-k", []string{"key", "*"}, []ModeChange{{true, 'k', ModeAlways, "key"}, {false, 'k', ModeAlways, "*"}}},
		{"-lo", []string{"a"}, []ModeChange{{false, 'l', ModeWhenSet, ""}, {false, 'o', ModePrefix, "a"}}},
		{"+lo", []string{"5", "a"}, []ModeChange{{true, 'l', ModeWhenSet, "5"}, {true, 'o', ModePrefix, "a"}}},
		{"+Zo", []string{"a"}, []ModeChange{{true, 'Z', ModeFlag, ""}, {true, 'o', ModePrefix, "a"}}},
		{"+ov", []string{"a"}, []ModeChange{{true, 'o', ModePrefix, "a"}, {true, 'v', ModePrefix, ""}}},
		{"+n", []string{"spare"}, []ModeChange{{true, 'n', ModeFlag, ""}}},
		{"+-", nil, []ModeChange{}},
		{"", nil, []ModeChange{}},
	}
	for _, test := range tests {
		if got := parseModes(s, test.letters, test.args); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s %v: got %+v, want %+v", test.letters, test.args, got, test.want)
		}
	}
}
