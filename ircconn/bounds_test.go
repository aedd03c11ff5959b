package ircconn

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

// sessionEvents returns the events that lines become after registration.
func sessionEvents(lines ...string) []Event {
	var events []Event
	s := newTestSession(func(_ *Conn, event Event) { events = append(events, event) })
	events = nil
	for _, line := range lines {
		s.receive([]byte(line))
	}
	return events
}

// What a server calls by a name of no sane length leaves no trace.
func TestNamesThatAreTooLong(t *testing.T) {
	long := strings.Repeat("x", maxNameBytes+1)
	for _, line := range []string{
		":" + long + "!u@h PRIVMSG #c :hi",
		":a!" + long + "@h PRIVMSG #c :hi",
		":a!u@" + long + " JOIN #c",
		":a!u@h JOIN #" + strings.Repeat("c", maxChannelBytes),
		":a!u@h NICK " + long,
		":juliet!u@h NICK " + long,
		":a!u@h CHGHOST u " + long,
		":irc.test 396 juliet " + long + " :is your host",
		":irc.test 352 juliet #c u h s " + long + " H :0 x",
		":irc.test 354 juliet " + whoxToken + " #c u " + long + " a H 0",
	} {
		if events := sessionEvents(line); len(events) > 0 {
			t.Errorf("%.60s… became%s", line, describe(events))
		}
	}
	for line, want := range map[string]Event{
		":irc.test 353 juliet = #c :@a " + long + " b!" + long + "@h c": Names{
			Channel: "#c", Members: []NamesEntry{{Nick: "a", Prefixes: "@"}, {Nick: "c"}},
		},
		"@account=" + long + " :a!u@h PRIVMSG #c :hi": Message{
			Source: Source{Nick: "a", User: "u", Host: "h"}, Target: "#c", Text: "hi",
		},
		":a!u@h JOIN #c " + long + " :A": Joined{Source: Source{Nick: "a", User: "u", Host: "h"}, Channel: "#c", RealName: "A"},
		":a!u@h ACCOUNT " + long:         AccountChanged{Source: Source{Nick: "a", User: "u", Host: "h"}},
		":a!u@h AWAY :" + strings.Repeat("é", maxAwayBytes): AwayChanged{
			Source: Source{Nick: "a", User: "u", Host: "h"}, Text: strings.Repeat("é", maxAwayBytes/2),
		},
		":irc.test 301 juliet a :x" + strings.Repeat("é", maxAwayBytes): AwayReply{
			Nick: "a", Text: "x" + strings.Repeat("é", maxAwayBytes/2-1),
		},
	} {
		if events := sessionEvents(line); len(events) != 1 || fmt.Sprintf("%+v", events[0]) != fmt.Sprintf("%+v", want) {
			t.Errorf("%.60s… became%s\nnot %T%+v", line, describe(events), want, want)
		}
	}
}

func TestModesBeyondTheBounds(t *testing.T) {
	events := sessionEvents(":a!u@h MODE #c +"+strings.Repeat("n", 2*maxModeChanges), ":a!u@h MODE #c +bb "+strings.Repeat("x", maxModeArgBytes+1)+" y")
	changes := eventsOf[ModeChanged](events)
	if len(changes) != 2 || len(changes[0].Changes) != maxModeChanges || len(changes[1].Changes) != 1 || changes[1].Changes[0].Arg != "y" {
		t.Errorf("got %s", describe(events))
	}
}

func TestSupportIsNotChangedForEver(t *testing.T) {
	var lines []string
	for i := range 2 * maxSupportLines {
		lines = append(lines, fmt.Sprintf(":irc.test 005 juliet NICKLEN=%d :are supported", i+1))
	}
	if changes := eventsOf[SupportChanged](sessionEvents(lines...)); len(changes) != maxSupportLines {
		t.Errorf("%d changes were believed", len(changes))
	}
}

func TestNickOfUnreasonableLength(t *testing.T) {
	c, recorder, server := speak(t, testConfig())
	server.Send(":irc.test 001 " + strings.Repeat("n", maxNameBytes+1) + " :Welcome")
	waitDone(t, c)
	end := waitFor[Disconnected](t, recorder, nil)
	if end.WasRegistered || end.Err == nil || !strings.Contains(end.Err.Error(), "a nick of 256 bytes") {
		t.Errorf("the connection ended with %+v", end)
	}
}

// speak starts a connection to a scripted server that has read NICK and USER.
func speak(t *testing.T, config Config) (*Conn, *recorder, *irctest.Conversation) {
	t.Helper()
	server := irctest.NewServer(t)
	c, recorder := start(t, config, testOptions(server))
	conversation := server.Accept()
	conversation.SkipUntil("USER ")
	return c, recorder, conversation
}

// endless are lines after which more would have to come.
var endless = map[string]string{
	"capabilities":       ":irc.test CAP * LS * :multi-prefix sasl=PLAIN x=" + strings.Repeat("y", 300),
	"notices":            ":irc.test NOTICE * :*** Looking up your hostname",
	"ISUPPORT":           ":irc.test 005 juliet NICKLEN=9 :are supported",
	"message of the day": ":irc.test 372 juliet :- and so on",
	"numerics":           ":irc.test 020 * :Please wait",
	"half a line":        "",
}

// A server that never comes to an end holds up neither the registration for ever…
func TestRegistrationWithoutEnd(t *testing.T) {
	for name, line := range endless {
		t.Run(name, func(t *testing.T) {
			inPipe(t, testConfig(), func(p *pipeTest) {
				p.server.SkipUntil("USER")
				for time.Since(p.began) < 59*time.Second {
					time.Sleep(100 * time.Millisecond)
					if line == "" {
						p.server.SendRaw("x")
						continue
					}
					p.server.Send(line)
				}
				p.expectEnd(60*time.Second, KindTimeout)
			})
		})
	}
}

// … nor the welcome.
func TestWelcomeWithoutEnd(t *testing.T) {
	for name, line := range endless {
		if line == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			inPipe(t, testConfig(), func(p *pipeTest) {
				p.server.SkipUntil("USER")
				p.server.Send(":irc.test 001 juliet :hi")
				for len(eventsOf[Registered](p.events.all())) == 0 {
					if time.Since(p.began) > welcomeGrace+time.Second {
						t.Fatal("the welcome does not end")
					}
					time.Sleep(100 * time.Millisecond)
					p.server.Send(line)
				}
			})
		})
	}
}

// Nor does a server that sends without a pause keep the deadline from passing.
func TestRegistrationUnderFlood(t *testing.T) {
	config := testConfig()
	config.RegistrationTimeout = 200 * time.Millisecond
	c, recorder, server := speak(t, config)
	many := strings.Repeat(endless["capabilities"]+"\r\n", 100)
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for {
			if _, err := io.WriteString(server.Raw(), many); err != nil {
				return
			}
		}
	}()
	waitDone(t, c)
	<-flooded
	var failure *Error
	if end := waitFor[Disconnected](t, recorder, nil); !errors.As(end.Err, &failure) || failure.Kind != KindTimeout {
		t.Errorf("the connection ended with %v", end.Err)
	}
}

// hostileBytes is how much a hostile server sends in each of the tests of memory.
const hostileBytes = 8 << 20

// What a server can make a connection hold, whatever it sends (doc.go).
const mostHeldBytes = 2 << 20

func TestMemoryIsBounded(t *testing.T) {
	long := strings.Repeat("y", 15000)
	number := func(format string) func(int) string {
		return func(i int) string { return strings.ReplaceAll(format, "%", strconv.Itoa(i)) }
	}
	floods := map[string]func(int) string{
		"one line without end":    func(int) string { return "" },
		"capabilities":            number(":irc.test CAP * LS * :multi-prefix=" + long + " cap-% sasl=" + long),
		"new capabilities":        number(":irc.test CAP juliet NEW :multi-prefix=%" + long + " batch=% sts=%"),
		"message of the day":      number(":irc.test 372 juliet :" + long + "%"),
		"ISUPPORT":                number(":irc.test 005 juliet A%=" + long + " B%=" + long[:400] + " :are supported"),
		"bans":                    number(":irc.test 367 juliet #c " + long + "% setter 1"),
		"bans of many channels":   number(":irc.test 367 juliet #c% " + long[:200] + " setter 1"),
		"batches":                 number("BATCH +%" + long + " " + long),
		"batches of usual length": number("@label=" + long[:200] + " BATCH +% " + long[:200] + " x"),
		"pings":                   number("PING %" + long[:400]),
		"servers":                 number(":" + long[:250] + "% 020 juliet :hello"),
		"our own address":         number(":irc.test 396 juliet u" + long[:100] + "%@" + long[:100] + " :is your host"),
		"our own nick":            number(":juliet!" + long[:100] + "@" + long[:100] + " NICK juliet"),
		"logins":                  number(":irc.test 900 juliet juliet!u@h " + long + "% :You are now logged in"),
		"messages":                number("@msgid=%;x=" + long + " :a!b@c PRIVMSG juliet :" + long),
		"members":                 number(":irc.test 353 juliet = #c% :" + strings.Repeat("somebody ", 1600)),
		"garbage":                 number("\x00\xff\xfe%" + long),
	}
	for name, line := range floods {
		for _, phase := range []string{"registering", "registered"} {
			t.Run(name+" while "+phase, func(t *testing.T) {
				if held := heldAfter(t, phase, line); held > mostHeldBytes {
					t.Errorf("the connection holds %d bytes", held)
				}
			})
		}
	}
}

// heldAfter is how much more memory a connection holds after a flood.
func heldAfter(t *testing.T, phase string, line func(int) string) int64 {
	t.Helper()
	before := heap()
	r := talkingReader(t, Options{Nick: "juliet", SASL: SASLOptions{Account: "juliet", Password: "secret"}}, func(*Conn, Event) {})
	if phase == "registered" {
		registerReader(r)
	}
	never := func() bool { return false }
	for sent, i := 0, 0; sent < hostileBytes; i++ {
		text := line(i) + "\n"
		if text == "\n" {
			text = strings.Repeat("z", 4096)
		}
		sent += len(text)
		r.lines.split([]byte(text), r.conn.config.MaxLineBytes, r.session.receive, never)
	}
	held := heap() - before
	runtime.KeepAlive(r)
	return held
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
