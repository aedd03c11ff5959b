package ircconn

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var allLimits = lineLimits{bytes: 512, tags: true, labels: true}

func TestLineBytes(t *testing.T) {
	tests := []struct {
		line Line
		want string
	}{
		{Privmsg("#c", "hello there"), "PRIVMSG #c :hello there"},
		{Privmsg("#c", "hello"), "PRIVMSG #c hello"},
		{Privmsg("#c", ":)"), "PRIVMSG #c ::)"},
		{Notice("a", "b c"), "NOTICE a :b c"},
		{Action("#c", "waves"), "PRIVMSG #c :\x01ACTION waves\x01"},
		{CTCPQuery("a", "VERSION", ""), "PRIVMSG a \x01VERSION\x01"},
		{CTCPReply("a", "PING", "1\x01 2"), "NOTICE a :\x01PING 1 2\x01"},
		{Join("#c", ""), "JOIN #c"},
		{Join("#c", "key"), "JOIN #c key"},
		{Part("#c", ""), "PART #c"},
		{Part("#c", "bye now"), "PART #c :bye now"},
		{Nick("a"), "NICK a"},
		{Topic("#c", "a b"), "TOPIC #c :a b"},
		{Topic("#c", ""), "TOPIC #c :"},
		{Kick("#c", "a", ""), "KICK #c a"},
		{Kick("#c", "a", "go away"), "KICK #c a :go away"},
		{Mode("#c", ""), "MODE #c"},
		{Mode("#c", "+ov", "a", "b"), "MODE #c +ov a b"},
		{Who("#c"), "WHO #c"},
		{WhoAccounts("#c"), "WHO #c %tcuhnfa,152"},
		{Whois("a"), "WHOIS a"},
		{Invite("a", "#c"), "INVITE a #c"},
		{Away("out"), "AWAY out"},
		{Away(""), "AWAY"},
		{List(""), "LIST"},
		{List(">10"), "LIST >10"},
		{Whois("a").WithLabel("x;1"), `@label=x\:1 WHOIS a`},
		{Line{Command: "TAGMSG", Params: []string{"#c"}, Tags: []Tag{{"+typing", "active"}}}, "@+typing=active TAGMSG #c"},
		{Line{Command: "whois", Params: []string{"a"}}, "whois a"},
	}
	for _, test := range tests {
		got, err := test.line.bytes(allLimits)
		if err != nil || string(got) != test.want+"\r\n" {
			t.Errorf("%+v: got %q, %v, want %q", test.line, got, err, test.want)
		}
	}
	tagged := Line{Command: "TAGMSG", Params: []string{"#c"}, Tags: []Tag{{"+typing", "active"}}, Label: "x"}
	if got, err := tagged.bytes(lineLimits{bytes: 512}); err != nil || string(got) != "TAGMSG #c\r\n" {
		t.Errorf("without capabilities: got %q, %v", got, err)
	}
}

func TestLineRefusals(t *testing.T) {
	tests := []struct {
		name string
		line Line
	}{
		{"CR in the text", Privmsg("#c", "a\rQUIT")},
		{"LF in the text", Privmsg("#c", "a\nQUIT")},
		{"NUL in the text", Privmsg("#c", "a\x00b")},
		{"LF in a middle parameter", Join("#c\nQUIT", "key")},
		{"LF in the label", Line{Command: "WHOIS", Params: []string{"a"}, Tags: []Tag{{"x\n", "y"}}}},
		{"space in a channel", Privmsg("#c d", "a")},
		{"colon before a channel", Privmsg(":#c", "a")},
		{"empty target", Privmsg("", "a")},
		{"no command", Line{}},
		{"command with a space", Line{Command: "JOIN #c", Params: []string{"x"}}},
		{"command with a line break", Line{Command: "JOIN\r\nQUIT"}},
		{"command with a colon", Line{Command: ":x"}},
		{"too long", Privmsg("#c", strings.Repeat("a", 512-len("PRIVMSG #c \r\n")+1))},
		{"tags too long", Privmsg("#c", "a").WithLabel(strings.Repeat("a", 4096))},
		{"tag without a name", Line{Command: "TAGMSG", Params: []string{"#c"}, Tags: []Tag{{"a b", "x"}}}},
	}
	for _, test := range tests {
		data, err := test.line.bytes(allLimits)
		var local *Error
		if !errors.As(err, &local) || local.Kind != KindLocal || local.Error() == "" || data != nil {
			t.Errorf("%s: got %q, %v", test.name, data, err)
		}
	}
	longest := Privmsg("#c", strings.Repeat("a", 512-len("PRIVMSG #c \r\n")))
	if data, err := longest.bytes(allLimits); err != nil || len(data) != 512 {
		t.Errorf("a line of 512 bytes: %d bytes, %v", len(data), err)
	}
}

func TestParseLine(t *testing.T) {
	good := map[string]Line{
		"whois romeo":          newLine("WHOIS", "romeo"),
		"  PRIVMSG #c :a b ":   newLine("PRIVMSG", "#c", "a b "),
		"MODE #c +b *!*@*":     newLine("MODE", "#c", "+b", "*!*@*"),
		"TOPIC #c :":           newLine("TOPIC", "#c", ""),
		"LUSERS":               newLine("LUSERS"),
		"PRIVMSG  #c   spaces": newLine("PRIVMSG", "#c", "spaces"),
	}
	for raw, want := range good {
		got, err := ParseLine(raw)
		if err != nil || got.Command != want.Command || !slices.Equal(got.Params, want.Params) {
			t.Errorf("%q: got %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", "   ", "@a=b JOIN #c", ":romeo JOIN #c", "JOIN #c\r\nQUIT", "a\x00", "héllo", "-x y", "\r\n"} {
		_, err := ParseLine(raw)
		var local *Error
		if !errors.As(err, &local) || local.Kind != KindLocal {
			t.Errorf("%q: %v", raw, err)
		}
	}
}
