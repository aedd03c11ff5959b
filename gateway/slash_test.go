package gateway

import (
	"strings"
	"testing"

	"passerelle/ircconn"
)

func TestSlashCommandSyntax(t *testing.T) {
	tests := []struct {
		body, name, args string
		is               bool
	}{
		{"/msg romeo hi", "msg", "romeo hi", true},
		{"/MSG romeo", "msg", "romeo", true},
		{"/help", "help", "", true},
		{"/dance", "dance", "", true},
		{"/", "", "", false},
		{"/ x", "", "", false},
		{"//x", "", "", false},
		{"/me x", "", "", false},
		{"/me", "", "", false},
		{"/etc/passwd", "", "", false},
		{"/file.txt is it", "", "", false},
		{"/a\nb", "", "", false},
		{"hello /msg", "", "", false},
		{"", "", "", false},
	}
	for _, test := range tests {
		if name, args, is := slashCommand(test.body); name != test.name || args != test.args || is != test.is {
			t.Errorf("%q: %q, %q, %v", test.body, name, args, is)
		}
	}
}

// What is said to a channel by a command is shown in it.
func TestMessageToTheChannelByCommand(t *testing.T) {
	w := connected(t)
	w.say(desk, "c1", "/msg #CHAN hello")
	w.expectLines("PRIVMSG #chan hello")
	w.forget()
	w.event(ircconn.Written{Receipt: 1})
	w.expectOne(`from='`+room+`/juliet'`, `<body>hello</body>`)
	w.say(desk, "c2", "/notice #chan beep")
	w.forget()
	w.event(ircconn.Written{Receipt: 2})
	w.expectOne(`from='`+room+`/juliet'`, `<body>[notice] beep</body>`)
}

// IRC would take these for several people, or for no person.
func TestMessagesToNobody(t *testing.T) {
	for _, nick := range []string{"a,b", "$*", "@#chan", "*!*@host"} {
		w := connected(t)
		w.say(desk, "c1", "/msg "+nick+" hello")
		w.expectLines()
		if got := strings.Join(w.sent(), "\n"); !strings.Contains(got, `type='error' id='c1'`) || !strings.Contains(got, "item-not-found") {
			t.Errorf("%s: %s", nick, got)
		}
	}
	for _, nick := range []string{"a,b", "$*", `\40#chan`, `*!*\40host`} {
		w := connected(t)
		w.stanza(`<message from='%s' to='%s%%irc.test@gw.test' type='chat' id='p1'><body>hello</body></message>`, desk, nick)
		w.expectLines()
		w.expectOne(`type='error' id='p1'`, `item-not-found`)
	}
}

// A command is shown to whoever gave it, and to nobody else.
func TestCommandsAreNotSaid(t *testing.T) {
	w := connected(t)
	w.join(phone, "juliet")
	w.forget()
	w.say(desk, "c1", "/kick romeo")
	w.expect(`<message from='` + room + `/juliet' to='` + desk + `' type='groupchat' id='c1'><body>/kick romeo</body>` +
		`<origin-id xmlns='urn:xmpp:sid:0' id='c1'/><no-store xmlns='urn:xmpp:hints'/></message>`)
}

func TestHelp(t *testing.T) {
	w := connected(t)
	w.say(desk, "c1", "/help")
	got := w.sent()
	for name := range commandList() {
		if len(got) != 2 || !strings.Contains(got[1], "/"+name) {
			t.Errorf("/%s is missing", name)
		}
	}
	w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' type='chat' id='c2'><body>/help</body></message>`, desk)
	w.expectOne(`from='romeo%irc.test@gw.test' to='`+desk+`' type='chat'`, `/whois nick`)
	w.expectLines()
}

// A command in a private chat answers there.
func TestWhoisInPrivate(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' type='chat' id='c1'><body>/whois romeo</body></message>`, desk)
	w.expectLines("WHOIS romeo")
	w.event(ircconn.Reply{Numeric: 311, Params: []string{"romeo", "is here"}})
	w.expectOne(`from='romeo%irc.test@gw.test' to='`+desk+`' type='chat'`, `romeo is here`)
}

func TestPartCommandTakesAllSessionsOut(t *testing.T) {
	w := connected(t)
	w.join(phone, "juliet")
	w.forget()
	w.say(desk, "c1", "/part so long")
	w.expectLines("PART #chan so long")
	got := strings.Join(w.sent(), "\n")
	for _, to := range []string{desk, phone} {
		if !strings.Contains(got, `to='`+to+`' type='unavailable'><status>so long</status>`) {
			t.Errorf("%s is still in:\n%s", to, got)
		}
	}
}
