package gateway

import (
	"time"

	"passerelle/component"
)

// finding is what became of asking a client whether it is there.
type finding uint8

const (
	present finding = iota
	absent          // its server says that it is not
	silent          // nobody has answered
)

// inquiry waits for a client to say whether it is there.
type inquiry struct {
	client component.JID
	found  func(finding)
	timer  *time.Timer
	// patience is how long to wait for an answer.
	patience time.Duration
	// again is whether a client that knows no pings is still to be asked in
	// another way.
	again bool
	// ofReturn is whether the stream's return caused it, as the next one will.
	ofReturn bool
}

const (
	// verifyTime is how long a client may take to answer of which nothing is
	// known.
	verifyTime = 20 * time.Second
	// departTime is how long one may take that has just said something.
	departTime = 5 * time.Second
)

// inquire asks a client whether it is there (XEP-0199 §4.2).
func (u *User) inquire(client component.JID, patience time.Duration, then func(finding)) {
	u.sendInquiry(&inquiry{client: client, found: then, patience: patience, again: true}, "ping", nsPing)
}

// verify asks a client whether it has outlived the loss of the stream.
func (u *User) verify(client component.JID, then func(finding)) {
	u.sendInquiry(&inquiry{client: client, found: then, patience: verifyTime, again: true, ofReturn: true}, "ping", nsPing)
}

// holdInquiries has all that is asked wait for the next stream: its answers may be
// lost with this one.
func (u *User) holdInquiries() {
	for id, q := range u.inquiries {
		if q.timer != nil {
			q.timer.Stop()
		}
		if q.ofReturn {
			delete(u.inquiries, id)
		}
	}
}

// resendInquiries asks anew what waited for the stream.
func (u *User) resendInquiries() {
	held := u.inquiries
	u.inquiries = nil
	for _, q := range held {
		q.again = true
		u.sendInquiry(q, "ping", nsPing)
	}
}

func (u *User) sendInquiry(q *inquiry, name, space string) {
	id := newID()
	if u.inquiries == nil {
		u.inquiries = make(map[string]*inquiry)
	}
	u.inquiries[id] = q
	if u.unheard != nil {
		return // it is sent when there is a stream
	}
	q.timer = u.after(q.patience, func(*User) {
		if u.inquiries[id] == q && u.unheard == nil { // else it waits for the next stream
			delete(u.inquiries, id)
			q.found(silent)
		}
	})
	u.enc.Stanza(component.IQ, u.gatewayJID(), q.client, "get", id)
	u.enc.Leaf(name, space, "")
	u.enc.Close()
}

// onInquiryAnswered takes the answer to an inquiry; those to anything else are
// nothing that we asked. A client that does not know pings answers just as a
// server does for one that is not there (XEP-0199 §4.2), so it is asked for what
// every client knows (XEP-0030).
func (u *User) onInquiryAnswered(r *request) {
	q := u.inquiries[r.ID]
	if q == nil || q.client != r.From {
		return
	}
	delete(u.inquiries, r.ID)
	if q.timer != nil {
		q.timer.Stop()
	}
	switch {
	case r.Type == "result" || !bounceConditions[component.ParseStanzaError(r.Stanza).Condition]:
		q.found(present)
	case q.again:
		q.again = false
		u.sendInquiry(q, "query", nsDiscoInfo)
	default:
		q.found(absent)
	}
}
