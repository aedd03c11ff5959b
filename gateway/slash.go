package gateway

import (
	"sort"
	"strings"

	"passerelle/component"
	"passerelle/ircconn"
)

// invocation is a command that somebody wrote as a message.
type invocation struct {
	n       *Network
	ch      *Channel // nil in a private chat
	stanza  *component.Stanza
	session component.JID // who wrote it
	args    string
}

// failed answers the message that gave the command with an error.
func (c *invocation) failed(err error) { c.n.u.replyError(c.stanza, err) }

// say answers where the command was given.
func (c *invocation) say(text string) {
	if c.ch != nil {
		c.ch.inform(c.session, text)
		return
	}
	u := c.n.u
	u.enc.Stanza(component.Message, c.stanza.To, c.session, "chat", newID())
	u.enc.Leaf("body", "", forBody(text))
	u.enc.Close()
}

// word takes the first word off the arguments.
func (c *invocation) word() string {
	word, rest, _ := strings.Cut(strings.TrimSpace(c.args), " ")
	c.args = strings.TrimSpace(rest)
	return word
}

// command is something that can be done by writing "/name …" in a chat.
type command struct {
	usage string
	help  string
	// words is how many words must follow the name.
	words int
	// inRoom is whether it makes sense in a channel only.
	inRoom bool
	run    func(*invocation) error
}

// commandList returns the commands by name. It is a function because help reads
// the list that it stands in.
func commandList() map[string]command {
	return map[string]command{
		"msg":    {"/msg nick text", "say something to one person", 2, false, (*invocation).msg},
		"notice": {"/notice target text", "send a notice to a person or channel", 2, false, (*invocation).notice},
		"nick":   {"/nick name", "be called otherwise, on the whole network", 1, false, (*invocation).nick},
		"topic":  {"/topic [text]", "show or set the channel's topic", 0, true, (*invocation).topic},
		"kick":   {"/kick nick [reason]", "put somebody out of the channel", 1, true, (*invocation).kick},
		"ban":    {"/ban nick-or-mask [reason]", "ban somebody from the channel and put them out", 1, true, (*invocation).ban},
		"unban":  {"/unban mask", "lift a ban", 1, true, (*invocation).unban},
		"mode":   {"/mode [target] modes", "show or change the channel's modes, or your own", 0, false, (*invocation).mode},
		"invite": {"/invite nick", "invite somebody to the channel", 1, true, (*invocation).invite},
		"whois":  {"/whois nick", "ask who somebody is", 1, false, (*invocation).whois},
		"quote":  {"/quote line", "send a line to the IRC server as it is", 1, false, (*invocation).quote},
		"part":   {"/part [reason]", "leave the channel", 0, true, (*invocation).part},
		"help":   {"/help", "show this list", 0, false, (*invocation).help},
	}
}

// slashCommand takes a body apart that is a command: one slash and a word. "/me"
// is something to say, "//" says a slash, and a path such as "/etc/hosts" or a
// lone slash is text.
func slashCommand(body string) (name, args string, is bool) {
	if !strings.HasPrefix(body, "/") || strings.HasPrefix(body, "//") || strings.HasPrefix(body, "/me ") || body == "/me" {
		return "", "", false
	}
	name, args, _ = strings.Cut(body[1:], " ")
	if name == "" || strings.ContainsAny(name, "/\n\t.") {
		return "", "", false
	}
	return strings.ToLower(name), args, true
}

// unescapeSlash undoes the doubling by which a slash is said.
func unescapeSlash(body string) string {
	if strings.HasPrefix(body, "//") {
		return body[1:]
	}
	return body
}

// runCommand does what a command says. An unknown one is an error and is never
// said aloud.
func (u *User) runCommand(c *invocation, name string) error {
	cmd, known := commandList()[name]
	switch {
	case !known:
		return refuse("item-not-found", "there is no command /%s; /help shows which there are, and two slashes say one", name)
	case cmd.inRoom && c.ch == nil:
		return refuse("not-acceptable", "%s works in a channel", cmd.usage)
	case len(strings.Fields(c.args)) < cmd.words:
		return refuse("bad-request", "something is missing: %s", cmd.usage)
	case strings.ContainsAny(c.args, "\r\n"):
		return refuse("bad-request", "a command is one line")
	}
	return cmd.run(c)
}

func (c *invocation) msg() error {
	nick := c.word()
	if ch := c.n.channel(nick); ch != nil && c.n.support.IsChannel(nick) {
		return ch.say(c.stanza, utterance{text: c.args})
	}
	if err := c.n.checkNick(nick); err != nil {
		return err
	}
	q := c.n.queries[c.n.fold(nick)]
	q.room = component.JID{}
	c.n.remember(nick, q)
	return c.n.transmit(&outgoing{target: nick, stanza: c.stanza}, utterance{text: c.args})
}

func (c *invocation) notice() error {
	target := c.word()
	what := utterance{text: c.args, notice: true}
	if ch := c.n.channel(target); ch != nil && c.n.support.IsChannel(target) {
		return ch.say(c.stanza, what)
	}
	return c.n.transmit(&outgoing{target: target, stanza: c.stanza}, what)
}

func (c *invocation) nick() error {
	nick := c.n.legalNick(c.word())
	if nick == "" {
		return refuse("not-acceptable", "IRC has no letters for that nick")
	}
	return c.n.changeNick(nick, c.failed)
}

func (c *invocation) topic() error {
	text := strings.TrimSpace(c.args)
	if text != "" {
		return c.ch.setTopic(text, "", c.failed)
	}
	if c.ch.topic.text == "" {
		c.say("No topic is set.")
		return nil
	}
	said := "Topic: " + plain(c.ch.topic.text)
	if c.ch.topic.setter != "" {
		said += " (set by " + c.ch.topic.setter + ")"
	}
	c.say(said)
	return nil
}

func (c *invocation) kick() error {
	nick := c.word()
	return c.ch.kick(nick, c.args, c.report)
}

// report is for commands whose success everybody in the room sees.
func (c *invocation) report(err error) {
	if err != nil {
		c.failed(err)
	}
}

func (c *invocation) ban() error {
	whom := c.word()
	return c.ch.ban(banTarget{whom}, c.args, c.report)
}

func (c *invocation) unban() error { return c.ch.unban(c.word(), c.report) }

// mode is "/mode", "/mode +m" and "/mode nick +i": without a target it is the
// channel that is meant.
func (c *invocation) mode() error {
	words := strings.Fields(c.args)
	target := c.n.nick()
	if c.ch != nil {
		target = c.ch.name
	}
	if len(words) > 0 && !strings.ContainsRune("+-", rune(words[0][0])) && (c.n.support.IsChannel(words[0]) || c.n.isSelf(words[0])) {
		target, words = words[0], words[1:]
	}
	return c.n.relay(c, ircconn.Line{Command: "MODE", Params: append([]string{target}, words...)})
}

func (c *invocation) invite() error {
	return c.n.inviteNick(c.word(), c.ch.name, c.report)
}

func (c *invocation) whois() error {
	return c.n.relay(c, ircconn.Whois(c.word()))
}

func (c *invocation) quote() error {
	line, err := ircconn.ParseLine(c.args)
	if err != nil {
		return refuse("bad-request", "that is not a line of IRC: %v", err)
	}
	return c.n.relay(c, line)
}

func (c *invocation) part() error {
	c.ch.removeAll(exit{text: c.args})
	c.ch.part(c.args)
	return nil
}

func (c *invocation) help() error {
	var lines []string
	for _, cmd := range commandList() {
		lines = append(lines, cmd.usage+" – "+cmd.help)
	}
	sort.Strings(lines)
	c.say("/me text – say what you do\n" + strings.Join(lines, "\n") + "\n//text – say a text that begins with a slash")
	return nil
}
