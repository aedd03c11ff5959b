package gateway

import (
	"encoding/hex"
	"math/rand/v2"
)

// The namespaces that several files write or read.
const (
	nsMUC        = "http://jabber.org/protocol/muc"
	nsMUCUser    = "http://jabber.org/protocol/muc#user"
	nsMUCAdmin   = "http://jabber.org/protocol/muc#admin"
	nsStanzaID   = "urn:xmpp:sid:0"
	nsOccupantID = "urn:xmpp:occupant-id:0"
	nsDelay      = "urn:xmpp:delay"
	nsHints      = "urn:xmpp:hints"
	nsStyling    = "urn:xmpp:styling:0"
	nsForms      = "jabber:x:data"
	nsConference = "jabber:x:conference"
)

// The status codes of XEP-0045 §15.6.
const (
	statusConfigured  = 104 // the room's configuration has changed
	statusSelf        = 110 // this presence is about yourself
	statusNickImposed = 210 // the service gave you another nick
	statusBanned      = 301
	statusNewNick     = 303
	statusKicked      = 307
	statusShutdown    = 332 // removed because the service, or its IRC side, ends
	statusError       = 333 // removed because of an error
)

// newID returns an identifier that nobody can guess (XEP-0359 §3, RFC 6120
// §8.1.3): 128 random bits in hexadecimal.
func newID() string {
	var id [16]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		id[i], id[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}
