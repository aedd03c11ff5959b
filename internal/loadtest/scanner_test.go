package loadtest

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestScanner(t *testing.T) {
	stanzas := []string{
		"<presence to='u7@load.test/r' from='#a%b@c/d'><x xmlns='m'><status code='110'/></x></presence>",
		"<iq id='1' type='result'/>",
		"<message type='groupchat' to='u12@load.test/r'><body>t=42;hello &gt; x</body><a><b/></a></message>",
		"<message type='groupchat'><subject>" + strings.Repeat("long ", 200_000) + "</subject></message>",
	}
	stream := "<?xml version='1.0'?><stream:stream to='c'>" + strings.Join(stanzas, " \n") + "</stream:stream>"
	for name, source := range map[string]io.Reader{
		"all at once": strings.NewReader(stream), "in halves": iotest.HalfReader(strings.NewReader(stream)),
	} {
		s := newScanner(source)
		if header, err := s.header(); err != nil || string(header) != "<stream:stream to='c'>" {
			t.Fatalf("%s: header %q, %v", name, header, err)
		}
		var got []string
		for {
			stanza, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(stanza))
		}
		if !slices.Equal(got, stanzas) {
			t.Errorf("%s: %d stanzas %.300q", name, len(got), got)
		}
	}
}

func TestStanza(t *testing.T) {
	self := stanza("<presence to='u7@load.test/r' from='#a%b@c/d'><x xmlns='m'><status code='110'/></x></presence>")
	if !self.isSelf() || self.isMessage() || self.user() != 7 || self.kind() != "" || string(self.attribute("from")) != "#a%b@c/d" {
		t.Errorf("%s is taken for something else", self)
	}
	said := stanza("<message id='to=1' type='groupchat' to='u12@load.test/r'><body>t=42;hello</body></message>")
	if !said.isMessage() || said.isSubject() || said.user() != 12 || said.number("t=") != 42 || said.number("b=") != -1 {
		t.Errorf("%s is taken for something else", said)
	}
	subject := stanza("<message type='groupchat'><subject/></message>")
	if !subject.isSubject() || subject.isMessage() || subject.user() != -1 {
		t.Errorf("%s is taken for something else", subject)
	}
}
