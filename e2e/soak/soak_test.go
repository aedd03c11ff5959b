//go:build soak

package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"passerelle/internal/harness"
	"passerelle/internal/harness/xmppclient"
)

const (
	// soakUsers talk in so many channels.
	soakUsers    = 500
	soakChannels = 25
	// settleTime is how long the gateway has to come to rest before its memory is
	// looked at.
	settleTime = 20 * time.Second
	// answerTime is how long a message may take to be shown or refused.
	answerTime = 60 * time.Second
)

// soakTime is how long the soak lasts: SOAK_TIME, or 30 minutes.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("SOAK_TIME")
	if text == "" {
		return 30 * time.Minute
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return length
}

// soak is what all users of a soak share.
type soak struct {
	*stage
	ctx                     context.Context
	sent, shown, refused    atomic.Int64
	unanswered, reconnected atomic.Int64
	// cuts counts the losses of the stream to the XMPP server. What was on its way
	// then is lost, and XEP-0114 has no way to know of it: uncertain counts that.
	cuts, uncertain atomic.Int64
}

// TestSoak has users join, talk, change their nicks and leave, cuts the way to the IRC
// server and to the XMPP server, kills the IRC server, again and again, and expects in the end that every message was shown or refused,
// and that the gateway holds no more than in the beginning.
func TestSoak(t *testing.T) {
	var flags []string
	if os.Getenv("SOAK_RACE") != "" {
		flags = []string{"-race"}
	}
	var proxy, stream *harness.Proxy
	s := &soak{}
	s.stage = newStage(t, flags, func(s *stage, o *harness.GatewayOptions) {
		var err error
		if proxy, err = harness.NewProxy(s.inspircd.PlainAddress); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { proxy.Close() })
		o.Servers[ircName] = []string{"irc://" + proxy.Address()}
		if stream, err = harness.NewProxy(strings.TrimPrefix(s.prosody.ComponentAddress, "tcp://")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stream.Close() })
		o.ComponentAddress = "tcp://" + stream.Address()
		o.Settings["gateway"]["reconnect_interval"] = "10ms"
		o.Settings["gateway"]["idle_quit"], o.Settings["gateway"]["linger"] = "1s", "1s"
	})
	length := soakTime(t)
	// Once as warming up: what the first users leave behind is not growth.
	s.round(min(length/4, time.Minute), proxy, stream)
	before := s.rest()
	s.round(length, proxy, stream)
	after := s.rest()
	t.Logf("%d messages: %d shown, %d refused, %d on a stream that was cut; %d times the IRC server was lost, %d times the stream; %d MiB and %d files before, %d MiB and %d files after",
		s.sent.Load(), s.shown.Load(), s.refused.Load(), s.uncertain.Load(), s.reconnected.Load(), s.cuts.Load()/2,
		before.residentKiB>>10, before.descriptors, after.residentKiB>>10, after.descriptors)
	if lost := s.unanswered.Load(); lost > 0 {
		t.Errorf("%d messages were neither shown nor refused", lost)
	}
	if after.descriptors > before.descriptors+10 {
		t.Errorf("the gateway has %d files open, %d before", after.descriptors, before.descriptors)
	}
	// The race detector keeps a history of its own of all memory there has been.
	if flags == nil && after.residentKiB > before.residentKiB*5/4+16<<10 {
		t.Errorf("the gateway has %d KiB resident, %d before", after.residentKiB, before.residentKiB)
	}
}

// rest waits until all have left, and returns what the gateway holds then.
func (s *soak) rest() usage {
	s.t.Helper()
	time.Sleep(settleTime)
	return s.usage()
}

// round has all users come, talk for a while and go.
func (s *soak) round(length time.Duration, proxy, stream *harness.Proxy) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), length)
	defer cancel()
	s.ctx = ctx
	var group sync.WaitGroup
	for i := range soakUsers {
		group.Go(func() {
			if err := s.live(i); err != nil {
				s.t.Errorf("user %d: %v", i, err)
			}
		})
	}
	for s.pause(5*time.Second, 20*time.Second) {
		switch rand.IntN(5) {
		case 0:
			s.kill()
			s.reconnected.Add(1)
		case 1:
			s.cuts.Add(1)
			stream.Refuse()
			s.pause(time.Second, 3*time.Second)
			stream.Allow()
			s.cuts.Add(1) // what was sent meanwhile may be lost too
		default:
			proxy.Refuse()
			s.pause(time.Second, 3*time.Second)
			proxy.Allow()
			s.reconnected.Add(1)
		}
	}
	proxy.Allow()
	group.Wait()
}

// kill kills the IRC server and starts it again.
func (s *soak) kill() {
	if err := s.inspircd.Signal(syscall.SIGKILL); err != nil {
		s.t.Error(err)
	}
	s.pause(time.Second, 3*time.Second)
	if err := s.inspircd.Restart(context.WithoutCancel(s.ctx)); err != nil {
		s.t.Error(err)
	}
}

// pause waits for a time between two, and reports whether the round goes on.
func (s *soak) pause(least, most time.Duration) bool {
	select {
	case <-s.ctx.Done():
		return false
	case <-time.After(least + rand.N(most-least)):
		return true
	}
}

// live is what one user does.
func (s *soak) live(number int) error {
	if !s.pause(0, 5*time.Second) {
		return nil
	}
	name := fmt.Sprintf("soak%d", number)
	client, err := s.login(s.t.Context(), name)
	if err != nil {
		return err
	}
	defer client.Close()
	room := fmt.Sprintf("#soak%d%%%s@%s", number%soakChannels, ircName, gatewayName)
	nick := name
	for s.ctx.Err() == nil {
		in, err := s.join(client, room, nick)
		if err != nil {
			return err
		}
		for turns := 3 + rand.IntN(10); in && turns > 0 && s.pause(2*time.Second, 20*time.Second); turns-- {
			if rand.IntN(10) == 0 {
				nick = fmt.Sprintf("%s-%d", name, rand.IntN(100))
				client.Send("<presence to='" + room + "/" + nick + "'/>")
				continue
			}
			if in, err = s.say(client, room); err != nil {
				return err
			}
		}
		client.Send("<presence type='unavailable' to='" + room + "/" + nick + "'/>")
		s.pause(500*time.Millisecond, 3*time.Second)
	}
	return nil
}

// join enters the room, and reports whether it was let in.
func (s *soak) join(client *xmppclient.Client, room, nick string) (bool, error) {
	client.Forget()
	cuts := s.cuts.Load()
	client.Send("<presence to='" + room + "/" + nick + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	answer := xmppclient.Pattern{}.Where("a subject or an error from "+room, func(e *xmppclient.Element) bool {
		from, _, _ := strings.Cut(e.From(), "/")
		return from == room && (e.First("subject") != nil || e.Type() == "error" && e.Name.Local == "presence")
	})
	found, err := s.await(client, answer)
	if err != nil && s.cuts.Load() != cuts {
		return false, nil
	}
	return err == nil && found.Type() != "error", err
}

// say writes to the room, waits until that is shown or refused, and reports whether
// the user is still in.
func (s *soak) say(client *xmppclient.Client, room string) (bool, error) {
	client.Forget()
	id := client.NewID()
	s.sent.Add(1)
	cuts := s.cuts.Load()
	client.Send("<message type='groupchat' id='" + id + "' to='" + room + "'><body>" + id + "</body></message>")
	found, err := s.await(client, xmppclient.Message().ID(id))
	switch {
	case err != nil && s.cuts.Load() != cuts:
		s.uncertain.Add(1)
		return false, nil
	case err != nil:
		s.unanswered.Add(1)
		return false, err
	case found.Type() == "error":
		s.refused.Add(1)
		return found.First("error/{urn:ietf:params:xml:ns:xmpp-stanzas}not-acceptable") == nil, nil
	}
	s.shown.Add(1)
	return true, nil
}

// await is Expect with more patience: a server that is lost takes a while to come back.
func (s *soak) await(client *xmppclient.Client, pattern xmppclient.Pattern) (*xmppclient.Element, error) {
	deadline := time.Now().Add(answerTime)
	for {
		found, err := client.Expect(pattern)
		if err == nil || time.Now().After(deadline) || errors.Is(err, context.Canceled) {
			return found, err
		}
	}
}
