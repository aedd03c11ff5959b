package ircconn

import (
	"strings"
	"testing"
)

// What is done for each line allocates no more than this; times are for benchmarks.
func TestAllocations(t *testing.T) {
	s := newTestSession(func(*Conn, Event) {}, fullSupport...)
	s.conn.traffic = new(Traffic)
	receive := func(line string) func() {
		data := []byte(line)
		return func() { s.receive(data) }
	}
	said := Privmsg("#balcony", "But, soft! what light through yonder window breaks?")
	for _, test := range []struct {
		name   string
		budget float64
		do     func()
	}{
		{"PRIVMSG", 2, receive(":romeo!rm@verona.example PRIVMSG #balcony :But, soft!")},
		{"PRIVMSG with tags", 2, receive("@time=2026-02-14T20:30:05.250Z;msgid=aBcDeFgHiJ;account=rm :romeo!rm@verona.example PRIVMSG #balcony :But, soft!")},
		{"JOIN", 2, receive(":romeo!rm@verona.example JOIN #balcony")},
		{"QUIT", 2, receive(":romeo!rm@verona.example QUIT :*.net *.split")},
		{"16 names", 4, receive(":irc.test 353 juliet = #balcony :" + strings.Repeat("@+romeo!rm@verona.example ", 16))},
		{"a line to send", 3, func() {
			if _, err := said.bytes(allLimits); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		// With few of them it counts that the race detector has a quarter of what is
		// given back to a pool, by chance, thrown away.
		if got := testing.AllocsPerRun(5000, test.do); got > test.budget {
			t.Errorf("%s: %v allocations, at most %v are allowed", test.name, got, test.budget)
		}
	}
}
