package gateway

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"passerelle/component"
)

// adminCommands are those that only the gateway's admins may run (XEP-0133, and
// biboumi's).
func adminCommands() []adhocCommand {
	const admin = "http://jabber.org/protocol/admin#"
	list := []adhocCommand{
		{node: "disconnect-user", name: "Disconnect users from the gateway", begin: beginDisconnectUser, chat: chatDisconnectUser, usage: "JID"},
		{node: "reload", name: "Read the configuration again", begin: beginReload, chat: chatReload},
		{node: admin + "announce", name: "Send an announcement to all users", begin: beginAnnounce, chat: chatAnnounce, usage: "text"},
		{node: admin + "get-online-users-num", name: "How many users are online", begin: beginOnlineNumber, chat: chatOnlineNumber},
		{node: admin + "get-online-users-list", name: "Who is online", begin: beginOnlineList, chat: chatOnlineList},
		{node: admin + "user-stats", name: "What a user does", begin: beginUserStats, chat: chatUserStats, usage: "JID"},
		{node: admin + "end-user-session", name: "End a user's session", begin: beginEndSession, chat: chatDisconnectUser, usage: "JID"},
		{node: admin + "shutdown", name: "Shut the gateway down", begin: beginShutdown},
	}
	list = append(list, logCommands()...)
	list = append(list, blockCommands()...)
	list = append(list, whoisCommand())
	for i := range list {
		list[i].admin, list[i].on = true, onGateway
	}
	return list
}

func beginDisconnectUser(u *User, _ *request) (page, error) {
	options := u.g.userOptions()
	if len(options) == 0 {
		return done("Nobody is online."), nil
	}
	return page{
		form: &form{title: "Disconnect users", fields: []field{
			{name: "jids", kind: listMulti, label: "Users", required: true, options: options},
			{name: "quit-message", kind: textSingle, label: "Quit message", values: []string{"Disconnected by an admin"}},
		}},
		submit: func(u *User, filled submission) (page, error) {
			return done(disconnectedNote(u.g.disconnectUsers(u, filled["jids"], oneLine(filled.first("quit-message"))))), nil
		},
	}, nil
}

func disconnectedNote(count int) string {
	switch count {
	case 0:
		return "No user was disconnected."
	case 1:
		return "1 user has been disconnected."
	}
	return fmt.Sprintf("%d users have been disconnected.", count)
}

// disconnectUsers takes users off all their networks, and returns how many it
// found.
func (g *Gateway) disconnectUsers(asking *User, jids []string, reason string) int {
	found := 0
	for _, jid := range jids {
		if jid == asking.jid.String() {
			asking.quitAll(reason)
			found++
			continue
		}
		if u := g.user(jid); u != nil {
			g.of(u, func(u *User) { u.quitAll(reason) })
			found++
		}
	}
	return found
}

func chatDisconnectUser(u *User, args string) (string, error) {
	return disconnectedNote(u.g.disconnectUsers(u, strings.Fields(args), "Disconnected by an admin")), nil
}

func beginEndSession(u *User, _ *request) (page, error) {
	return page{
		form: &form{formType: "http://jabber.org/protocol/admin", title: "End user sessions", fields: []field{
			{name: "accountjids", kind: jidMulti, label: "Users", required: true},
		}},
		submit: func(u *User, filled submission) (page, error) {
			return done(disconnectedNote(u.g.disconnectUsers(u, bareJIDs(filled["accountjids"]), "Disconnected by an admin"))), nil
		},
	}, nil
}

func bareJIDs(texts []string) []string {
	var bare []string
	for _, text := range texts {
		if jid, err := component.ParseJID(text); err == nil {
			bare = append(bare, jid.Bare().String())
		}
	}
	return bare
}

func beginReload(u *User, _ *request) (page, error) {
	note, err := chatReload(u, "")
	return done(note), err
}

// chatReload reads the configuration again, which may say what has to wait for a
// restart.
func chatReload(u *User, _ string) (string, error) {
	if u.g.reload == nil {
		return "", refuse("feature-not-implemented", "the configuration cannot be read again here")
	}
	note, err := u.g.reload()
	if err != nil {
		return "", refuse("not-acceptable", "%v", err)
	}
	return note, nil
}

func beginAnnounce(*User, *request) (page, error) {
	return page{
		form: &form{formType: "http://jabber.org/protocol/admin", title: "An announcement to all users", fields: []field{
			{name: "subject", kind: textSingle, label: "Subject"},
			{name: "announcement", kind: textMulti, label: "Announcement", required: true},
		}},
		submit: func(u *User, filled submission) (page, error) {
			count := u.g.announce(filled.first("subject"), strings.Join(filled["announcement"], "\n"))
			return done(fmt.Sprintf("Announced to %d users.", count)), nil
		},
	}, nil
}

func chatAnnounce(u *User, args string) (string, error) {
	return fmt.Sprintf("Announced to %d users.", u.g.announce("", args)), nil
}

// announce writes to every user who has something here.
func (g *Gateway) announce(subject, text string) int {
	g.mu.Lock()
	users := slices.Collect(maps.Values(g.users))
	g.mu.Unlock()
	for _, u := range users {
		g.of(u, func(u *User) {
			u.enc.Stanza(component.Message, u.gatewayJID(), u.jid, "headline", newID())
			if subject != "" {
				u.enc.Leaf("subject", "", subject)
			}
			u.enc.Leaf("body", "", forBody(text))
			u.enc.Close()
		})
	}
	return len(users)
}

func beginOnlineNumber(u *User, _ *request) (page, error) {
	return page{form: &form{formType: "http://jabber.org/protocol/admin", title: "Users online", fields: []field{
		{name: "onlineusersnum", kind: textSingle, label: "Users", values: []string{fmt.Sprint(u.g.Users())}},
	}}}, nil
}

func chatOnlineNumber(u *User, _ string) (string, error) {
	lines := []string{fmt.Sprintf("%d users", u.g.Users())}
	counts := u.g.connections.count()
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, fmt.Sprintf("%s: %d connections", name, counts[name]))
	}
	return strings.Join(lines, "\n"), nil
}

func (g *Gateway) onlineJIDs() []string {
	var jids []string
	for _, o := range g.userOptions() {
		jids = append(jids, o.value)
	}
	return jids
}

func beginOnlineList(u *User, _ *request) (page, error) {
	return page{form: &form{formType: "http://jabber.org/protocol/admin", title: "Users online", fields: []field{
		{name: "onlineuserjids", kind: jidMulti, label: "Users", values: u.g.onlineJIDs()},
	}}}, nil
}

func chatOnlineList(u *User, _ string) (string, error) {
	return strings.Join(u.g.onlineJIDs(), "\n"), nil
}

func beginUserStats(*User, *request) (page, error) {
	return page{
		form: &form{formType: "http://jabber.org/protocol/admin", title: "What a user does", fields: []field{
			{name: "accountjid", kind: textSingle, label: "User", required: true},
		}},
		submit: func(u *User, filled submission) (page, error) {
			note, err := chatUserStats(u, filled.first("accountjid"))
			return done(note), err
		},
	}, nil
}

func chatUserStats(u *User, args string) (string, error) {
	if jid, err := component.ParseJID(strings.ToLower(args)); err == nil {
		args = jid.Bare().String()
	}
	networks := u.g.connections.of(args)
	if u.g.user(args) == nil {
		return args + " is not online here.", nil
	}
	return fmt.Sprintf("%s is connected to %d networks: %s", args, len(networks), strings.Join(networks, ", ")), nil
}

// shutdownDelay lets the answer to the command leave first.
const shutdownDelay = 500 * time.Millisecond

func beginShutdown(u *User, _ *request) (page, error) {
	if u.g.stop == nil {
		return page{}, refuse("feature-not-implemented", "the gateway cannot be shut down from here")
	}
	return page{
		form: &form{formType: "http://jabber.org/protocol/admin", title: "Shut the gateway down",
			instructions: "Everybody leaves IRC. Whether it starts again is for who runs it to say.",
			fields:       []field{{name: "announcement", kind: textMulti, label: "Tell the users"}}},
		submit: func(u *User, filled submission) (page, error) {
			if text := strings.Join(filled["announcement"], "\n"); text != "" {
				u.g.announce("", text)
			}
			u.g.stopping.Do(func() { time.AfterFunc(shutdownDelay, u.g.stop) })
			return done("The gateway is going down."), nil
		},
	}, nil
}

// quitAll leaves all networks.
func (u *User) quitAll(reason string) {
	u.abandonReturn("")
	for _, n := range u.networks {
		n.quit(reason)
	}
}
