package loadtest

import (
	"context"
	"strconv"
	"time"
)

func (b *Benchmark) start(ctx context.Context) error {
	return b.on(ctx, settings{}, func(s *stage) error {
		resident, err := s.process.resident()
		b.Table.add("start", "start to handshake", "ms", milliseconds(s.startup))
		b.Table.add("start", "memory without users", "MB", resident/1e6)
		return err
	})
}

// ownRoom is a channel for each user.
func ownRoom(user int) string { return "#room" + strconv.Itoa(user) }

// ownMembers is how many members each user finds in it.
const ownMembers = 10

// still is what so many users who do nothing need.
type still struct {
	users int
	// join is what the joins of those who came last took, all together and of the
	// processor's time for each.
	join, joinCPU time.Duration
	// resident is in bytes, idle a share of one processor core.
	resident, idle float64
}

// quietTime is how long users do nothing before their memory is looked at, pingTime for
// how long their processor time is: in a minute each connection is pinged once.
const quietTime, pingTime = 25 * time.Second, time.Minute

// crowd lets users come in steps, and looks at the gateway after each.
func (b *Benchmark) crowd(ctx context.Context, set settings, steps ...int) ([]still, error) {
	var seen []still
	err := b.on(ctx, set, func(s *stage) error {
		before := 0
		for _, users := range steps {
			for user := before; user < users; user++ {
				s.irc.fill(ownRoom(user), ownMembers)
			}
			now, err := s.arrive(before, users)
			if err != nil {
				return err
			}
			seen = append(seen, now)
			before = users
		}
		return nil
	})
	return seen, err
}

// arrive lets users from … to-1 come and be still.
func (s *stage) arrive(from, to int) (still, error) {
	now := still{users: to}
	began, err := s.process.cpu()
	if err != nil {
		return now, err
	}
	if now.join, err = s.join(from, to, ownRoom); err != nil {
		return now, err
	}
	joined, err := s.settle()
	if err != nil {
		return now, err
	}
	now.joinCPU = (joined - began) / time.Duration(to-from)
	time.Sleep(quietTime)
	if now.resident, err = s.process.resident(); err != nil {
		return now, err
	}
	before, err := s.process.cpu()
	if err != nil {
		return now, err
	}
	time.Sleep(pingTime)
	after, err := s.process.cpu()
	now.idle = float64(after-before) / float64(pingTime)
	return now, err
}

// reportStill adds what the last step needed, and what each user after the first does.
func (b *Benchmark) reportStill(scenario string, seen []still) {
	first, last := seen[0], seen[len(seen)-1]
	b.Table.add(scenario, "join of all but the first "+strconv.Itoa(first.users), "s", last.join.Seconds())
	b.Table.add(scenario, "… processor time for each", "µs", microseconds(last.joinCPU))
	b.Table.add(scenario, "memory, all", "MB", last.resident/1e6)
	b.Table.add(scenario, "memory for each further user", "KiB", (last.resident-first.resident)/1024/float64(last.users-first.users))
	b.Table.add(scenario, "processor, all", "% of a core", 100*last.idle)
}

func (b *Benchmark) idle(ctx context.Context) error {
	seen, err := b.crowd(ctx, settings{}, 200, 5000)
	if err == nil {
		b.reportStill("idle", seen)
	}
	return err
}

func (b *Benchmark) idleEncrypted(ctx context.Context) error {
	seen, err := b.crowd(ctx, settings{encrypted: true}, 100, 1000)
	if err == nil {
		b.reportStill("idle-tls", seen)
	}
	return err
}
