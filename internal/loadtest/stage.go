package loadtest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"passerelle/internal/harness"
)

// settings are what a scenario changes of how the gateway is set up.
type settings struct {
	// encrypted makes IRC connections use TLS.
	encrypted bool
	// gateway and store are keys of the sections of those names.
	gateway, store map[string]any
}

// stage is one running gateway between a server of each kind.
type stage struct {
	gateway *harness.Gateway
	process process
	xmpp    *xmppServer
	irc     *ircServer
	// startup is how long it took from the program's start to its handshake.
	startup time.Duration
	// epoch is what the times in messages count from.
	epoch time.Time
}

// newIRC starts an IRC server, and returns it with its address.
func (b *Benchmark) newIRC(set settings) (*ircServer, string, error) {
	if !set.encrypted {
		irc, err := newIRCServer(nil)
		if err != nil {
			return nil, "", err
		}
		return irc, "irc://" + irc.listener.Addr().String(), nil
	}
	pair, err := b.workspace.Authority.Issue(networkName)
	if err != nil {
		return nil, "", err
	}
	encryption, err := pair.ServerConfig()
	if err != nil {
		return nil, "", err
	}
	irc, err := newIRCServer(encryption)
	if err != nil {
		return nil, "", err
	}
	return irc, "ircs://" + irc.listener.Addr().String(), nil
}

// options describe the gateway between two servers.
func (b *Benchmark) options(set settings, xmpp *harness.XMPPServer, ircAddress string) harness.GatewayOptions {
	options := harness.GatewayOptions{
		Program: b.program, Hostname: gatewayDomain, XMPP: xmpp,
		Servers: map[string][]string{networkName: {ircAddress}},
		Settings: map[string]map[string]any{
			"log": {"level": "warn"}, "irc": {"line_interval": "0s", "queue_lines": 1000}, "gateway": maps.Clone(set.gateway),
		},
	}
	if set.store != nil {
		options.Settings["store"] = maps.Clone(set.store)
	}
	return options
}

// newStage starts the gateway. close ends it.
func (b *Benchmark) newStage(ctx context.Context, set settings) (*stage, error) {
	s := &stage{epoch: time.Now()}
	var address string
	var err error
	if s.irc, address, err = b.newIRC(set); err != nil {
		return nil, err
	}
	if s.xmpp, err = newXMPPServer(); err != nil {
		s.irc.close()
		return nil, err
	}
	options := b.options(set, &harness.XMPPServer{Domain: userDomain, Secret: "secret", ComponentAddress: s.xmpp.address()}, address)
	began := time.Now()
	if s.gateway, err = b.workspace.LaunchGateway(options); err != nil {
		s.close()
		return nil, err
	}
	s.process = process(s.gateway.ID())
	select {
	case <-s.xmpp.ready:
	case <-s.gateway.Exited():
		err = fmt.Errorf("passerelle ended:\n%s", s.gateway.Output())
	case <-time.After(patience):
		err = fmt.Errorf("passerelle does not connect:\n%s", s.gateway.Output())
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.startup = s.xmpp.shaken.Sub(began)
	return s, nil
}

func (s *stage) close() {
	if s.gateway != nil {
		s.gateway.Stop()
	}
	s.xmpp.close()
	s.irc.close()
}

// now is the time in messages.
func (s *stage) now() int64 { return int64(time.Since(s.epoch)) }

// joinsAtOnce is how many joins are under way at a time.
const joinsAtOnce = 50

// join lets users from … to-1 join a channel each, and returns when the last has got
// its subject.
func (s *stage) join(from, to int, channel func(user int) string) (time.Duration, error) {
	joined := newTally("joining", to-from)
	slots := make(chan struct{}, joinsAtOnce)
	seen := make([]bool, to-from)
	s.xmpp.handle(func(got stanza) {
		joined.note(got)
		if user := got.user() - from; got.isSubject() && user >= 0 && user < len(seen) && !seen[user] {
			seen[user] = true
			<-slots
			joined.add()
		}
	})
	for user := from; user < to; user++ {
		select {
		case slots <- struct{}{}:
		case <-time.After(patience):
			return 0, fmt.Errorf("user %d waits for others to join; passerelle says:\n%s", user, s.gateway.Output())
		}
		s.sendJoin(user, channel(user))
	}
	err := s.await(joined)
	return joined.took(), err
}

// await waits, and adds what the gateway says to an error.
func (s *stage) await(t *tally) error {
	if err := t.wait(); err != nil {
		return fmt.Errorf("%w; passerelle says:\n%s", err, s.gateway.Output())
	}
	return nil
}

func (s *stage) sendJoin(user int, channel string) {
	s.xmpp.send("<presence from='" + userJID(user) + "' to='" + roomJID(channel) + "/" + nick(user) + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
}

// settle waits until the gateway has nothing more to do, and returns the processor
// time that it has used.
func (s *stage) settle() (time.Duration, error) { return s.process.settle() }

// calmDown waits until the gateway has nothing more to do, or has had half a minute for it.
func (s *stage) calmDown() {
	for range 5 {
		before, err := s.settle()
		if err != nil {
			return
		}
		time.Sleep(time.Second)
		if after, err := s.process.cpu(); err != nil || after-before < 50*time.Millisecond {
			return
		}
	}
}

// line is a message of a member to a channel, whose body begins with a number.
func line(channel, key string, number int64) string {
	return fmt.Sprintf(":%s PRIVMSG %s :%s%d; that's what somebody says & others read in a channel\r\n", mask(7), channel, key, number)
}

// chunks are lines in pieces of some kilobytes, as a busy server writes them.
func chunks(lines []string) []string {
	const together = 25
	var pieces []string
	for len(lines) > 0 {
		size := min(together, len(lines))
		pieces = append(pieces, strings.Join(lines[:size], ""))
		lines = lines[size:]
	}
	return pieces
}
