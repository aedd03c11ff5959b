package gateway

import (
	"strconv"
	"strings"

	"passerelle/component"
)

const (
	nsVCard  = "vcard-temp"
	nsVCard4 = "urn:ietf:params:xml:ns:vcard-4.0"
	nsLast   = "jabber:iq:last"
)

// vcardFeature says who somebody is, from WHOIS, as vcard-temp (XEP-0054).
func vcardFeature() feature {
	return feature{
		xep: "XEP-0054", on: onOccupant | onNick, advertise: []string{nsVCard},
		iq: map[iqKey]iqHandler{{"get", nsVCard, "vCard"}: (*User).onVCard},
	}
}

// vcard4Feature says the same as a vCard4 (XEP-0292 §5).
func vcard4Feature() feature {
	return feature{
		xep: "XEP-0292", on: onOccupant | onNick, advertise: []string{nsVCard4},
		iq: map[iqKey]iqHandler{{"get", nsVCard4, "vcard"}: (*User).onVCard4},
	}
}

// lastFeature says how long somebody has been idle (XEP-0012), and how long the
// gateway has run.
func lastFeature() feature {
	return feature{
		xep: "XEP-0012", on: onGateway | onOccupant | onNick, advertise: []string{nsLast},
		iq: map[iqKey]iqHandler{{"get", nsLast, "query"}: (*User).onLast},
	}
}

// describePerson answers a request with what WHOIS says.
func (u *User) describePerson(r *request, write func(*whois)) error {
	n, nick, err := u.personOf(r)
	if err != nil {
		return err
	}
	return n.askWhois(nick, write, func(err error) { u.replyError(r.Stanza, err) })
}

// description is all of a WHOIS that a card has no field for.
func (w *whois) description() string {
	lines := []string{w.user + "@" + w.host}
	if w.account != "" {
		lines = append(lines, "Account: "+w.account)
	}
	if len(w.channels) > 0 {
		lines = append(lines, "Channels: "+strings.Join(w.channels, " "))
	}
	if w.server != "" {
		lines = append(lines, "Server: "+w.server)
	}
	if w.away != "" {
		lines = append(lines, "Away: "+plain(w.away))
	}
	return forBody(strings.Join(append(lines, w.notes...), "\n"))
}

func (u *User) onVCard(r *request, _ *component.Element) error {
	return u.describePerson(r, func(w *whois) {
		u.enc.Result(r.Stanza)
		u.enc.Open("vCard", nsVCard)
		u.enc.Leaf("FN", "", w.nick)
		u.enc.Leaf("NICKNAME", "", w.nick)
		if w.realName != "" {
			u.enc.Leaf("NOTE", "", w.realName)
		}
		u.enc.Leaf("DESC", "", w.description())
		u.enc.Close()
		u.enc.Close()
	})
}

func (u *User) onVCard4(r *request, _ *component.Element) error {
	return u.describePerson(r, func(w *whois) {
		u.enc.Result(r.Stanza)
		u.enc.Open("vcard", nsVCard4)
		for _, property := range []struct{ name, text string }{
			{"fn", w.nick}, {"nickname", w.nick}, {"note", strings.TrimSpace(w.realName + "\n" + w.description())},
		} {
			u.enc.Open(property.name, "")
			u.enc.Leaf("text", "", property.text)
			u.enc.Close()
		}
		u.enc.Close()
		u.enc.Close()
	})
}

func (u *User) onLast(r *request, _ *component.Element) error {
	if at(r) == onGateway {
		u.writeLast(r, int(u.g.now().Sub(u.g.started).Seconds()))
		return nil
	}
	return u.describePerson(r, func(w *whois) {
		if !w.isIdleKnown {
			u.replyError(r.Stanza, refuse("service-unavailable", "the server does not say how long %s has been idle", w.nick))
			return
		}
		u.writeLast(r, int((w.idle + u.g.now().Sub(w.at)).Seconds()))
	})
}

func (u *User) writeLast(r *request, seconds int) {
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsLast)
	u.enc.Attr("seconds", strconv.Itoa(seconds))
	u.enc.Close()
	u.enc.Close()
}
