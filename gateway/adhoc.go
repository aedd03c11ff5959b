package gateway

import (
	"maps"
	"slices"
	"time"

	"passerelle/component"
)

const nsCommands = "http://jabber.org/protocol/commands"

const (
	// adhocExpiry is how long a command may wait for its next step.
	adhocExpiry = 15 * time.Minute
	// adhocLimit is how many commands of one user may wait at once.
	adhocLimit = 16
)

// adhocCommand is a command that people run from a menu of their client
// (XEP-0050), or by its name in a chat with the gateway.
type adhocCommand struct {
	node, name string
	on         targets
	// admin is whether only the gateway's admins may see and run it.
	admin bool
	// begin makes the first page.
	begin func(u *User, r *request) (page, error)
	// chat runs the command from words of a chat; nil where there is another
	// way in a chat.
	chat func(u *User, args string) (string, error)
	// usage is what follows the command's name in a chat.
	usage string
}

// page is one step of a command: a form to fill in, or, without submit, the end.
type page struct {
	form   *form
	note   string
	submit func(u *User, filled submission) (page, error)
	// more is whether another page follows the submission.
	more bool
}

// done is the last page of a command that has nothing more to say.
func done(note string) page { return page{note: note} }

// adhocSession is a command that waits for its next step.
type adhocSession struct {
	owner   component.JID // full
	to      component.JID
	node    string
	pages   []page // the last one is shown
	expires time.Time
}

func (s *adhocSession) page() *page { return &s.pages[len(s.pages)-1] }

// commandsFeature lets people run commands (XEP-0050).
func commandsFeature() feature {
	return feature{
		xep: "XEP-0050", on: onGateway | onServer | onRoom, advertise: []string{nsCommands},
		iq: map[iqKey]iqHandler{{"set", nsCommands, "command"}: (*User).onCommand},
	}
}

// offers returns the commands that the sender of a request may run there.
func (u *User) offers(r *request) []adhocCommand {
	return slices.DeleteFunc(u.g.commands(), func(c adhocCommand) bool {
		return c.on&at(r) == 0 || c.admin && !u.isAdmin()
	})
}

// commandError is a stanza error with the condition of XEP-0050 §4.
func commandError(condition, detail, text string) error {
	return &refusal{condition: condition, text: text, detail: &component.Element{Space: nsCommands, Local: detail}}
}

// onCommand runs a command's first or next step.
func (u *User) onCommand(r *request, command *component.Element) error {
	node, action, id := command.Attr("node"), command.Attr("action"), command.Attr("sessionid")
	if id == "" {
		return u.beginCommand(r, node)
	}
	session := u.adhoc[id]
	if session == nil || session.owner != r.From || session.to != r.To || session.node != node {
		return commandError("bad-request", "bad-sessionid", "the command has ended, or was never begun; begin it again")
	}
	if u.offered(r, node) == nil {
		delete(u.adhoc, id)
		return refuse("forbidden", "you may not do that any more")
	}
	session.expires = u.g.now().Add(adhocExpiry)
	switch action {
	case "cancel":
		delete(u.adhoc, id)
		u.writeCommand(r, session, id, "canceled", page{})
		return nil
	case "prev":
		if len(session.pages) < 2 {
			return commandError("bad-request", "bad-action", "there is nothing before this step")
		}
		session.pages = session.pages[:len(session.pages)-1]
		u.writeCommand(r, session, id, "executing", *session.page())
		return nil
	case "", "execute", "next", "complete":
		return u.continueCommand(r, session, id, command)
	}
	return commandError("bad-request", "malformed-action", "there is no such action")
}

func (u *User) beginCommand(r *request, node string) error {
	offers := u.offers(r)
	i := slices.IndexFunc(offers, func(c adhocCommand) bool { return c.node == node })
	if i < 0 {
		if slices.ContainsFunc(u.g.commands(), func(c adhocCommand) bool { return c.node == node && c.on&at(r) != 0 }) {
			return refuse("forbidden", "only an admin of the gateway may do that")
		}
		return refuse("item-not-found", "there is no command %q here", node)
	}
	first, err := offers[i].begin(u, r)
	if err != nil {
		return err
	}
	session := &adhocSession{owner: cloneJID(r.From), to: cloneJID(r.To), node: offers[i].node, pages: []page{first}, expires: u.g.now().Add(adhocExpiry)}
	id := newID()
	if first.submit == nil {
		u.writeCommand(r, session, id, "completed", first)
		return nil
	}
	if len(u.adhoc) >= adhocLimit {
		u.forgetOldestCommand()
	}
	if u.adhoc == nil {
		u.adhoc = make(map[string]*adhocSession)
	}
	u.adhoc[id] = session
	u.watchCommands()
	u.writeCommand(r, session, id, "executing", first)
	return nil
}

// forgetOldestCommand makes room for another: clients close their windows without
// a word.
func (u *User) forgetOldestCommand() {
	oldest := ""
	for id, session := range u.adhoc {
		if oldest == "" || session.expires.Before(u.adhoc[oldest].expires) {
			oldest = id
		}
	}
	delete(u.adhoc, oldest)
}

// watchCommands looks again, after a while, for commands that nobody goes on
// with, as long as there are any.
func (u *User) watchCommands() {
	if u.commandsWatched {
		return
	}
	u.commandsWatched = true
	u.after(adhocExpiry+time.Second, func(u *User) {
		u.commandsWatched = false
		maps.DeleteFunc(u.adhoc, func(_ string, s *adhocSession) bool { return u.g.now().After(s.expires) })
		if len(u.adhoc) > 0 {
			u.watchCommands()
		}
	})
}

// continueCommand takes a filled-in form. What does not fit is said beside the
// same form, which can be sent again.
func (u *User) continueCommand(r *request, session *adhocSession, id string, command *component.Element) error {
	current := session.page()
	filled, ok := parseSubmission(command.Child(nsForms, "x"))
	if !ok {
		return commandError("bad-request", "bad-payload", "the form was not filled in")
	}
	err := current.form.check(filled)
	var following page
	if err == nil {
		following, err = current.submit(u, filled)
	}
	if err != nil {
		again := *current
		again.note = u.stanzaError(err).Text
		u.writeCommandPage(r, session, id, "executing", again, "error")
		return nil
	}
	if following.submit == nil {
		delete(u.adhoc, id)
		u.writeCommand(r, session, id, "completed", following)
		return nil
	}
	session.pages = append(session.pages, following)
	u.writeCommand(r, session, id, "executing", following)
	return nil
}

func (u *User) writeCommand(r *request, session *adhocSession, id, status string, p page) {
	u.writeCommandPage(r, session, id, status, p, "info")
}

// writeCommandPage answers with a page, and with the actions that are possible
// on it (XEP-0050 §3.4).
func (u *User) writeCommandPage(r *request, session *adhocSession, id, status string, p page, noteType string) {
	e := &u.enc
	e.Result(r.Stanza)
	e.Open("command", nsCommands)
	e.Attr("node", session.node)
	e.Attr("sessionid", id)
	e.Attr("status", status)
	if status == "executing" {
		forward := "complete"
		if p.more {
			forward = "next"
		}
		e.Open("actions", "")
		e.Attr("execute", forward)
		if len(session.pages) > 1 {
			e.Leaf("prev", "", "")
		}
		e.Leaf(forward, "", "")
		e.Close()
	}
	if p.note != "" {
		e.Open("note", "")
		e.Attr("type", noteType)
		e.Text(forBody(p.note))
		e.Close()
	}
	if p.form != nil {
		formType := "form"
		if p.submit == nil {
			formType = "result"
		}
		p.form.write(e, formType)
	}
	e.Close()
	e.Close()
}
