package ircconn

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/text/encoding/charmap"

	"passerelle/internal/irctest"
)

// latin1 encodes, with question marks for what the charset lacks.
func latin1(line string) []byte {
	var out []byte
	for _, r := range line {
		b, ok := charmap.ISO8859_1.EncodeRune(r)
		if !ok {
			b = '?'
		}
		out = append(out, b)
	}
	return out
}

func TestEncode(t *testing.T) {
	server := irctest.NewServer(t)
	options := testOptions(server)
	options.RealName = "Amélie"
	options.Encode = latin1
	c, events := start(t, testConfig(), options)
	s := server.Accept()
	if client := s.Register(irctest.Registration{Caps: []string{"message-tags", "labeled-response", "batch"}}); client.RealName != "Am\xe9lie" {
		t.Errorf("the real name is %q", client.RealName)
	}
	waitFor[Registered](t, events, nil)
	line := Privmsg("#été", "à ça")
	line.Tags = []Tag{{"+draft/reply", "é"}}
	if err := send(c, line); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("@+draft/reply=é PRIVMSG #\xe9t\xe9 :\xe0 \xe7a")

	s.Send(":irc.test 005 juliet UTF8ONLY :are supported by this server")
	waitFor(t, events, func(e SupportChanged) bool { return e.Support.UTF8Only })
	if err := send(c, Privmsg("#c", "été")); err != nil {
		t.Fatal(err)
	}
	s.ExpectLines("PRIVMSG #c été")
}

// The limit is one of bytes on the wire, and what a charset makes of a text
// cannot end the line early.
func TestEncodedLimits(t *testing.T) {
	widen := func(line string) []byte { return bytes.ReplaceAll([]byte(line), []byte("x"), []byte("xxxx")) }
	smuggle := func(with string) func(string) []byte {
		return func(line string) []byte { return []byte(strings.ReplaceAll(line, "ċ", with)) }
	}
	fits := 512 - len("PRIVMSG #c \r\n")
	tests := []struct {
		name   string
		encode func(string) []byte
		text   string
		fails  string
	}{
		{"shorter than UTF-8", latin1, strings.Repeat("é", fits), ""},
		{"too long all the same", latin1, strings.Repeat("é", fits+1), "longer than the 512 bytes"},
		{"longer than UTF-8", widen, strings.Repeat("x", fits/4+1), "longer than the 512 bytes"},
		{"LF", smuggle("\n"), "aċQUIT", "line break"},
		{"CR", smuggle("\r"), "aċQUIT", "line break"},
		{"NUL", smuggle("\x00"), "aċQUIT", "line break"},
	}
	for _, test := range tests {
		data, err := Privmsg("#c", test.text).bytes(lineLimits{bytes: 512, encode: test.encode})
		switch {
		case test.fails == "" && (err != nil || len(data) > 512):
			t.Errorf("%s: got %d bytes, %v", test.name, len(data), err)
		case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
			t.Errorf("%s: got %q, %v", test.name, data, err)
		}
	}
}

// inPipeWith is inPipe with options.
func inPipeWith(t *testing.T, change func(*Options), test func(*pipeTest)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipeTest{t: t, events: newRecorder(), began: time.Now()}
		options := testOptions()
		change(&options)
		p.conn, p.theirs = pipeConn(new(DefaultConfig()), options, p.events.sink)
		p.server = irctest.Converse(t, p.theirs)
		test(p)
		p.conn.Close()
		_ = p.theirs.Close()
		<-p.conn.Done()
	})
}

func TestPace(t *testing.T) {
	inPipeWith(t, func(o *Options) { o.Pace = &Pace{Burst: 2, LineInterval: 5 * time.Second} }, func(p *pipeTest) {
		p.register()
		for i := range 4 {
			if err := send(p.conn, Privmsg("#c", fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		p.expectAfter(0, "PRIVMSG #c 0")
		p.expectAfter(0, "PRIVMSG #c 1")
		p.expectAfter(5*time.Second, "PRIVMSG #c 2")
		p.expectAfter(10*time.Second, "PRIVMSG #c 3")
	})
	// A burst of nothing would never send anything.
	inPipeWith(t, func(o *Options) { o.Pace = &Pace{LineInterval: time.Second} }, func(p *pipeTest) {
		p.register()
		if err := send(p.conn, Privmsg("#c", "0"), Privmsg("#c", "1")); err != nil {
			t.Fatal(err)
		}
		p.expectAfter(0, "PRIVMSG #c 0")
		p.expectAfter(time.Second, "PRIVMSG #c 1")
	})
}

// AfterConnect comes before what was queued earlier, and at the same pace.
func TestAfterConnect(t *testing.T) {
	after := []Line{Mode("juliet", "+i"), newLine("PRIVMSG", "NickServ", "IDENTIFY s3cret"), newLine("AWAY", "x\r\ny")}
	inPipeWith(t, func(o *Options) {
		o.AfterConnect = after
		o.Pace = &Pace{Burst: 1, LineInterval: time.Second}
	}, func(p *pipeTest) {
		if err := send(p.conn, Join("#c", "")); err != nil {
			t.Fatal(err)
		}
		p.register()
		p.expectAfter(0, "MODE juliet +i")
		p.expectAfter(time.Second, "PRIVMSG NickServ :IDENTIFY s3cret")
		p.expectAfter(2*time.Second, "JOIN #c")
		waitFor(t, p.events, func(e Progress) bool { return strings.Contains(e.Text, "AWAY: a line cannot contain") })
	})
}

// Lines of AfterConnect do not count as ours, and go with the connection that
// they were for.
func TestAfterConnectOfALostConnection(t *testing.T) {
	config := testConfig()
	config.QueueLines = 1
	c := newConn(&config, Options{}, nil, nil)
	c.writer.precede([]Line{Away("a"), Away("b")})
	if err := send(c, Join("#c", "")); err != nil {
		t.Fatal(err)
	}
	if err := send(c, Join("#d", "")); err != ErrQueueFull {
		t.Errorf("got %v", err)
	}
	c.writer.detach()
	if got := c.writer.queue; len(got) != 1 || string(got[0].data) != "JOIN #c\r\n" {
		t.Errorf("got %d lines", len(got))
	}
}

func TestWaitForLogin(t *testing.T) {
	identify := []Line{newLine("NICKSERV", "IDENTIFY s3cret")}
	tests := map[string]string{
		"900":    loggedInLine,
		"396":    ":irc.test 396 juliet cloak.test :is now your displayed host",
		"Atheme": ":NickServ!NickServ@services.test NOTICE juliet :You are now identified for \x02juliet\x02.",
		"Anope":  ":NickServ!services@services.test NOTICE juliet :Password accepted - you are now recognized.",
		"ergo":   ":irc.test NOTICE juliet :You are now logged in as juliet",
	}
	for name, line := range tests {
		t.Run(name, func(t *testing.T) {
			inPipeWith(t, func(o *Options) {
				o.AfterConnect = identify
				o.WaitForLogin = 30 * time.Second
			}, func(p *pipeTest) {
				if err := send(p.conn, Join("#c", "")); err != nil {
					t.Fatal(err)
				}
				p.register()
				p.expectAfter(0, "NICKSERV :IDENTIFY s3cret")
				// What others say is no proof.
				p.server.Send(":romeo!r@h NOTICE juliet :You are now identified.", ":NickServ!n@s NOTICE #c :You are now identified.",
					":NickServ!n@s NOTICE juliet :This nickname is registered.")
				time.Sleep(5 * time.Second)
				synctest.Wait()
				if len(eventsOf[Registered](p.events.all())) > 0 {
					t.Error("registered before the login")
				}
				p.server.Send(line)
				p.expectAfter(5*time.Second, "JOIN #c")
				waitFor[Registered](t, p.events, nil)
			})
		})
	}
}

func TestWaitForLoginEnds(t *testing.T) {
	inPipeWith(t, func(o *Options) {
		o.Password = "s3cret"
		o.WaitForLogin = 30 * time.Second
	}, func(p *pipeTest) {
		if err := send(p.conn, Join("#c", "")); err != nil {
			t.Fatal(err)
		}
		p.register()
		// A server that asks meanwhile gets its answer.
		p.server.Send("PING :x")
		p.expectAfter(0, "PONG x")
		p.expectAfter(30*time.Second, "JOIN #c")
		// From then on silence counts as ever.
		p.expectAfter(60*time.Second, "PING passerelle")
	})
}

// There is nothing to wait for without a password to anybody, and after SASL.
func TestWaitForLoginIsUseless(t *testing.T) {
	for _, change := range []func(*Options){
		func(*Options) {},
		func(o *Options) {
			o.AfterConnect = []Line{Mode("juliet", "+i")}
			o.SASL = SASLOptions{Account: "jilles", Password: "sesame", AllowPlaintext: true}
		},
	} {
		inPipeWith(t, func(o *Options) {
			o.WaitForLogin = 30 * time.Second
			change(o)
		}, func(p *pipeTest) {
			p.server.SkipUntil("USER")
			p.server.Send("CAP * LS :sasl=PLAIN")
			if line := p.server.ReadLine(); line != "CAP END" {
				p.server.Send("CAP * ACK :sasl")
				p.server.ExpectLines("AUTHENTICATE PLAIN")
				p.server.Send("AUTHENTICATE +")
				p.server.Expect("AUTHENTICATE ")
				p.server.Send(loggedInLine, successLine)
				p.server.ExpectLines("CAP END")
			}
			welcomeJuliet(p.server)
			synctest.Wait()
			if len(eventsOf[Registered](p.events.all())) != 1 {
				t.Error("not registered at once")
			}
		})
	}
}

// A connection that is closed while it waits was never registered.
func TestClosedWhileWaitingForLogin(t *testing.T) {
	inPipeWith(t, func(o *Options) {
		o.Password = "s3cret"
		o.WaitForLogin = 30 * time.Second
	}, func(p *pipeTest) {
		p.register()
		p.server.Send("ERROR :Closing link: Killed")
		p.expectEnd(0, KindServerClosed)
		if end := eventsOf[Disconnected](p.events.all()); end[0].WasRegistered {
			t.Errorf("got %+v", end)
		}
	})
}
