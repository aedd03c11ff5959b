//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// filter is a form that filters the archive, of one field.
func filter(name string, values ...string) string {
	var b strings.Builder
	for _, value := range values {
		b.WriteString("<value>" + Escape(value) + "</value>")
	}
	return "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>" +
		"<field var='" + name + "'>" + b.String() + "</field></x>"
}

// rsm asks for a page (XEP-0059).
func rsm(content string) string {
	return "<set xmlns='http://jabber.org/protocol/rsm'>" + content + "</set>"
}

// What XEP-0313, its extended filters and XEP-0059 have, on both databases.
func TestArchiveIsAskedInAllWays(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { begin(t).askArchive() })
	t.Run("PostgreSQL", func(t *testing.T) {
		s, _ := beginOnPostgreSQL(t)
		s.askArchive()
	})
}

func (s *scenario) askArchive() {
	s.Helper()
	juliet, romeo := s.meeting()
	for _, body := range []string{"0", "1", "2", "3"} {
		romeo.say(body)
		juliet.expect(Message().From(romeo.occupant()).Body(body))
	}
	juliet.say("4")
	juliet.expect(Message().From(juliet.occupant()).Body("4"))
	all := juliet.archive(s.room(), "")
	if got := said(all); got != "0 1 2 3 4" {
		s.Fatalf("the archive has %s", got)
	}
	juliet.askPages(all)
	juliet.askFilters(romeo, all)
	juliet.askAboutArchive(all)
}

func said(page []archived) string { return strings.Join(bodiesOf(page), " ") }

// askPages asks for pages, and looks at what ends them: where they stand in the whole.
func (u *user) askPages(all []archived) {
	u.s.Helper()
	for _, test := range []struct {
		content, want, index string
		complete             bool
	}{
		{"", "0 1 2 3 4", "0", true},
		{rsm("<max>2</max>"), "0 1", "0", false},
		{rsm("<max>2</max><after>" + all[1].id + "</after>"), "2 3", "2", false},
		{rsm("<max>2</max><after>" + all[2].id + "</after>"), "3 4", "3", true},
		{rsm("<max>2</max><before>" + all[4].id + "</before>"), "2 3", "2", false},
		{rsm("<max>2</max><before/>"), "3 4", "3", false},
		{rsm("<max>9</max><before>" + all[2].id + "</before>"), "0 1", "0", true},
		{rsm("<max>2</max><index>1</index>"), "1 2", "1", false},
		{rsm("<max>2</max><before/>") + "<flip-page/>", "4 3", "3", false},
		{rsm("<max>0</max>"), "", "", false},
	} {
		page, fin := u.archivePage(u.s.room(), test.content)
		set := fin.First("{http://jabber.org/protocol/rsm}set")
		if got := said(page); got != test.want || set.TextAt("count") != "5" || set.AttributeAt("first", "index") != test.index {
			u.s.Errorf("%q gives %q and %s; want %q and the index %q of 5", test.content, got, fin, test.want, test.index)
		}
		if complete := fin.Attribute("complete") == "true"; test.content != rsm("<max>0</max>") && complete != test.complete {
			u.s.Errorf("%q is complete: %t", test.content, complete)
		}
	}
}

// askFilters asks for some messages only, and for what there is not.
func (u *user) askFilters(romeo *person, all []archived) {
	u.s.Helper()
	var since, until []string // others may have come in the same millisecond
	for _, message := range all {
		if message.at >= all[2].at {
			since = append(since, message.body)
		}
		if message.at <= all[2].at {
			until = append(until, message.body)
		}
	}
	for content, want := range map[string]string{
		filter("start", all[2].at):                          strings.Join(since, " "),
		filter("end", all[2].at):                            strings.Join(until, " "),
		filter("start", "2120-01-01T00:00:00Z"):             "",
		filter("with", romeo.occupant()):                    "0 1 2 3",
		filter("with", u.occupant()):                        "4",
		filter("with", "tybalt@elsewhere.example"):          "",
		filter("after-id", all[2].id):                       "3 4",
		filter("before-id", all[2].id):                      "0 1",
		filter("ids", all[3].id, all[0].id):                 "0 3",
		filter("{urn:xmpp:fulltext:0}fulltext", "3"):        "3",
		filter("after-id", all[0].id) + rsm("<max>1</max>"): "1",
		filter("with", romeo.occupant()) + rsm("<before/>"): "0 1 2 3",
		filter("start") + rsm("<max>1</max>"):               "0",
		filter("with", ""):                                  "0 1 2 3 4",
	} {
		if got := said(u.archive(u.s.room(), content)); got != want {
			u.s.Errorf("%s gives %q; want %q", content, got, want)
		}
	}
	for content, condition := range map[string]string{
		rsm("<after>unknown</after>"):              "item-not-found",
		rsm("<before>unknown</before>"):            "item-not-found",
		filter("after-id", "unknown"):              "item-not-found",
		filter("before-id", "unknown"):             "item-not-found",
		filter("ids", all[0].id, "unknown"):        "item-not-found",
		filter("start", "yesterday"):               "bad-request",
		filter("{urn:example:tests}colour", "red"): "feature-not-implemented",
	} {
		answer := u.request("set", u.s.room(), "<query xmlns='urn:xmpp:mam:2'>"+content+"</query>")
		if answer.Type() != "error" || answer.First("error/"+condition) == nil {
			u.s.Errorf("%s is answered with %s; want %s", content, answer, condition)
		}
	}
}

// askAboutArchive asks what can be asked for, and what the archive begins and ends with.
func (u *user) askAboutArchive(all []archived) {
	u.s.Helper()
	form := u.ask("get", u.s.room(), "<query xmlns='urn:xmpp:mam:2'/>")
	var names []string
	for _, field := range form.Find("query/x/field") {
		names = append(names, field.Attribute("var"))
	}
	for _, name := range []string{"FORM_TYPE", "with", "start", "end", "before-id", "after-id", "ids", "{urn:xmpp:fulltext:0}fulltext"} {
		if !slices.Contains(names, name) {
			u.s.Errorf("the form has %v and not %s", names, name)
		}
	}
	about := u.ask("get", u.s.room(), "<metadata xmlns='urn:xmpp:mam:2'/>").First("metadata")
	first, last := all[0], all[len(all)-1]
	if about.AttributeAt("start", "id") != first.id || about.AttributeAt("start", "timestamp") != first.at ||
		about.AttributeAt("end", "id") != last.id || about.AttributeAt("end", "timestamp") != last.at {
		u.s.Errorf("the archive is from %+v to %+v, and says %s", first, last, about)
	}
}
