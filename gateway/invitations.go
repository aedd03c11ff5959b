package gateway

import (
	"sync"
	"time"

	"passerelle/component"
)

const (
	// invitationMemory is how long an invitation can be declined.
	invitationMemory = 24 * time.Hour
	// invitationsKept is how many invitations of one user can be declined at a time,
	// and mostInviters of how many users.
	invitationsKept = 50
	mostInviters    = 10000
)

// invitation is what our users sent to people on XMPP through a room.
type invitation struct{ room, invitee component.JID } // bare

// invitations notes whom our users invited, so that those can decline, and nobody
// else can have the gateway pass on messages. Who declines is a user of their own,
// which is why this belongs to the gateway.
type invitations struct {
	mu   sync.Mutex
	sent map[component.JID]map[invitation]time.Time // by inviter, until when each can be declined
}

// note remembers an invitation. Too many are not: nothing but a refusal is lost.
func (i *invitations) note(inviter component.JID, sent invitation, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sent == nil {
		i.sent = make(map[component.JID]map[invitation]time.Time)
	}
	if len(i.sent) >= mostInviters {
		for jid := range i.sent {
			i.forgetOld(jid, now)
		}
	}
	i.forgetOld(inviter, now)
	if i.sent[inviter] == nil {
		if len(i.sent) >= mostInviters {
			return
		}
		i.sent[cloneJID(inviter)] = make(map[invitation]time.Time)
	}
	if own := i.sent[inviter]; len(own) < invitationsKept {
		own[invitation{cloneJID(sent.room), cloneJID(sent.invitee)}] = now.Add(invitationMemory)
	}
}

// forgetOld drops what cannot be declined any more; i.mu is held.
func (i *invitations) forgetOld(inviter component.JID, now time.Time) {
	own := i.sent[inviter]
	for sent, until := range own {
		if now.After(until) {
			delete(own, sent)
		}
	}
	if len(own) == 0 {
		delete(i.sent, inviter)
	}
}

// take reports whether there is such an invitation, and forgets it: it is declined once.
func (i *invitations) take(inviter component.JID, sent invitation, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forgetOld(inviter, now)
	own := i.sent[inviter]
	_, known := own[sent]
	if delete(own, sent); len(own) == 0 {
		delete(i.sent, inviter)
	}
	return known
}
