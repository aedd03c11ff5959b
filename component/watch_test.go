package component

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// attribute is the value of an attribute in the first tag of a stanza.
func attribute(stanza, name string) string {
	_, rest, _ := strings.Cut(stanza, " "+name+"='")
	value, _, _ := strings.Cut(rest, "'")
	return value
}

func TestPing(t *testing.T) {
	server, c := connected(t, func(cfg *Config) { cfg.PingInterval, cfg.PingTimeout = 5*time.Millisecond, testTimeout })
	seen := map[string]bool{}
	for _, answer := range []string{
		"<iq from='localhost' to='irc.localhost' type='result' id='%'/>",
		"<iq from='localhost' to='irc.localhost' type='error' id='%'><error type='cancel'/></iq>",
		"<iq from='mallory@localhost' to='irc.localhost' type='result' id='%'/><iq from='localhost' to='irc.localhost' type='result' id='%'/>",
		" ",
	} {
		ping := server.Expect()
		id := attribute(ping, "id")
		if want := "<iq from='irc.localhost' to='localhost' type='get' id='" + id + "'><ping xmlns='urn:xmpp:ping'/></iq>"; ping != want {
			t.Fatalf("got  %s\nwant %s", ping, want)
		}
		if len(id) < 16 || seen[id] {
			t.Errorf("id is %q", id)
		}
		seen[id] = true
		server.Send(strings.ReplaceAll(answer, "%", id))
	}
	server.Expect()
	server.Send("<presence from='a@b' to='irc.localhost'/>")
	if s := receive(t, c.h.stanzas, "stanza"); s.From.Local != "mallory" {
		t.Errorf("handed in %+v", s)
	}
	if s := receive(t, c.h.stanzas, "stanza"); s.Kind != Presence {
		t.Errorf("handed in %+v", s)
	}
}

func TestDeadPeer(t *testing.T) {
	server, c := connected(t, func(cfg *Config) { cfg.PingInterval, cfg.PingTimeout = 5*time.Millisecond, 5*time.Millisecond })
	if err := receive(t, c.h.down, "end"); !errors.Is(err, errPeerDead) {
		t.Errorf("ended with %v", err)
	}
	server.Accept()
}

// A loss takes along what the host server has not confirmed, though it was heard since.
func TestLossIsDatedByWhatWasConfirmed(t *testing.T) {
	server, c := connected(t, nil)
	const presence = "<presence from='a@b' to='irc.localhost'/>"
	q := c.queue.Load()
	q.mu.Lock()
	q.marked = time.Now().Add(-c.markEvery)
	q.mu.Unlock()
	for _, body := range []string{"first", "second"} {
		if err := c.Send(encoded(body)); err != nil {
			t.Fatal(err)
		}
		if got := server.Expect(); !strings.Contains(got, body) {
			t.Fatalf("got %s", got)
		}
		if body == "first" {
			server.Send("<iq from='localhost' to='irc.localhost' type='result' id='" + attribute(server.Expect(), "id") + "'/>")
		}
		server.Send(presence)
		receive(t, c.h.stanzas, "stanza")
	}
	q.mu.Lock()
	confirmed := q.confirmed
	q.mu.Unlock()
	server.Drop()
	receive(t, c.h.down, "end")
	if heard := c.h.heard.Load(); confirmed.IsZero() || heard != confirmed.UnixNano() {
		t.Errorf("the stream is lost since %v; the host server has confirmed what was sent until %v", time.Unix(0, heard), confirmed)
	}
}

func TestKeepalive(t *testing.T) {
	space := make(chan byte, 1)
	address := listenOnce(t, func(conn net.Conn) {
		_, _ = conn.Write([]byte("<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='1' from='irc.localhost'><handshake/>"))
		// The first interval brings a ping, because nothing was read either.
		var seen strings.Builder
		buf := make([]byte, 1024)
		for !strings.HasSuffix(seen.String(), "</iq> ") {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			seen.Write(buf[:n])
		}
		space <- ' '
	})
	run(t, Config{Hostname: "irc.localhost", Secret: "secret", Address: address, PingInterval: 5 * time.Millisecond, PingTimeout: testTimeout})
	receive(t, space, "space")
}
