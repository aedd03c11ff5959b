package gateway

import "testing"

func TestPrompt(t *testing.T) {
	w := newWorld(t)
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='p'><query xmlns='jabber:iq:gateway'/></iq>`, desk)
	w.expectOne(`<prompt>Channel or nick</prompt>`, `#channel@irc.server`)
	tests := []struct{ at, prompt, jid string }{
		{"gw.test", "#Chan@irc.test", "#chan%irc.test@gw.test"},
		{"gw.test", "#chan%irc.test", "#chan%irc.test@gw.test"},
		{"gw.test", " Romeo@IRC.test ", "romeo%irc.test@gw.test"},
		{"gw.test", "#a@b@irc.test", `#a\40b%irc.test@gw.test`},
		{"gw.test", "ircs://irc.test/chan", "#chan%irc.test@gw.test"},
		{"gw.test", "irc://irc.test:6667/#chan", "#chan%irc.test@gw.test"},
		{"gw.test", "irc://irc.test/romeo,isnick", "romeo%irc.test@gw.test"},
		{"gw.test", "irc://irc.test", "irc.test@gw.test"},
		{"irc.test@gw.test", "#chan", "#chan%irc.test@gw.test"},
		{"gw.test", "#chan", ""},
		{"gw.test", "", ""},
		{"gw.test", "two words@irc.test", ""},
		{"gw.test", "#chan@bad host", ""},
		{"gw.test", "irc:///chan", ""},
	}
	for _, test := range tests {
		w.stanza(`<iq from='%s' to='%s' type='set' id='p'><query xmlns='jabber:iq:gateway'><prompt>%s</prompt></query></iq>`, desk, test.at, test.prompt)
		if test.jid == "" {
			w.expectOne(`type='error'`, `item-not-found`)
			continue
		}
		w.expectOne(`<jid>` + test.jid + `</jid>`)
	}
	w.g.addressing.Fixed = "irc.test"
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='p'><query xmlns='jabber:iq:gateway'/></iq>`, desk)
	w.expectOne(`somebody's nick on irc.test`)
	for prompt, want := range map[string]string{
		"#chan": `<jid>#chan@gw.test</jid>`, "romeo@IRC.test": `<jid>romeo@gw.test</jid>`, "ircs://irc.test/chan": `<jid>#chan@gw.test</jid>`,
		"#chan@other.test":  `this gateway is for irc.test only, not for other.test`,
		"irc://other.test/": `this gateway is for irc.test only, not for other.test`,
	} {
		w.stanza(`<iq from='%s' to='gw.test' type='set' id='p'><query xmlns='jabber:iq:gateway'><prompt>%s</prompt></query></iq>`, desk, prompt)
		w.expectOne(want)
	}
}
