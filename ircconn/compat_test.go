package ircconn

import (
	"crypto/tls"
	"net"
	"testing"
)

// InspIRCd 3 answers a labelled NICK with the new nick as its source.
func TestLabelledNickWithTheNewSource(t *testing.T) {
	r := newRecorder()
	s := newTestSession(r.sink, fullSupport...)
	s.receive([]byte("@label=1 :capulet!jcapulet@host.test NICK :capulet"))
	got := eventsOf[NickChanged](r.all())
	if len(got) != 1 || !got[0].Self || got[0].New != "capulet" || got[0].Source.Nick != "juliet" {
		t.Fatalf("got %+v", got)
	}
	s.receive([]byte(":romeo!r@host.test NICK :romeo"))
	if got := eventsOf[NickChanged](r.all()); got[len(got)-1].Self {
		t.Errorf("somebody else's change of letters' case is taken for ours: %+v", got)
	}
}

// ngIRCd with OpenSSL needs a TLS record for each line.
func TestLinesPerWrite(t *testing.T) {
	batch := []outgoing{{data: []byte("A\r\n")}, {data: []byte("B\r\n")}}
	plain, _ := net.Pipe()
	defer plain.Close()
	if got := chunks(plain, batch); len(got) != 1 || string(got[0]) != "A\r\nB\r\n" {
		t.Errorf("in the clear: %q", got)
	}
	if got := chunks(tls.Client(plain, &tls.Config{}), batch); len(got) != 2 {
		t.Errorf("with TLS: %q", got)
	}
}
