package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"passerelle/component"
	"passerelle/store"
	"passerelle/translate"
)

const (
	nsMAM      = "urn:xmpp:mam:2"
	nsRSM      = "http://jabber.org/protocol/rsm"
	nsForward  = "urn:xmpp:forward:0"
	nsClient   = "jabber:client"
	nsFulltext = "urn:xmpp:fulltext:0"
	fieldText  = "{urn:xmpp:fulltext:0}fulltext"
)

// A page has at most largestPage messages, and defaultPage where the client does
// not say.
const (
	defaultPage = 50
	largestPage = 200
)

// pageBytes is how much of a page is encoded at most before it is handed on: enough
// for a hundred usual messages, since what follows waits until the XMPP server has
// worked on it.
const pageBytes = 96 << 10

// archiveFeature is the archive of a room (XEP-0313), each user's own, also
// where the user is not in the room, with search in its text (XEP-0431).
func archiveFeature() feature {
	return feature{
		xep: "XEP-0313", on: onRoom, advertise: []string{nsMAM, nsMAM + "#extended", nsRSM, nsFulltext},
		iq: map[iqKey]iqHandler{
			{"set", nsMAM, "query"}:    (*User).onArchiveQuery,
			{"get", nsMAM, "query"}:    (*User).onArchiveForm,
			{"get", nsMAM, "metadata"}: (*User).onArchiveMetadata,
		},
	}
}

// onArchiveForm says what can be asked for (XEP-0313 §4.1.5).
func (u *User) onArchiveForm(r *request, _ *component.Element) error {
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsMAM)
	(&form{formType: nsMAM, fields: []field{
		{name: "with", kind: "jid-single"}, {name: "start", kind: textSingle}, {name: "end", kind: textSingle},
		{name: "before-id", kind: textSingle}, {name: "after-id", kind: textSingle}, {name: "ids", kind: listMulti},
		{name: fieldText, kind: textSingle},
	}}).write(&u.enc, "form")
	u.enc.Close()
	u.enc.Close()
	return nil
}

// onArchiveMetadata says what the archive begins and ends with (XEP-0313 §5.3).
func (u *User) onArchiveMetadata(r *request, _ *component.Element) error {
	scope := u.scope(r.to)
	var first, last store.Line
	var ok bool
	if u.g.store != nil {
		err := u.searchStore(func(ctx context.Context) (err error) {
			first, last, ok, err = u.g.store.Ends(ctx, scope.User, scope.Server, scope.Channel)
			return err
		})
		if err != nil {
			return u.archiveFault(err)
		}
	}
	u.enc.Result(r.Stanza)
	u.enc.Open("metadata", nsMAM)
	if ok {
		for _, end := range []struct {
			name string
			line *store.Line
		}{{"start", &first}, {"end", &last}} {
			u.enc.Open(end.name, "")
			u.enc.Attr("id", end.line.ID)
			u.enc.Attr("timestamp", stamp(end.line.At))
			u.enc.Close()
		}
	}
	u.enc.Close()
	u.enc.Close()
	return nil
}

func (u *User) archiveFault(err error) error {
	if errors.Is(err, store.ErrUnknownID) {
		return refuse("item-not-found", "there is no such message in the archive")
	}
	return u.storeFault(err, "the archive could not be read", "the archive cannot be read")
}

// onArchiveQuery sends a page of the archive (XEP-0313 §4).
func (u *User) onArchiveQuery(r *request, query *component.Element) error {
	q, err := u.archiveQuery(r, query)
	if err != nil {
		return err
	}
	var page store.Page
	if u.g.store != nil {
		if page, err = u.archivePage(q); err != nil {
			return u.archiveFault(err)
		}
	} else {
		page.Complete = true
	}
	lines := page.Lines
	if query.Child(nsMAM, "flip-page") != nil {
		lines = slices.Clone(lines)
		slices.Reverse(lines)
	}
	template := u.archivedTemplate(r, query.Attr("queryid"))
	for i := range lines {
		u.writeArchived(&template, &lines[i])
		if len(u.enc.Bytes()) >= pageBytes {
			u.flush()
		}
	}
	u.writeFin(r, q, &page)
	return nil
}

// archiveQuery reads the filters of the form and the page that is wanted of it
// (XEP-0059).
func (u *User) archiveQuery(r *request, query *component.Element) (*store.Query, error) {
	scope := u.scope(r.to)
	q := &store.Query{User: scope.User, Server: scope.Server, Channel: scope.Channel, Max: defaultPage, Count: true}
	if x := query.Child(nsForms, "x"); x != nil {
		filled, ok := parseSubmission(x)
		if !ok || filled.first("FORM_TYPE") != nsMAM {
			return nil, refuse("bad-request", "the filter is not a form of the archive")
		}
		for name, values := range filled {
			if err := filterArchive(q, r, name, values); err != nil {
				return nil, err
			}
		}
	}
	set := query.Child(nsRSM, "set")
	if set == nil {
		return q, nil
	}
	if text := set.ChildText(nsRSM, "max"); text != "" {
		number, err := strconv.Atoi(text)
		if err != nil || number < 0 {
			return nil, refuse("bad-request", "%q is not a number of messages", text)
		}
		q.Max = min(number, largestPage)
	}
	if text := set.ChildText(nsRSM, "index"); text != "" {
		number, err := strconv.Atoi(text)
		if err != nil || number < 0 {
			return nil, refuse("bad-request", "%q is not an index", text)
		}
		q.Index = number
	}
	q.After = set.ChildText(nsRSM, "after")
	if before := set.Child(nsRSM, "before"); before != nil {
		q.Backward, q.Before = true, before.Text
	}
	return q, nil
}

// filterArchive applies one field of the form. One that was left empty filters nothing.
func filterArchive(q *store.Query, r *request, name string, values []string) (err error) {
	if len(values) == 0 {
		return nil
	}
	switch name {
	case "FORM_TYPE":
	case "start":
		q.Start, err = parseStamp(values[0])
	case "end":
		q.End, err = parseStamp(values[0])
	case "before-id":
		q.BeforeID = values[0]
	case "after-id":
		q.AfterID = values[0]
	case "ids":
		if len(values) > largestPage {
			return refuse("bad-request", "at most %d messages can be asked for by their ids", largestPage)
		}
		q.IDs = values
	case fieldText:
		q.Text = values[0]
	case "with":
		return filterWith(q, r, values[0])
	default:
		return refuse("feature-not-implemented", "the archive cannot be filtered by %q", name)
	}
	if err != nil {
		return refuse("bad-request", "%q is not a time", values[0])
	}
	return nil
}

// nobody is no nick: it matches nothing in an archive.
const nobody = " "

// filterWith keeps what one occupant said. The room itself is everybody in it, and
// who is not of the room has said nothing there.
func filterWith(q *store.Query, r *request, with string) error {
	jid, err := component.ParseJID(with)
	if err != nil {
		return refuse("jid-malformed", "%q is not a JID", with)
	}
	if q.Nick = jid.Resource; jid.Bare() != r.To.Bare() {
		q.Nick = nobody
	}
	return nil
}

// archivedTemplate is what the messages of a page have in common. writeArchived fills
// its gaps.
func (u *User) archivedTemplate(r *request, queryID string) component.Template {
	e, room := &u.tail, r.To.Bare()
	e.Reset()
	e.Stanza(component.Message, room, r.From, "", "")
	e.Open("result", nsMAM)
	if queryID != "" {
		e.Attr("queryid", queryID)
	}
	e.AttrGap("id", "")
	e.Open("forwarded", nsForward)
	e.Open("delay", nsDelay)
	e.AttrGap("stamp", "")
	e.Close()
	e.Open("message", nsClient)
	e.AttrGap("from", room.String()+"/")
	e.Attr("type", "groupchat")
	e.AttrGap("id", "")
	e.Gap() // the payload
	e.Open("stanza-id", nsStanzaID)
	e.AttrGap("id", "")
	e.JIDAttr("by", room)
	e.Close()
	e.Gap() // the occupant id
	e.Close()
	e.Close()
	e.Close()
	e.Close()
	return e.Template()
}

// writeArchived sends one message of the archive.
func (u *User) writeArchived(t *component.Template, line *store.Line) {
	e, occupant := &u.enc, &u.tail
	occupant.Reset()
	if line.Occupant != "" {
		writeOccupantID(occupant, line.Occupant)
	}
	e.Begin(t)
	e.FillAttr(line.ID)
	e.FillAttr(stamp(line.At))
	e.FillAttr(translate.NickToResource(line.Nick))
	e.FillAttr(line.MessageID)
	e.FillRaw(line.Payload)
	e.FillAttr(line.ID)
	e.FillRaw(occupant.Bytes())
}

// writeFin ends a page: what is first and last in it, where it stands, and
// whether it is the last.
func (u *User) writeFin(r *request, q *store.Query, page *store.Page) {
	e := &u.enc
	e.Result(r.Stanza)
	e.Open("fin", nsMAM)
	if page.Complete {
		e.Attr("complete", "true")
	}
	e.Open("set", nsRSM)
	if count := len(page.Lines); count > 0 {
		e.Open("first", "")
		if q.Count {
			e.Attr("index", strconv.Itoa(page.FirstIndex))
		}
		e.Text(page.Lines[0].ID)
		e.Close()
		e.Leaf("last", "", page.Lines[count-1].ID)
	}
	if q.Count {
		e.Leaf("count", "", strconv.Itoa(page.Total))
	}
	e.Close()
	e.Close()
	e.Close()
}
