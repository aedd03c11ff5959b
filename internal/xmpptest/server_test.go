package xmpptest

import (
	"context"
	"crypto/sha1"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"mellium.im/xmpp/component"
	"mellium.im/xmpp/jid"
)

// open does a component's handshake with somebody else's code.
func open(t *testing.T, s *Server, domain, secret string) (net.Conn, error) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = component.NewSession(context.Background(), jid.MustParse(domain), []byte(secret), conn)
	return conn, err
}

func TestHandshake(t *testing.T) {
	for _, test := range []struct {
		name, domain, secret, refuse, want string
	}{
		{"accepted", "irc.localhost", "secret", "", ""},
		{"wrong secret", "irc.localhost", "other", "", "not-authorized"},
		{"unknown host", "xyz.localhost", "secret", "", "host-unknown"},
		{"refused", "irc.localhost", "secret", "conflict", "conflict"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := NewServer(t, "irc.localhost", "secret")
			s.Refuse(test.refuse)
			_, err := open(t, s, test.domain, test.secret)
			if got := fmt.Sprint(err); test.want != "" && got != test.want || test.want == "" && err != nil {
				t.Fatalf("handshake ended with %v, want %q", err, test.want)
			}
		})
	}
}

func TestConversation(t *testing.T) {
	s := NewServer(t, "irc.localhost", "secret")
	conn, err := open(t, s, "irc.localhost", "secret")
	if err != nil {
		t.Fatal(err)
	}
	s.Accept()
	if _, err := io.WriteString(conn, " <message from='irc.localhost'><body>&lt;</body></message>\n<iq from='irc.localhost'/></stream:stream>"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<message from='irc.localhost'><body>&lt;</body></message>", "<iq from='irc.localhost'/>"} {
		if got := s.Expect(); got != want {
			t.Errorf("received %q, want %q", got, want)
		}
	}
	s.ExpectEnd()
}

func TestDropAndFail(t *testing.T) {
	s := NewServer(t, "irc.localhost", "secret")
	for _, end := range []struct {
		do   func()
		want string
	}{
		{s.Drop, ""},
		{func() { s.Fail("conflict", "") }, "<conflict"},
	} {
		conn, err := raw(t, s)
		if err != nil {
			t.Fatal(err)
		}
		s.Accept()
		end.do()
		rest, _ := io.ReadAll(conn)
		if !strings.Contains(string(rest), end.want) {
			t.Errorf("the component read %q, want %q in it", rest, end.want)
		}
	}
}

// raw does a handshake that leaves what follows unread.
func raw(t *testing.T, s *Server) (net.Conn, error) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' to='irc.localhost'>"); err != nil {
		return nil, err
	}
	var header strings.Builder
	for b := make([]byte, 1); strings.Count(header.String(), ">") < 2; header.Write(b) {
		if _, err := conn.Read(b); err != nil {
			return nil, err
		}
	}
	_, id, _ := strings.Cut(header.String(), " id='")
	id, _, _ = strings.Cut(id, "'")
	_, err = fmt.Fprintf(conn, "<handshake>%x</handshake>", sha1.Sum([]byte(id+"secret")))
	return conn, err
}
