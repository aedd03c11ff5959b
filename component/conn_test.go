package component

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestStanzasInAndOut(t *testing.T) {
	server, c := connected(t, nil)
	server.Send(" \n<message from='juliet@localhost/balcony' to='#room%irc.server@irc.localhost' type='groupchat'><body>hi</body></message><presence from='a@b' to='irc.localhost'/>")
	s := receive(t, c.h.stanzas, "message")
	if s.Kind != Message || s.From != juliet || s.To != room.Bare() || s.ChildText("", "body") != "hi" {
		t.Errorf("received %+v", s)
	}
	if s = receive(t, c.h.stanzas, "presence"); s.Kind != Presence {
		t.Errorf("received %+v", s)
	}
	if err := c.Send(encoded("1")); err != nil {
		t.Fatal(err)
	}
	if err := c.Offer(append(encoded("2"), encoded("3")...)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1", "2", "3"} {
		if got := server.Expect(); got != string(encoded(want)) {
			t.Errorf("sent %s", got)
		}
	}
	c.cancel()
	receive(t, c.ended, "end")
	stats := c.Stats()
	if stats.StanzasIn != [Kinds]uint64{Message: 1, Presence: 1} || stats.StanzasOut != 2 || stats.BytesIn == 0 || stats.BytesOut == 0 || stats.Skipped != 0 || stats.Reconnects != 0 {
		t.Errorf("counted %+v", stats)
	}
}

func TestServersWithOtherPrefixes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		// All in one write: what follows the handshake must not be lost.
		_, _ = conn.Write([]byte("<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' xmlns:x='urn:x' id='1' from='irc.localhost'>" +
			"<handshake/><message from='a@b' to='irc.localhost'><x:y/></message></s:stream>"))
		buf := make([]byte, 1024)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	}()
	c := run(t, testConfig("tcp://"+listener.Addr().String()))
	if s := receive(t, c.h.stanzas, "message"); s.Child("urn:x", "y") == nil {
		t.Errorf("received %+v", s)
	}
	if err := receive(t, c.h.down, "end"); !errors.Is(err, errStreamClosed) {
		t.Errorf("ended with %v", err)
	}
}

func TestDroppedStanzas(t *testing.T) {
	for _, in := range []string{
		"<message to='irc.localhost'/>",
		"<message from='@' to='irc.localhost'/>",
		"<message from='a@b'/>",
		"<message from='a@b' to='@irc.localhost'/>",
		"<message from='a@b' to='c@localhost'/>",
		"<other from='a@b' to='irc.localhost'/>",
		"<message xmlns='urn:x' from='a@b' to='irc.localhost'/>",
	} {
		server, c := connected(t, nil)
		server.Send(in + "<presence from='a@b' to='irc.localhost'/>")
		if s := receive(t, c.h.stanzas, "stanza"); s.Kind != Presence {
			t.Errorf("%s was handed in", in)
		}
		if c.Stats().StanzasIn != [Kinds]uint64{Presence: 1} {
			t.Errorf("%s was counted", in)
		}
	}
}

func TestSkippedStanzasAreAnswered(t *testing.T) {
	deep := strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)
	large := "<body>" + strings.Repeat("x", 300*1024) + "</body>"
	attributes := "<a"
	for i := range 65 {
		attributes += fmt.Sprintf(" a%d=''", i)
	}
	attributes += "/>"
	server, c := connected(t, nil)
	for reason, inner := range map[error]string{errTooDeep: deep, errTooLarge: large, errTooManyAttributes: attributes} {
		server.Send("<message from='juliet@localhost/balcony' to='#room%irc.server@irc.localhost' type='error'>" + inner + "</message>" +
			"<iq from='juliet@localhost/balcony' to='irc.localhost' type='result'>" + inner + "</iq>" +
			"<message from='juliet@localhost/balcony' to='example.org'>" + inner + "</message>" +
			"<message from='juliet@localhost/balcony' to='#room%irc.server@irc.localhost' type='groupchat' id='1'>" + inner + "</message>")
		want := "<message from='#room%irc.server@irc.localhost' to='juliet@localhost/balcony' type='error' id='1'><error type='modify'>" +
			"<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>" + reason.Error() + "</text></error></message>"
		if got := server.Expect(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	server.Send("<message id='" + large[len("<body>"):len(large)-len("</body>")] + "'/><presence from='a@b' to='irc.localhost'/>")
	if s := receive(t, c.h.stanzas, "stanza"); s.Kind != Presence {
		t.Errorf("handed in %+v", s)
	}
	if got := c.Stats().Skipped; got != 13 {
		t.Errorf("%d stanzas counted as skipped", got)
	}
}

func TestMalformedXMLEndsTheStream(t *testing.T) {
	for condition, in := range map[string]string{
		"not-well-formed":      "<message></presence>",
		"restricted-xml":       "<!-- -->",
		"bad-namespace-prefix": "<message><p:a/></message>",
	} {
		server, c := connected(t, nil)
		if err := c.Send(encoded("queued before")); err != nil {
			t.Fatal(err)
		}
		server.Send(in)
		server.Expect()
		if got := server.Expect(); !strings.Contains(got, "<"+condition+" xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>") {
			t.Errorf("sent %s", got)
		}
		server.ExpectEnd()
		var broken *StreamError
		if err := receive(t, c.h.down, "end"); !errors.As(err, &broken) || broken.Condition != condition {
			t.Errorf("ended with %v", err)
		}
		server.Accept()
		receive(t, c.h.up, "second stream")
		if c.Stats().Reconnects != 1 {
			t.Errorf("counted %+v", c.Stats())
		}
	}
}

func TestForeignFrom(t *testing.T) {
	server, c := connected(t, nil)
	for _, stanza := range []string{
		"<message from='a@localhost'/>", "<message from='localhost'/>", "<message/>", "<message to='irc.localhost'/>",
		"<message from='irc.localhost@localhost/irc.localhost'/>", "<message from='", "<message from=", "no stanza", "<message from='a'",
		"<message><a from='irc.localhost'/></message>",
	} {
		if err := c.Send([]byte(stanza)); !errors.Is(err, ErrForeignFrom) {
			t.Errorf("%s: %v", stanza, err)
		}
	}
	if !strings.Contains(c.log.String(), "level=ERROR") {
		t.Errorf("log is %s", c.log)
	}
	for _, stanza := range []string{"<message from='irc.localhost'/>", `<message to='a' from="b@irc.localhost/@c/d"/>`} {
		if err := c.Send([]byte(stanza)); err != nil {
			t.Errorf("%s: %v", stanza, err)
		}
		if got := server.Expect(); got != stanza {
			t.Errorf("sent %s", got)
		}
	}
	if err := c.Send(nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("connected", func(t *testing.T) {
		server, c := connected(t, nil)
		server.Drop()
		server.Accept()
		receive(t, c.h.up, "second stream")
	})
	for deadline := time.Now().Add(testTimeout); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
