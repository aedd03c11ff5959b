//go:build soak

package soak

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"passerelle/internal/harness"
	"passerelle/internal/harness/xmppclient"
	"passerelle/internal/irctest"
)

const (
	// honestMembers talk while somebody misbehaves, for a while and with a pause
	// between two messages.
	honestMembers = 5
	measured      = 8 * time.Second
	pause         = 50 * time.Millisecond
)

// TestFairness reports how long messages of the others take while one misbehaves,
// in both directions, beside how long they take when nobody does: with the limits of
// messages that there are by default, and without them.
func TestFairness(t *testing.T) {
	for _, limits := range []struct {
		name              string
		messagesPerMinute int
	}{{"limits on", 1200}, {"limits off", 0}} {
		t.Run(limits.name, func(t *testing.T) { testFairness(t, limits.messagesPerMinute) })
	}
}

func testFairness(t *testing.T, messagesPerMinute int) {
	var hostile *irctest.Server
	var database *harness.PostgreSQL
	s := newStage(t, nil, func(s *stage, o *harness.GatewayOptions) {
		hostile = irctest.NewServer(t)
		o.Settings["gateway"]["limits"].(map[string]any)["messages_per_minute"] = messagesPerMinute
		o.Servers[hostileName] = []string{hostile.URL()}
		var err error
		if database, err = s.workspace.StartPostgreSQL(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Settings["store"] = map[string]any{"database": database.URL}
	})
	var members []*member
	for i := range honestMembers {
		members = append(members, s.meet(fmt.Sprint("honest", i)))
	}
	s.report("nobody misbehaves", members)

	stop := s.floodFromIRC(hostile)
	s.report("one user is flooded from IRC", members)
	stop()
	s.report("nobody, after that", members)

	stop = s.floodFromXMPP()
	s.report("one user floods", members)
	stop()
	s.report("nobody, after that", members)

	stop = s.lock(database)
	s.report("the database hangs", members)
	stop()
	s.report("nobody, after that", members)

	stop = s.floodFromIRC(hostile)
	resume := s.holdUp(s.prosody.ID())
	before := s.usage()
	time.Sleep(10 * time.Second)
	t.Logf("the XMPP server has not read for 10 s: %d MiB resident, %d before", s.usage().residentKiB>>10, before.residentKiB>>10)
	resume()
	s.report("it reads again", members)
	stop()
}

// report measures and logs.
func (s *stage) report(what string, members []*member) {
	s.t.Helper()
	var mu sync.Mutex
	var toXMPP, toIRC []time.Duration
	began := time.Now()
	var group sync.WaitGroup
	for _, m := range members {
		group.Go(func() {
			for i := 0; time.Since(began) < measured; i++ {
				in, out, err := m.exchange(fmt.Sprintf("%s %d", what, i))
				if err != nil {
					s.t.Errorf("%s: %.500v", what, err)
					return
				}
				mu.Lock()
				toXMPP, toIRC = append(toXMPP, in), append(toIRC, out)
				mu.Unlock()
				time.Sleep(pause)
			}
		})
	}
	group.Wait()
	s.t.Logf("%-30s %4d messages  from IRC: p50 %8v p99 %8v   from XMPP: p50 %8v p99 %8v   %4d MiB", what, len(toIRC),
		quantile(toXMPP, 50), quantile(toXMPP, 99), quantile(toIRC, 50), quantile(toIRC, 99), s.usage().residentKiB>>10)
}

func quantile(delays []time.Duration, percent int) time.Duration {
	if len(delays) == 0 {
		return 0
	}
	slices.Sort(delays)
	return delays[(len(delays)-1)*percent/100].Round(10 * time.Microsecond)
}

// exchange sends a message each way and returns how long each took.
func (m *member) exchange(mark string) (toXMPP, toIRC time.Duration, err error) {
	began := time.Now()
	m.person.Send("PRIVMSG %s :%s", m.channel, mark)
	if _, err := m.user.Expect(xmppclient.Message().From(m.room + "/" + m.person.Nick()).Body(mark)); err != nil {
		return 0, 0, err
	}
	toXMPP = time.Since(began)
	began = time.Now()
	m.user.Send("<message type='groupchat' to='" + m.room + "'><body>" + mark + "</body></message>")
	if _, err := m.person.Expect("PRIVMSG", m.channel, mark); err != nil {
		return 0, 0, err
	}
	toIRC = time.Since(began)
	_, err = m.user.Expect(xmppclient.Message().From(m.room + "/" + m.name).Body(mark))
	return toXMPP, toIRC, err
}

// mallory logs in as somebody whose client takes everything.
func (s *stage) mallory(name string) *xmppclient.Client {
	s.t.Helper()
	client, err := s.login(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// drain takes what comes until the client is closed.
func drain(client *xmppclient.Client) {
	for {
		if _, err := client.Expect(xmppclient.Message()); err != nil {
			return
		}
	}
}

// floodFromIRC has an IRC server talk to one user as fast as it can.
func (s *stage) floodFromIRC(server *irctest.Server) (stop func()) {
	s.t.Helper()
	client := s.mallory("flooded")
	client.Send("<presence to='#chan%" + hostileName + "@" + gatewayName + "/flooded'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	irc := server.Accept()
	irc.Register(irctest.Registration{})
	irc.SkipUntil("JOIN #chan")
	irc.Send(":flooded!u@h JOIN #chan", ":irc.test 353 flooded = #chan :flooded romeo", ":irc.test 366 flooded #chan :End")
	if _, err := client.Expect(xmppclient.Message().Has("subject")); err != nil {
		s.t.Fatal(err)
	}
	go drain(client)
	go func() { _, _ = io.Copy(io.Discard, irc.Raw()) }()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		flood(irc.Raw())
	}()
	return func() {
		irc.Reset()
		<-ended
		client.Send("<presence type='unavailable' to='#chan%" + hostileName + "@" + gatewayName + "/flooded'/>")
		client.Close()
	}
}

func flood(conn net.Conn) {
	_ = conn.SetDeadline(time.Time{})
	many := strings.Repeat(":romeo!r@host PRIVMSG #chan :"+strings.Repeat("flood ", 20)+"\r\n", 50)
	for {
		if _, err := io.WriteString(conn, many); err != nil {
			return
		}
	}
}

// floodFromXMPP has one user write as fast as their server lets them.
func (s *stage) floodFromXMPP() (stop func()) {
	s.t.Helper()
	client := s.mallory(floodingName)
	room := "#flooding%" + ircName + "@" + gatewayName
	s.enter(client, room, "flooding")
	return flooder(client, "<message type='groupchat' to='"+room+"'><body>flood</body></message>")
}

// flooder has a client send a stanza again and again, until stop is called.
func flooder(client *xmppclient.Client, stanza string) (stop func()) {
	go drain(client)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
				client.Send(stanza)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		client.Close()
	}
}

// lock takes all tables of the database for itself, so that nobody else gets an answer.
func (s *stage) lock(database *harness.PostgreSQL) (unlock func()) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), database.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	const all = `DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
			EXECUTE 'LOCK TABLE ' || quote_ident(name) || ' IN ACCESS EXCLUSIVE MODE';
		END LOOP; END $$`
	if _, err := conn.Exec(s.t.Context(), "BEGIN"); err != nil {
		s.t.Fatal(err)
	}
	if _, err := conn.Exec(s.t.Context(), all); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		if err := conn.Close(s.t.Context()); err != nil {
			s.t.Error(err)
		}
	}
}

// holdUp stops a process that others wait for.
func (s *stage) holdUp(process int) (resume func()) {
	s.t.Helper()
	signal := func(signal syscall.Signal) {
		s.t.Helper()
		if err := syscall.Kill(-process, signal); err != nil {
			s.t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}
