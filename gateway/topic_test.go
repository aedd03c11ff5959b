package gateway

import (
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// The subject ends the join, with who set it and when (331, 332, 333).
func TestTopicOnJoining(t *testing.T) {
	set := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]struct {
		events []ircconn.Event
		want   []string
	}{
		"none": {nil, []string{`<message from='` + room + `' to='` + desk + `' type='groupchat'`, `<subject/>`}},
		"331":  {[]ircconn.Event{ircconn.TopicReply{Channel: "#chan"}}, []string{`from='` + room + `' `, `<subject/>`}},
		"332":  {[]ircconn.Event{ircconn.TopicReply{Channel: "#CHAN", Topic: "\x02Old\x02 things \x0304red"}}, []string{`from='` + room + `' `, `<subject>*Old* things red</subject>`}},
		"333": {
			[]ircconn.Event{ircconn.TopicReply{Channel: "#chan", Topic: "Old"}, ircconn.TopicSetBy{Channel: "#chan", Setter: "nurse!n@h", Time: set}},
			[]string{`from='` + room + `/nurse' `, `<subject>Old</subject>`, `<delay xmlns='urn:xmpp:delay' from='` + room + `' stamp='2026-01-02T03:04:05.000Z'/>`, `<occupant/>`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.join(desk, "juliet")
			w.register("juliet")
			w.event(ircconn.Joined{Source: source("juliet"), Channel: "#chan", Self: true})
			w.event(test.events...)
			w.forget()
			w.event(ircconn.Names{Channel: "#chan", Members: []ircconn.NamesEntry{{Nick: "juliet"}}}, ircconn.NamesEnd{Channel: "#chan"})
			got := w.sent()
			if len(got) != 2 {
				t.Fatalf("got %s", strings.Join(got, "\n"))
			}
			for _, part := range test.want {
				if !strings.Contains(got[1], part) {
					t.Errorf("%s\nlacks %s", got[1], part)
				}
			}
		})
	}
}

func TestTopicFromIRC(t *testing.T) {
	w := connected(t)
	w.join(phone, "juliet")
	w.forget()
	w.event(ircconn.TopicChanged{Source: source("romeo"), Channel: "#chan", Topic: "New"})
	text := w.out.text.String()
	got := w.sent()
	if len(got) != 2 || !strings.Contains(got[0], `from='`+room+`/romeo' to='`+desk+`' type='groupchat'`) || !strings.Contains(got[1], `to='`+phone+`'`) ||
		!strings.Contains(got[0], `<subject>New</subject>`) || strings.Contains(got[0], "delay") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	if ids := randomIDs.FindAllString(text, -1); ids[0] != ids[len(ids)/2] {
		t.Errorf("the sessions get different ids: %v", ids)
	}
	// Who comes later sees it as of then.
	w.pass(time.Minute)
	w.join(desk, "juliet")
	got = w.sent()
	if last := got[len(got)-1]; !strings.Contains(last, `<subject>New</subject>`) || !strings.Contains(last, `stamp='2026-11-21T12:00:00.000Z'`) {
		t.Errorf("got %s", last)
	}
	w.event(ircconn.TopicChanged{Source: ircconn.Source{Host: "services.test"}, Channel: "#chan", Topic: ""})
	w.expectBoth(`from='`+room+`' `, `<subject/>`)
	w.event(ircconn.TopicChanged{Source: source("romeo"), Channel: "#elsewhere", Topic: "x"}, ircconn.TopicReply{Channel: "#elsewhere"}, ircconn.TopicSetBy{Channel: "#elsewhere"})
	w.expect()
}

// expectBoth looks for the parts in both stanzas sent.
func (w *world) expectBoth(parts ...string) {
	w.t.Helper()
	got := w.sent()
	if len(got) != 2 {
		w.t.Fatalf("%d stanzas, want two:\n%s", len(got), strings.Join(got, "\n"))
	}
	for _, s := range got {
		for _, part := range parts {
			if !strings.Contains(s, part) {
				w.t.Errorf("%s\nlacks %s", s, part)
			}
		}
	}
}

// setSubject asks for a subject as a client does.
func (w *world) setSubject(id, subject string) {
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='%s'><subject>%s</subject></message>`, desk, room, id, subject)
}

func TestTopicFromXMPP(t *testing.T) {
	tests := []struct{ subject, line string }{
		{"New things", "TOPIC #chan New things"},
		{"", "TOPIC #chan "},
		{"one&#10;two&#13;&#10;three", "TOPIC #chan one two three"},
		{"*b* c", "TOPIC #chan \x02b\x02 c"},
		{"äääääääääääää", "TOPIC #chan ääääääääää"}, // TOPICLEN counts bytes
	}
	for _, test := range tests {
		w := connected(t)
		w.setSubject("t1", test.subject)
		w.expectLines(test.line)
		w.expect()
	}
	w := connected(t)
	w.setSubject("t1", "New")
	w.event(ircconn.TopicChanged{Source: source("juliet"), Channel: "#chan", Topic: "New"})
	w.expectOne(`<message from='`+room+`/juliet' to='`+desk+`' type='groupchat' id='t1'>`, `<subject>New</subject>`)
	w.pass(w.g.live().AnswerTimeout)
	w.expect()
}

func TestRefusedTopics(t *testing.T) {
	for _, caps := range [][]string{nil, {"labeled-response"}} {
		w := connected(t, caps...)
		w.setSubject("t1", "New")
		refused := ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "You're not channel operator"}
		if caps != nil {
			refused.Label = w.irc.sent[0].Label
		}
		w.event(refused)
		w.expectOne(`<message from='`+room+`' to='`+desk+`' type='error' id='t1'>`, `<forbidden `, `You're not channel operator`)
	}
	w := connected(t)
	w.irc.refusing = ircconn.ErrQueueFull
	w.setSubject("t1", "New")
	w.expectOne(`type='error' id='t1'`, `resource-constraint`)
	w.irc.refusing = nil
	w.stanza(`<message from='%s' to='%s' type='groupchat' id='t1'><subject>x</subject></message>`, phone, room)
	w.expectOne(`to='`+phone+`' type='error' id='t1'`, `not-acceptable`)
	w.expectLines()
}

// A server says nothing when the topic is what it was; no more do we.
func TestSameTopic(t *testing.T) {
	w := connected(t)
	w.setSubject("t1", "New")
	w.pass(w.g.live().AnswerTimeout)
	w.expect()
}

func TestTopicCommand(t *testing.T) {
	w := connected(t)
	w.say(desk, "c1", "/topic")
	w.expectBoth(`to='` + desk + `' type='groupchat'`)
	w.event(ircconn.TopicChanged{Source: source("romeo"), Channel: "#chan", Topic: "New"})
	w.forget()
	w.say(desk, "c1", "/topic")
	got := w.sent()
	if len(got) != 2 || !strings.Contains(got[1], "Topic: New (set by romeo)") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	w.expectLines()
}

// Whoever asked for a topic learns that it never got there.
func TestTopicOnALostConnection(t *testing.T) {
	w := connected(t)
	w.setSubject("t1", "New")
	w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindPingTimeout}})
	if got := strings.Join(w.sent(), "\n"); !strings.Contains(got, `type='error' id='t1'`) {
		t.Errorf("got %s", got)
	}
}
