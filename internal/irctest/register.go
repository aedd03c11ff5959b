package irctest

import (
	"fmt"
	"slices"
	"strings"
)

// Registration is how the server welcomes a client. The zero value is a server
// of RFC 2812 without capabilities and ISUPPORT.
type Registration struct {
	// Caps are the capabilities on offer, "name" or "name=value". Without any
	// the server does not know CAP.
	Caps []string
	// Support are ISUPPORT parameters, "NAME=value".
	Support []string
	// Nick is the nick given; the one asked for when it is empty.
	Nick string
	// Host is the host that the client is told it has.
	Host string
	// Motd are the lines of the message of the day; 422 when there are none.
	Motd []string
}

// ServerName is the name that the scripted server has in prefixes.
const ServerName = "irc.test"

// Register plays a registration to its end and returns what the client said:
// its nick and username, and its password if it sent one.
func (c *Conversation) Register(r Registration) Client {
	c.t.Helper()
	var client Client
	for !client.complete {
		c.registrationLine(&client, r)
	}
	nick := r.Nick
	if nick == "" {
		nick = client.Nick
	}
	client.Nick = nick
	host := r.Host
	if host == "" {
		host = "host.test"
	}
	c.Numeric("001", nick, fmt.Sprintf(":Welcome to the test network %s!%s@%s", nick, client.Username, host))
	c.Numeric("002", nick, ":Your host is "+ServerName)
	for support := range slices.Chunk(r.Support, 10) {
		c.Numeric("005", nick, strings.Join(support, " ")+" :are supported by this server")
	}
	if len(r.Motd) == 0 {
		c.Numeric("422", nick, ":No message of the day")
		return client
	}
	c.Numeric("375", nick, ":- Message of the day")
	for _, line := range r.Motd {
		c.Numeric("372", nick, ":- "+line)
	}
	c.Numeric("376", nick, ":End of the message of the day")
	return client
}

// Client is what a client said of itself while registering.
type Client struct {
	Nick, Username, RealName, Password string
	// Requested are the capabilities it asked for.
	Requested []string

	negotiating, complete bool
}

func (c *Conversation) registrationLine(client *Client, r Registration) {
	c.t.Helper()
	line := c.ReadLine()
	command, params := splitLine(line)
	switch {
	case strings.HasPrefix(line, "CAP ") && len(r.Caps) == 0:
		c.Numeric("421", "*", "CAP :Unknown command")
	case strings.HasPrefix(line, "CAP LS"):
		client.negotiating = true
		c.Send(fmt.Sprintf(":%s CAP * LS :%s", ServerName, strings.Join(r.Caps, " ")))
	case strings.HasPrefix(line, "CAP REQ "):
		names := strings.TrimPrefix(strings.TrimPrefix(line, "CAP REQ "), ":")
		client.Requested = append(client.Requested, strings.Fields(names)...)
		c.Send(fmt.Sprintf(":%s CAP * ACK :%s", ServerName, names))
	case line == "CAP END":
		client.negotiating = false
	case command == "PASS" && len(params) == 1:
		client.Password = params[0]
	case command == "NICK" && len(params) == 1:
		client.Nick = params[0]
	case command == "USER" && len(params) == 4:
		client.Username, client.RealName = params[0], params[3]
	default:
		c.t.Fatalf("the client sent %q while registering", line)
	}
	client.complete = client.Nick != "" && client.Username != "" && !client.negotiating
}

func splitLine(line string) (command string, params []string) {
	middle, trailing, found := strings.Cut(line, " :")
	words := strings.Fields(middle)
	if len(words) == 0 {
		return "", nil
	}
	params = words[1:]
	if found {
		params = append(params, trailing)
	}
	return words[0], params
}

// Numeric sends a numeric to a nick: ":irc.test 001 nick rest".
func (c *Conversation) Numeric(numeric, nick, rest string) {
	c.t.Helper()
	c.Send(fmt.Sprintf(":%s %s %s %s", ServerName, numeric, nick, rest))
}
