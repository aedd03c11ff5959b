package xmppclient

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
)

const (
	// Patience is how long Expect waits for a stanza.
	Patience = 20 * time.Second
	// transcriptStanzas is how many stanzas are kept for a failure report.
	transcriptStanzas = 40
)

// Account is what a client logs in with.
type Account struct {
	// Address is the "host:port" of the server.
	Address string
	// JID is the bare JID of the account. The server chooses the resource.
	JID      string
	Password string
	// TLS is the configuration for STARTTLS.
	TLS *tls.Config
}

// Client is one logged-in client.
type Client struct {
	// JID is the full JID of this session, as the server bound it.
	JID string

	session *xmpp.Session
	lastID  atomic.Int64

	mutex      sync.Mutex
	pending    []*Element
	transcript []string
	closed     error
	// changed is closed and replaced whenever pending or closed changes.
	changed chan struct{}
}

// Login connects, logs in and binds a resource. It sends no presence.
func Login(ctx context.Context, account Account) (*Client, error) {
	address, err := jid.Parse(account.JID)
	if err != nil {
		return nil, fmt.Errorf("logging in as %s: %w", account.JID, err)
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", account.Address)
	if err != nil {
		return nil, fmt.Errorf("logging in as %s: %w", account.JID, err)
	}
	session, err := xmpp.NewClientSession(ctx, address, connection,
		xmpp.StartTLS(account.TLS),
		xmpp.SASL("", account.Password, sasl.Plain),
		xmpp.BindResource(),
	)
	if err != nil {
		connection.Close()
		return nil, fmt.Errorf("logging in as %s: %w", account.JID, err)
	}
	c := &Client{JID: session.LocalAddr().String(), session: session, changed: make(chan struct{})}
	go c.read()
	return c, nil
}

// NewID returns an id that this client has not used yet.
func (c *Client) NewID() string { return "test-" + strconv.FormatInt(c.lastID.Add(1), 10) }

// Send sends XML as it is. A stanza that cannot be sent shows as an error of the next
// Expect.
func (c *Client) Send(stanza string) {
	c.note(">> " + stanza)
	// Session.Send would put the stanza through mellium's own encoder, and break the session
	// when its context is cancelled; the token writer is only held as the lock.
	lock := c.session.TokenWriter()
	err := lock.Flush()
	if err == nil {
		_, err = c.session.Conn().Write([]byte(stanza))
	}
	if err = errors.Join(err, lock.Close()); err != nil {
		c.fail(err)
	}
}

// Expect waits for a stanza that fits and removes it. Stanzas before it stay and can be
// expected later.
func (c *Client) Expect(pattern Pattern) (*Element, error) {
	var found *Element
	err := c.wait(pattern, func(at int) {
		found = c.pending[at]
		c.pending = slices.Delete(c.pending, at, at+1)
	})
	return found, err
}

// ExpectThrough waits for a stanza that fits and returns everything received up to it and
// not yet expected, it included, in the order of arrival; all of it is removed.
func (c *Client) ExpectThrough(pattern Pattern) ([]*Element, error) {
	var found []*Element
	err := c.wait(pattern, func(at int) {
		found = slices.Clone(c.pending[:at+1])
		c.pending = slices.Delete(c.pending, 0, at+1)
	})
	return found, err
}

// wait calls take, under the mutex, with the position of the first pending stanza that fits.
func (c *Client) wait(pattern Pattern, take func(at int)) error {
	timeout := time.After(Patience)
	for {
		c.mutex.Lock()
		if at := slices.IndexFunc(c.pending, pattern.Matches); at >= 0 {
			take(at)
			c.mutex.Unlock()
			return nil
		}
		closed, changed := c.closed, c.changed
		c.mutex.Unlock()
		if closed != nil {
			return fmt.Errorf("expecting %s: %w\n%s", pattern, closed, c.Transcript())
		}
		select {
		case <-changed:
		case <-timeout:
			return fmt.Errorf("expecting %s: nothing like it in %s\n%s", pattern, Patience, c.Transcript())
		}
	}
}

// Seen returns and keeps the stanzas that fit, were received and not yet expected. To prove
// that a stanza was not sent, wait for a later one first.
func (c *Client) Seen(pattern Pattern) []*Element {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var seen []*Element
	for _, e := range c.pending {
		if pattern.Matches(e) {
			seen = append(seen, e)
		}
	}
	return seen
}

// Request sends an IQ request with a payload and returns its result or error.
func (c *Client) Request(kind, to, payload string) (*Element, error) {
	id := c.NewID()
	c.Send(fmt.Sprintf("<iq type='%s' to='%s' id='%s'>%s</iq>", kind, Escape(to), id, payload))
	return c.Expect(IQ().ID(id).Where("an answer", func(e *Element) bool {
		return e.Type() == "result" || e.Type() == "error"
	}))
}

// Take returns the stanzas that were received and not yet expected, and drops them, for
// clients that are sent very many.
func (c *Client) Take() []*Element {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	taken := c.pending
	c.pending = nil
	return taken
}

// Err says why the session has ended, and is nil as long as it has not.
func (c *Client) Err() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.closed
}

// Transcript is the end of the conversation, for failure reports.
func (c *Client) Transcript() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return fmt.Sprintf("--- XMPP conversation of %s ---\n%s", c.JID, strings.Join(c.transcript, "\n"))
}

// Close ends the stream in the orderly way.
func (c *Client) Close() error { return errors.Join(c.session.Close(), c.session.Conn().Close()) }

// Cut ends the connection without ending the stream, as a lost network does.
func (c *Client) Cut() error { return c.session.Conn().Close() }

func (c *Client) read() {
	err := c.session.Serve(xmpp.HandlerFunc(func(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
		element, err := readElement(t, *start)
		if err != nil {
			return err
		}
		if element.Type() == "get" && element.First("ping") != nil {
			return c.answerPing(element)
		}
		c.take(element)
		return nil
	}))
	if err == nil {
		err = errors.New("the stream ended")
	}
	c.fail(err)
}

// answerPing says that the client is there, as every client does (XEP-0199 §4.2).
func (c *Client) answerPing(ping *Element) error {
	c.note("<< " + ping.String())
	answer := fmt.Sprintf("<iq type='result' to='%s' id='%s'/>", Escape(ping.From()), Escape(ping.ID()))
	c.Send(answer)
	return nil
}

func (c *Client) take(element *Element) {
	c.note("<< " + element.String())
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.pending = append(c.pending, element)
	c.signal()
}

func (c *Client) fail(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed == nil {
		c.closed = err
	}
	c.signal()
}

// signal wakes everybody who waits; the caller holds the mutex.
func (c *Client) signal() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) note(line string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.transcript = append(c.transcript, line)
	if len(c.transcript) > transcriptStanzas {
		c.transcript = slices.Delete(c.transcript, 0, len(c.transcript)-transcriptStanzas)
	}
}
