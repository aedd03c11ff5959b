package translate

import (
	"errors"
	"strings"
	"testing"
)

func usualTypes(string) string { return "#&+!" }

func TestParseAddress(t *testing.T) {
	tests := []struct {
		localpart string
		want      Address
		bad       bool
	}{
		{"", Address{}, false},
		{"irc.test", Address{Server, "", "irc.test"}, false},
		{"Libera", Address{Server, "", "libera"}, false},
		{"#chan%irc.test", Address{Channel, "#chan", "irc.test"}, false},
		{"#Chan%IRC.Test", Address{Channel, "#Chan", "irc.test"}, false},
		{"#100%%irc.test", Address{Channel, "#100%", "irc.test"}, false},
		{"##a%b%irc.test", Address{Channel, "##a%b", "irc.test"}, false},
		{`\26local%irc.test`, Address{Channel, "&local", "irc.test"}, false},
		{"&local%irc.test", Address{Channel, "&local", "irc.test"}, false},
		{"!abcde%irc.test", Address{Channel, "!abcde", "irc.test"}, false},
		{`#a\2fb\3ac%irc.test`, Address{Channel, "#a/b:c", "irc.test"}, false},
		{`#a\2Fb%irc.test`, Address{Channel, "#a/b", "irc.test"}, false},
		{"romeo%irc.test", Address{Nick, "romeo", "irc.test"}, false},
		{"[r]|%irc.test", Address{Nick, "[r]|", "irc.test"}, false},
		{`*!*\40bad.test%irc.test`, Address{Nick, "*!*@bad.test", "irc.test"}, false},
		{"b\u00fccher.test", Address{Server, "", "b\u00fccher.test"}, false},
		{"%irc.test", Address{}, true},
		{"#chan%", Address{}, true},
		{"#chan", Address{}, true},
		{"a b", Address{}, true},
		{".test", Address{}, true},
		{"-x", Address{}, true},
		{`a\20b%irc.test`, Address{}, true},
		{"#a\rb%irc.test", Address{}, true},
		{"#a\x07b%irc.test", Address{}, true},
		{"#a,#b%irc.test", Address{}, true},
		{"#a%b/c", Address{}, true},
	}
	for _, test := range tests {
		got, err := Addressing{}.Parse(test.localpart, usualTypes)
		if (err != nil) != test.bad || got != test.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", test.localpart, got, err, test.want)
		}
		if err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("the error %v is no ErrAddress", err)
		}
	}
}

func TestFixedServer(t *testing.T) {
	fixed := Addressing{Fixed: "irc.test"}
	for localpart, want := range map[string]Address{
		"":        {Gateway, "", "irc.test"},
		"#chan":   {Channel, "#chan", "irc.test"},
		"#100%":   {Channel, "#100%", "irc.test"},
		"#a%b.c":  {Channel, "#a%b.c", "irc.test"},
		"romeo":   {Nick, "romeo", "irc.test"},
		`a\5c20b`: {Nick, `a\20b`, "irc.test"},
	} {
		got, err := fixed.Parse(localpart, usualTypes)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", localpart, got, err, want)
		}
		if back := fixed.Localpart(got); back != localpart {
			t.Errorf("%q comes back as %q", localpart, back)
		}
	}
}

// What is a channel is for the network to say.
func TestChanTypes(t *testing.T) {
	only := func(types string) func(string) string {
		return func(network string) string {
			if network != "irc.test" {
				t.Errorf("asked for %q", network)
			}
			return types
		}
	}
	for types, want := range map[string]Kind{"#": Nick, "+": Channel, "": Nick} {
		if got, err := (Addressing{}).Parse("+chan%irc.test", only(types)); err != nil || got.Kind != want {
			t.Errorf("with %q: %v, %v", types, got.Kind, err)
		}
	}
}

func TestLocalpart(t *testing.T) {
	tests := []struct {
		address Address
		want    string
	}{
		{Address{Gateway, "", ""}, ""},
		{Address{Server, "", "irc.test"}, "irc.test"},
		{Address{Channel, "#Chan", "irc.test"}, "#chan%irc.test"},
		{Address{Channel, "&l", "irc.test"}, `\26l%irc.test`},
		{Address{Channel, "#a/b:c", "irc.test"}, `#a\2fb\3ac%irc.test`},
		{Address{Nick, "*!*@Bad.test", "irc.test"}, `*!*\40bad.test%irc.test`},
		{Address{Channel, "#\u00c4\u212b", "irc.test"}, "#\u00e4\u00e5%irc.test"},
		{Address{Channel, "#\uff20", "irc.test"}, `#\40%irc.test`},
		{Address{Nick, strings.Repeat("n", 2000), "irc.test"}, strings.Repeat("n", 1014) + "%irc.test"},
	}
	for _, test := range tests {
		if got := (Addressing{}).Localpart(test.address); got != test.want {
			t.Errorf("Localpart(%+v) = %q, want %q", test.address, got, test.want)
		}
	}
}

func TestKindNames(t *testing.T) {
	for kind, want := range map[Kind]string{Gateway: "gateway", Server: "server", Channel: "channel", Nick: "nick"} {
		if kind.String() != want {
			t.Errorf("%d is called %s", kind, kind)
		}
	}
}

// XEP-0106 §3 and its examples.
func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"plain":             "plain",
		`space cadet`:       `space\20cadet`,
		`call me "ishmael"`: `call\20me\20\22ishmael\22`,
		`at&t guy`:          `at\26t\20guy`,
		`d'artagnan`:        `d\27artagnan`,
		`/.fanboy`:          `\2f.fanboy`,
		`::foo::`:           `\3a\3afoo\3a\3a`,
		`<foo>`:             `\3cfoo\3e`,
		`user@host`:         `user\40host`,
		`c:\net`:            `c\3a\net`,
		`c:\\net`:           `c\3a\\net`,
		`c:\cool stuff`:     `c\3a\cool\20stuff`,
		`c:\5commas`:        `c\3a\5c5commas`,
		`\3and\2is\5c`:      `\5c3and\2is\5c5c`,
	} {
		if got := Escape(name); got != want {
			t.Errorf("Escape(%q) = %q, want %q", name, got, want)
		}
		if got := Unescape(want); got != name {
			t.Errorf("Unescape(%q) = %q, want %q", want, got, name)
		}
	}
	for localpart, want := range map[string]string{`a\2Fb`: "a/b", `a\zzb`: `a\zzb`, `a\2`: `a\2`, `\`: `\`, `\5C`: `\`} {
		if got := Unescape(localpart); got != want {
			t.Errorf("Unescape(%q) = %q, want %q", localpart, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add(`c:\5commas`)
	f.Add(`\\2f \5c5c`)
	f.Fuzz(func(t *testing.T, name string) {
		escaped := Escape(name)
		if strings.ContainsAny(escaped, ` "&'/:<>@`) {
			t.Errorf("Escape(%q) = %q", name, escaped)
		}
		if back := Unescape(escaped); back != name {
			t.Errorf("Unescape(Escape(%q)) = %q", name, back)
		}
	})
}

// An address is understood as what it was written for, however odd the name.
func FuzzAddress(f *testing.F) {
	f.Add("#chan%irc.test", "")
	f.Add(`\5c20%a.b`, "")
	f.Add("#100%", "irc.test")
	f.Fuzz(func(t *testing.T, localpart, server string) {
		if len(localpart) > 300 || len(server) > 100 {
			return // escaped, it could be too long for a localpart
		}
		addressing := Addressing{}
		if validNetwork(server) {
			addressing.Fixed = strings.ToLower(server)
		}
		address, err := addressing.Parse(localpart, usualTypes)
		if err != nil {
			return
		}
		canonical := addressing.Localpart(address)
		again, err := addressing.Parse(canonical, usualTypes)
		if err != nil {
			if strings.ContainsAny(lower(address.Name), " ,") || lower(address.Name) == "" {
				return // compatibility forms of what no name may hold
			}
			t.Fatalf("%q is written as %q, which is refused: %v", localpart, canonical, err)
		}
		if addressing.Localpart(again) != canonical {
			t.Errorf("%q is written as %q and then as %q", localpart, canonical, addressing.Localpart(again))
		}
		if strings.ContainsAny(canonical, ` "&'/:<>@`) {
			t.Errorf("%q is written as %q", localpart, canonical)
		}
	})
}
