package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/ircconn"
)

// refused404 is the server's answer to a message that it does not let through.
var refused404 = ircconn.Refused{Numeric: 404, Target: "#chan", Params: []string{"#chan"}, Text: "no"}

func (w *world) echo(text, label string) {
	w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: text, Self: true, Meta: ircconn.Meta{Label: label}})
}

// Where the server echoes without labels, its answers come in order.
func TestRefusalBetweenEchoes(t *testing.T) {
	w := connected(t, "echo-message")
	w.say(desk, "m1", "one")
	w.say(desk, "m2", "two")
	w.say(desk, "m3", "three")
	w.echo("one", "")
	w.expectOne(`id='m1'`, `<body>one</body>`)
	w.event(refused404)
	w.expectOne(`type='error' id='m2'`)
	w.echo("three", "")
	w.expectOne(`id='m3'`, `<body>three</body>`)
	if left := len(w.network().outbox); left != 0 {
		t.Errorf("%d messages are still under way", left)
	}
}

// A message of several lines that are refused is refused once, and not shown.
func TestSeveralRefusedLines(t *testing.T) {
	for _, caps := range [][]string{nil, {"echo-message"}, {"echo-message", "labeled-response"}} {
		w := connected(t, caps...)
		w.say(desk, "m1", "one&#10;two&#10;three")
		sent := w.irc.sent
		for i := range 3 {
			refused := refused404
			if len(caps) == 2 {
				refused.Label = sent[i].Label
			}
			w.event(refused)
		}
		w.expectOne(`type='error' id='m1'`)
		w.event(ircconn.Written{Receipt: 1})
		w.expect()
		if left := len(w.network().outbox); left != 0 && caps != nil {
			t.Errorf("%v: %d messages are still under way", caps, left)
		}
	}
}

// What still waits for its turn cannot have been refused.
func TestRefusalWhileOthersWait(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "one")
	w.say(desk, "m2", "two")
	w.event(ircconn.Written{Receipt: 1})
	w.expectOne(`id='m1'`, `<body>one</body>`)
	w.event(refused404)
	w.expectOne(`type='error' id='m1'`)
	w.event(ircconn.Written{Receipt: 2})
	w.expectOne(`id='m2'`, `<body>two</body>`)
}

// A message that was delivered long ago is not what a refusal is about.
func TestOldMessagesAreNotRefused(t *testing.T) {
	w := connected(t)
	w.stanza(`<message from='%s' to='romeo%%irc.test@gw.test' type='chat' id='p1'><body>hi</body></message>`, desk)
	w.event(ircconn.Written{Receipt: 1})
	w.clock = w.clock.Add(w.g.live().AnswerTimeout + time.Second)
	w.say(desk, "c1", "/whois romeo")
	w.forget()
	w.event(ircconn.Refused{Numeric: 401, Target: "romeo", Params: []string{"romeo"}, Text: "No such nick"})
	w.expectOne(`to='`+desk+`' type='groupchat'`, `romeo: No such nick`)
	// Nor is one that was, but for something else.
	w.say(desk, "m1", "hello")
	w.event(ircconn.Written{Receipt: 2})
	w.say(desk, "c2", "/mode +o romeo")
	w.forget()
	w.event(ircconn.Refused{Numeric: 482, Target: "#chan", Params: []string{"#chan"}, Text: "no op"})
	w.expectOne(`type='groupchat'`, `#chan: no op`)
}

func TestTooManyMessagesUnderWay(t *testing.T) {
	w := connected(t, "echo-message")
	for i := range outboxLimit {
		w.say(desk, fmt.Sprintf("m%d", i), "x")
	}
	w.forget()
	w.say(desk, "full", "x")
	w.expectOne(`type='error' id='full'`, `resource-constraint`)
	w.expectLines()
	w.echo("x", "")
	w.expectOne(`id='m0'`)
	w.say(desk, "fits", "x")
	w.expectLines("PRIVMSG #chan x")
}

// What was said before the room was left, or the connection ended.
func TestMessagesUnderWayAtTheEnd(t *testing.T) {
	w := connected(t, "echo-message")
	w.say(desk, "m1", "one")
	w.stanza(`<presence from='%s' to='%s/juliet' type='unavailable'/>`, desk, room)
	w.forget()
	w.echo("one", "")
	w.expect()

	w = connected(t)
	w.say(desk, "m1", "one")
	w.say(desk, "m2", "two")
	w.event(ircconn.Written{Receipt: 1})
	w.forget()
	w.event(ircconn.Disconnected{})
	got := strings.Join(w.sent(), "\n")
	if strings.Contains(got, "m1") || !strings.Contains(got, `type='error' id='m2'`) {
		t.Errorf("got %s", got)
	}
}

// Whether the server had a message when the connection was lost is not known, and nobody says
// that it was not sent.
func TestMessagesUnderWayAtALoss(t *testing.T) {
	for _, written := range []bool{false, true} {
		w := connected(t, "echo-message", "labeled-response")
		w.say(desk, "m1", "one")
		if written {
			w.event(ircconn.Written{Receipt: 1})
		}
		w.forget()
		w.event(ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindPingTimeout}, WasRegistered: true})
		refusals := slices.DeleteFunc(w.sent(), func(s string) bool { return !strings.Contains(s, `type='error' id='m1'`) })
		if len(refusals) != 1 || !strings.Contains(refusals[0], "look whether it has arrived") || strings.Contains(refusals[0], "not sent") {
			t.Errorf("written %v: %q", written, refusals)
		}
	}
}

// A server that promises echoes and does not give them holds up nobody's messages,
// and leaves nobody in doubt.
func TestMessagesThatAreNeverEchoed(t *testing.T) {
	for _, caps := range [][]string{{"echo-message"}, {"echo-message", "labeled-response"}} {
		w := connected(t, caps...)
		w.say(desk, "m1", "one")
		w.pass(time.Hour) // in the queue, at the pace that the network bears
		w.expect()
		w.event(ircconn.Written{Receipt: 1})
		w.pass(10 * time.Second)
		w.say(desk, "m2", "two")
		w.event(ircconn.Written{Receipt: 2})
		w.pass(10 * time.Second)
		w.expectOne(`type='error' id='m1'`, `remote-server-timeout`, `irc.test has not confirmed this message within 20s`)
		w.echo("two", w.irc.sent[1].Label)
		w.expectOne(`id='m2'`, `<body>two</body>`)
		w.pass(time.Hour)
		w.expect()
		if left := len(w.network().outbox); left != 0 {
			t.Errorf("%v: %d messages are still under way", caps, left)
		}
	}
}

// Where the server does not echo, the last messages that were shown are kept for a while,
// and no more: what they are answered with, and nothing of what they said.
func TestShownMessagesAreFew(t *testing.T) {
	w := connected(t)
	for i := range 10 * shownKept {
		w.say(desk, fmt.Sprintf("m%d", i), "hello")
		w.event(ircconn.Written{Receipt: uint64(i + 1)})
		if kept := len(w.network().outbox) + len(w.network().shown); kept > 2*shownKept {
			t.Fatalf("%d messages are kept", kept)
		}
	}
	w.forget()
	for i := range shownKept {
		w.event(refused404)
		w.expectOne(`to='`+desk+`'`, fmt.Sprintf(`type='error' id='m%d'`, 10*shownKept-1-i))
	}
	for _, out := range w.network().shown {
		if out.stanza.Children != nil || out.body != "" {
			t.Errorf("of %s there is %+v", out.stanza.ID, out.stanza)
		}
	}
}

// What comes from ourselves where the server does not echo is no echo: a bouncer tells
// what another of its clients has said, and whoever writes to themselves gets that.
func TestOwnWordsWithoutEcho(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "from here")
	w.event(ircconn.Written{Receipt: 1})
	w.expectOne(`id='m1'`)
	w.event(ircconn.Message{Source: source("juliet"), Target: "#chan", Text: "from elsewhere", Self: true})
	w.expectOne(`from='`+room+`/juliet'`, `<body>from elsewhere</body>`)
}

// A connection says on one goroutine what has left by another: the room sees the messages
// in the order of IRC all the same.
func TestWordOfWritingOutOfOrder(t *testing.T) {
	w := connected(t)
	w.say(desk, "m1", "one")
	w.say(desk, "m2", "two")
	w.say(desk, "m3", "three")
	w.event(ircconn.Written{Receipt: 2}, ircconn.Written{Receipt: 1})
	if said := bodies(w.sent()); said != "one two" {
		t.Errorf("the room sees %s", said)
	}
	w.event(ircconn.Written{Receipt: 3})
	w.expectOne("<body>three</body>")
}
