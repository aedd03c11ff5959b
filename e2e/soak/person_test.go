//go:build soak

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"passerelle/internal/harness/xmppclient"
)

const (
	// loginTime is how long one login may take, and comeback for how long it is tried
	// while the XMPP server comes back.
	loginTime = 30 * time.Second
	comeback  = 2 * time.Minute
	// busyRounds is how often answerTime is waited for once more, where no stream was lost.
	busyRounds = 3
)

// person is one user of a soak.
type person struct {
	s                *soak
	channel          int
	name, nick, room string
	client           *xmppclient.Client // nil while there is no session
	kills            int64              // of the XMPP server before that
	said             int
}

func channelName(channel int) string { return fmt.Sprint("#soak", channel) }

func (s *soak) person(number int) *person {
	name := fmt.Sprintf("soak%d", number)
	channel := number % soakChannels
	return &person{
		s: s, channel: channel, name: name, nick: name, said: s.rounds * 1_000_000,
		room: channelName(channel) + "%" + ircName + "@" + gatewayName,
	}
}

// live is what one user does, session after session, until the round is over.
func (p *person) live() error {
	pauseFor(p.s.ctx, 0, 5*time.Second)
	defer p.logout()
	for p.s.ctx.Err() == nil {
		if p.client == nil {
			if err := p.login(); err != nil {
				return err
			}
			continue
		}
		err := p.visit()
		ended := p.client.Err()
		switch {
		case ended == nil && err != nil:
			return err
		case ended != nil && p.s.hostKills.Load() == p.kills:
			return fmt.Errorf("the session ended, and nobody killed the XMPP server: %w", ended)
		case ended != nil:
			p.logout()
		}
	}
	return nil
}

// login is tried again while the XMPP server comes back. Without error and session the round
// is over.
func (p *person) login() error {
	for began := time.Now(); p.s.ctx.Err() == nil; pauseFor(p.s.ctx, time.Second, 3*time.Second) {
		p.kills = p.s.hostKills.Load()
		client, err := p.loginOnce()
		if err == nil {
			p.client = client
			return nil
		}
		if time.Since(began) > comeback {
			return err
		}
	}
	return nil
}

func (p *person) loginOnce() (*xmppclient.Client, error) {
	p.s.logins <- struct{}{}
	defer func() { <-p.s.logins }()
	ctx, cancel := context.WithTimeout(p.s.t.Context(), loginTime)
	defer cancel()
	return xmppclient.Login(ctx, p.s.prosody.Account(p.name, password))
}

func (p *person) logout() {
	if p.client == nil {
		return
	}
	p.note(p.client.Take()...)
	_ = p.client.Close() // it may have ended already
	p.client = nil
}

// visit joins, stays for a while and leaves.
func (p *person) visit() error {
	in, err := p.join()
	if err != nil {
		return err
	}
	for turns := 3 + rand.IntN(10); in && turns > 0 && pauseFor(p.s.ctx, 2*time.Second, 20*time.Second); turns-- {
		if p.client.Err() != nil {
			return nil
		}
		if rand.IntN(10) == 0 {
			p.nick = fmt.Sprintf("%s-%d", p.name, rand.IntN(100))
			p.client.Send("<presence to='" + p.room + "/" + p.nick + "'/>")
			continue
		}
		in = p.say()
	}
	p.client.Send("<presence type='unavailable' to='" + p.room + "/" + p.nick + "'/>")
	pauseFor(p.s.ctx, 500*time.Millisecond, 3*time.Second)
	p.note(p.client.Take()...)
	return nil
}

// join enters the room, and reports whether it was let in.
func (p *person) join() (bool, error) {
	p.note(p.client.Take()...)
	sent := time.Now()
	p.client.Send("<presence to='" + p.room + "/" + p.nick + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	answer, err := p.await(xmppclient.Pattern{}.Where("a subject or an error from "+p.room, func(e *xmppclient.Element) bool {
		from, _, _ := strings.Cut(e.From(), "/")
		return from == p.room && (e.First("subject") != nil || e.Type() == "error" && e.Name.Local == "presence")
	}))
	if err != nil && p.s.ledger.lostStream(sent.Add(-delivery), time.Now()) {
		return false, nil // with the presence, or the answer
	}
	if err != nil {
		return false, fmt.Errorf("joining, asked at %s: %w", sent.Format("15:04:05.000"), err)
	}
	return answer.Type() != "error", nil
}

// say writes to the room, waits until that is shown or refused, and reports whether the user is
// still in.
func (p *person) say() bool {
	p.note(p.client.Take()...)
	p.said++
	id, sent := fmt.Sprintf("%s%d", p.prefix(), p.said), time.Now()
	p.s.ledger.begin(id, p.channel)
	p.client.Send("<message type='groupchat' id='" + id + "' to='" + p.room + "'><body>" + id + "</body></message>")
	ours := xmppclient.Message().Where("of "+id, func(e *xmppclient.Element) bool {
		return e.ID() == id || e.TextAt("body") == id
	})
	answer, err := p.await(ours)
	// Who leaves too soon misses what a busy XMPP server has not come to yet.
	for range busyRounds {
		if err == nil || p.client.Err() != nil || p.s.ledger.lostStream(sent.Add(-delivery), time.Now()) {
			break
		}
		answer, err = p.await(ours)
	}
	if err != nil {
		if p.client.Err() != nil {
			p.s.ledger.note(id, func(m *message) { first(&m.severed) })
		}
		return true // what became of the message is for the ledger to say
	}
	p.note(answer)
	return answer.First("error/{urn:ietf:params:xml:ns:xmpp-stanzas}not-acceptable") == nil
}

// prefix begins the ids of a person's messages, which are their bodies too.
func (p *person) prefix() string { return "soak-" + strings.TrimPrefix(p.name, "soak") + "-" }

// note takes note of what became of the person's own messages.
func (p *person) note(stanzas ...*xmppclient.Element) {
	for _, e := range stanzas {
		body := e.TextAt("body")
		switch {
		case e.Name.Local != "message":
		case e.Type() == "error" && strings.HasPrefix(e.ID(), p.prefix()):
			p.s.ledger.note(e.ID(), func(m *message) {
				first(&m.refused)
				m.words = e.TextAt("error/text")
			})
		case e.Type() == "groupchat" && strings.HasPrefix(body, p.prefix()):
			p.s.ledger.note(body, func(m *message) { first(&m.shown) })
		}
	}
}

// await is Expect with more patience: a server that is lost takes a while to come back.
func (p *person) await(pattern xmppclient.Pattern) (*xmppclient.Element, error) {
	for deadline := time.Now().Add(answerTime); ; {
		found, err := p.client.Expect(pattern)
		if err == nil || p.client.Err() != nil || time.Now().After(deadline) {
			return found, err
		}
	}
}
