package gateway

import (
	"log/slog"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

// Channel is one IRC channel for one user: a room on XMPP.
type Channel struct {
	n      *Network
	name   string // as the server writes it
	folded ircconn.Folded
	jid    component.JID // the room
	// sent says that a JOIN is on its way, joined that the server has let us
	// in, and named that all members are known and shown.
	sent, joined, named bool
	// settled says that the user is in the channel, or is to be again after an
	// outage or a restart; otherwise it is only being joined.
	settled  bool
	refusals int32 // of a JOIN after an outage
	// lastPlace is where our own user was among the members.
	lastPlace int32
	// modesAsked and modesAnswered count the questions for all modes.
	modesAsked, modesAnswered int32
	learning                  time.Time // until when answers to our own WHO and MODE are under way
	waiting                   []joinRequest
	sessions                  []session
	members                   memberList // sorted by nick once named
	// shown are the members that the clients know of, where that is not what
	// members says because they could not be told; else nil.
	shown   *memberList
	past    []ircconn.Message // of a batch of history that has not ended
	heard   time.Time         // when the last message was said, by the server's time
	topic   topic
	keeping keeping
	alone   time.Time // since when no client is in the room; zero while one is
	topicID string    // of our user's message that asks for a topic
	modes   modeValues
	key     string
	bans    []ircconn.ListItem // as last listed
	banning map[ircconn.Folded]bool
	timer   *time.Timer // of an unanswered JOIN, or a room without sessions
}

// session is one resource of the user in a room.
type session struct {
	jid component.JID // full
	// wanted is the nick that the client last asked for: not always the one
	// it has.
	wanted string
	show   string
	status string
}

// joinRequest is a join that is not answered yet.
type joinRequest struct {
	session
	stanza *component.Stanza
}

func (n *Network) newChannel(name string, room component.JID) *Channel {
	name, room = strings.Clone(name), cloneJID(room)
	ch := &Channel{n: n, name: name, folded: n.fold(name), jid: room}
	n.channels.add(ch)
	if n.idle != nil {
		n.idle.Stop()
		n.idle = nil
	}
	return ch
}

func (ch *Channel) listedAs() ircconn.Folded { return ch.folded }

// log is made when it is needed: a logger with an attribute of its own would stay in
// memory with each channel.
func (ch *Channel) log() *slog.Logger { return ch.n.log().With("channel", ch.name) }

// delete forgets a channel that we are not in any more.
func (ch *Channel) delete() {
	n := ch.n
	ch.stopTimer()
	if n.channels.of(ch.folded) == ch {
		n.u.unkeep(ch.scope())
		n.channels.remove(ch.folded)
	}
	if len(n.channels) == 0 {
		clear(n.people)
	}
	for _, m := range ch.members.all() {
		n.forget(m.nick)
	}
	n.watchIdle()
}

// occupant is the JID of somebody in the room.
func (ch *Channel) occupant(nick string) component.JID {
	jid := ch.jid
	jid.Resource = translate.NickToResource(nick)
	return jid
}

func (ch *Channel) compare(a, b string) int { return ch.n.support.Casemapping.Compare(a, b) }

// member returns the member of that nick, and whether there is one.
func (ch *Channel) member(nick string) (member, bool) {
	if i := ch.place(nick); i >= 0 {
		return ch.members.at(i), true
	}
	return member{}, false
}

func (ch *Channel) hasMember(nick string) bool { return ch.place(nick) >= 0 }

// place returns where the member of that nick is, or -1. It is good until members come
// or go.
func (ch *Channel) place(nick string) int {
	if !ch.named {
		for i, m := range ch.members.all() {
			if ch.compare(m.nick, nick) == 0 {
				return i
			}
		}
		return -1
	}
	if i, found := ch.members.find(ch.n.support.Casemapping, nick); found {
		return i
	}
	return -1
}

// add puts a member in and reports whether they were not there before.
func (ch *Channel) add(nick string, modes uint8) bool {
	_, added := ch.put(nick, modes)
	return added
}

// put is add that says where the member is, too, as place does.
func (ch *Channel) put(nick string, modes uint8) (at int, added bool) {
	at = ch.members.len()
	if ch.named {
		var found bool
		if at, found = ch.members.find(ch.n.support.Casemapping, nick); found {
			return at, false
		}
	}
	ch.members.insert(at, nick, modes)
	return at, true
}

// removeMember takes a member out and returns what they were.
func (ch *Channel) removeMember(nick string) (member, bool) {
	at := ch.place(nick)
	if at < 0 {
		return member{}, false
	}
	gone := ch.members.at(at)
	ch.members.remove(at)
	return gone, true
}

// modeBits translates prefix characters ("@+") into the bits of a member.
func (n *Network) modeBits(prefixes string) uint8 {
	var bits uint8
	for i := 0; i < len(prefixes); i++ {
		bits |= n.modeBit(n.support.ModeOf(prefixes[i]))
	}
	return bits
}

func (n *Network) modeBit(mode byte) uint8 {
	if i := strings.IndexByte(n.support.PrefixModes, mode); i >= 0 && i < 8 {
		return 1 << i
	}
	return 0
}

// modeLetters translates a member's bits into mode letters, highest first.
func (n *Network) modeLetters(bits uint8) string {
	if bits == 0 {
		return ""
	}
	var letters []byte
	for i := 0; i < len(n.support.PrefixModes) && i < 8; i++ {
		if bits&(1<<i) != 0 {
			letters = append(letters, n.support.PrefixModes[i])
		}
	}
	return string(letters)
}

// moderation is whether only those with voice may speak (+m).
func (ch *Channel) moderation() translate.Moderation {
	_, moderated := ch.modes.of('m')
	return translate.Moderation(moderated)
}

// roles returns a member's affiliation and role.
func (ch *Channel) roles(m member) (translate.Affiliation, translate.Role) {
	return translate.RolesOf(ch.n.modeLetters(m.modes), ch.n.support.PrefixModes, ch.moderation())
}

// selfModerates reports whether our own user is a moderator.
func (ch *Channel) selfModerates() bool {
	i := ch.ownPlace()
	if i < 0 {
		return false
	}
	_, role := ch.roles(ch.members.at(i))
	return role == translate.Moderator
}

// ownPlace returns where our own user is among the members, or -1. That is asked for
// whenever somebody is shown, and mostly where it was, or next to it.
func (ch *Channel) ownPlace() int {
	own, last := ch.n.nick(), int(ch.lastPlace)
	for i := max(0, last-1); i < min(last+2, ch.members.len()); i++ {
		if ch.members.at(i).nick == own {
			ch.lastPlace = int32(i)
			return i
		}
	}
	i := ch.place(own)
	ch.lastPlace = int32(max(0, i))
	return i
}

// session returns the session of a full JID, or nil.
func (ch *Channel) session(full component.JID) *session {
	for i := range ch.sessions {
		if ch.sessions[i].jid == full {
			return &ch.sessions[i]
		}
	}
	return nil
}

// inRoom returns the channel that a stanza is about when its sender is in it,
// or a refusal.
func (u *User) inRoom(r *request) (*Channel, *session, error) {
	n := u.networks.of(r.to.Network)
	if n == nil {
		return nil, nil, refuse("not-acceptable", "you are not in %s; join it first", r.to.Name)
	}
	ch := n.channel(r.to.Name)
	if ch == nil || ch.session(r.From) == nil {
		return nil, nil, refuse("not-acceptable", "you are not in %s; join it first", r.to.Name)
	}
	return ch, ch.session(r.From), nil
}
