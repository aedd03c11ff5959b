package loadtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"passerelle/internal/harness"
)

const (
	// honest users talk, evenly, in both directions, while one user misbehaves.
	honest     = 50
	honestRate = 500 // messages a second in each direction
	honestTime = 10 * time.Second
	// lasting is how long a misdeed has lasted when they begin: what may be had at once is
	// used up then.
	lasting = 2 * time.Second
	heldUp  = 10 * time.Second
	// abusers misbehave, each at one time only: a flood of one leaves seconds of work in
	// the sockets' buffers. together is how many do at once.
	abusers, together = 10, 5
	// floodRate is more than XMPP servers pass on (scenario hosts): beyond what is read of
	// the stream, stanzas wait in front of the gateway, whoever they are from.
	floodRate   = 20_000 // messages a second
	abusedRoom  = "#abuse"
	floodedLine = ":somebody!s@host PRIVMSG " + abusedRoom + " :x\r\n"
	uselessLine = ":somebody!s@host PRIVMSG #elsewhere :x\r\n"
	pingLine    = "PING :x\r\n"
)

// abuse measures how long messages of others take while somebody or something
// misbehaves, with the limits of messages on, as they are by default, and off.
func (b *Benchmark) abuse(ctx context.Context) error {
	for _, limits := range []struct {
		name   string
		values map[string]any
	}{
		// The honest ones talk more than anybody types: only the one who floods is to be limited.
		{"limits on", map[string]any{"messages_per_minute": 1200}},
		{"limits off", map[string]any{"messages_per_minute": 0}},
	} {
		database, err := b.workspace.StartPostgreSQL(ctx)
		if err != nil {
			return err
		}
		set := settings{gateway: map[string]any{"limits": limits.values}, store: map[string]any{"database": database.URL}}
		err = b.on(ctx, set, func(s *stage) error {
			return b.on(ctx, settings{gateway: map[string]any{"limits": limits.values}}, func(other *stage) error {
				return b.abuseOn(ctx, s, other, "abuse, "+limits.name, database)
			})
		})
		database.Stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// misdeed begins something that others should not notice.
type misdeed struct {
	name  string
	begin func() (end func(), err error)
}

// abuseOn measures on one stage. On the other, of which nothing is measured, there are
// the same floods: what they cost the honest ones then is the machine's part.
func (b *Benchmark) abuseOn(ctx context.Context, s, other *stage, scenario string, database *harness.PostgreSQL) error {
	for _, each := range []*stage{s, other} {
		each.irc.fill("#talk", ownMembers)
		each.irc.fill(abusedRoom, ownMembers)
		if _, err := each.join(honest, honest+abusers, func(int) string { return abusedRoom }); err != nil {
			return err
		}
		each.xmpp.handle(func(stanza) {})
	}
	if _, err := s.join(0, honest, func(int) string { return "#talk" }); err != nil {
		return err
	}
	abuser := honest
	next := func() int { abuser++; return abuser - 1 }
	for _, m := range []misdeed{
		{"nobody misbehaves", func() (func(), error) { return func() {}, nil }},
		{"one user is flooded from IRC", func() (func(), error) { return s.floodFromIRC(floodedLine, next()), nil }},
		{"one user of another gateway is", func() (func(), error) { return other.floodFromIRC(floodedLine, honest), nil }},
		{"one user is flooded with lines that nobody sees", func() (func(), error) { return s.floodFromIRC(uselessLine, next()), nil }},
		{"one user's server sends PING at full speed", func() (func(), error) { return s.floodFromIRC(pingLine, next()), nil }},
		{"one user floods", func() (func(), error) { return s.floodFromXMPP(next()), nil }},
		{"one user of another gateway floods", func() (func(), error) { return other.floodFromXMPP(honest + 1), nil }},
		{"the database hangs", func() (func(), error) { return lock(ctx, database) }},
		{"the XMPP server was held up for 10 s in a flood", func() (func(), error) {
			resume, end := s.xmpp.holdUp(), s.floodFromIRC(floodedLine, next())
			time.Sleep(heldUp)
			resume()
			return end, nil
		}},
		{"five users are flooded from IRC", func() (func(), error) {
			var flooded []int
			for range together {
				flooded = append(flooded, next())
			}
			return s.floodFromIRC(floodedLine, flooded...), nil
		}},
		{"nobody, after all that", func() (func(), error) { return func() {}, nil }},
	} {
		if err := b.beside(s, scenario, m); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// beside has the honest talk while there is a misdeed.
func (b *Benchmark) beside(s *stage, scenario string, m misdeed) error {
	end, err := m.begin()
	if err != nil {
		return err
	}
	defer s.calmDown()
	defer end()
	time.Sleep(lasting)
	before, err := s.process.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	toXMPP, toIRC, err := s.converse(honest, "#talk", honestRate, honestTime)
	if err != nil {
		return err
	}
	used, err := s.process.cpu()
	b.Table.add(scenario, m.name+", processor", "% of a core", 100*float64(used-before)/float64(time.Since(began)))
	for _, way := range []struct {
		name   string
		delays []time.Duration
	}{{"from IRC", toXMPP}, {"from XMPP", toIRC}} {
		b.Table.add(scenario, m.name+", "+way.name+", p50", "ms", milliseconds(percentile(way.delays, 0.5)))
		b.Table.add(scenario, m.name+", "+way.name+", p99", "ms", milliseconds(percentile(way.delays, 0.99)))
	}
	return err
}

// converse sends messages evenly in both directions, each from or to one user in turn, and
// returns how long each was on its way.
func (s *stage) converse(users int, channel string, rate int, duration time.Duration) (toXMPP, toIRC []time.Duration, err error) {
	count := int(duration.Seconds() * float64(rate))
	all := newTally("messages", 2*count)
	var mutex sync.Mutex
	s.irc.heard.Store(new(func(message string) {
		number, ours := strings.CutPrefix(message, channel+" :t=")
		if !ours {
			return
		}
		delay := time.Duration(s.now() - leading([]byte(number)))
		mutex.Lock()
		defer mutex.Unlock()
		toIRC = append(toIRC, delay)
		all.add()
	}))
	s.xmpp.handle(func(got stanza) {
		if user := got.user(); user < 0 || user >= users {
			return
		}
		all.note(got)
		// What users said themselves is shown to them as "t=".
		if sent := got.number("i="); sent >= 0 && got.isMessage() {
			toXMPP = append(toXMPP, time.Duration(s.now()-sent))
			all.add()
		}
	})
	for sent := 0; sent < count; {
		due := min(count, int(time.Since(all.began).Seconds()*float64(rate)))
		for ; sent < due; sent++ {
			s.irc.client(sent % users).push(line(channel, "i=", s.now()))
			s.write(sent%users, channel, fmt.Sprint("c", sent), s.now())
		}
		time.Sleep(500 * time.Microsecond)
	}
	err = s.await(all)
	mutex.Lock()
	defer mutex.Unlock()
	return toXMPP, toIRC, err
}

// floodFromIRC has the IRC server send one line to some users as fast as they take it.
// In the end it drops their connections, with all that waits in them.
func (s *stage) floodFromIRC(what string, users ...int) (end func()) {
	many := strings.Repeat(what, 200)
	var ends []func()
	for _, user := range users {
		client := s.irc.client(user)
		stop := s.flooding(func() { client.push(many) })
		ends = append(ends, func() {
			client.abort()
			stop()
		})
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// floodFromXMPP has one user write far more than they may.
func (s *stage) floodFromXMPP(abuser int) (end func()) {
	began, sent := time.Now(), 0
	return s.flooding(func() {
		for due := int(time.Since(began).Seconds() * floodRate); sent < due; sent++ {
			s.write(abuser, abusedRoom, "flood", 0)
		}
		time.Sleep(500 * time.Microsecond)
	})
}

func (s *stage) flooding(flood func()) (end func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				flood()
			}
		}
	}()
	return func() {
		close(stop)
		<-ended
	}
}

// lock has a database answer nothing until unlock is called.
func lock(ctx context.Context, database *harness.PostgreSQL) (unlock func(), err error) {
	conn, err := pgx.Connect(ctx, database.URL)
	if err != nil {
		return nil, err
	}
	const all = `DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
			EXECUTE 'LOCK TABLE ' || quote_ident(name) || ' IN ACCESS EXCLUSIVE MODE';
		END LOOP; END $$`
	for _, statement := range []string{"BEGIN", all} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			_ = conn.Close(ctx)
			return nil, err
		}
	}
	return func() { _ = conn.Close(context.WithoutCancel(ctx)) }, nil
}
