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
	var room [identityBytes]byte
	return ch.n.u.g.occupantIDs.of(ch.jid, ch.appendIdentity(room[:0], source, account))
}

// appendIdentity appends what an occupant's id is made of.
func (ch *Channel) appendIdentity(to []byte, source ircconn.Source, account string) []byte {
	n := ch.n
	switch p := n.people[n.fold(source.Nick)]; {
	case n.isSelf(source.Nick):
		return n.u.jid.Append(append(to, "self "...))
	case p != nil:
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

// idsKept is how many ids are kept: at about 150 bytes each, half a megabyte.
const idsKept = 4096

// idLength is how long an id is, in characters.
var idLength = base64.RawURLEncoding.EncodedLen(sha256.Size)

// occupantMAC is a state to compute an id with, which takes longer to make than to use,
// and room for what goes in and comes out.
type occupantMAC struct {
	hash hash.Hash
	text [256]byte
	sum  [sha256.Size]byte
}

func (o *idKeeper) init(key []byte) {
	o.key, o.seed = key, maphash.MakeSeed()
}

// of returns the id of somebody in a room.
func (o *idKeeper) of(room component.JID, identity []byte) string {
	m, kept := o.states.Get().(*occupantMAC)
	if !kept {
		m = &occupantMAC{hash: hmac.New(sha256.New, o.key)}
	}
	defer o.states.Put(m)
	text := append(append(room.Append(m.text[:0]), 0), identity...)
	place := &o.known[maphash.Bytes(o.seed, text)%idsKept]
	if known := place.Load(); known != nil && len(*known) == len(text)+idLength && (*known)[:len(text)] == string(text) {
		return (*known)[len(text):]
	}
	m.hash.Reset()
	_, _ = m.hash.Write(text)
	both := string(base64.RawURLEncoding.AppendEncode(text, m.hash.Sum(m.sum[:0])))
	place.Store(&both)
	return both[len(text):]
}
