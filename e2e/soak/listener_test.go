//go:build soak

package soak

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// listen has a person on IRC be in a channel and note what is said there, whatever becomes of the
// server, until ctx ends.
func (s *soak) listen(ctx context.Context, channel int) {
	for ctx.Err() == nil {
		// The server is killed again and again, so that any error is one to try again after.
		_ = s.listenOnce(ctx, channel)
		pauseFor(ctx, 100*time.Millisecond, 500*time.Millisecond)
	}
}

// listenOnce is listen for as long as one connection lasts.
func (s *soak) listenOnce(ctx context.Context, channel int) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.inspircd.PlainAddress)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	name := fmt.Sprint("listener", channel)
	if _, err := fmt.Fprintf(conn, "NICK %s\r\nUSER %s 0 * :listens\r\n", name, name); err != nil {
		return err
	}
	gone := func() {}
	defer func() { gone() }()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		answer := ""
		words := strings.SplitN(lines.Text(), " ", 4)
		switch {
		case len(words) > 1 && words[0] == "PING":
			answer = "PONG " + words[1]
		case len(words) < 4:
		case words[1] == "001":
			answer = "JOIN " + channelName(channel)
		case words[1] == "366":
			gone = s.ledger.listens(channel)
		case words[1] == "PRIVMSG":
			s.ledger.note(strings.TrimPrefix(words[3], ":"), func(m *message) { first(&m.heard) })
		}
		if answer != "" {
			if _, err := fmt.Fprintf(conn, "%s\r\n", answer); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}
