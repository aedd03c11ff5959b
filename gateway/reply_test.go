package gateway

import (
	"strings"
	"testing"
)

func TestErrorTextsAreShort(t *testing.T) {
	w := connected(t)
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='q1'><query xmlns='http://jabber.org/protocol/disco#info' node='%s'/></iq>`, desk, strings.Repeat("\U0010fffd", 50000))
	if got := w.sent(); len(got) != 1 || len(got[0]) > 4096 {
		t.Errorf("an answer of %d bytes", len(got[0]))
	}
}
