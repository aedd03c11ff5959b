package gateway

import (
	"fmt"
	"strings"
	"testing"

	"passerelle/ircconn"
)

// A host server closes the stream of everybody for one stanza that is too large.
func TestNoStanzaIsTooLarge(t *testing.T) {
	w := newWorld(t)
	w.join(desk, "juliet")
	w.register("juliet")
	var names []string
	for i := range 20000 {
		names = append(names, fmt.Sprintf("@somebody%d", i))
	}
	w.enter(strings.Join(names, " ") + " juliet")
	w.forget()
	var bans []ircconn.ListItem
	for i := range 5000 {
		bans = append(bans, ircconn.ListItem{Mask: fmt.Sprintf("*!*@host%d.example", i), Setter: "nurse"})
	}
	for _, query := range []string{
		`<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='admin'/></query>`,
		`<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast'/></query>`,
		`<query xmlns='http://jabber.org/protocol/disco#items'/>`,
	} {
		w.stanza(`<iq from='%s' to='%s' type='get' id='q'>%s</iq>`, desk, room, query)
		w.event(ircconn.ListMode{Channel: "#chan", Mode: 'b', Items: bans})
		got := w.sent()
		if len(got) != 1 || len(got[0]) < largestStanza/2 || len(got[0]) > largestStanza+1000 {
			t.Errorf("%s: %d stanzas, the first of %d bytes", query, len(got), len(got[0]))
		}
	}
	w.event(ircconn.Motd{Lines: strings.Split(strings.Repeat("x\n", 1<<20), "\n")})
	if got := w.sent(); len(got) != 1 || len(got[0]) > largestText+1000 {
		t.Errorf("a message of the day of %d bytes", len(got[0]))
	}
}
