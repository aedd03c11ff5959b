package gateway

import (
	"strings"
	"testing"

	"passerelle/component"
	"passerelle/ircconn"
)

// One user's archive of a room is not another's, whatever address that one asks
// from.
func TestArchiveIsOfOneUser(t *testing.T) {
	w := withStore(t)
	w.event(ircconn.Message{Source: source("romeo"), Target: "#chan", Text: "for juliet"})
	w.forget()
	id := w.archiveIDs()
	if len(id) != 1 {
		t.Fatalf("%d lines are archived, want 1", len(id))
	}
	other := newUser(w.g, component.JID{Local: "tybalt", Domain: "xmpp.test"})
	other.in.running = true // nobody else works for this user
	other.scratch = other.g.meter.newScratch()
	ask := func(content string) string {
		s, err := parseStanza(`<iq from='tybalt@xmpp.test/juliet' to='` + room + `' type='` + content + `</iq>`)
		if err != nil {
			t.Fatal(err)
		}
		other.guard(func() { other.handleStanza(s) })
		other.handOn()
		return strings.Join(w.sent(), "")
	}
	form := func(field string) string {
		return `set' id='a'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>` + fieldXML("FORM_TYPE", nsMAM) + field + `</x></query>`
	}
	contains(t, ask(`set' id='a'><query xmlns='urn:xmpp:mam:2'/>`), `type='result'`, `<count>0</count>`, `complete='true'`)
	contains(t, ask(form(fieldXML(fieldText, "juliet"))), `<count>0</count>`)
	contains(t, ask(form(fieldXML("ids", id[0]))), `item-not-found`)
	contains(t, ask(form(fieldXML("after-id", id[0]))), `item-not-found`)
	lacks(t, ask(`get' id='a'><metadata xmlns='urn:xmpp:mam:2'/>`), `<start`, id[0])
	w.archive(``)
	contains(t, strings.Join(w.sent(), ""), `for juliet`)
}
