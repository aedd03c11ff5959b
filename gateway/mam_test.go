package gateway

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/store"
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

// archived is a user with so many lines in the archive of the room.
func archived(t testing.TB, lines int) *world {
	w := connected(t)
	cfg := store.DefaultConfig()
	cfg.Directory = t.TempDir()
	s, err := store.Open(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	_, _, err = s.ImportLines(t.Context(), func(yield func(store.Line, error) bool) {
		for i := range lines {
			line := store.Line{
				ID: newID(), User: "juliet@xmpp.test", Server: "irc.test", Channel: "#chan", At: w.clock.Add(time.Duration(i) * time.Second),
				MessageID: newID(), Nick: "romeo", Occupant: newID() + newID(), Body: "what light through yonder window breaks",
				Payload: []byte("<body>what light through yonder window breaks</body>"),
			}
			if !yield(line, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.g.store = s
	return w
}

// handOvers is a stream that notes how large each piece is that it is given.
type handOvers struct {
	discard
	sizes []int
}

func (h *handOvers) SendAs(_ *component.Sender, b []byte) error {
	h.sizes = append(h.sizes, len(b))
	return nil
}

// A usual page goes out in one piece: what follows a piece waits for the XMPP server.
func TestPageIsOnePiece(t *testing.T) {
	w := archived(t, 400)
	var out handOvers
	w.g.out = &out
	s := w.askPage(400)
	w.do(func() { w.u.handleStanza(s) })
	if len(out.sizes) != 1 || out.sizes[0] < flushBytes/2 {
		t.Errorf("a page of 100 messages went out in pieces of %v bytes", out.sizes)
	}
}

// askPage is a question for 100 messages in the middle of an archive of so many lines.
func (w *world) askPage(lines int) *component.Stanza {
	w.t.Helper()
	half, err := w.g.store.Page(w.t.Context(), store.Query{User: "juliet@xmpp.test", Server: "irc.test", Channel: "#chan", Max: lines / 2})
	if err != nil || len(half.Lines) != lines/2 {
		w.t.Fatalf("%d lines: %v", len(half.Lines), err)
	}
	s, err := parseStanza(fmt.Sprintf(`<iq from='%s' to='%s' type='set' id='a'><query xmlns='urn:xmpp:mam:2' queryid='q'><set xmlns='http://jabber.org/protocol/rsm'><max>100</max><after>%s</after></set></query></iq>`,
		desk, room, half.Lines[len(half.Lines)-1].ID))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}
