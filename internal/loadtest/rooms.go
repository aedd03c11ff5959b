package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// entrance is how one user came into a room.
type entrance struct {
	// self is until the user's own presence, subject until the end.
	self, subject time.Duration
	cpu           time.Duration
}

// enter lets one user join a room of so many members.
func (s *stage) enter(user int, channel string, members int) (entrance, error) {
	var at entrance
	s.irc.fill(channel, members)
	before, err := s.process.cpu()
	if err != nil {
		return at, err
	}
	all := newTally("the people of a room", members+2)
	s.xmpp.handle(func(got stanza) {
		all.note(got)
		switch {
		case got.isSelf():
			at.self = time.Since(all.began)
			all.add()
		case got.is("presence"), got.isSubject():
			all.add()
		}
	})
	s.sendJoin(user, channel)
	if err := s.await(all); err != nil {
		return at, err
	}
	at.subject = all.took()
	after, err := s.settle()
	at.cpu = after - before
	return at, err
}

func (b *Benchmark) bigRoom(ctx context.Context) error {
	const members, more = 10_000, 20
	return b.on(ctx, settings{}, func(s *stage) error {
		first, err := s.enter(0, "#big", members)
		if err != nil {
			return err
		}
		b.Table.add("big-room", "join to self-presence", "ms", milliseconds(first.self))
		b.Table.add("big-room", "join to subject", "ms", milliseconds(first.subject))
		b.Table.add("big-room", "join, processor time", "ms", milliseconds(first.cpu))
		time.Sleep(quietTime)
		before, err := s.process.resident()
		if err != nil {
			return err
		}
		if _, err := s.join(1, 1+more, func(int) string { return "#big" }); err != nil {
			return err
		}
		if _, err := s.settle(); err != nil {
			return err
		}
		time.Sleep(quietTime)
		after, err := s.process.resident()
		b.Table.add("big-room", "memory for each further user", "KiB", (after-before)/1024/more)
		return err
	})
}

func (b *Benchmark) netsplit(ctx context.Context) error {
	const users, members, leave = 50, 1000, 500
	return b.on(ctx, settings{}, func(s *stage) error {
		s.irc.fill("#split", members)
		if _, err := s.join(0, users, func(int) string { return "#split" }); err != nil {
			return err
		}
		var quits, joins []string
		for member := range leave {
			quits = append(quits, ":"+mask(100+member)+" QUIT :*.net *.split\r\n")
			joins = append(joins, ":"+mask(100+member)+" JOIN #split\r\n")
		}
		if err := b.splitPart(s, "split", quits, users, func(got stanza) bool { return got.kind() == "unavailable" }); err != nil {
			return err
		}
		return b.splitPart(s, "return", joins, users, func(got stanza) bool { return got.kind() == "" })
	})
}

// splitPart sends the same lines to all users and waits for the presences.
func (b *Benchmark) splitPart(s *stage, name string, lines []string, users int, fits func(stanza) bool) error {
	before, err := s.settle()
	if err != nil {
		return err
	}
	want := users * len(lines)
	all := newTally("presences", want)
	s.xmpp.handle(func(got stanza) {
		all.note(got)
		if got.is("presence") && fits(got) {
			all.add()
		}
	})
	for user := range users {
		go func() {
			for _, piece := range chunks(lines) {
				s.irc.client(user).push(piece)
			}
		}()
	}
	if err := s.await(all); err != nil {
		return err
	}
	after, err := s.settle()
	b.Table.add("netsplit", name+" of "+strconv.Itoa(want)+" presences", "ms", milliseconds(all.took()))
	b.Table.add("netsplit", name+", processor time for each", "µs", microseconds(after-before)/float64(want))
	return err
}

// storm drops all connections of users whose rooms do not outlive that.
func (b *Benchmark) storm(ctx context.Context) error {
	const users = 1000
	set := settings{gateway: map[string]any{"outage_limit": "0s"}}
	return b.on(ctx, set, func(s *stage) error {
		for user := range users {
			s.irc.fill(ownRoom(user), ownMembers)
		}
		if _, err := s.join(0, users, ownRoom); err != nil {
			return err
		}
		before, err := s.settle()
		if err != nil {
			return err
		}
		left := newTally("departures", users)
		s.xmpp.handle(func(got stanza) {
			left.note(got)
			if got.isSelf() && got.kind() == "unavailable" {
				left.add()
			}
		})
		s.irc.drop()
		if err := s.await(left); err != nil {
			return err
		}
		after, err := s.settle()
		b.Table.add("storm", fmt.Sprintf("%d users told that they left", users), "ms", milliseconds(left.took()))
		b.Table.add("storm", "processor time for each", "µs", microseconds(after-before)/users)
		return err
	})
}

// fair measures how long messages of others take while somebody enters a large room.
func (b *Benchmark) fair(ctx context.Context) error {
	const users, members, rate = 200, 40_000, 2000
	const duration = 5 * time.Second
	return b.on(ctx, noHistory(), func(s *stage) error {
		s.irc.fill("#talk", ownMembers)
		s.irc.fill("#huge", members)
		if _, err := s.join(0, users, func(int) string { return "#talk" }); err != nil {
			return err
		}
		if _, err := s.settle(); err != nil {
			return err
		}
		alone, _, err := s.talk(users, "#talk", rate, duration, func(stanza) {})
		if err != nil {
			return err
		}
		var began, took atomic.Int64
		time.AfterFunc(duration/3, func() {
			began.Store(s.now())
			s.sendJoin(users, "#huge")
		})
		beside, _, err := s.talk(users, "#talk", rate, duration, func(got stanza) {
			if got.isSubject() && got.user() == users {
				took.Store(s.now() - began.Load())
			}
		})
		if err != nil {
			return err
		}
		if took.Load() == 0 {
			return errors.New("the large room was not joined while the others talked")
		}
		for _, what := range []struct {
			name   string
			delays []time.Duration
		}{{"alone", alone}, {"while one joins a room of 40,000", beside}} {
			b.Table.add("fair", "p99 of 200 who talk, "+what.name, "ms", milliseconds(percentile(what.delays, 0.99)))
			b.Table.add("fair", "slowest of them, "+what.name, "ms", milliseconds(percentile(what.delays, 1)))
		}
		b.Table.add("fair", "that join", "ms", milliseconds(time.Duration(took.Load())))
		return nil
	})
}
