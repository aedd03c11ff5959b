package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/store"
)

// hang is a question that the store does not answer.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// storeQuestions are what users ask that needs the store.
var storeQuestions = map[string]string{
	"settings": `<message from='%s' to='gw.test' type='chat'><body>show</body></message>`,
	"choosing": `<message from='%s' to='gw.test' type='chat'><body>set persistent true</body></message>`,
	"contacts": `<presence from='%s' to='romeo%%irc.test@gw.test' type='subscribe'/>`,
	"archive":  `<iq from='%s' to='#chan%%irc.test@gw.test' type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`,
	"metadata": `<iq from='%s' to='#chan%%irc.test@gw.test' type='get' id='q'><metadata xmlns='urn:xmpp:mam:2'/></iq>`,
	"blocks":   `<message from='%s' to='gw.test' type='chat'><body>block-user tybalt@xmpp.test</body></message>`,
	"trace":    `<message from='%s' to='gw.test' type='chat'><body>whois-ident abcdefghi</body></message>`,
	"removal":  `<iq from='%s' to='gw.test' type='set' id='q'><query xmlns='jabber:iq:register'><remove/></query></iq>`,
}

// setsAndFollows gives the user a setting and a contact, in the store only.
func (w *world) setsAndFollows() {
	w.t.Helper()
	user := w.u.jid.String()
	if err := w.g.store.SaveSettings(w.t.Context(), store.Scope{User: user}, store.Settings{setPersistent: {"false"}}, nil); err != nil {
		w.t.Fatal(err)
	}
	if err := w.g.store.AddContact(w.t.Context(), user, "nurse%irc.test@gw.test"); err != nil {
		w.t.Fatal(err)
	}
}

// A database that hangs is waited for once, and not by each question of everybody.
func TestStoreThatHangs(t *testing.T) {
	for name, question := range storeQuestions {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.openStore()
			asAdmin(w)
			w.setsAndFollows()
			if err := w.g.askStore(time.Millisecond, hang); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			w.stanza("%s", fmt.Sprintf(question, desk))
			w.expectOne(`type='error'`, `<resource-constraint `, `at the moment; try again in a minute`)
			w.clock = w.clock.Add(storePause)
			w.stanza("%s", fmt.Sprintf(question, desk))
			lacks(t, strings.Join(w.sent(), "\n"), `type='error'`)
		})
	}
}

// Who has nothing in the store does not need it.
func TestNewcomersWhileTheStoreHangs(t *testing.T) {
	w := newWorld(t)
	w.openStore()
	if err := w.g.askStore(time.Millisecond, hang); err == nil {
		t.Fatal("there was an answer")
	}
	if err := w.u.load(); err != nil {
		t.Errorf("the settings: %v", err)
	}
	if err := w.u.loadContacts(); err != nil {
		t.Errorf("the contacts: %v", err)
	}
}

// Rooms are entered without their history meanwhile.
func TestHistoryOfAStoreThatHangs(t *testing.T) {
	w := spoken(t, 3)
	if err := w.g.askStore(time.Millisecond, hang); err == nil {
		t.Fatal("there was an answer")
	}
	w.join("juliet@xmpp.test/laptop", "juliet")
	if got := bodies(w.sent()); got != "" {
		t.Errorf("the history comes: %s", got)
	}
	w.clock = w.clock.Add(storePause)
	w.join("juliet@xmpp.test/tablet", "juliet")
	if got := bodies(w.sent()); got != "0 1 2" {
		t.Errorf("afterwards: %s", got)
	}
}

// An error that comes at once costs nobody anything.
func TestStoreWithAnError(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		if err := w.g.askStore(time.Hour, func(context.Context) error { return errors.New("disk full") }); errors.Is(err, errStoreAway) {
			t.Error("it is not asked again")
		}
	}
}

// Who searches for too long waits alone.
func TestSearchThatTakesTooLong(t *testing.T) {
	w := newWorld(t)
	w.u.searchPause = w.clock.Add(storePause)
	never := func(context.Context) error {
		t.Error("it is asked again")
		return nil
	}
	if err := w.u.searchStore(never); !errors.Is(err, errStoreAway) {
		t.Errorf("got %v", err)
	}
	romeo := newUser(w.g, component.JID{Local: "romeo", Domain: "xmpp.test"})
	answered := false
	if err := romeo.searchStore(func(context.Context) error { answered = true; return nil }); err != nil || !answered {
		t.Errorf("romeo has to wait as well: %v", err)
	}
	w.clock = w.clock.Add(storePause)
	if err := w.u.searchStore(hang); !errors.Is(err, context.DeadlineExceeded) || w.g.storeIsAway() {
		t.Errorf("got %v", err)
	}
	if !w.clock.Before(w.u.searchPause) {
		t.Error("the next search waits again")
	}
}
