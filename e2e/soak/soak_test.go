//go:build soak

package soak

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"passerelle/internal/harness"
)

const (
	// soakUsers talk in so many channels.
	soakUsers    = 500
	soakChannels = 25
	// loginsAtOnce are under way at a time.
	loginsAtOnce = 25
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
	ctx    context.Context // of the round
	rounds int
	ledger *ledger
	// way leads to the IRC server, stream to the XMPP server.
	way, stream *harness.Proxy
	// hostKills counts the ends of the XMPP server, each before it comes.
	hostKills atomic.Int64
	logins    chan struct{}
}

// TestSoak has users join, talk, change their nicks and leave, kills the IRC server and the XMPP
// server and cuts the ways to them, again and again, and expects in the end that it is known of
// every message what became of it, and that the gateway holds no more than in the beginning.
func TestSoak(t *testing.T) {
	var flags []string
	if os.Getenv("SOAK_RACE") != "" {
		flags = []string{"-race"}
	}
	s := newSoak(t, flags)
	length := soakTime(t)
	ctx, stop := context.WithCancel(t.Context())
	var listeners sync.WaitGroup
	defer listeners.Wait()
	defer stop()
	for channel := range soakChannels {
		listeners.Go(func() { s.listen(ctx, channel) })
	}
	// Once as warming up: what the first users leave behind is not growth.
	s.round(min(length/4, time.Minute))
	before := s.rest(nil)
	samples := s.round(length)
	compared := &before
	if flags != nil {
		compared = nil // the race detector keeps a history of its own of all memory there has been
	}
	after := s.rest(compared)
	t.Logf("every %v, while users came and went:%s", sampleEvery, table(samples, 30))
	t.Logf("at rest, after warming up and in the end:%s", table([]sample{before, after}, 2))
	outcome := s.ledger.close()
	t.Log(outcome)
	for i, fault := range outcome.faults {
		if t.Error(fault); i == 30 {
			break
		}
	}
	if compared == nil {
		return
	}
	checkTrends(t, samples)
	for _, grown := range after.growth(before) {
		t.Error("in the end there are more ", grown)
	}
}

func newSoak(t *testing.T, flags []string) *soak {
	t.Helper()
	s := &soak{ledger: newLedger(), logins: make(chan struct{}, loginsAtOnce)}
	s.stage = newStage(t, flags, func(stage *stage, o *harness.GatewayOptions) {
		var err error
		if s.way, err = harness.NewProxy(stage.inspircd.PlainAddress); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.way.Close() })
		o.Servers[ircName] = []string{"irc://" + s.way.Address()}
		if s.stream, err = harness.NewProxy(strings.TrimPrefix(stage.prosody.ComponentAddress, "tcp://")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.stream.Close() })
		s.stream.Watch(s.ledger.watchStream())
		o.ComponentAddress = "tcp://" + s.stream.Address()
		o.Settings["gateway"]["reconnect_interval"] = "10ms"
		o.Settings["gateway"]["idle_quit"], o.Settings["gateway"]["linger"] = "1s", "1s"
		o.Settings["http"] = map[string]any{"profiles": true}
	})
	for number := range soakUsers {
		if err := s.prosody.AddAccount(t.Context(), s.person(number).name, password); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// round has all users come, talk for a while and go, and returns samples of the gateway.
func (s *soak) round(length time.Duration) []sample {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), length)
	defer cancel()
	s.ctx = ctx
	s.rounds++
	var group sync.WaitGroup
	for number := range soakUsers {
		group.Go(func() {
			if err := s.person(number).live(); err != nil {
				s.t.Errorf("user %d: %v", number, err)
			}
		})
	}
	var samples []sample
	group.Go(func() { samples = s.watch() })
	s.disturb()
	group.Wait()
	return samples
}

// watch takes samples until the round is over.
func (s *soak) watch() []sample {
	var samples []sample
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for began := time.Now(); ; {
		select {
		case <-s.ctx.Done():
			return samples
		case <-ticker.C:
		}
		taken, err := s.look(context.WithoutCancel(s.ctx), began)
		if err != nil {
			s.t.Error(err)
			return samples
		}
		samples = append(samples, taken)
	}
}

// disturbances are what is done to the servers: all of them in an order that chance makes, and
// then again.
var disturbances = []struct {
	what string
	do   func(*soak)
}{
	{"way to the IRC server cut", func(s *soak) { s.cut(s.way) }},
	{"way to the IRC server cut", func(s *soak) { s.cut(s.way) }},
	{"way to the IRC server cut", func(s *soak) { s.cut(s.way) }},
	{"IRC server killed", (*soak).killIRC},
	{"IRC server killed", (*soak).killIRC},
	{"way to the XMPP server cut", func(s *soak) { s.cut(s.stream) }},
	{"way to the XMPP server cut", func(s *soak) { s.cut(s.stream) }},
	{"XMPP server killed", (*soak).killXMPP},
}

// disturb does that until the round is over.
func (s *soak) disturb() {
	for {
		for _, i := range rand.Perm(len(disturbances)) {
			if !pauseFor(s.ctx, 10*time.Second, 30*time.Second) {
				return
			}
			s.ledger.during(disturbances[i].what, func() { disturbances[i].do(s) })
		}
	}
}

func (s *soak) cut(way *harness.Proxy) {
	way.Refuse()
	pauseFor(s.ctx, time.Second, 3*time.Second)
	way.Allow()
}

// killIRC kills the IRC server and starts it again.
func (s *soak) killIRC() {
	if err := s.inspircd.Signal(syscall.SIGKILL); err != nil {
		s.t.Error(err)
	}
	pauseFor(s.ctx, time.Second, 3*time.Second)
	if err := s.inspircd.Restart(context.WithoutCancel(s.ctx)); err != nil {
		s.t.Error(err)
	}
}

// killXMPP kills the XMPP server and starts it again. Its clients are gone with it.
func (s *soak) killXMPP() {
	s.hostKills.Add(1)
	if err := s.prosody.Signal(syscall.SIGKILL); err != nil {
		s.t.Error(err)
	}
	pauseFor(s.ctx, time.Second, 3*time.Second)
	if err := s.prosody.Restart(context.WithoutCancel(s.ctx)); err != nil {
		s.t.Error(err)
	}
}

// pauseFor waits for a time between two, and reports whether ctx goes on.
func pauseFor(ctx context.Context, least, most time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(least + rand.N(most-least)):
		return true
	}
}
