package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// pageSize is how many messages are asked for at once.
const pageSize = 100

// record says so many lines to user 0 and waits until the archive has nothing to do.
func (s *stage) record(channel string, count int) (time.Duration, error) {
	all := newTally("messages", count)
	s.xmpp.handle(func(got stanza) {
		all.note(got)
		if got.isMessage() {
			all.add()
		}
	})
	const together = 1000
	client := s.irc.client(0)
	for sent := 0; sent < count; sent += together {
		var lines strings.Builder
		for number := sent; number < min(count, sent+together); number++ {
			lines.WriteString(line(channel, "i=", int64(number)))
		}
		client.push(lines.String())
	}
	if err := s.await(all); err != nil {
		return 0, err
	}
	_, err := s.settle()
	return all.took(), err
}

// page asks for a page of user 0's archive of a channel (XEP-0313 §4), where place is
// what XEP-0059 has for it, and returns the answer after all of its messages.
func (s *stage) page(channel, place string) (string, error) {
	return s.xmpp.ask(0, "set", roomJID(channel), fmt.Sprintf("<query xmlns='urn:xmpp:mam:2'>"+
		"<set xmlns='http://jabber.org/protocol/rsm'><max>%d</max>%s</set></query>", pageSize, place))
}

func (b *Benchmark) archive(ctx context.Context) error {
	const lines = 20_000
	return b.on(ctx, settings{}, func(s *stage) error {
		s.irc.fill("#log", ownMembers)
		if _, err := s.join(0, 1, func(int) string { return "#log" }); err != nil {
			return err
		}
		before, err := s.settle()
		if err != nil {
			return err
		}
		writtenBefore, err := s.process.written()
		if err != nil {
			return err
		}
		took, err := s.record("#log", lines)
		if err != nil {
			return err
		}
		after, err := s.process.cpu()
		if err != nil {
			return err
		}
		written, err := s.process.written()
		b.Table.add("archive", "recorded", "messages/s", lines/took.Seconds())
		b.Table.add("archive", "recorded, processor time for each", "µs", microseconds(after-before)/lines)
		b.Table.add("archive", "recorded, written for each", "bytes", (written-writtenBefore)/lines)
		if err != nil {
			return err
		}
		return b.readAll(s, lines)
	})
}

// readAll pages through an archive from its begin to its end.
func (b *Benchmark) readAll(s *stage, lines int) error {
	before, err := s.process.cpu()
	if err != nil {
		return err
	}
	var read atomic.Int64
	s.xmpp.handle(func(got stanza) {
		if got.is("message") && got.has("urn:xmpp:mam:2") {
			read.Add(1)
		}
	})
	began, place := time.Now(), ""
	for complete := false; !complete; {
		answer, err := s.page("#log", place)
		if err != nil {
			return err
		}
		complete = strings.Contains(answer, "complete='true'")
		_, last, found := strings.Cut(answer, "<last>")
		last, _, _ = strings.Cut(last, "</last>")
		if !found && !complete {
			return errors.New("a page of the archive has no end")
		}
		place = "<after>" + last + "</after>"
	}
	took := time.Since(began)
	after, err := s.settle()
	if err == nil && int(read.Load()) != lines {
		return fmt.Errorf("%d of %d messages are in the archive", read.Load(), lines)
	}
	count := float64(lines)
	b.Table.add("archive", "read", "messages/s", count/took.Seconds())
	b.Table.add("archive", "read, processor time for each", "µs", microseconds(after-before)/count)
	return err
}
