package gateway

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"passerelle/component"
)

// commands is all that people can run. The nodes that biboumi has are called as
// there; in fixed-server mode the two "configure" of gateway and server, which
// are one address then, are told apart.
func (g *Gateway) commands() []adhocCommand {
	global, server, serverOn := "configure", "configure", onServer
	if g.addressing.Fixed != "" {
		global, server, serverOn = "global-configure", "server-configure", onGateway
	}
	list := []adhocCommand{
		{node: "ping", name: "Do a ping", on: onGateway, begin: func(*User, *request) (page, error) { return done("Pong"), nil },
			chat: func(*User, string) (string, error) { return "Pong", nil }},
		{node: "hello", name: "Receive a greeting", on: onGateway, begin: beginHello, chat: chatHello, usage: "name"},
		{node: global, name: "Settings for all networks", on: onGateway, begin: beginGlobal},
		{node: server, name: "Settings for this network", on: serverOn, begin: beginConfigure},
		{node: "configure", name: "Settings for this channel", on: onRoom, begin: beginConfigure},
		{node: "get-irc-connection-info", name: "About your connection to this network", on: serverOn, begin: beginInfo, chat: chatInfo, usage: "server"},
		{node: "certificate", name: "Client certificate (CertFP)", on: serverOn, begin: beginCertificate, chat: chatCertificate, usage: "server [generate or remove]"},
		{node: "roster", name: "Networks and people for your roster", on: onGateway, begin: beginRosterExchange, chat: chatRosterExchange},
		{node: "disconnect-from-irc-server", name: "Disconnect from networks", on: onGateway, begin: beginDisconnect, chat: chatDisconnect, usage: "server"},
	}
	return append(list, adminCommands()...)
}

func beginHello(*User, *request) (page, error) {
	return page{
		form: &form{title: "A greeting", instructions: "Say who you are.", fields: []field{{name: "name", kind: textSingle, label: "Your name", required: true}}},
		submit: func(_ *User, filled submission) (page, error) {
			return done("Hello " + filled.first("name") + "!"), nil
		},
	}, nil
}

func chatHello(_ *User, args string) (string, error) { return "Hello " + args + "!", nil }

// beginInfo tells how the user is connected to a network.
func beginInfo(u *User, r *request) (page, error) { return done(u.connectionInfo(r.to.Network)), nil }

func chatInfo(u *User, args string) (string, error) {
	return u.connectionInfo(strings.ToLower(args)), nil
}

func (u *User) connectionInfo(name string) string {
	n := u.networks.of(name)
	if n == nil {
		return "You are not connected to the IRC server " + name
	}
	if !n.ready {
		return "Connecting to the IRC server " + name
	}
	how := "without TLS"
	if n.secure {
		how = "with TLS"
	}
	lines := []string{fmt.Sprintf("Connected to IRC server %s at %s, %s, as %s since %s", name, n.peer, how, n.nick(), n.since.UTC().Format("2006-01-02 15:04:05 UTC"))}
	var channels []string
	for _, ch := range n.channels {
		var sessions []string
		for i := range ch.sessions {
			sessions = append(sessions, ch.sessions[i].jid.Resource)
		}
		channels = append(channels, fmt.Sprintf("%s: %d members, %d of your clients (%s)", ch.name, ch.members.len(), len(sessions), strings.Join(sessions, ", ")))
	}
	sort.Strings(channels)
	return strings.Join(append(lines, channels...), "\n")
}

// beginDisconnect lets the user choose networks to leave. An admin first chooses
// whose.
func beginDisconnect(u *User, _ *request) (page, error) {
	if u.isAdmin() {
		return page{
			form: &form{title: "Disconnect a user from IRC servers", instructions: "Whom do you want to disconnect?",
				fields: []field{{name: "jid", kind: listSingle, label: "User", required: true, options: u.g.userOptions()}}},
			more: true,
			submit: func(u *User, filled submission) (page, error) {
				return u.disconnectPage(filled.first("jid")), nil
			},
		}, nil
	}
	return u.disconnectPage(u.jid.String()), nil
}

func (u *User) disconnectPage(whom string) page {
	names := u.g.networksOf(u, whom)
	if len(names) == 0 {
		return done(whom + " is not connected to any IRC server.")
	}
	var options []option
	for _, name := range names {
		options = append(options, option{name, name})
	}
	return page{
		form: &form{title: "Disconnect from IRC servers", fields: []field{
			{name: "irc-servers", kind: listMulti, label: "Servers", required: true, options: options},
			{name: "quit-message", kind: textSingle, label: "Quit message", values: []string{"Disconnected by command"}},
		}},
		submit: func(u *User, filled submission) (page, error) {
			u.g.disconnect(u, whom, filled["irc-servers"], oneLine(filled.first("quit-message")))
			return done(fmt.Sprintf("%s was disconnected from %s.", whom, strings.Join(filled["irc-servers"], ", "))), nil
		},
	}
}

func chatDisconnect(u *User, args string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(args))
	if u.networks.of(name) == nil && !u.isReturning(name) {
		return "", refuse("item-not-found", "you are not connected to %s", name)
	}
	u.leaveNetwork(name, "Disconnected by command")
	return "Disconnected from " + name, nil
}

// chatCommands are the words that the gateway understands in a chat, beside the
// commands of the list.
func (u *User) chatCommand(r *request, body string) (string, error) {
	word, args, _ := strings.Cut(strings.TrimSpace(body), " ")
	word = strings.ToLower(strings.TrimPrefix(word, "/"))
	switch word {
	case "help", "?":
		return u.chatHelp(r), nil
	case "set":
		return chatSet(u, args)
	case "show":
		return chatShow(u, args)
	}
	for _, c := range u.g.commands() {
		if c.node != word && shortName(c.node) != word || c.chat == nil {
			continue
		}
		if c.admin && !u.isAdmin() {
			return "", refuse("forbidden", "only an admin of the gateway may do that")
		}
		if c.usage != "" && strings.TrimSpace(args) == "" {
			return "", refuse("bad-request", "something is missing: %s %s", shortName(c.node), c.usage)
		}
		return c.chat(u, strings.TrimSpace(args))
	}
	return u.chatHelp(r), nil
}

// isChatCommand reports whether a text is for the gateway and not a line of IRC,
// where both have one address (fixed-server mode).
func (u *User) isChatCommand(body string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(body), " ")
	switch word {
	case "help", "?", "set", "show":
		return true
	}
	return slices.ContainsFunc(u.g.commands(), func(c adhocCommand) bool {
		return c.chat != nil && (c.node == word || shortName(c.node) == word)
	})
}

// shortName is the node of a command without the address of a specification.
func shortName(node string) string {
	if _, name, ok := strings.Cut(node, "#"); ok {
		return name
	}
	return node
}

func (u *User) chatHelp(*request) string {
	lines := []string{
		"This is a gateway to IRC.",
		fmt.Sprintf("To join a channel, enter the group chat #channel%%irc.server@%[1]s, for example #xmpp%%irc.libera.chat@%[1]s.", u.g.domain),
		fmt.Sprintf("To write to one person, use nick%%irc.server@%[1]s. To send a command to a server you are connected to, write it to irc.server@%[1]s.", u.g.domain),
		"In a channel, /help shows what you can do. Here you can write:",
		"show [server or #channel%server] – show your settings",
		"set [server or #channel%server] name value – change one; without a value, follow the wider setting",
	}
	for _, c := range u.g.commands() {
		if c.chat != nil && (!c.admin || u.isAdmin()) {
			lines = append(lines, strings.TrimSpace(shortName(c.node)+" "+c.usage)+" – "+c.name)
		}
	}
	return strings.Join(lines, "\n")
}

// isAdmin reports whether the user is one of the gateway's admins.
func (u *User) isAdmin() bool {
	return slices.ContainsFunc(u.g.live().Admins, func(admin string) bool { return strings.EqualFold(admin, u.jid.String()) })
}

func (u *User) gatewayJID() component.JID { return component.JID{Domain: u.g.domain} }

// userOptions are the users to choose from: all, or the first where there are too
// many for one stanza.
func (g *Gateway) userOptions() []option {
	g.mu.Lock()
	defer g.mu.Unlock()
	var options []option
	for jid := range g.users {
		options = append(options, option{jid.String(), jid.String()})
	}
	slices.SortFunc(options, func(a, b option) int { return strings.Compare(a.value, b.value) })
	size := 0
	for i, o := range options {
		if size += 2*len(o.value) + len("<option label=''><value></value></option>"); size > largestStanza {
			return options[:i]
		}
	}
	return options
}

// user returns the user of a bare JID, or nil.
func (g *Gateway) user(bare string) *User {
	jid, err := component.ParseJID(bare)
	if err != nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.users[jid]
}

// of does something on another user's goroutine, without waiting for it.
func (g *Gateway) of(whom *User, do event) { go whom.post(do, nil) }

// networksOf are the networks that may be left: one's own exactly, another
// user's by what the registry of connections knows.
func (g *Gateway) networksOf(asking *User, whom string) []string {
	if whom == asking.jid.String() {
		var names []string
		for _, n := range asking.networks {
			names = append(names, n.name)
		}
		return names
	}
	return g.connections.of(whom)
}

// disconnect takes a user off networks.
func (g *Gateway) disconnect(asking *User, whom string, names []string, reason string) {
	leave := func(u *User) {
		for _, name := range names {
			if n := u.networks.of(name); n != nil {
				n.quit(reason)
			}
		}
	}
	if whom == asking.jid.String() {
		leave(asking)
		return
	}
	if u := g.user(whom); u != nil {
		g.of(u, leave)
	}
}
