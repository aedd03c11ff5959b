package loadtest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// networkName is the IRC server's name, in addresses and in what it says.
const networkName = "irc.load.test"

// lineLength is what fits a line without its end (RFC 2812 §2.3).
const lineLength = 510

// ircServer knows channels whose members only pretend, and the gateway's users. It
// relays nothing: what users get to see is up to a scenario.
type ircServer struct {
	listener net.Listener
	answers  map[string]func(c *ircClient, first, all string)
	// heard is called for each message that a user sends, with what stands behind the
	// command.
	heard atomic.Pointer[func(message string)]

	mutex   sync.Mutex
	rooms   map[string]*ircRoom
	clients map[string]*ircClient
}

// ircRoom is a channel with so many members.
type ircRoom struct{ members int }

// mask is who a member of a channel is.
func mask(member int) string {
	number := strconv.Itoa(member)
	return "m" + number + "!~m" + number + "@host-" + number + ".example.net"
}

func newIRCServer(encryption *tls.Config) (*ircServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &ircServer{listener: listener, answers: answers(), rooms: make(map[string]*ircRoom), clients: make(map[string]*ircClient)}
	s.heard.Store(new(func(string) {}))
	go s.accept(encryption)
	return s, nil
}

func (s *ircServer) accept(encryption *tls.Config) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if encryption != nil {
			conn = tls.Server(conn, encryption)
		}
		c := &ircClient{server: s, conn: conn}
		go c.serve()
	}
}

// close closes all connections.
func (s *ircServer) close() {
	_ = s.listener.Close()
	s.drop()
}

// drop closes the connections of all users.
func (s *ircServer) drop() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, c := range s.clients {
		_ = c.conn.Close()
	}
}

// fill says how many members a channel has.
func (s *ircServer) fill(channel string, members int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.rooms[channel] = &ircRoom{members: members}
}

// client is the connection of a user who has come.
func (s *ircServer) client(user int) *ircClient {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.clients[nick(user)]
}

func (s *ircServer) room(channel string) ircRoom {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if room := s.rooms[channel]; room != nil {
		return *room
	}
	return ircRoom{}
}

// nick is what a user is called on IRC.
func nick(user int) string { return "u" + strconv.Itoa(user) }

// ircClient is the connection of one user, beneath which only its own goroutine
// answers.
type ircClient struct {
	server     *ircServer
	conn       net.Conn
	nick, user string
	registered bool
	// negotiating is set between CAP LS and CAP END.
	negotiating bool

	sending sync.Mutex
	reply   []byte
}

// push sends lines, each with its end, at once.
func (c *ircClient) push(lines string) {
	c.sending.Lock()
	defer c.sending.Unlock()
	_, _ = c.conn.Write([]byte(lines))
}

// abort closes the connection at once: what was not read yet is lost.
func (c *ircClient) abort() {
	if socket, plain := c.conn.(*net.TCPConn); plain {
		_ = socket.SetLinger(0)
	}
	_ = c.conn.Close()
}

func (c *ircClient) serve() {
	defer func() {
		_ = c.conn.Close()
		c.server.mutex.Lock()
		defer c.server.mutex.Unlock()
		if c.server.clients[c.nick] == c {
			delete(c.server.clients, c.nick)
		}
	}()
	lines := bufio.NewReaderSize(c.conn, 1024)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		c.answer(strings.TrimRight(line, "\r\n"))
		if lines.Buffered() == 0 && len(c.reply) > 0 {
			c.push(string(c.reply))
			c.reply = nil
		}
	}
}

// say answers with a line of the server's.
func (c *ircClient) say(format string, arguments ...any) {
	c.reply = append(c.reply, ":"+networkName+" "...)
	c.reply = fmt.Appendf(c.reply, format, arguments...)
	c.reply = append(c.reply, "\r\n"...)
}

// answers is what the server does for each command, given its first parameter and all of
// them. What is not among them is ignored.
func answers() map[string]func(c *ircClient, first, all string) {
	return map[string]func(c *ircClient, first, all string){
		"CAP":  (*ircClient).negotiate,
		"NICK": func(c *ircClient, first, _ string) { c.nick = first },
		"USER": func(c *ircClient, first, _ string) { c.user = first },
		"PING": func(c *ircClient, _, all string) { c.say("PONG %s %s", networkName, all) },
		"JOIN": func(c *ircClient, first, _ string) {
			for name := range strings.SplitSeq(first, ",") {
				c.join(name)
			}
		},
		"PART": func(c *ircClient, first, _ string) {
			c.reply = fmt.Appendf(c.reply, ":%s!%s@client.example.net PART %s\r\n", c.nick, c.user, first)
		},
		"MODE":    func(c *ircClient, first, _ string) { c.say("324 %s %s +nt", c.nick, first) },
		"WHO":     func(c *ircClient, first, _ string) { c.who(first) },
		"PRIVMSG": func(c *ircClient, _, all string) { (*c.server.heard.Load())(all) },
	}
}

// answer does what one line asks for.
func (c *ircClient) answer(line string) {
	command, all, _ := strings.Cut(line, " ")
	first, _, _ := strings.Cut(all, " ")
	if do := c.server.answers[command]; do != nil {
		do(c, first, all)
	}
	if !c.registered && !c.negotiating && c.nick != "" && c.user != "" {
		c.welcome()
	}
}

func (c *ircClient) negotiate(verb, rest string) {
	switch verb {
	case "LS":
		c.negotiating = true
		c.say("CAP * LS :multi-prefix server-time")
	case "REQ":
		_, names, _ := strings.Cut(rest, " ")
		c.say("CAP * ACK :%s", strings.TrimPrefix(names, ":"))
	case "END":
		c.negotiating = false
	}
}

func (c *ircClient) welcome() {
	c.registered = true
	c.server.mutex.Lock()
	c.server.clients[c.nick] = c
	c.server.mutex.Unlock()
	c.say("001 %s :Welcome to the load test, %s!%s@client.example.net", c.nick, c.nick, c.user)
	c.say("004 %s %s load-1 iosw beIiklmnopqstv", c.nick, networkName)
	c.say("005 %s CASEMAPPING=ascii CHANMODES=beI,k,l,imnpst CHANTYPES=# CHANNELLEN=64 NETWORK=LoadTest NICKLEN=32 PREFIX=(qaohv)~&@%%+ TOPICLEN=390 :are supported by this server", c.nick)
	c.say("422 %s :There is no message of the day", c.nick)
}

func (c *ircClient) join(channel string) {
	room := c.server.room(channel)
	c.reply = fmt.Appendf(c.reply, ":%s!%s@client.example.net JOIN %s\r\n", c.nick, c.user, channel)
	c.say("332 %s %s :What a load test talks about", c.nick, channel)
	head := fmt.Sprintf("353 %s = %s :", c.nick, channel)
	names := head + c.nick
	for member := range room.members {
		name := " " + prefix(member) + "m" + strconv.Itoa(member)
		if len(networkName)+2+len(names)+len(name) > lineLength {
			c.say("%s", names)
			names = head
		}
		names += name
	}
	c.say("%s", names)
	c.say("366 %s %s :End of the names", c.nick, channel)
}

// prefix makes every fiftieth member an operator, and every tenth voiced.
func prefix(member int) string {
	switch {
	case member%50 == 0:
		return "@"
	case member%10 == 0:
		return "+"
	}
	return ""
}

func (c *ircClient) who(channel string) {
	room := c.server.room(channel)
	for member := range room.members {
		c.say("352 %s %s ~m%d host-%d.example.net %s m%d H%s :0 member %d", c.nick, channel, member, member, networkName, member, prefix(member), member)
	}
	c.say("315 %s %s :End of the list", c.nick, channel)
}
