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

func TestArchivePages(t *testing.T) {
	w := spoken(t, 10)
	page := func(content string) (said string, fin string) {
		w.archive(content)
		said = bodies(w.sent())
		return said, ""
	}
	set := func(content string) string { return fmt.Sprintf(rsm, content) }
	filter := func(fields string) string {
		return `<x xmlns='jabber:x:data' type='submit'>` + fieldXML("FORM_TYPE", "urn:xmpp:mam:2") + fields + `</x>`
	}
	id := w.archiveIDs()
	tests := map[string]string{
		"":                           "0 1 2 3 4 5 6 7 8 9",
		set("<max>3</max>"):          "0 1 2",
		set("<max>3</max><before/>"): "7 8 9",
		set("<max>3</max><after>" + id[2] + "</after>"):   "3 4 5",
		set("<max>3</max><before>" + id[7] + "</before>"): "4 5 6",
		set("<max>3</max><before/>") + "<flip-page/>":     "9 8 7",
		filter(fieldXML("start", "2026-11-21T12:00:08Z")): "7 8 9",
		filter(fieldXML("end", "2026-11-21T12:00:02Z")):   "0 1",
		filter(fieldXML("after-id", id[7])):               "8 9",
		filter(fieldXML("before-id", id[2])):              "0 1",
		filter(fieldXML("ids", id[5], id[1])):             "1 5",
		filter(fieldXML("with", room+"/romeo")):           "0 1 2 3 4 5 6 7 8 9",
		filter(fieldXML("with", room+"/nurse")):           "",
		filter(fieldXML("with", "tybalt@elsewhere.test")): "",
		filter(fieldXML(fieldText, "")):                   "0 1 2 3 4 5 6 7 8 9",
		filter(fieldXML(fieldText, "5")):                  "5",
	}
	for _, name := range []string{"start", "end", "before-id", "after-id", "ids", "with"} {
		tests[filter(fieldXML(name, ""))] = tests[""] // left empty
		tests[filter(fieldXML(name))] = tests[""]
	}
	for content, want := range tests {
		if got, _ := page(content); got != want {
			t.Errorf("%s gives %q; want %q", content, got, want)
		}
	}
	for content, want := range map[string]string{
		set("<after>unknown</after>"):              "item-not-found",
		filter(fieldXML("after-id", "unknown")):    "item-not-found",
		filter(fieldXML("ids", id[0], "unknown")):  "item-not-found",
		filter(fieldXML("colour", "red")):          "feature-not-implemented",
		filter(fieldXML("start", "yesterday")):     "bad-request",
		set("<max>-3</max>"):                       "bad-request",
		`<x xmlns='jabber:x:data' type='submit'/>`: "bad-request",
	} {
		w.archive(content)
		w.expectOne(`type='error'`, want)
	}
}

// archiveIDs are the ids of all archived messages, in order.
func (w *world) archiveIDs() []string {
	w.archive("")
	var ids []string
	for _, part := range strings.Split(w.out.text.String(), "queryid='q' id='")[1:] {
		id, _, _ := strings.Cut(part, "'")
		ids = append(ids, id)
	}
	w.forget()
	return ids
}

func TestArchiveFin(t *testing.T) {
	w := spoken(t, 5)
	id := w.archiveIDs()
	w.archive(fmt.Sprintf(rsm, "<max>2</max><after>"+id[0]+"</after>"))
	got := w.out.text.String()
	contains(t, got, `<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><first index='1'>`+id[1]+`</first><last>`+id[2]+`</last><count>5</count></set></fin>`)
	w.forget()
	w.archive("")
	contains(t, w.out.text.String(), `<fin xmlns='urn:xmpp:mam:2' complete='true'>`)
	w.forget()
	w.archive(fmt.Sprintf(rsm, "<max>0</max>"))
	contains(t, w.out.text.String(), `<count>5</count>`)
	lacks(t, w.out.text.String(), `<result`)
	w.forget()
	w.stanza(`<iq from='%s' to='%s' type='get' id='a'><query xmlns='urn:xmpp:mam:2'/></iq>`, desk, room)
	w.expectOne(`var='with'`, `var='{urn:xmpp:fulltext:0}fulltext'`)
	w.stanza(`<iq from='%s' to='%s' type='get' id='a'><metadata xmlns='urn:xmpp:mam:2'/></iq>`, desk, room)
	contains(t, w.out.text.String(), `<start id='`+id[0]+`' timestamp='2026-11-21T12:00:01.000Z'/>`, `<end id='`+id[4]+`'`)
}
