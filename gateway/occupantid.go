package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"passerelle/component"
	"passerelle/ircconn"
)

// identityBytes is how long the identities of most people are at most.
const identityBytes = 128

// occupantID is the stable identifier of an occupant in a room (XEP-0421 §3):
// an HMAC, so that nobody can compute who it is, over the room and the
// occupant's identity. Our own user's identity is the bare JID.
func (ch *Channel) occupantID(source ircconn.Source, account string) string {
	return ch.occupantIDOf(ch.n.person(source.Nick), source, account)
}

// occupantIDOf is occupantID where it is known already what is known of them.
func (ch *Channel) occupantIDOf(p *person, source ircconn.Source, account string) string {
	var room [identityBytes]byte
	return ch.n.u.g.occupantIDs.of(ch.jid, ch.appendIdentity(room[:0], p, source, account))
}

// listedID is the occupantID of somebody in a list of all members.
func (ch *Channel) listedID(nick string, p *person) string {
	var room [identityBytes]byte
	return ch.n.u.g.occupantIDs.once(ch.jid, ch.appendIdentity(room[:0], p, ircconn.Source{Nick: nick}, ""))
}

// appendIdentity appends what the id of an occupant is made of, of whom p is known, if
// anything is.
func (ch *Channel) appendIdentity(to []byte, p *person, source ircconn.Source, account string) []byte {
	n := ch.n
	switch {
	case n.isSelf(source.Nick):
		return n.u.jid.Append(append(to, "self "...))
	case p != nil && !p.isOther(source):
		return append(to, p.key...)
	case (source.Host != "" || account != "") && ch.hasMember(source.Nick):
		return append(append(to, "nick "...), n.fold(source.Nick)...) // as they were shown
	default:
		return n.appendIdentity(to, source, account)
	}
}

// idKeeper computes occupant ids. It may be used from every goroutine.
//
// All users in a channel see the same people come, talk and go, and whoever has talked
// is likely to talk again: the last ids are kept, since the HMAC costs more than the
// rest of a message.
type idKeeper struct {
	key    []byte
	states sync.Pool // of *occupantMAC
	seed   maphash.Seed
	known  [idsKept]atomic.Pointer[string] // what an id is of, and the id, by its hash
}

// idsKept is how many ids are kept at most. Each is about 150 bytes, and keeps more from
// being given back after many were made, as when somebody enters a large room.
const idsKept = 2048

// idLength is how long an id is, in characters.
var idLength = base64.RawURLEncoding.EncodedLen(sha256.Size)

// occupantMAC is a state to compute an id with, which takes longer to make than to use,
// and room for what goes in and comes out.
type occupantMAC struct {
	hash hash.Hash
	text []byte
	sum  [sha256.Size]byte
	id   [2 * sha256.Size]byte
}

func (o *idKeeper) init(key []byte) {
	o.key, o.seed = key, maphash.MakeSeed()
}

// of returns the id of somebody in a room, and keeps it.
func (o *idKeeper) of(room component.JID, identity []byte) string {
	m := o.take(room, identity)
	defer o.states.Put(m)
	place := o.place(m)
	if id, known := m.in(place); known {
		return id
	}
	text := m.text
	both := string(m.appendID(text))
	place.Store(&both)
	return both[len(text):]
}

// once is of for somebody among many, and keeps nothing.
func (o *idKeeper) once(room component.JID, identity []byte) string {
	m := o.take(room, identity)
	defer o.states.Put(m)
	if id, known := m.in(o.place(m)); known {
		return id
	}
	return string(m.appendID(m.id[:0]))
}

// take returns a state with a text to compute an id of.
func (o *idKeeper) take(room component.JID, identity []byte) *occupantMAC {
	m, kept := o.states.Get().(*occupantMAC)
	if !kept {
		m = &occupantMAC{hash: hmac.New(sha256.New, o.key)}
	}
	m.text = append(append(room.Append(m.text[:0]), 0), identity...)
	return m
}

func (o *idKeeper) place(m *occupantMAC) *atomic.Pointer[string] {
	return &o.known[maphash.Bytes(o.seed, m.text)%idsKept]
}

// in returns the id of the text if it is kept at that place.
func (m *occupantMAC) in(place *atomic.Pointer[string]) (id string, known bool) {
	both := place.Load()
	if both == nil || len(*both) != len(m.text)+idLength || (*both)[:len(m.text)] != string(m.text) {
		return "", false
	}
	return (*both)[len(m.text):], true
}

// appendID computes the id of the text.
func (m *occupantMAC) appendID(to []byte) []byte {
	m.hash.Reset()
	_, _ = m.hash.Write(m.text)
	return base64.RawURLEncoding.AppendEncode(to, m.hash.Sum(m.sum[:0]))
}
