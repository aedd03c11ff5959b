package gateway

import (
	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// handle does what one event of the connection asks for: the table of contents
// of all that comes from IRC.
func (n *Network) handle(ev ircconn.Event) {
	if n.settle(ev) {
		return
	}
	n.tellAsker(ev)
	if ev = n.withinBounds(ev); ev == nil {
		return
	}
	switch ev := ev.(type) {
	case ircconn.Message:
		n.onMessage(ev)
	case ircconn.Joined:
		n.onJoined(ev)
	case ircconn.Parted:
		n.onParted(ev)
	case ircconn.Quit:
		n.onQuit(ev)
	case ircconn.NickChanged:
		n.onNickChanged(ev)
	case ircconn.ModeChanged:
		n.onModeChanged(ev)
	case ircconn.AwayChanged:
		n.onAwayChanged(ev)
	case ircconn.Names:
		n.onNames(ev)
	case ircconn.NamesEnd:
		n.onNamesEnd(ev)
	case ircconn.WhoEntry:
		n.onWhoEntry(ev)
	case ircconn.WhoEnd:
		n.onWhoEnd(ev)
	case ircconn.Kicked:
		n.onKicked(ev)
	case ircconn.TopicChanged:
		n.onTopicChanged(ev)
	case ircconn.TopicReply:
		n.onTopicReply(ev)
	case ircconn.TopicSetBy:
		n.onTopicSetBy(ev)
	case ircconn.ChannelModes:
		n.onChannelModes(ev)
	case ircconn.AccountChanged:
		n.onAccountChanged(ev)
	case ircconn.HostChanged:
		n.onHostChanged(ev)
	case ircconn.CTCP:
		n.onCTCP(ev)
	case ircconn.Invited:
		n.onInvited(ev)
	case ircconn.AwayReply:
		n.onAwayReply(ev)
	case ircconn.Refused:
		n.onRefused(ev)
	case ircconn.Reply:
		n.onReply(ev)
	case ircconn.ListMode:
		n.onListMode(ev)
	case ircconn.Written:
		n.onWritten(ev)
	case ircconn.Acknowledged:
		n.onAccepted(ev.Label)
	case ircconn.BatchEnded:
		n.onAccepted(ev.Label)
		n.onPastEnded(ev.Type)
	case ircconn.Motd:
		n.onMotd(ev)
	case ircconn.Unhandled:
		n.onUnhandled(ev)
	default:
		n.handleConnection(ev)
	}
}

// handleConnection does what an event about the connection itself asks for.
func (n *Network) handleConnection(ev ircconn.Event) {
	switch ev := ev.(type) {
	case ircconn.Received:
		n.u.worked += ev.Bytes + doneBytes*ev.Lines
	case ircconn.Killed:
		n.onKilled(ev)
	case ircconn.Progress:
		n.onProgress(ev)
	case ircconn.Registered:
		n.onRegistered(ev)
	case ircconn.SupportChanged:
		n.onSupportChanged(ev)
	case ircconn.LoggedIn:
		n.onLoggedIn(ev)
	case ircconn.LoggedOut:
		n.onLoggedOut(ev)
	case ircconn.STSReceived:
		n.onSTS(ev)
	case ircconn.CapsChanged:
		n.onCapsChanged(ev)
	case ircconn.Disconnected:
		n.onDisconnected(ev)
	}
	// The rest (our own away state, real names)
	// matters to questions only, or is not shown on XMPP.
}

// request is a stanza with its address understood.
type request struct {
	*component.Stanza
	to translate.Address
}

// occupant is the nick in a room that the request is addressed to; empty for
// the room itself and for all other addresses.
func (r *request) occupant() string {
	if r.to.Kind == translate.Channel {
		return r.To.Resource
	}
	return ""
}

// route is what messages and presences are told apart by.
type route struct {
	stanzaType string
	kind       translate.Kind
}

// routes say who handles what. They are made in New: as package variables they
// would refer to themselves.
type routes map[route]func(*User, *request) error

// messageRoutes is the table of contents of all messages that come from XMPP.
func messageRoutes() routes {
	return routes{
		{"groupchat", translate.Channel}: (*User).onGroupchat,
		{"chat", translate.Channel}:      (*User).onRoomMessage,
		{"normal", translate.Channel}:    (*User).onRoomMessage,
		{"chat", translate.Nick}:         (*User).onPrivateMessage,
		{"normal", translate.Nick}:       (*User).onPrivateMessage,
		{"chat", translate.Server}:       (*User).onServerMessage,
		{"normal", translate.Server}:     (*User).onServerMessage,
		{"chat", translate.Gateway}:      (*User).onGatewayMessage,
		{"normal", translate.Gateway}:    (*User).onGatewayMessage,
		{"error", translate.Channel}:     (*User).onBounce,
	}
}

// presenceRoutes is the table of contents of all presences.
func presenceRoutes() routes {
	return routes{
		{"", translate.Channel}:            (*User).onRoomPresence,
		{"", translate.Gateway}:            (*User).onLogin,
		{"", translate.Server}:             (*User).onLogin,
		{"unavailable", translate.Gateway}: (*User).onLogout,
		{"unavailable", translate.Server}:  (*User).onLogout,
		{"unavailable", translate.Channel}: (*User).onRoomLeave,
		{"error", translate.Channel}:       (*User).onBounce,
		{"subscribe", translate.Gateway}:   (*User).onSubscribe,
		{"subscribe", translate.Server}:    (*User).onSubscribe,
		{"subscribe", translate.Nick}:      (*User).onFollow,
		{"unsubscribe", translate.Nick}:    (*User).onUnfollow,
		{"subscribed", translate.Nick}:     (*User).onGranted,
		{"unsubscribed", translate.Nick}:   (*User).onRefusal,
		{"probe", translate.Nick}:          (*User).onContactProbe,
		{"subscribe", translate.Channel}:   (*User).onSubscribeRefused,
		{"unsubscribe", translate.Gateway}: (*User).onUnsubscribe,
		{"unsubscribe", translate.Server}:  (*User).onUnsubscribe,
		{"probe", translate.Gateway}:       (*User).onProbe,
		{"probe", translate.Server}:        (*User).onProbe,
	}
}

// handleStanza does what a stanza asks for, or answers it with an error.
func (u *User) handleStanza(s *component.Stanza) {
	u.arrival.stanza = s.Arrived
	u.traceIn(s)
	r := &request{Stanza: s}
	to, err := u.addressee(s)
	if err != nil {
		u.replyError(s, refuse("item-not-found", "%v", err))
		return
	}
	r.to = to
	if err := u.mayAsk(r); err != nil {
		u.replyError(s, err)
		return
	}
	if err := u.route(r); err != nil {
		u.replyError(s, err)
	}
}

func (u *User) route(r *request) error {
	switch r.Kind {
	case component.IQ:
		return u.onIQ(r)
	case component.Presence:
		if handler := u.g.presences[route{r.Type, r.to.Kind}]; handler != nil {
			return handler(u, r)
		}
		return nil // presence to where nobody is shown is of no consequence
	}
	if err := u.limitMessage(r); err != nil {
		return err
	}
	stanzaType := r.Type
	if !messageTypes[stanzaType] {
		stanzaType = "normal" // RFC 6121 §5.2.2
	}
	if handler := u.g.messages[route{stanzaType, r.to.Kind}]; handler != nil {
		return handler(u, r)
	}
	if stanzaType == "error" || stanzaType == "headline" {
		return nil
	}
	return refuse("bad-request", "a message of type %s cannot be sent to a %s", stanzaType, r.to.Kind)
}

// messageTypes are those of RFC 6121 §5.2.2.
var messageTypes = map[string]bool{"chat": true, "error": true, "groupchat": true, "headline": true, "normal": true}

// onIQ finds the feature that answers a query (feature.go). Results and errors
// answer the only thing that we ask clients: whether they are there.
func (u *User) onIQ(r *request) error {
	if r.Type != "get" && r.Type != "set" {
		u.onInquiryAnswered(r)
		return nil
	}
	if len(r.Children) != 1 {
		return refuse("bad-request", "an IQ must have exactly one child")
	}
	payload := &r.Children[0]
	for _, f := range u.g.features {
		if f.on&u.offeredAt(r) == 0 {
			continue
		}
		if handler := f.iq[iqKey{r.Type, payload.Space, payload.Local}]; handler != nil {
			return handler(u, r, payload)
		}
	}
	return refuse("service-unavailable", "that is not offered here")
}
