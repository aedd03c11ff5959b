package gateway

import (
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// admin sends an IQ of muc#admin with these items.
func (w *world) admin(iqType, id, items string) {
	w.t.Helper()
	w.stanza(`<iq from='%s' to='%s' type='%s' id='%s'><query xmlns='http://jabber.org/protocol/muc#admin'>%s</query></iq>`, desk, room, iqType, id, items)
}

func adminResult(id string) string {
	return `<iq from='` + room + `' to='` + desk + `' type='result' id='` + id + `'/>`
}

// withAndWithoutLabels runs a test against a server that labels its answers and
// one that does not.
func withAndWithoutLabels(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("labels", func(t *testing.T) { test(t, connected(t, "labeled-response")) })
	t.Run("none", func(t *testing.T) { test(t, connected(t)) })
}

// refuses is a refusal of the n-th line sent since the last look.
func (w *world) refuses(line int, refusal ircconn.Refused) ircconn.Refused {
	if w.network().caps.Has("labeled-response") {
		refusal.Label = w.irc.sent[line].Label
	}
	return refusal
}

// modesAre is the server's answer to the n-th line, a question for all modes.
func (w *world) modesAre(line int, modes string) ircconn.ChannelModes {
	answer := ircconn.ChannelModes{Channel: "#chan", Changes: modeChanges(modes)}
	if w.network().caps.Has("labeled-response") {
		answer.Label = w.irc.sent[line].Label
	}
	return answer
}

func TestAdminLists(t *testing.T) {
	item := func(affiliation, role, nick string) string {
		return `<item affiliation='` + affiliation + `' role='` + role + `' nick='` + nick + `' jid='` + strings.ToLower(nick) + `%irc.test@gw.test'/>`
	}
	tests := []struct{ query, want string }{
		{`<item affiliation='admin'/>`, item("admin", "moderator", "nurse")},
		{`<item affiliation='owner'/>`, item("owner", "moderator", "Queen")},
		{`<item affiliation='member'/>`, item("member", "participant", "romeo")},
		{`<item role='moderator'/>`, item("admin", "moderator", "nurse") + item("owner", "moderator", "Queen")},
		{`<item affiliation='king'/>`, ``},
	}
	for _, test := range tests {
		w := newWorld(t)
		w.join(desk, "juliet")
		w.register("juliet")
		w.enter("@nurse +romeo ~Queen juliet")
		w.forget()
		w.admin("get", "q1", test.query)
		want := `<query xmlns='http://jabber.org/protocol/muc#admin'>` + test.want + `</query>`
		if test.want == "" {
			want = `<query xmlns='http://jabber.org/protocol/muc#admin'/>`
		}
		w.expect(`<iq from='` + room + `' to='` + desk + `' type='result' id='q1'>` + want + `</iq>`)
		w.expectLines()
	}
}

func TestAdminWithoutBeingIn(t *testing.T) {
	w := connected(t)
	for _, iqType := range []string{"get", "set"} {
		w.stanza(`<iq from='%s' to='%s' type='%s' id='q1'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast' nick='romeo'/></query></iq>`, phone, room, iqType)
		w.expectOne(`to='`+phone+`' type='error' id='q1'`, `not-acceptable`)
	}
	w.expectLines()
}

func TestAdminNonsense(t *testing.T) {
	tests := []struct{ iqType, items, condition string }{
		{"get", ``, "bad-request"},
		{"get", `<item/>`, "bad-request"},
		{"set", ``, "bad-request"},
		{"set", `<item nick='romeo'/>`, "bad-request"},
		{"set", `<item role='none'/>`, "bad-request"},
		{"set", `<item affiliation='king' nick='romeo'/>`, "not-allowed"},
		{"set", `<item role='jester' nick='romeo'/>`, "not-allowed"},
		{"set", `<item role='visitor' nick='romeo'/>`, "not-allowed"}, // not +m
		{"set", `<item role='participant' nick='stranger'/>`, "item-not-found"},
		{"set", `<item role='none' nick='stranger'/>`, "item-not-found"},
		{"set", `<item affiliation='admin' jid='stranger%irc.test@gw.test'/>`, "item-not-found"},
		{"set", `<item affiliation='outcast' jid='tybalt@xmpp.test'/>`, "item-not-found"},
		{"set", `<item affiliation='outcast' jid='romeo%other.test@gw.test'/>`, "item-not-found"},
		{"set", `<item affiliation='outcast' jid='#two%irc.test@gw.test'/>`, "item-not-found"},
		{"set", `<item affiliation='outcast' jid='@@'/>`, "bad-request"},
	}
	for _, test := range tests {
		w := connected(t)
		w.admin(test.iqType, "q1", test.items)
		w.expectOne(`type='error' id='q1'`, "<"+test.condition+" ")
		w.expectLines()
	}
}

// Roles and affiliations become the modes that this network has.
func TestGivingRoles(t *testing.T) {
	tests := []struct{ item, prefix, line string }{
		{`<item nick='romeo' role='moderator'/>`, "", "+h romeo"},
		{`<item nick='romeo' role='moderator'/>`, "PREFIX=(ov)@+", "+o romeo"},
		{`<item nick='nurse' role='participant'/>`, "", "-o nurse"},
		{`<item nick='romeo' affiliation='owner'/>`, "", "+q romeo"},
		{`<item nick='romeo' affiliation='admin'/>`, "", "+o romeo"},
		{`<item nick='romeo' affiliation='member'/>`, "", "+v romeo"},
		{`<item nick='nurse' affiliation='member'/>`, "", "-o+v nurse nurse"},
		{`<item nick='nurse' affiliation='none'/>`, "", "-o nurse"},
		{`<item jid='Romeo%irc.test@gw.test' affiliation='member'/>`, "", "+v romeo"},
		{`<item jid='` + room + `/romeo' affiliation='member'/>`, "", "+v romeo"},
	}
	for _, test := range tests {
		w := connected(t)
		if test.prefix != "" {
			w.event(ircconn.SupportChanged{Support: support.With([]string{test.prefix})})
		}
		w.admin("set", "q1", test.item)
		w.expectLines("MODE #chan "+test.line, "MODE #chan")
		w.expect() // not before the server has said yes
		w.event(modeLine(test.line))
		got := w.sent()
		if len(got) != 2 || !strings.Contains(got[0], "<presence") || got[1] != adminResult("q1") {
			t.Errorf("%s: %s", test.item, strings.Join(got, "\n"))
		}
	}
	w := connected(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"PREFIX=(ov)@+"})})
	w.admin("set", "q1", `<item nick='romeo' affiliation='owner'/>`)
	w.expectOne(`type='error' id='q1'`, `not-allowed`)
	w.expectLines()
}

func TestVisitorInModeratedChannel(t *testing.T) {
	w := connected(t)
	w.event(modeLine("+mv romeo"))
	w.forget()
	w.admin("set", "q1", `<item nick='romeo' role='visitor'/>`)
	w.expectLines("MODE #chan -v romeo", "MODE #chan")
	w.event(modeLine("-v romeo"))
	w.forget()
	w.admin("set", "q2", `<item nick='romeo' role='participant'/>`)
	w.expectLines("MODE #chan +v romeo", "MODE #chan")
}

// Nothing is sent for what is so already, and the answer is yes.
func TestRoleThatIsThere(t *testing.T) {
	w := connected(t)
	w.admin("set", "q1", `<item nick='nurse' role='moderator'/><item nick='nurse' affiliation='admin'/>`)
	w.expect(adminResult("q1"))
	w.expectLines()
}

// The network takes only so many modes in one line (ISUPPORT MODES).
func TestModesPerLine(t *testing.T) {
	w := connected(t)
	w.event(ircconn.SupportChanged{Support: support.With([]string{"MODES=1"})})
	w.admin("set", "q1", `<item nick='nurse' affiliation='member'/>`)
	w.expectLines("MODE #chan -o nurse", "MODE #chan +v nurse", "MODE #chan")
	w.event(modeLine("-o nurse"))
	if got := w.sent(); len(got) != 1 || !strings.Contains(got[0], "<presence") {
		t.Errorf("after one of two: %s", strings.Join(got, "\n"))
	}
	w.event(modeLine("+v nurse"))
	if got := w.sent(); len(got) != 2 || got[1] != adminResult("q1") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}

func TestRefusedRoles(t *testing.T) {
	tests := []struct {
		refused   ircconn.Refused
		condition string
	}{
		{ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "no op"}, "forbidden"},
		{ircconn.Refused{Numeric: 472, Target: "v", Params: []string{"v"}, Text: "no mode"}, "feature-not-implemented"},
		{ircconn.Refused{Numeric: 441, Target: "romeo", Params: []string{"romeo", "#chan"}, Text: "not there"}, "item-not-found"},
		{ircconn.Refused{Numeric: 401, Target: "romeo", Params: []string{"romeo"}, Text: "nobody"}, "item-not-found"},
	}
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		for _, test := range tests {
			w.irc.sent = nil
			w.admin("set", "q1", `<item nick='romeo' affiliation='member'/>`)
			refusal, fence := w.refuses(0, test.refused), w.modesAre(1, "+nt")
			w.event(refusal)
			w.expectOne(`<iq from='`+room+`' to='`+desk+`' type='error' id='q1'>`, "<"+test.condition+" ", test.refused.Text)
			w.event(fence)
			w.expect()
		}
	})
	// Also of a later line.
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.event(ircconn.SupportChanged{Support: support.With([]string{"MODES=1"})})
		w.admin("set", "q1", `<item nick='nurse' affiliation='member'/>`)
		w.event(modeLine("-o nurse"))
		w.forgetStanzas()
		w.event(w.refuses(1, ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "no op"}))
		w.expectOne(`type='error' id='q1'`, `forbidden`)
	})
}

// forgetStanzas drops what was sent to XMPP so far.
func (w *world) forgetStanzas() { w.out.text.Reset() }

func TestSeveralItems(t *testing.T) {
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.admin("set", "q1", `<item nick='romeo' affiliation='member'/><item nick='nurse' affiliation='none'/>`)
		fence := w.modesAre(1, "+nt")
		w.expectLines("MODE #chan +v romeo", "MODE #chan")
		w.event(modeLine("+v romeo"))
		w.forgetStanzas()
		second := w.refuses(0, ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "no"})
		w.expectLines("MODE #chan -o nurse", "MODE #chan")
		w.event(fence) // of the first item: says nothing about the second
		w.expect()
		w.event(second)
		w.expectOne(`type='error' id='q1'`, `forbidden`)
	})
	w := connected(t)
	w.admin("set", "q1", `<item nick='stranger' affiliation='member'/><item nick='nurse' affiliation='none'/>`)
	w.expectOne(`type='error' id='q1'`, `item-not-found`)
	w.expectLines() // the first no ends it
}

func TestKickFromXMPP(t *testing.T) {
	w := connected(t)
	w.admin("set", "q1", `<item nick='romeo' role='none'><reason>too loud, and more than KICKLEN</reason></item>`)
	w.expectLines("KICK #chan romeo too loud, and more t")
	w.event(ircconn.Kicked{Source: source("juliet"), Channel: "#chan", Nick: "romeo", Reason: "too loud"})
	w.expect(gone("romeo", desk, "", `<item affiliation='none' role='none'><actor nick='juliet'/><reason>too loud</reason></item><status code='307'/>`), adminResult("q1"))

	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.admin("set", "q1", `<item nick='romeo' role='none'/>`)
		w.event(w.refuses(0, ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "no"}))
		w.expectOne(`type='error' id='q1'`, `forbidden`)
	})
	w = connected(t)
	w.admin("set", "q1", `<item nick='romeo' role='none'/>`)
	w.pass(w.g.live().AnswerTimeout)
	w.expectOne(`type='error' id='q1'`, `remote-server-timeout`)
	w = connected(t)
	w.admin("set", "q1", `<item nick='romeo' role='none'/>`)
	w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindPingTimeout}})
	if got := strings.Join(w.sent(), "\n"); !strings.Contains(got, `type='error' id='q1'`) {
		t.Errorf("the IQ has no answer:\n%s", got)
	}
	w = connected(t)
	w.irc.refusing = ircconn.ErrQueueFull
	w.admin("set", "q1", `<item nick='romeo' role='none'/>`)
	w.expectOne(`type='error' id='q1'`, `resource-constraint`)
}

func TestOutcastLists(t *testing.T) {
	w := connected(t)
	w.admin("get", "q1", `<item affiliation='outcast'/>`)
	w.expectLines("MODE #chan +b")
	w.event(ircconn.ListMode{Channel: "#chan", Mode: 'e'}, ircconn.ListMode{Channel: "#elsewhere", Mode: 'b'})
	w.expect()
	w.event(ircconn.ListMode{Channel: "#chan", Mode: 'b', Items: []ircconn.ListItem{
		{Mask: "*!*@bad.test", Setter: "nurse!n@h", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, {Mask: "$a:evil"}, {Mask: "x!*@*", Setter: "irc.test"},
	}})
	w.expect(`<iq from='` + room + `' to='` + desk + `' type='result' id='q1'><query xmlns='http://jabber.org/protocol/muc#admin'>` +
		`<item affiliation='outcast' jid='*!*\40bad.test%irc.test@gw.test'><reason>by nurse on 2026-01-02</reason></item>` +
		`<item affiliation='outcast' jid='$a\3aevil%irc.test@gw.test'/>` +
		`<item affiliation='outcast' jid='x!*\40*%irc.test@gw.test'><reason>by irc.test</reason></item></query></iq>`)
	w.event(ircconn.ListMode{Channel: "#chan", Mode: 'b'})
	w.expect()
}

// Clients ask for all lists on joining: where only operators may see the bans,
// there are none to see.
func TestOutcastListForOperatorsOnly(t *testing.T) {
	empty := `<iq from='` + room + `' to='` + desk + `' type='result' id='q1'><query xmlns='http://jabber.org/protocol/muc#admin'/></iq>`
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.admin("get", "q1", `<item affiliation='outcast'/>`)
		w.event(w.refuses(0, ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "no"}))
		w.expect(empty)
	})
	w := connected(t)
	w.admin("get", "q1", `<item affiliation='outcast'/>`)
	w.pass(w.g.live().AnswerTimeout)
	w.expect(empty)
}

// XEP-0045 §9.1: the ban first, then the kick, then the answer.
func TestBan(t *testing.T) {
	tests := map[string]struct {
		know func(w *world)
		mask string
	}{
		"host": {func(w *world) {
			w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "house.test"})
		}, "*!*@house.test"},
		"account, which the network cannot ban": {func(w *world) {
			w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "house.test", Account: "montague"})
		}, "*!*@house.test"},
		"account": {func(w *world) {
			w.event(ircconn.SupportChanged{Support: support.With([]string{"EXTBAN=~,a", "ACCOUNTEXTBAN=account,a"})},
				ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "house.test", Account: "montague"})
		}, "~account:montague"},
		"account that has changed": {func(w *world) {
			w.event(ircconn.SupportChanged{Support: support.With([]string{"EXTBAN=$,a", "ACCOUNTEXTBAN=a"})},
				ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "house.test", Account: "montague"},
				ircconn.AccountChanged{Source: source("romeo"), Account: "other"})
		}, "$a:other"},
		"host that has changed": {func(w *world) {
			w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "house.test"},
				ircconn.HostChanged{Source: source("romeo"), NewUser: "r", NewHost: "cloak.test"})
		}, "*!*@cloak.test"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := connected(t)
			test.know(w)
			w.forget()
			w.admin("set", "q1", `<item nick='Romeo' affiliation='outcast'><reason>out</reason></item>`)
			w.expectLines("MODE #chan +b "+test.mask, "MODE #chan")
			fence := w.modesAnswer()
			w.event(modeLine("+b " + test.mask))
			w.expectLines("KICK #chan romeo out")
			w.expect(announced("+b " + test.mask))
			w.event(fence, ircconn.Kicked{Source: source("juliet"), Channel: "#chan", Nick: "romeo", Reason: "out"})
			w.expect(gone("romeo", desk, "", `<item affiliation='outcast' role='none'><actor nick='juliet'/><reason>out</reason></item><status code='301'/>`), adminResult("q1"))
			// Whoever comes back and is kicked by somebody else is not banned by us.
			w.event(ircconn.Joined{Source: source("romeo"), Channel: "#chan"})
			w.forget()
			w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "romeo"})
			w.expectOne(`<status code='307'/>`)
		})
	}
}

func (w *world) modesAnswer() ircconn.ChannelModes {
	return ircconn.ChannelModes{Channel: "#chan", Changes: modeChanges("+nt")}
}

// A host that is not known is asked for.
func TestBanOfSomebodyUnknown(t *testing.T) {
	ask := func(w *world) {
		w.admin("set", "q1", `<item jid='romeo%irc.test@gw.test' affiliation='outcast'/>`)
		w.expectLines("USERHOST romeo")
	}
	w := connected(t)
	ask(w)
	w.event(ircconn.Reply{Numeric: 302, Params: []string{"romeo=+r@house.test "}})
	w.expectLines("MODE #chan +b *!*@house.test", "MODE #chan")

	for name, answer := range map[string]ircconn.Event{
		"nobody":          ircconn.Reply{Numeric: 302, Params: []string{""}},
		"no such command": ircconn.Refused{Numeric: 421, Target: "USERHOST", Text: "Unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			w := connected(t)
			ask(w)
			w.event(answer)
			w.expectLines("MODE #chan +b romeo!*@*", "MODE #chan")
		})
	}
	w = connected(t)
	ask(w)
	w.pass(w.g.live().AnswerTimeout)
	w.expectLines("MODE #chan +b romeo!*@*", "MODE #chan")
	w.pass(w.g.live().AnswerTimeout)
	w.expectOne(`type='error' id='q1'`, `remote-server-timeout`)
}

func TestBanOfSomebodyAbsent(t *testing.T) {
	w := connected(t)
	w.admin("set", "q1", `<item jid='*!*\40bad.test%irc.test@gw.test' affiliation='outcast'/>`)
	w.expectLines("MODE #chan +b *!*@bad.test", "MODE #chan")
	w.event(modeLine("+b *!*@bad.test"))
	w.expectLines()
	w.expect(announced("+b *!*@bad.test"), adminResult("q1"))
}

func TestRefusedBans(t *testing.T) {
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "house.test"})
		w.admin("set", "q1", `<item nick='romeo' affiliation='outcast'/>`)
		w.event(w.refuses(0, ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "no"}))
		w.expectOne(`type='error' id='q1'`, `forbidden`)
		w.expectLines("MODE #chan +b *!*@house.test", "MODE #chan") // and no KICK
	})
	// The ban is set, but who is to go is protected.
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "house.test"})
		w.admin("set", "q1", `<item nick='romeo' affiliation='outcast'/>`)
		w.event(modeLine("+b *!*@house.test"))
		w.forgetStanzas()
		w.event(w.refuses(2, ircconn.Refused{Numeric: 484, Target: "romeo", Params: []string{"romeo", "#chan"}, Text: "protected"}))
		w.expectOne(`type='error' id='q1'`, `not-allowed`)
		w.event(ircconn.Kicked{Source: source("nurse"), Channel: "#chan", Nick: "romeo"})
		w.expectOne(`<status code='307'/>`)
	})
}

// InspIRCd refuses to set what is set (697) and to lift what is not there (698):
// what was asked for is so.
func TestBanThatIsThere(t *testing.T) {
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.event(ircconn.WhoEntry{Channel: "#chan", Nick: "romeo", User: "r", Host: "house.test"})
		w.admin("set", "q1", `<item nick='romeo' affiliation='outcast'/>`)
		refused, fence := w.refuses(0, ircconn.Refused{Numeric: 697, Target: "#chan", Params: []string{"#chan", "*!*@house.test", "b"}}), w.modesAre(1, "+nt")
		w.forget()
		w.event(refused, fence)
		w.expectLines("KICK #chan romeo")
		w.expect()
	})
	withAndWithoutLabels(t, func(t *testing.T, w *world) {
		w.admin("set", "q1", `<item jid='*!*\40house.test%irc.test@gw.test' affiliation='none'/>`)
		refused, fence := w.refuses(0, ircconn.Refused{Numeric: 698, Target: "#chan", Params: []string{"#chan", "*!*@house.test", "b"}}), w.modesAre(1, "+nt")
		w.event(refused, fence)
		w.expect(adminResult("q1"))
	})
}

// An address knows no letters' case, a ban list may.
func TestUnban(t *testing.T) {
	w := connected(t)
	w.event(ircconn.ListMode{Channel: "#chan", Mode: 'b', Items: []ircconn.ListItem{{Mask: "*!*@House.Test"}}})
	w.admin("set", "q1", `<item jid='*!*\40house.test%irc.test@gw.test' affiliation='none'/>`)
	w.expectLines("MODE #chan -b *!*@House.Test", "MODE #chan")
	w.event(modeLine("-b *!*@House.Test"))
	w.expect(announced("-b *!*@House.Test"), adminResult("q1"))
	w.admin("set", "q2", `<item jid='tybalt%irc.test@gw.test' affiliation='none'/>`)
	w.expectLines("MODE #chan -b tybalt", "MODE #chan")
}

// What a nick cannot hold would be read as further parameters of the MODE.
func TestParametersAreNotSmuggled(t *testing.T) {
	for _, nick := range []string{"x +o evil", "a b", "a,b", "a&#10;QUIT", "a&#9;b"} {
		for _, change := range []string{`affiliation='outcast'`, `affiliation='none'`, `affiliation='admin'`, `role='none'`} {
			w := connected(t)
			w.admin("set", "q1", `<item nick='`+nick+`' `+change+`/>`)
			w.expectOne(`type='error' id='q1'`, `item-not-found`)
			w.expectLines()
		}
	}
}

// Only items are taken for items.
func TestOtherChildrenOfAdmin(t *testing.T) {
	w := connected(t)
	w.admin("set", "q1", `<other nick='romeo' role='none'/><item xmlns='urn:example:x' nick='romeo' role='none'/>`)
	w.expectOne(`type='error' id='q1'`, `bad-request`)
	w.expectLines()
}
