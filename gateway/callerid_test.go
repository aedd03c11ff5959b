package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"passerelle/ircconn"
)

// calls is somebody who wants to write to a user in mode +g.
func (w *world) calls(params ...string) string {
	w.t.Helper()
	w.event(ircconn.Reply{Numeric: 718, Params: params})
	return strings.Join(w.sent(), "\n")
}

func (w *world) grant(presenceType, nick string) {
	w.t.Helper()
	w.stanza(`<presence from='juliet@xmpp.test' to='%s%%irc.test@gw.test' type='%s'/>`, nick, presenceType)
}

func TestCallerIsAccepted(t *testing.T) {
	for _, params := range [][]string{
		{"Romeo", "romeo@verona.test", "is messaging you, and you have user mode +g set."},
		{"Romeo", "is messaging you, and you have umode +g."},
	} {
		w := connected(t)
		text := w.calls(params...)
		contains(t, text, `<presence from='romeo%irc.test@gw.test' to='juliet@xmpp.test' type='subscribe'/>`,
			`from='irc.test@gw.test'`, `Romeo`, ` wants to write to you`, `grant the request of romeo%irc.test@gw.test, or write here: ACCEPT Romeo`)
		if strings.Contains(text, "(romeo@verona.test)") != (len(params) == 3) {
			t.Error(text)
		}
		w.grant("subscribed", "romeo")
		w.expectLines("ACCEPT romeo")
		w.grant("subscribed", "romeo")
		w.expectLines()
		w.expect()
	}
}

func TestCallerIsRefused(t *testing.T) {
	w := connected(t)
	w.calls("romeo", "romeo@verona.test", "is messaging you")
	w.grant("unsubscribed", "romeo")
	w.grant("subscribed", "romeo")
	w.expectLines()
	w.expect()
}

// Who never called is not let in by the bookkeeping of rosters.
func TestNobodyCalled(t *testing.T) {
	w := connected(t)
	w.grant("subscribed", "nurse")
	w.stanza(`<presence from='juliet@xmpp.test' to='nurse%%elsewhere.test@gw.test' type='subscribed'/>`)
	w.stanza(`<presence from='juliet@xmpp.test' to='nurse%%elsewhere.test@gw.test' type='unsubscribed'/>`)
	w.expectLines()
	w.expect()
}

// A server that makes people up fills neither memory nor roster.
func TestTooManyCallers(t *testing.T) {
	w := connected(t)
	for i := range callersLimit {
		w.calls(fmt.Sprintf("nick%d", i), "u@h", "text")
	}
	text := w.calls("onemore", "u@h", "text")
	contains(t, text, "onemore (u@h) wants to write to you")
	lacks(t, text, "<presence")
	if len(w.network().callers) != callersLimit {
		t.Errorf("%d wait", len(w.network().callers))
	}
}

// Where too many ask already, nobody is told to grant a request that is not made.
func TestOneCallerTooMany(t *testing.T) {
	w := connected(t)
	for i := range callersLimit + 1 {
		w.forget()
		w.event(ircconn.Reply{Numeric: 718, Params: []string{"caller" + strconv.Itoa(i), "user@host"}})
	}
	got := strings.Join(w.sent(), "\n")
	contains(t, got, "write here: ACCEPT caller"+strconv.Itoa(callersLimit))
	lacks(t, got, "grant the request", "subscribe")
}
