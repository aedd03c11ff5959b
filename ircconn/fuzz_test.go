package ircconn

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ergochat/irc-go/ircmsg"
)

// FuzzReceive feeds a session lines and ISUPPORT: nothing may panic, and every
// string of every event must be fit to be shown.
func FuzzReceive(f *testing.F) {
	f.Add(":a!b@c PRIVMSG #c :hi", "CHANTYPES=# PREFIX=(ov)@+")
	f.Add("@time=2026-01-01T00:00:00Z;batch=1 :a MODE #c +bov-k x y z", `CHANMODES=b,k,l,n PREFIX= STATUSMSG=@+ NETWORK=\x20`)
	f.Add(":s 353 n = #c :@+a!b@c ~d", "PREFIX=(qaohv)~&@%+")
	f.Add(":s 728 n #c  x\n:s 729 n #c ", "CASEMAPPING=rfc7613")
	f.Add("@label=1 BATCH +1 labeled-response\n@batch=1 BATCH +2 x\nBATCH -1", "")
	f.Add("FAIL A B C\nCAP * LS * :batch=x\nCAP * LS :labeled-response\nCAP n NAK :\nCAP n ACK :-batch", "-CHANTYPES MODES TARGMAX=A:,B:1 MAXLIST=be:9 EXTBAN=,x")
	f.Add(":juliet!a@b NICK :x\n:x JOIN #c,#d a :b\n396 x a@b\n433 x y z\nERROR", "CHANTYPES=")
	f.Add("\x00\xff@\xff", "STATUSMSG=#@ CHANTYPES=#@")
	f.Fuzz(func(t *testing.T, lines, support string) {
		sink := func(_ *Conn, event Event) {
			if m, ok := event.(Message); ok && (!utf8.ValidString(m.Text) || strings.ContainsAny(m.Text, "\r\n\x00")) {
				t.Errorf("text %q", m.Text)
			}
		}
		for _, registered := range []bool{true, false} {
			s := newTestSession(sink, support)
			if !registered {
				s = newSession(newConn(new(testConfig()), Options{Nick: "juliet"}, sink, nil), Address{})
			}
			var splitter lineSplitter
			splitter.split([]byte(lines+"\n"), 600, s.receive, s.isOver)
		}
	})
}

// FuzzLine: whatever somebody types is refused, or is one line that says the
// same when it is read again.
func FuzzLine(f *testing.F) {
	f.Add("PRIVMSG #c :hello there", "#c", "text")
	f.Add("MODE #c +b a!b@c", "a\r\nQUIT", ":x")
	f.Add("  whois  x ", "", "\x01")
	f.Fuzz(func(t *testing.T, raw, target, text string) {
		check := func(line Line) {
			data, err := line.bytes(allLimits)
			if err != nil {
				return
			}
			body, ended := strings.CutSuffix(string(data), "\r\n")
			if !ended || strings.ContainsAny(body, "\r\n\x00") || len(data) > 512+4096 {
				t.Fatalf("%+v became %q", line, data)
			}
			var m message
			err = m.parse(body)
			if err != nil || m.command != strings.ToUpper(line.Command) || !slices.Equal(m.params, line.Params) {
				t.Fatalf("%+v became %q, read as %+v, %v", line, data, m, err)
			}
		}
		if line, err := ParseLine(raw); err == nil {
			check(line)
		}
		for _, line := range []Line{
			Privmsg(target, text), Action(target, text), CTCPReply(target, text, raw), Join(target, text),
			Topic(target, text), Kick(target, text, raw), Mode(target, text, raw), Away(text), Nick(text),
			{Command: raw, Params: []string{target, text}},
		} {
			check(line)
		}
	})
}

// FuzzSupport: every snapshot keeps what its users rely on.
func FuzzSupport(f *testing.F) {
	f.Add("PREFIX=(ov)@+ CHANMODES=b,k,l,n", "-PREFIX MODES=0")
	f.Add(`NETWORK=\x41\x`, "LINELEN=4096")
	f.Fuzz(func(t *testing.T, first, second string) {
		s := DefaultSupport().With(strings.Fields(first)).With(strings.Fields(second))
		if len(s.PrefixModes) != len(s.PrefixChars) || s.LineLen < 512 || s.Modes < 1 || s.NickLen < 0 || len(readTokens(s.tokens.Value())) > maxSupportTokens {
			t.Fatalf("got %+v", s)
		}
		for i := range 256 {
			_, _ = s.KindOf(byte(i)), s.ModeOf(byte(i))
		}
		s.splitStatus(second)
		folded := s.Casemapping.Fold(first)
		if s.Casemapping.Fold(string(folded)) != folded {
			t.Fatalf("folding %q twice changes it", first)
		}
	})
}

// FuzzAddress: what is read can be written and read again.
func FuzzAddress(f *testing.F) {
	f.Add("ircs://irc.example.org:6697")
	f.Add("[::1]:6667")
	f.Fuzz(func(t *testing.T, s string) {
		address, err := ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := ParseAddress(address.String()); err != nil || again != address {
			t.Fatalf("%q was read as %+v, then as %+v, %v", s, address, again, err)
		}
	})
}

// FuzzParse compares how lines are taken apart with how ircmsg does it.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		":romeo!r@house.test PRIVMSG #balcony :But, soft! what light", "PING :x", "PING x", ":irc.test 001 juliet  :Welcome  to :it", "quit", " :a  join  #c  ",
		":a", ": PING", ":a :b :c", "MODE #c +o :", "x\ty z", "", " ",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.HasPrefix(line, "@") || strings.ContainsAny(line, "\r\n\x00") {
			return
		}
		want, wantErr := ircmsg.ParseLine(line)
		var got message
		err := got.parse(line)
		if wantErr != nil {
			if err == nil && isCommand(got.command) {
				t.Fatalf("%q is no line: %v", line, wantErr)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got.command != want.Command || !slices.Equal(got.params, want.Params) || got.source != parseSource(want.Source) {
			t.Fatalf("%q: got %q %q from %v, want %q %q from %q", line, got.command, got.params, got.source, want.Command, want.Params, want.Source)
		}
	})
}
