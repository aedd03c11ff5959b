package gateway

import "testing"

// XEP-0100 §4.3: gateway and networks may stand in a roster.
func TestSubscription(t *testing.T) {
	for _, to := range []string{"gw.test", server} {
		reply := func(presenceType string) string {
			if presenceType != "" {
				presenceType = ` type='` + presenceType + `'`
			}
			return `<presence from='` + to + `' to='juliet@xmpp.test'` + presenceType + `/>`
		}
		for stanzaType, want := range map[string][]string{
			"subscribe":    {reply("subscribed"), reply("")},
			"unsubscribe":  {reply("unavailable"), reply("unsubscribed")},
			"probe":        {reply("")},
			"subscribed":   nil,
			"unsubscribed": nil,
			"unavailable":  nil,
		} {
			w := newWorld(t)
			w.stanza(`<presence from='juliet@xmpp.test/desk' to='%s/x' type='%s'/>`, to, stanzaType)
			w.expect(want...)
			if len(w.u.networks) != 0 {
				t.Errorf("%s makes a connection", stanzaType)
			}
		}
	}
}

// People and channels are seen in rooms.
func TestSubscriptionToPeople(t *testing.T) {
	for _, to := range []string{room, "romeo%irc.test@gw.test"} {
		w := newWorld(t)
		w.stanza(`<presence from='juliet@xmpp.test' to='%s' type='subscribe'/>`, to)
		w.expect(`<presence from='` + to + `' to='juliet@xmpp.test' type='unsubscribed'/>`)
	}
}
