package gateway

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// Network is one IRC server for one user: the connection, what the server is
// able to do, and the channels the user is in.
type Network struct {
	u           *User
	name        string // as in JIDs
	jid         component.JID
	generation  int     // of the connection, to tell its events from an old one's
	wanted      string  // the nick that the user asked for
	outage      *outage // nil unless the connection was lost and is to come back
	ready       bool    // the server has accepted us
	secure      bool    // by TLS
	regaining   bool    // the nick is held by somebody else, and watched
	askingAway  bool    // whether the answer about a contact is awaited
	historyless bool    // the server of this connection keeps history only in name
	bounds      bounds
	attempts    int32 // to get the connection back, since it was last stable
	conn        lineSender
	peer        string // where it is connected to, as host:port
	remote      netip.Addr
	since       time.Time
	support     *ircconn.Support
	caps        ircconn.Caps
	self        ircconn.Source // our own nick, user and host
	channels    few[ircconn.Folded, *Channel]
	parting     map[ircconn.Folded]int // how many PARTs are not answered yet
	people      map[ircconn.Folded]*person
	queries     map[ircconn.Folded]query
	questions   []*question
	gaps        []*gap                      // of channels, in the order in which the server is asked
	outbox      []*outgoing                 // under way, the oldest first
	shown       []*outgoing                 // the last messages that were shown, the oldest first
	echoTimer   *time.Timer                 // of messages that wait for their echo
	labels      uint32                      // the last one given
	receipts    uint32                      // the last one given
	awayText    string                      // what the server has been told; empty when not away
	asked       *asked                      // who last wrote raw commands
	ctcpSlots   *slots                      // nil before the first query
	contacts    map[ircconn.Folded]*contact // whom the user follows here
	callers     map[ircconn.Folded]bool     // who waits to be let write to the user
	isonTimer   *time.Timer
	whois       map[ircconn.Folded]*whois
	channelList *channelList
	idle        *time.Timer
	counted     counted
}

func (n *Network) listedAs() string { return n.name }

// connect begins a connection to a server under a nick.
func (u *User) connect(name, wanted string) (*Network, error) {
	n, err := u.newNetwork(name, wanted)
	if err != nil {
		return nil, err
	}
	if err := u.admit(n.scope()); err != nil {
		return nil, err
	}
	if err := n.open(n.wanted); err != nil {
		u.g.connections.remove(u.jid.String(), name)
		return nil, err
	}
	u.networks.add(n)
	n.keep()
	return n, nil
}

// newNetwork makes a network that the user may connect to under a nick.
func (u *User) newNetwork(name, wanted string) (*Network, error) {
	if err := u.load(); err != nil {
		return nil, err
	}
	if err := u.mayConnect(); err != nil {
		return nil, err
	}
	scope := u.scope(translate.Address{Kind: translate.Server, Network: name})
	if chosen := u.value(setNick, scope); chosen != "" {
		wanted = chosen
	}
	nick := translate.NickToIRC(wanted, translate.NickLimits{})
	if nick == "" {
		nick = translate.NickToIRC(u.jid.Local, translate.NickLimits{})
	}
	if nick == "" {
		return nil, refuse("not-acceptable", "IRC has no letters for the nick %q; choose one of a to z", wanted)
	}
	if until, banned := u.g.bans.of(u.jid, name, u.g.now()); banned {
		return nil, refuse("forbidden", "%s has turned you away for good; ask its operators what to do. The gateway does not try again before %s", name, until.UTC().Format("15:04 MST"))
	}
	name, nick = strings.Clone(name), strings.Clone(nick)
	return &Network{
		u:       u,
		name:    name,
		jid:     u.jidOf(translate.Server, "", name),
		wanted:  nick,
		conn:    unconnected{},
		support: ircconn.DefaultSupport(),
		self:    ircconn.Source{Nick: nick},
	}, nil
}

// unconnected stands for the connection before there is one.
type unconnected struct{}

func (unconnected) Queue(...ircconn.Line) error { return ircconn.ErrClosed }
func (unconnected) Flush(func(uint64))          {}
func (unconnected) Quit(string)                 {}
func (unconnected) Close()                      {}

// open begins a connection.
func (n *Network) open(nick string) error {
	u := n.u
	scope := u.scope(translate.Address{Kind: translate.Server, Network: n.name})
	options := u.connectionOptions(scope, nick)
	if len(options.Addresses) == 0 {
		return refuse("item-not-found", "no address is known for %s", n.name)
	}
	if err := u.refuseServer(scope, options.Addresses); err != nil {
		return err
	}
	generation := int(u.g.generations.Add(1))
	conn, err := u.g.connect(options, u.sink(n.name, generation), n.log())
	if err != nil {
		return err
	}
	n.conn, n.generation, n.historyless = conn, generation, false
	return nil
}

// username makes a user name (ident) of a nick: IRC servers take letters,
// digits and few signs there, and seldom more than ten.
func username(nick string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, nick)
	name = strings.TrimLeft(name, "-_")
	if name == "" {
		return "user"
	}
	return translate.CutBytes(name, 10)
}

func (n *Network) registered() bool { return n.ready }

// nick is our own nick as the server writes it.
func (n *Network) nick() string { return n.self.Nick }

func (n *Network) fold(name string) ircconn.Folded { return n.support.Casemapping.Fold(name) }

// same reports whether two names are one to the server.
func (n *Network) same(a, b string) bool {
	return a == b || n.support.Casemapping.Compare(a, b) == 0
}

func (n *Network) isSelf(nick string) bool { return n.same(nick, n.self.Nick) }

func (n *Network) channel(name string) *Channel { return n.channels.of(n.fold(name)) }

// send queues lines, all or none.
func (n *Network) send(lines ...ircconn.Line) error {
	if !n.ready {
		return n.interruption()
	}
	err := n.conn.Queue(lines...)
	var bad *ircconn.Error
	switch {
	case err == nil:
		n.u.queuedFor(n)
		n.u.linesQueued()
		n.countModesAsked(lines)
		return nil
	case errors.Is(err, ircconn.ErrQueueFull):
		return refuse("resource-constraint", "too much is waiting to be sent to %s; try again in a moment", n.name)
	case errors.Is(err, ircconn.ErrClosed):
		return refuse("recipient-unavailable", "the connection to %s has just ended", n.name)
	case errors.As(err, &bad):
		return refuse("not-acceptable", "IRC cannot carry that: %v", bad)
	}
	return err
}

// countModesAsked notes which channels owe us an answer to "MODE #channel".
func (n *Network) countModesAsked(lines []ircconn.Line) {
	for _, line := range lines {
		if line.Command != "MODE" || len(line.Params) != 1 {
			continue
		}
		if ch := n.channel(line.Params[0]); ch != nil {
			ch.modesAsked++
		}
	}
}

// tell sends the user a message from the server's address.
func (n *Network) tell(text string) { n.u.notify(n.jid, text) }

// onRegistered takes over what the server told about itself, and joins what
// waited for it.
func (n *Network) onRegistered(ev ircconn.Registered) {
	n.ready, n.since = true, n.u.g.now()
	n.peer, n.secure = ev.Address, ev.Secure
	if n.knowRemote(ev.Peer) {
		return
	}
	n.caps = ev.Caps
	n.onSupportChanged(ircconn.SupportChanged{Support: ev.Support})
	if n.outage != nil {
		n.recover(ev.Nick)
	} else {
		n.tell("Connected to " + n.name + " as " + ev.Nick + ".")
	}
	n.self = ev.Source
	n.self.Nick = ev.Nick
	n.updateAway()
	n.followAll()
	n.showNetwork("")
	n.autoJoin()
	n.rejoin()
	n.regain()
}

// onSupportChanged takes a new ISUPPORT. Names may fold in another way now.
func (n *Network) onSupportChanged(ev ircconn.SupportChanged) {
	refold := ev.Support.Casemapping != n.support.Casemapping
	n.support = ev.Support
	if !refold {
		return
	}
	channels := n.channels
	n.channels = nil
	for _, ch := range channels {
		ch.members.sortAndMerge(n.support.Casemapping)
		if ch.shown != nil {
			ch.shown.sortAndMerge(n.support.Casemapping)
		}
		ch.folded = n.fold(ch.name)
		n.channels.add(ch)
	}
	n.people = refolded(n, n.people, func(_ ircconn.Folded, p *person) string { return p.nick })
	n.contacts = refolded(n, n.contacts, func(_ ircconn.Folded, c *contact) string { return c.nick })
	n.parting = refolded(n, n.parting, func(folded ircconn.Folded, _ int) string { return string(folded) })
	clear(n.queries)
}

// refolded is a map whose keys are folded anew; there are none for most networks
// whose server has just said how it folds.
func refolded[V any](n *Network, before map[ircconn.Folded]V, name func(ircconn.Folded, V) string) map[ircconn.Folded]V {
	if len(before) == 0 {
		return before
	}
	after := make(map[ircconn.Folded]V, len(before))
	for folded, value := range before {
		after[n.fold(name(folded, value))] = value
	}
	return after
}

// onCapsChanged takes what the server can do from now on.
func (n *Network) onCapsChanged(ev ircconn.CapsChanged) {
	lost := n.caps.Has("echo-message") && !ev.Caps.Has("echo-message") && !ev.Caps.Has("labeled-response")
	if n.caps = ev.Caps; lost {
		n.onEchoLost()
	}
}

// connectionRefusal says why there is no connection as a stanza error.
func connectionRefusal(name string, err error) error {
	var cause *ircconn.Error
	if !errors.As(err, &cause) {
		return refuse("remote-server-timeout", "the connection to %s has ended", name)
	}
	condition := map[ircconn.ErrorKind]string{
		ircconn.KindResolve:     "remote-server-not-found",
		ircconn.KindConnect:     "remote-server-timeout",
		ircconn.KindTimeout:     "remote-server-timeout",
		ircconn.KindLogin:       "not-authorized",
		ircconn.KindPassword:    "not-authorized",
		ircconn.KindPingTimeout: "remote-server-timeout",
		ircconn.KindForbidden:   "not-allowed",
	}[cause.Kind]
	if condition == "" {
		condition = "service-unavailable"
	}
	if cause.Kind == ircconn.KindRefused && cause.Numeric != 0 {
		condition = translate.RefusalOf(cause.Numeric, "", "").Condition
	}
	return refuse(condition, "%v", cause)
}

// fail answers everything that waits for the server with an error.
func (n *Network) fail(err error) {
	n.gaps = nil
	for _, ch := range n.channels {
		if n.outage == nil || !ch.settled {
			ch.refuseWaiting(err)
		}
	}
	questions := n.questions
	n.questions = nil
	for _, q := range questions {
		q.timer.Stop()
		q.failed(err)
	}
	n.failOutbox()
}

// drop takes everybody out of all rooms.
func (n *Network) drop(why exit) {
	n.ready = false
	n.outage.stop()
	n.outage = nil // nobody waits for its end
	n.fail(refuse("service-unavailable", "%s", why.text))
	n.dropContacts()
	n.showNetwork("unavailable")
	for _, ch := range n.channels {
		ch.removeAll(why)
		n.u.unkeep(ch.scope())
		n.channels.remove(ch.folded)
	}
}

// remove forgets the network; its connection is closed or closing.
func (n *Network) remove() {
	if n.idle != nil {
		n.idle.Stop()
	}
	n.outage.stop()
	if n.u.networks.of(n.name) == n {
		n.u.networks.remove(n.name)
		n.u.unkeep(n.scope())
		n.count(measure{})
		n.u.g.connections.remove(n.u.jid.String(), n.name)
	}
}

// quit leaves all rooms of the network, and the server.
func (n *Network) quit(reason string) {
	n.u.abandonReturn(n.name)
	n.conn.Quit(reason)
	n.drop(exit{text: reason, codes: []int{statusShutdown}})
	n.remove()
}

// watchIdle ends the connection when no room of it is used for a while, so that
// nobody stays on IRC after their client went away.
func (n *Network) watchIdle() {
	if n.idle != nil {
		n.idle.Stop()
		n.idle = nil
	}
	if len(n.channels) > 0 {
		return
	}
	n.idle = n.u.after(n.u.g.live().IdleQuit, func(u *User) {
		if u.networks.of(n.name) == n && len(n.channels) == 0 {
			n.quit("Left the last channel")
		}
	})
}

// room for what one line to a target may hold beside the text, in bytes, where
// our own user and host are not known: the longest that servers give.
const (
	longestUser = 11
	longestHost = 63
)

// budget is how many bytes of text one line of a command to a target may have,
// so that it still fits when the server puts our name before it (RFC 2812 §2.3).
func (n *Network) budget(command, target string) int {
	user, host := len(n.self.User), len(n.self.Host)
	if user == 0 {
		user = longestUser
	}
	if host == 0 {
		host = longestHost
	}
	prefix := len(":!@ ") + len(n.self.Nick) + user + host
	return n.support.LineLen - prefix - len(command) - len(" ") - len(target) - len(" :\r\n")
}
