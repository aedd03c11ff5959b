package loadtest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// draw adds a chart, and each of its points to the table. Of several runs the last is
// drawn.
func (b *Benchmark) draw(scenario, unit string, chart Chart) {
	for _, p := range chart.points {
		b.Table.add(scenario, fmt.Sprintf("%s, %s %s", chart.Title, significant(p.x), chart.Across), unit, p.y)
	}
	for i := range b.Charts {
		if b.Charts[i].File == chart.File {
			b.Charts[i] = chart
			return
		}
	}
	b.Charts = append(b.Charts, chart)
}

func (b *Benchmark) growConnections(ctx context.Context) error {
	seen, err := b.crowd(ctx, settings{}, 200, 1000, 5000, 10_000, 15_000)
	memory := Chart{File: "memory-by-users.svg", Title: "Memory", Across: "users who do nothing", Up: "MB"}
	work := Chart{File: "idle-by-users.svg", Title: "Processor", Across: "users who do nothing", Up: "% of a core"}
	for _, now := range seen {
		memory.points = append(memory.points, point{float64(now.users), now.resident / 1e6})
		work.points = append(work.points, point{float64(now.users), 100 * now.idle})
	}
	if err != nil {
		return err
	}
	b.draw("grow-connections", "MB", memory)
	b.draw("grow-connections", "% of a core", work)
	return nil
}

func (b *Benchmark) growMembers(ctx context.Context) error {
	chart := Chart{File: "join-by-members.svg", Title: "Joining a room", Across: "members", Up: "ms"}
	for _, members := range []int{1000, 5000, 10_000, 20_000, 40_000} {
		err := b.on(ctx, settings{}, func(s *stage) error {
			came, err := s.enter(0, "#big", members)
			chart.points = append(chart.points, point{float64(members), milliseconds(came.self)})
			return err
		})
		if err != nil {
			return err
		}
	}
	b.draw("grow-members", "ms", chart)
	return nil
}

func (b *Benchmark) growRoom(ctx context.Context) error {
	const messages = 100_000
	chart := Chart{File: "message-by-users.svg", Title: "A message to one user", Across: "users in the room", Up: "µs of processor time"}
	for _, users := range []int{10, 50, 200, 500, 1000} {
		err := b.on(ctx, noHistory(), func(s *stage) error {
			s.irc.fill("#talk", ownMembers)
			if _, err := s.join(0, users, func(int) string { return "#talk" }); err != nil {
				return err
			}
			_, used, err := s.flood(users, "#talk", messages/users)
			chart.points = append(chart.points, point{float64(users), microseconds(used) / messages})
			return err
		})
		if err != nil {
			return err
		}
	}
	b.draw("grow-room", "µs", chart)
	return nil
}

// recovery is how long after a flood the one who was flooded is served at once again: what
// was recorded counts in the pace of that user, whose pages would wait for it.
const recovery = 17 * time.Second

func (b *Benchmark) growArchive(ctx context.Context) error {
	chart := Chart{File: "page-by-archive.svg", Title: "A page of 100", Across: "archived messages", Up: "ms"}
	err := b.on(ctx, settings{}, func(s *stage) error {
		s.irc.fill("#log", ownMembers)
		if _, err := s.join(0, 1, func(int) string { return "#log" }); err != nil {
			return err
		}
		recorded := 0
		for _, size := range []int{5000, 20_000, 100_000, 300_000, 1_000_000} {
			if _, err := s.record("#log", size-recorded); err != nil {
				return err
			}
			recorded = size
			time.Sleep(recovery)
			var times []time.Duration
			for range 20 {
				for _, place := range []string{"<before/>", "", "<index>" + strconv.Itoa(size/2) + "</index>"} {
					began := time.Now()
					answer, err := s.page("#log", place)
					if err != nil {
						return err
					}
					if !strings.Contains(answer, "<count>"+strconv.Itoa(size)+"</count>") {
						return fmt.Errorf("of %d messages, the archive says: %s", size, answer)
					}
					times = append(times, time.Since(began))
				}
			}
			chart.points = append(chart.points, point{float64(size), milliseconds(percentile(times, 0.5))})
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.draw("grow-archive", "ms", chart)
	return nil
}
