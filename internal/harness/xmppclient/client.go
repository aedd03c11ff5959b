package xmppclient

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"

	"passerelle/internal/harness/inbox"
)

// Patience is how long Expect waits for a stanza.
const Patience = 20 * time.Second

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
	inbox   *inbox.Inbox[*Element]
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
	c := &Client{JID: session.LocalAddr().String(), session: session, inbox: inbox.New[*Element]()}
	go c.read()
	return c, nil
}

// NewID returns an id that this client has not used yet.
func (c *Client) NewID() string { return "test-" + strconv.FormatInt(c.lastID.Add(1), 10) }

// Send sends XML as it is. A stanza that cannot be sent shows as an error of the next
// Expect.
func (c *Client) Send(stanza string) {
	c.inbox.Note(">> " + stanza)
	// Session.Send would put the stanza through mellium's own encoder, and break the session
	// when its context is cancelled; the token writer is only held as the lock.
	lock := c.session.TokenWriter()
	err := lock.Flush()
	if err == nil {
		_, err = c.session.Conn().Write([]byte(stanza))
	}
	if err = errors.Join(err, lock.Close()); err != nil {
		c.inbox.End(err)
	}
}

// Expect waits for a stanza that fits and removes it. Stanzas before it stay and can be
// expected later.
func (c *Client) Expect(pattern Pattern) (*Element, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	found, err := c.inbox.Await(ctx, pattern.Matches)
	return found, c.expecting(pattern, err)
}

// ExpectThrough waits for a stanza that fits and returns everything received up to it and
// not yet expected, it included, in the order of arrival; all of it is removed.
func (c *Client) ExpectThrough(pattern Pattern) ([]*Element, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	found, err := c.inbox.AwaitThrough(ctx, pattern.Matches)
	return found, c.expecting(pattern, err)
}

// expecting says what was waited for in vain.
func (c *Client) expecting(pattern Pattern, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("nothing like it in %s", Patience)
	}
	if err != nil {
		err = fmt.Errorf("expecting %s: %w\n%s", pattern, err, c.Transcript())
	}
	return err
}

// Seen returns and keeps the stanzas that fit, were received and not yet expected. To prove
// that a stanza was not sent, wait for a later one first.
func (c *Client) Seen(pattern Pattern) []*Element { return c.inbox.Seen(pattern.Matches) }

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
func (c *Client) Take() []*Element { return c.inbox.TakeAll() }

// Err says why the session has ended, and is nil as long as it has not.
func (c *Client) Err() error { return c.inbox.Err() }

// Transcript is the end of the conversation, for failure reports.
func (c *Client) Transcript() string {
	return fmt.Sprintf("--- XMPP conversation of %s ---\n%s", c.JID, c.inbox.Transcript())
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
	c.inbox.End(err)
}

// answerPing says that the client is there, as every client does (XEP-0199 §4.2).
func (c *Client) answerPing(ping *Element) error {
	c.inbox.Note("<< " + ping.String())
	answer := fmt.Sprintf("<iq type='result' to='%s' id='%s'/>", Escape(ping.From()), Escape(ping.ID()))
	c.Send(answer)
	return nil
}

func (c *Client) take(element *Element) {
	c.inbox.Note("<< " + element.String())
	c.inbox.Put(element)
}
