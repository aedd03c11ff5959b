package main

import (
	"context"
	"fmt"
	"strings"

	"passerelle/internal/harness/ircclient"
	"passerelle/internal/harness/xmppclient"
)

// play is the conversation. Whatever is printed as seen or read was received.
func play(ctx context.Context, show screen, s *stage) error {
	show.irc("is in %s with an IRC client", channel)
	xmpp, err := xmppclient.Login(ctx, s.xmpp.Account(juliet, password))
	if err != nil {
		return err
	}
	defer xmpp.Close()
	xmpp.Send("<presence/>")
	p := &players{show: show, xmpp: xmpp, irc: s.romeo}
	for _, scene := range []func() error{p.meet, p.talk, p.act, p.setTopic, p.whisper, p.part} {
		if err := scene(); err != nil {
			return err
		}
	}
	return nil
}

type players struct {
	show screen
	xmpp *xmppclient.Client
	irc  *ircclient.Client
}

func occupant(nick string) string { return roomJID() + "/" + nick }

func (p *players) meet() error {
	p.show.xmpp("joins %s", roomJID())
	p.xmpp.Send("<presence to='" + xmppclient.Escape(occupant(juliet)) + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	other, err := p.xmpp.Expect(xmppclient.Presence().From(occupant(romeo)))
	if err != nil {
		return err
	}
	p.show.xmpp("sees %s, who is %s", romeo, other.AttributeAt("x/item", "role"))
	if _, err := p.xmpp.Expect(xmppclient.Presence().From(occupant(juliet)).Status("110")); err != nil {
		return err
	}
	p.show.xmpp("is in the room")
	joined, err := p.irc.ExpectFrom(juliet, "JOIN", channel)
	if err != nil {
		return err
	}
	p.show.irc("sees %s come", joined.Nick())
	return nil
}

func (p *players) talk() error {
	if err := p.fromIRC("What light through yonder window breaks? It is the \x02east\x02."); err != nil {
		return err
	}
	if err := p.fromXMPP("O Romeo, Romeo! wherefore art thou *Romeo*? 🌹"); err != nil {
		return err
	}
	return p.fromIRC("I take thee at thy word.")
}

func (p *players) act() error {
	if err := p.fromIRC("\x01ACTION climbs the orchard wall\x01"); err != nil {
		return err
	}
	return p.fromXMPP("/me listens at the window")
}

// fromIRC says a line on IRC and shows what the XMPP client reads.
func (p *players) fromIRC(text string) error {
	p.show.irc("says   %s", printable(text))
	p.irc.Send("PRIVMSG %s :%s", channel, text)
	read, err := p.xmpp.Expect(xmppclient.Message().From(occupant(romeo)).Type("groupchat").Has("body"))
	if err != nil {
		return err
	}
	p.show.xmpp("reads  %s", read.TextAt("body"))
	return nil
}

// fromXMPP says a line in the room and shows what the IRC client reads.
func (p *players) fromXMPP(text string) error {
	p.show.xmpp("says   %s", text)
	p.xmpp.Send(fmt.Sprintf("<message type='groupchat' to='%s' id='%s'><body>%s</body></message>",
		xmppclient.Escape(roomJID()), p.xmpp.NewID(), xmppclient.Escape(text)))
	read, err := p.irc.ExpectFrom(juliet, "PRIVMSG", channel)
	if err != nil {
		return err
	}
	p.show.irc("reads  %s", printable(read.Last()))
	return nil
}

func (p *players) setTopic() error {
	const topic = "Verona, Capulet's orchard"
	p.show.irc("sets the topic to %q", topic)
	p.irc.Send("TOPIC %s :%s", channel, topic)
	if _, err := p.xmpp.Expect(xmppclient.Message().From(occupant(romeo)).Subject(topic)); err != nil {
		return err
	}
	p.show.xmpp("sees the subject of the room change to it")
	return nil
}

func (p *players) whisper() error {
	const secret = "Thou know'st the mask of night is on my face."
	address := romeo + "%" + network + "@" + gatewayHost
	p.show.xmpp("says to %s alone, at %s: %s", romeo, address, secret)
	p.xmpp.Send(fmt.Sprintf("<message type='chat' to='%s' id='%s'><body>%s</body></message>",
		xmppclient.Escape(address), p.xmpp.NewID(), xmppclient.Escape(secret)))
	read, err := p.irc.ExpectFrom(juliet, "PRIVMSG", romeo)
	if err != nil {
		return err
	}
	p.show.irc("reads, in private, from %s: %s", read.Nick(), read.Last())
	return nil
}

func (p *players) part() error {
	p.xmpp.Send("<presence type='unavailable' to='" + xmppclient.Escape(occupant(juliet)) + "'><status>the nurse calls</status></presence>")
	p.show.xmpp("leaves: the nurse calls")
	left, err := p.irc.ExpectFrom(juliet, "PART", channel)
	if err != nil {
		return err
	}
	p.show.irc("sees %s go: %s", left.Nick(), left.Last())
	return nil
}

// printable shows IRC's control characters as words.
func printable(text string) string {
	return strings.NewReplacer("\x02", "[bold]").Replace(withoutAction(text))
}

// withoutAction writes an action (CTCP ACTION) as a line that begins with a star.
func withoutAction(text string) string {
	if action, ok := strings.CutPrefix(text, "\x01ACTION "); ok {
		return "* " + strings.TrimSuffix(action, "\x01")
	}
	return text
}

// repeat answers everything said where the client is with the same words, until ctx or the
// connection ends.
func repeat(ctx context.Context, client *ircclient.Client) {
	for {
		said, err := client.Await(ctx, "PRIVMSG")
		if err != nil {
			return
		}
		target := said.Param(0)
		if target == client.Nick() {
			target = said.Nick()
		}
		client.Send("PRIVMSG %s :%s, you said: %s", target, said.Nick(), withoutAction(said.Last()))
	}
}
