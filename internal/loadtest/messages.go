package loadtest

import (
	"context"
	"fmt"
	"time"
)

// talkers are the users of a room that the scenarios of messages share.
const talkers = 200

// histories are what a scenario runs with.
var histories = []struct {
	name    string
	set     settings
	lines   int
	uplinks int
}{
	{"history off", noHistory(), 500, 250},
	{"history on", settings{}, 100, 100},
}

func (b *Benchmark) fanOut(ctx context.Context) error {
	for _, history := range histories {
		err := b.on(ctx, history.set, func(s *stage) error {
			return b.fanOutOn(s, history.name, history.lines)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Benchmark) fanOutOn(s *stage, history string, lines int) error {
	const rate = 2000
	const duration = 5 * time.Second
	scenario := "fan-out, " + history
	s.irc.fill("#talk", ownMembers)
	if _, err := s.join(0, talkers, func(int) string { return "#talk" }); err != nil {
		return err
	}
	took, used, err := s.flood(talkers, "#talk", lines)
	if err != nil {
		return err
	}
	total := float64(talkers * lines)
	b.Table.add(scenario, "at most", "stanzas/s", total/took.Seconds())
	b.Table.add(scenario, "processor time for each", "µs", microseconds(used)/total)
	delays, used, err := s.talk(talkers, "#talk", rate, duration, func(stanza) {})
	if err != nil {
		return err
	}
	b.Table.add(scenario, "p50 at 2,000/s", "ms", milliseconds(percentile(delays, 0.5)))
	b.Table.add(scenario, "p99 at 2,000/s", "ms", milliseconds(percentile(delays, 0.99)))
	b.Table.add(scenario, "processor time for each at 2,000/s", "µs", microseconds(used)/float64(len(delays)))
	delays, err = s.bursts(talkers, "#talk")
	if err != nil {
		return err
	}
	b.Table.add(scenario, "one line to 200, the last has it (p50)", "ms", milliseconds(percentile(delays, 0.5)))
	b.Table.add(scenario, "… the slowest of 25", "ms", milliseconds(percentile(delays, 1)))
	pause, err := s.gcPause()
	b.Table.add(scenario, "GC pauses, p99.9 at most", "ms", milliseconds(pause))
	return err
}

// flood sends so many lines to each user of a channel as fast as they go.
func (s *stage) flood(users int, channel string, count int) (took, used time.Duration, err error) {
	before, err := s.settle()
	if err != nil {
		return 0, 0, err
	}
	var lines []string
	for number := range count {
		lines = append(lines, line(channel, "i=", int64(number)))
	}
	pieces := chunks(lines)
	all := newTally("messages", users*count)
	s.xmpp.handle(func(got stanza) {
		all.note(got)
		if got.isMessage() {
			all.add()
		}
	})
	for user := range users {
		client := s.irc.client(user)
		go func() {
			for _, piece := range pieces {
				client.push(piece)
			}
		}()
	}
	if err := s.await(all); err != nil {
		return 0, 0, err
	}
	after, err := s.settle()
	return all.took(), after - before, err
}

// talk sends lines evenly, each to one user in turn, and returns how long each was on
// its way, and the processor time of all. other sees all other stanzas.
func (s *stage) talk(users int, channel string, rate int, duration time.Duration, other func(stanza)) ([]time.Duration, time.Duration, error) {
	before, err := s.settle()
	if err != nil {
		return nil, 0, err
	}
	count := int(duration.Seconds() * float64(rate))
	delays := make([]time.Duration, 0, count)
	all := newTally("messages", count)
	s.xmpp.handle(func(got stanza) {
		all.note(got)
		sent := got.number("t=")
		if sent < 0 || !got.isMessage() {
			other(got)
			return
		}
		delays = append(delays, time.Duration(s.now()-sent))
		all.add()
	})
	for sent := 0; sent < count; {
		due := min(count, int(time.Since(all.began).Seconds()*float64(rate)))
		for ; sent < due; sent++ {
			s.irc.client(sent % users).push(line(channel, "t=", s.now()))
		}
		time.Sleep(500 * time.Microsecond)
	}
	if err := s.await(all); err != nil {
		return nil, 0, err
	}
	after, err := s.settle()
	return delays, after - before, err
}

// bursts sends one line to all users at once, several times, and returns how long it
// took each time until the last had it.
func (s *stage) bursts(users int, channel string) ([]time.Duration, error) {
	const times, apart = 25, 200 * time.Millisecond
	var delays []time.Duration
	for number := range times {
		all := newTally("messages", users)
		s.xmpp.handle(func(got stanza) {
			all.note(got)
			if got.number("b=") == int64(number) {
				all.add()
			}
		})
		text := line(channel, "b=", int64(number))
		all.began = time.Now()
		for user := range users {
			s.irc.client(user).push(text)
		}
		if err := s.await(all); err != nil {
			return nil, err
		}
		delays = append(delays, all.took())
		time.Sleep(apart)
	}
	return delays, nil
}

func (b *Benchmark) uplink(ctx context.Context) error {
	for _, history := range histories {
		err := b.on(ctx, history.set, func(s *stage) error {
			return b.uplinkOn(s, "uplink, "+history.name, history.uplinks)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Benchmark) uplinkOn(s *stage, scenario string, count int) error {
	s.irc.fill("#talk", ownMembers)
	if _, err := s.join(0, talkers, func(int) string { return "#talk" }); err != nil {
		return err
	}
	before, err := s.settle()
	if err != nil {
		return err
	}
	heard, reflected := newTally("lines on IRC", talkers*count), newTally("reflections", talkers*count)
	s.irc.heard.Store(new(func(string) { heard.add() }))
	s.xmpp.handle(func(got stanza) {
		reflected.note(got)
		if got.isMessage() {
			reflected.add()
		}
	})
	for number := range count {
		for user := range talkers {
			s.write(user, "#talk", fmt.Sprintf("w%d-%d", user, number), int64(number))
		}
	}
	if err := s.await(heard); err != nil {
		return err
	}
	if err := s.await(reflected); err != nil {
		return err
	}
	after, err := s.settle()
	total := float64(talkers * count)
	b.Table.add(scenario, "at most", "messages/s", total/heard.took().Seconds())
	b.Table.add(scenario, "processor time for each", "µs", microseconds(after-before)/total)
	return err
}

// write sends a message of a user to a channel.
func (s *stage) write(user int, channel, id string, number int64) {
	s.xmpp.send(fmt.Sprintf("<message from='%s' to='%s' type='groupchat' id='%s'><body>t=%d; that&apos;s what somebody says &amp; others read</body></message>",
		userJID(user), roomJID(channel), id, number))
}
