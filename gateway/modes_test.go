package gateway

import (
	"slices"
	"strings"
	"testing"

	"passerelle/ircconn"
)

// modeLine is a MODE of #chan by the nurse: "+o-v romeo tybalt", with the kinds
// of the fixture's network.
func modeLine(text string) ircconn.ModeChanged {
	return ircconn.ModeChanged{Source: source("nurse"), Channel: "#chan", Changes: modeChanges(text)}
}

func modeChanges(text string) []ircconn.ModeChange {
	letters, rest, _ := strings.Cut(text, " ")
	args := strings.Fields(rest)
	var changes []ircconn.ModeChange
	add := true
	for i := range len(letters) {
		switch letters[i] {
		case '+', '-':
			add = letters[i] == '+'
			continue
		}
		change := ircconn.ModeChange{Add: add, Mode: letters[i], Kind: support.KindOf(letters[i])}
		takes := change.Kind == ircconn.ModePrefix || change.Kind == ircconn.ModeList || change.Kind == ircconn.ModeAlways ||
			change.Kind == ircconn.ModeWhenSet && add
		if takes && len(args) > 0 {
			change.Arg, args = args[0], args[1:]
		}
		changes = append(changes, change)
	}
	return changes
}

// announced is what the room says about its modes.
func announced(text string) string {
	return `<message from='` + room + `' to='` + desk + `' type='groupchat' id='ID'><body>nurse sets mode ` + text + `</body><stanza/></message>`
}

func TestModesBecomeRoles(t *testing.T) {
	tests := []struct {
		line              string
		affiliation, role string
	}{
		{"+v romeo", "member", "participant"},
		{"+h romeo", "member", "moderator"},
		{"+o romeo", "admin", "moderator"},
		{"+a romeo", "owner", "moderator"},
		{"+q Romeo", "owner", "moderator"},
		{"+qo romeo romeo", "owner", "moderator"},
	}
	for _, test := range tests {
		w := connected(t)
		w.event(modeLine(test.line))
		w.expect(presence("romeo", desk, test.affiliation, test.role, noItem))
	}
	// What is left when the highest goes is known, because all were.
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet", "multi-prefix")
	w.enter("~&@%+nurse juliet")
	w.forget()
	for _, step := range []struct{ line, affiliation, role string }{
		{"-q nurse", "owner", "moderator"}, {"-a nurse", "admin", "moderator"}, {"-o nurse", "member", "moderator"},
		{"-h nurse", "member", "participant"}, {"-v nurse", "none", "participant"},
	} {
		w.event(modeLine(step.line))
		w.expect(presence("nurse", desk, step.affiliation, step.role, noItem))
	}
}

// Biboumi stopped at the first list mode and lost what stood beside it.
func TestListModesAbortNothing(t *testing.T) {
	w := connected(t)
	w.event(modeLine("+vbo-e romeo *!*@bad.test tybalt *!*@x"))
	w.expect(presence("romeo", desk, "member", "participant", noItem), announced("+b-e *!*@bad.test *!*@x"))
	w.event(modeLine("+bv *!*@x romeo"))
	w.expect(presence("romeo", desk, "member", "participant", noItem), announced("+b *!*@x"))
}

func TestModesOfNobody(t *testing.T) {
	w := connected(t)
	w.event(modeLine("+o stranger"), ircconn.ModeChanged{Source: source("x"), Channel: "#elsewhere", Changes: modeChanges("+m")},
		ircconn.ModeChanged{Source: source("juliet"), Changes: []ircconn.ModeChange{{Add: true, Mode: 'i', Kind: ircconn.ModeUserFlag}}})
	w.expect()
	w.event(ircconn.ModeChanged{Source: ircconn.Source{Host: "irc.test"}, Channel: "#chan", Changes: modeChanges("+nt")})
	w.expect(`<message from='`+room+`' to='`+desk+`' type='groupchat' id='ID'><body>irc.test sets mode +nt</body><stanza/></message>`, configured)
}

// In a moderated channel those without voice are visitors.
func TestModeratedChannel(t *testing.T) {
	w := connected(t)
	w.event(modeLine("+v romeo"))
	w.forget()
	w.event(modeLine("+m"))
	got := strings.Join(w.sent(), "\n")
	if !strings.Contains(got, presence("juliet", desk, "none", "visitor", selfItem)) || !strings.Contains(got, announced("+m")) {
		t.Errorf("got %s", got)
	}
	w.event(ircconn.Joined{Source: source("tybalt"), Channel: "#chan"})
	w.expect(presence("tybalt", desk, "none", "visitor", noItem))
	w.event(modeLine("-v romeo"))
	w.expect(presence("romeo", desk, "none", "visitor", noItem))
	w.event(modeLine("-m"))
	if got := strings.Join(w.sent(), "\n"); !strings.Contains(got, presence("juliet", desk, "none", "participant", selfItem)) ||
		!strings.Contains(got, presence("tybalt", desk, "none", "participant", noItem)) {
		t.Errorf("got %s", got)
	}
	// The modes that were asked for on joining say so too.
	w.event(ircconn.ChannelModes{Channel: "#chan", Changes: modeChanges("+mnt")})
	if got := strings.Join(w.sent(), "\n"); !strings.Contains(got, presence("tybalt", desk, "none", "visitor", noItem)) {
		t.Errorf("got %s", got)
	}
}

// A moderator sees who people are: their address on the network.
func TestModeratorSeesAddresses(t *testing.T) {
	w := connected(t)
	w.event(modeLine("+o juliet"))
	w.expect(
		presence("juliet", desk, "admin", "moderator", selfItem),
		presence("nurse", desk, "admin", "moderator", ` jid='nurse%irc.test@gw.test'/>`),
		presence("romeo", desk, "none", "participant", ` jid='romeo%irc.test@gw.test'/>`),
	)
	w.event(ircconn.Joined{Source: source("Tybalt"), Channel: "#chan"})
	w.expect(presence("Tybalt", desk, "none", "participant", ` jid='tybalt%irc.test@gw.test'/>`))
	w.event(modeLine("-o juliet"))
	w.expect(presence("juliet", desk, "none", "participant", selfItem))
	w.event(ircconn.AwayChanged{Source: source("romeo"), Text: "gone"})
	if got := w.sent(); strings.Contains(got[0], "jid=") {
		t.Errorf("who moderates no more sees %s", got[0])
	}
}

func TestModesAreRemembered(t *testing.T) {
	w := connected(t)
	w.event(ircconn.ChannelModes{Channel: "#chan", Changes: modeChanges("+kl sesame 9")})
	ch := w.network().channel("#chan")
	if ch.key != "sesame" || !slices.Contains(ch.modes, modeValue{'l', "9"}) {
		t.Errorf("modes %v, key %q", ch.modes, ch.key)
	}
	w.event(ircconn.ChannelModes{Channel: "#chan", Changes: modeChanges("+k *")})
	if ch.key != "sesame" || ch.hasMode("l") {
		t.Errorf("modes %v, key %q", ch.modes, ch.key)
	}
	w.event(modeLine("+k-l other"))
	if ch.key != "other" {
		t.Errorf("key %q", ch.key)
	}
	w.event(modeLine("-k+b other *!*@x"))
	if ch.key != "" || ch.hasMode("kb") {
		t.Errorf("modes %v, key %q", ch.modes, ch.key)
	}
	w.event(ircconn.ChannelModes{Channel: "#elsewhere", Changes: modeChanges("+m")})
}

func TestModeText(t *testing.T) {
	for text, want := range map[string]string{
		"+o-v a b":        "+o-v a b",
		"+m":              "+m",
		"-k+lb x 9 *!*@y": "-k+lb x 9 *!*@y",
		"+m+n-t-i":        "+mn-ti",
	} {
		if got := modeText(modeChanges(text)); got != want {
			t.Errorf("%s is written as %s, want %s", text, got, want)
		}
	}
}

// More prefixes than the usual, with a name that only this network has.
func TestUnusualPrefixes(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.event(ircconn.SupportChanged{Support: support.With([]string{"PREFIX=(Yov)&@+"})})
	w.enter("&nurse juliet")
	if got := strings.Join(w.sent(), "\n"); !strings.Contains(got, presence("nurse", desk, "admin", "moderator", noItem)) {
		t.Errorf("got %s", got)
	}
}

// A change of +m is shown of those only whose role it changes.
func TestModerationOfFew(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.enter("@nurse +tybalt romeo juliet")
	w.forget()
	w.event(modeLine("+m"))
	w.expect(presence("juliet", desk, "none", "visitor", selfItem), presence("romeo", desk, "none", "visitor", noItem), announced("+m"), configured)
	w.event(ircconn.ChannelModes{Channel: "#chan"})
	w.expect(presence("juliet", desk, "none", "participant", selfItem), presence("romeo", desk, "none", "participant", noItem))
}

// Who is named twice while the list comes has the modes of both.
func TestModesWhileTheListComes(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true}, ircconn.Joined{Source: source("nurse"), Channel: "#chan"},
		ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "juliet"}, {Nick: "Nurse", Prefixes: "@"}}})
	w.event(modeLine("+v juliet"))
	w.forget()
	w.event(ircconn.NamesEnd{Channel: "#chan"})
	got := strings.Join(w.sent(), "\n")
	if !strings.Contains(got, presence("nurse", desk, "admin", "moderator", noItem)) || !strings.Contains(got, presence("juliet", desk, "member", "participant", selfItem)) {
		t.Errorf("got %s", got)
	}
	w.expectMembers("juliet nurse")
}

// An answer that nobody asked for is not the one to a later question.
func TestModesUnasked(t *testing.T) {
	w := connected(t)
	w.event(ircconn.ChannelModes{Channel: "#chan"}, ircconn.ChannelModes{Channel: "#chan"})
	w.admin("set", "q1", `<item nick='romeo' affiliation='member'/>`)
	w.forget()
	w.event(modeLine("+v romeo"))
	w.forget()
	w.admin("set", "q2", `<item nick='romeo' affiliation='admin'/>`)
	w.event(ircconn.ChannelModes{Channel: "#chan"}) // to the first
	w.expect()
}

// configured tells a client that a room's configuration has changed.
const configured = `<message from='` + room + `' to='` + desk + `' type='groupchat' id='ID'><x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x></message>`
