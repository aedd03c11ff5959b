// Package ircclient is a raw IRC client for tests and for the demo: it sends lines as they
// are given, reads all the time, and waits for the lines that it is told to expect.
//
// It answers PING by itself, and interprets nothing else: what a test sees is what the
// server sent. Methods may be called from any goroutine.
package ircclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	"github.com/ergochat/irc-go/ircreader"

	"passerelle/internal/harness/inbox"
)

const (
	// Patience is how long Expect waits for a line.
	Patience = 20 * time.Second
	// lineLimit is the longest line read, in bytes: tags and all.
	lineLimit = 16 << 10
)

// Message is one line from the server.
type Message struct{ ircmsg.Message }

// Param returns a parameter by its position from 0, and "" when the line has fewer.
func (m Message) Param(position int) string {
	if position >= len(m.Params) {
		return ""
	}
	return m.Params[position]
}

// Last returns the last parameter, or "".
func (m Message) Last() string { return m.Param(len(m.Params) - 1) }

// Client is one connection to an IRC server.
type Client struct {
	connection net.Conn
	inbox      *inbox.Inbox[Message]

	mutex sync.Mutex // of nick
	nick  string
}

// Any stands for a parameter that Expect does not compare.
const Any = "*"

// Dial connects to address, in plain text, and registers with nick. When capabilities are
// named they are requested first, and it is an error when the server refuses them.
func Dial(ctx context.Context, address, nick string, capabilities ...string) (*Client, error) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting as %s: %w", nick, err)
	}
	c := &Client{connection: connection, nick: nick, inbox: inbox.New[Message]()}
	go c.read()
	if err := c.register(capabilities); err != nil {
		c.Close()
		return nil, fmt.Errorf("registering as %s: %w", nick, err)
	}
	return c, nil
}

func (c *Client) register(capabilities []string) error {
	if len(capabilities) > 0 {
		c.Send("CAP REQ :%s", strings.Join(capabilities, " "))
	}
	c.Send("NICK %s", c.nick)
	c.Send("USER %s 0 * :%s of the tests", c.nick, c.nick)
	if len(capabilities) > 0 {
		if _, err := c.Expect("CAP", Any, "ACK"); err != nil {
			return err
		}
		c.Send("CAP END")
	}
	_, err := c.ExpectOneOf([]string{"376", "422"})
	return err
}

// Nick is the nick the client registered with, or gave itself since.
func (c *Client) Nick() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.nick
}

// Send sends one line, formatted, and adds the line end. A line that cannot be sent shows
// as an error of the next Expect.
func (c *Client) Send(format string, arguments ...any) {
	line := fmt.Sprintf(format, arguments...)
	c.inbox.Note(">> " + line)
	if _, err := c.connection.Write([]byte(line + "\r\n")); err != nil {
		c.inbox.End(err)
	}
}

// Join joins a channel and returns when the server has sent the list of its members.
func (c *Client) Join(channel string) error {
	c.Send("JOIN %s", channel)
	if _, err := c.ExpectFrom(c.Nick(), "JOIN", channel); err != nil {
		return err
	}
	_, err := c.Expect("366", Any, channel)
	return err
}

// Expect waits for a line with the command and the parameters given, which may be fewer
// than the line has, and removes it; Any matches every parameter. Lines before it stay and
// can be expected later. Parameters are compared without regard to ASCII case.
func (c *Client) Expect(command string, parameters ...string) (Message, error) {
	return c.ExpectOneOf([]string{command}, parameters...)
}

// ExpectOneOf is Expect with several commands of which one is enough.
func (c *Client) ExpectOneOf(commands []string, parameters ...string) (Message, error) {
	return c.expect(strings.Join(append([]string{strings.Join(commands, "|")}, parameters...), " "), func(m Message) bool {
		return slices.Contains(commands, m.Command) && matches(m, parameters)
	})
}

// ExpectFrom is Expect for a line whose source has the nick given.
func (c *Client) ExpectFrom(nick, command string, parameters ...string) (Message, error) {
	return c.expect(strings.Join(append([]string{":" + nick, command}, parameters...), " "), func(m Message) bool {
		return m.Command == command && strings.EqualFold(m.Nick(), nick) && matches(m, parameters)
	})
}

// Seen returns and keeps the lines with the command that were received and not yet
// expected. To prove that a line was not sent, wait for a later one first.
func (c *Client) Seen(command string, parameters ...string) []Message {
	return c.inbox.Seen(func(m Message) bool { return m.Command == command && matches(m, parameters) })
}

func matches(m Message, parameters []string) bool {
	if len(m.Params) < len(parameters) {
		return false
	}
	for i, want := range parameters {
		if want != Any && !strings.EqualFold(want, m.Params[i]) {
			return false
		}
	}
	return true
}

func (c *Client) expect(description string, match func(Message) bool) (Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	found, err := c.inbox.Await(ctx, match)
	if err != nil {
		return Message{}, fmt.Errorf("expecting %q for %s: %w\n%s", description, Patience, err, c.Transcript())
	}
	return found, nil
}

// Await waits for a line with the command, as long as ctx and the connection last, and
// removes it.
func (c *Client) Await(ctx context.Context, command string) (Message, error) {
	return c.inbox.Await(ctx, func(m Message) bool { return m.Command == command })
}

// Transcript is the end of the conversation, for failure reports.
func (c *Client) Transcript() string {
	return fmt.Sprintf("--- IRC conversation of %s ---\n%s", c.Nick(), c.inbox.Transcript())
}

// Close ends the connection.
func (c *Client) Close() { c.connection.Close() }

// Quit sends QUIT and waits for the server to end the connection.
func (c *Client) Quit(reason string) error {
	c.Send("QUIT :%s", reason)
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if c.inbox.AwaitEnd(ctx) != nil {
		return errors.New("the server does not end the connection after QUIT")
	}
	return nil
}

func (c *Client) read() {
	var lines ircreader.Reader
	lines.Initialize(c.connection, 512, lineLimit)
	for {
		line, err := lines.ReadLine()
		if err != nil {
			c.inbox.End(err)
			return
		}
		c.inbox.Note("<< " + string(line))
		parsed, err := ircmsg.ParseLine(string(line))
		if err != nil {
			c.inbox.End(fmt.Errorf("reading the line %q: %w", line, err))
			return
		}
		c.take(Message{parsed})
	}
}

func (c *Client) take(m Message) {
	if m.Command == "PING" {
		c.Send("PONG :%s", m.Last())
		return
	}
	if m.Command == "NICK" && strings.EqualFold(m.Nick(), c.Nick()) {
		c.mutex.Lock()
		c.nick = m.Param(0)
		c.mutex.Unlock()
	}
	c.inbox.Put(m)
}
