package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"passerelle/component"
	"passerelle/store"
)

// The kinds of what admins block.
const (
	blockedUser   = "user"
	blockedServer = "server"
)

// blocks is what admins have blocked by command, which counts beside what the
// configuration denies and survives a restart. Its lock also keeps changes of the
// rules apart.
type blocks struct {
	mu   sync.Mutex
	list []store.Block
}

// parseBlock reads what a block is about.
func parseBlock(b store.Block) (pattern, error) {
	parse := parseUser
	if b.Kind == blockedServer {
		parse = parseServer
	}
	p, err := parse(b.Pattern)
	p.reason = b.Reason
	return p, err
}

// loadBlocks reads what was blocked before a restart.
func (g *Gateway) loadBlocks() {
	if g.store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	list, err := g.store.Blocks(ctx)
	if err != nil {
		g.log.Error("what admins have blocked could not be read, and is not blocked", "error", err)
		return
	}
	g.blocks.list = list
}

// addTo adds the blocks to the rules; b.mu is held.
func (b *blocks) addTo(r *rules) {
	for _, block := range b.list {
		p, err := parseBlock(block)
		switch {
		case err != nil: // of a passerelle that knew other patterns
		case block.Kind == blockedUser:
			r.denyUsers = append(r.denyUsers, p)
		case block.Kind == blockedServer:
			r.denyServers = append(r.denyServers, p)
		}
	}
}

// setRules puts the rules of the configuration and the blocks in force. Validate
// has found the faults of the configuration before.
func (g *Gateway) setRules() {
	g.blocks.mu.Lock()
	defer g.blocks.mu.Unlock()
	live := g.live()
	fresh, err := live.Access.parse()
	if err != nil {
		g.log.Error("a part of gateway.access does not count", "error", err)
	}
	fresh.admins = live.Admins
	g.blocks.addTo(fresh)
	g.rules.Store(fresh)
}

// changeBlocks changes the list, in the store first, and has it count.
func (u *User) changeBlocks(keep func(context.Context) error, change func([]store.Block) []store.Block) error {
	g := u.g
	if g.store != nil {
		if err := g.askStore(storeTime, keep); err != nil {
			return u.storeFault(err, "a block could not be saved", "that was not done, for it cannot be saved")
		}
	}
	g.blocks.mu.Lock()
	g.blocks.list = change(slices.Clone(g.blocks.list))
	g.blocks.mu.Unlock()
	g.setRules()
	g.enforce()
	return nil
}

func sameBlock(kind, text string) func(store.Block) bool {
	return func(b store.Block) bool { return b.Kind == kind && b.Pattern == text }
}

// block blocks users or servers. Who is connected and may not be any more is
// disconnected.
func (u *User) block(kind, text, reason string) (string, error) {
	block := store.Block{Kind: kind, Pattern: text, Reason: oneLine(strings.TrimSpace(reason)), Admin: u.jid.String(), At: u.g.now()}
	p, err := parseBlock(block)
	if err != nil {
		return "", refuse("not-acceptable", "%v", err)
	}
	block.Pattern = p.text
	err = u.changeBlocks(
		func(ctx context.Context) error { return u.g.store.AddBlock(ctx, block) },
		func(list []store.Block) []store.Block {
			return append(slices.DeleteFunc(list, sameBlock(kind, p.text)), block)
		})
	if err != nil {
		return "", err
	}
	u.log().Info("an admin has blocked", "kind", kind, "pattern", p.text, "reason", block.Reason)
	return fmt.Sprintf("The %s %s is blocked. Who is connected and may not be any more is being disconnected.", kind, p.text), nil
}

// unblock ends a block.
func (u *User) unblock(kind, text string) (string, error) {
	if p, err := parseBlock(store.Block{Kind: kind, Pattern: text}); err == nil {
		text = p.text
	}
	if !slices.ContainsFunc(u.g.blocked(), sameBlock(kind, text)) {
		return "", refuse("item-not-found", "the %s %s is not blocked by command; the configuration may deny it", kind, text)
	}
	err := u.changeBlocks(
		func(ctx context.Context) error { return u.g.store.RemoveBlock(ctx, kind, text) },
		func(list []store.Block) []store.Block { return slices.DeleteFunc(list, sameBlock(kind, text)) })
	if err != nil {
		return "", err
	}
	u.log().Info("an admin has ended a block", "kind", kind, "pattern", text)
	return fmt.Sprintf("The %s %s is not blocked any more.", kind, text), nil
}

// blocked is what admins have blocked.
func (g *Gateway) blocked() []store.Block {
	g.blocks.mu.Lock()
	defer g.blocks.mu.Unlock()
	return slices.Clone(g.blocks.list)
}

// blockCommands are the admin's commands about blocks.
func blockCommands() []adhocCommand {
	const admin = "http://jabber.org/protocol/admin#"
	return []adhocCommand{
		{node: "block-user", name: "Block users", begin: beginBlock(blockedUser), chat: chatBlock(blockedUser), usage: "JID or domain [reason]"},
		{node: "block-server", name: "Block IRC servers", begin: beginBlock(blockedServer), chat: chatBlock(blockedServer), usage: "name or network [reason]"},
		{node: "blocks", name: "What is blocked", begin: beginBlocks, chat: chatBlocks},
		{node: "unblock", name: "End a block", begin: beginUnblock, chat: chatUnblock, usage: "user or server, and what was blocked"},
		{node: admin + "disable-user", name: "Block users by their JIDs", begin: beginDisable},
		{node: admin + "reenable-user", name: "End blocks of users by their JIDs", begin: beginReenable},
	}
}

func beginBlock(kind string) func(*User, *request) (page, error) {
	labels := map[string]string{
		blockedUser:   "JID or domain; * and ? stand for what they do in file names",
		blockedServer: "Name, with * and ? as in file names, or address or network",
	}
	return func(*User, *request) (page, error) {
		return page{
			form: &form{title: "Block a " + kind, instructions: "This counts at once and until it is ended, after a restart too. Who is connected is told the reason.", fields: []field{
				{name: "pattern", kind: textSingle, label: labels[kind], required: true},
				{name: "reason", kind: textSingle, label: "Reason"},
			}},
			submit: func(u *User, filled submission) (page, error) {
				note, err := u.block(kind, filled.first("pattern"), filled.first("reason"))
				return done(note), err
			},
		}, nil
	}
}

func chatBlock(kind string) func(*User, string) (string, error) {
	return func(u *User, args string) (string, error) {
		text, reason, _ := strings.Cut(args, " ")
		return u.block(kind, text, reason)
	}
}

// describeBlock says what is blocked, since when, by whom and why.
func describeBlock(b store.Block) string {
	text := fmt.Sprintf("%s %s, since %s, by %s", b.Kind, b.Pattern, b.At.UTC().Format(time.DateTime), b.Admin)
	if b.Reason != "" {
		text += ": " + b.Reason
	}
	return text
}

func beginBlocks(u *User, _ *request) (page, error) {
	note, err := chatBlocks(u, "")
	return done(note), err
}

func chatBlocks(u *User, _ string) (string, error) {
	list := u.g.blocked()
	if len(list) == 0 {
		return "Nothing is blocked by command.", nil
	}
	var lines []string
	for _, b := range list {
		lines = append(lines, describeBlock(b))
	}
	return strings.Join(lines, "\n"), nil
}

func beginUnblock(u *User, _ *request) (page, error) {
	var options []option
	size := 0
	for _, b := range u.g.blocked() {
		one := option{b.Kind + " " + b.Pattern, describeBlock(b)}
		if size += len(one.value) + len(one.label); size > largestStanza/2 {
			break // the rest when these are gone, or in words
		}
		options = append(options, one)
	}
	if len(options) == 0 {
		return done("Nothing is blocked by command."), nil
	}
	return page{
		form: &form{title: "End blocks", fields: []field{{name: "blocks", kind: listMulti, label: "Blocks", required: true, options: options}}},
		submit: func(u *User, filled submission) (page, error) {
			return eachNote(filled["blocks"], func(text string) (string, error) { return chatUnblock(u, text) })
		},
	}, nil
}

func chatUnblock(u *User, args string) (string, error) {
	kind, text, _ := strings.Cut(args, " ")
	if kind != blockedUser && kind != blockedServer {
		return "", refuse("bad-request", "say «user» or «server» first")
	}
	return u.unblock(kind, text)
}

// eachNote does something with each of some texts and returns all that is said of
// it, up to the first error.
func eachNote(texts []string, do func(string) (string, error)) (page, error) {
	var notes []string
	for _, text := range texts {
		note, err := do(text)
		if err != nil {
			return page{}, err
		}
		notes = append(notes, note)
	}
	return done(strings.Join(notes, "\n")), nil
}

// accountsPage is the form of XEP-0133 for a command about users.
func accountsPage(title string, do func(u *User, jid string) (string, error)) page {
	return page{
		form: &form{formType: "http://jabber.org/protocol/admin", title: title, fields: []field{
			{name: "accountjids", kind: jidMulti, label: "Users", required: true},
		}},
		submit: func(u *User, filled submission) (page, error) {
			return eachNote(filled["accountjids"], func(text string) (string, error) {
				jid, err := component.ParseJID(text)
				if err != nil || jid.Local == "" {
					return "", refuse("not-acceptable", "%q is not the JID of a user", text)
				}
				return do(u, jid.Bare().String())
			})
		},
	}
}

// beginDisable and beginReenable are XEP-0133's words for it (§4.3, §4.4).
func beginDisable(*User, *request) (page, error) {
	return accountsPage("Block users", func(u *User, jid string) (string, error) { return u.block(blockedUser, jid, "") }), nil
}

func beginReenable(*User, *request) (page, error) {
	return accountsPage("End blocks of users", func(u *User, jid string) (string, error) { return u.unblock(blockedUser, jid) }), nil
}
