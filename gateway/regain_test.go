package gateway

import (
	"fmt"
	"strings"
	"testing"

	"passerelle/ircconn"
)

// The nick may be held by the connection that was lost: another is shown for as
// long as that lasts.
func TestNickIsRegained(t *testing.T) {
	for _, monitor := range []bool{true, false} {
		t.Run(fmt.Sprintf("monitor %v", monitor), func(t *testing.T) {
			w := patient(t)
			w.cut(brokenPipe)
			w.redialled()
			with := support
			if monitor {
				with = support.With([]string{"MONITOR=10"})
			}
			w.forget()
			w.event(ircconn.Registered{Nick: "juliet_", Source: source("juliet_"), Support: with})
			text := strings.Join(w.sent(), "\n")
			contains(t, text, `<presence from='#chan%irc.test@gw.test/juliet' to='`+desk+`' type='unavailable'>`)
			contains(t, text, `nick='juliet_'/><status code='303'/><status code='110'/>`)
			if monitor {
				w.expectLines("JOIN #chan", "MONITOR + juliet")
			} else {
				w.expectLines("JOIN #chan")
			}
			w.enter("nurse romeo juliet_")
			w.forget()
			if monitor {
				w.event(ircconn.Reply{Numeric: 731, Params: []string{"juliet"}})
			} else {
				w.pass(regainInterval)
				w.expectLines("ISON juliet")
				w.event(ircconn.Reply{Numeric: 303, Params: []string{"juliet"}})
				w.expectLines()
				w.pass(regainInterval)
				w.expectLines("ISON juliet")
				w.event(ircconn.Reply{Numeric: 303, Params: []string{""}})
			}
			w.expectLines("NICK juliet")
			w.event(ircconn.NickChanged{Source: source("juliet_"), New: "juliet", Self: true})
			if monitor {
				w.expectLines("MONITOR - juliet")
			}
			if w.network().regaining {
				t.Error("the nick is still watched")
			}
		})
	}
}

// The old connection may go before our eyes.
func TestNickIsRegainedWhenItsHolderQuits(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.redialled()
	w.register("juliet_")
	w.enter("nurse romeo juliet juliet_")
	w.forget()
	w.event(ircconn.Quit{Source: source("juliet"), Reason: "Ping timeout"})
	w.expectLines("NICK juliet")
}

// A wish for another nick that is refused in an outage can be wished for again.
func TestNickIsWishedForAgain(t *testing.T) {
	w := patient(t)
	w.cut(brokenPipe)
	w.forget()
	wish := func() {
		w.stanza(`<presence from='%s' to='%s/julia' id='n'/>`, desk, room)
	}
	wish()
	w.expectOne(`type='error' id='n'`)
	w.redialled()
	w.register("juliet")
	w.enter("nurse romeo juliet")
	w.forget()
	wish()
	w.expectLines("NICK julia")
}
