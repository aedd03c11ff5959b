package gateway

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

// dice makes choices of the bytes of a fuzz input; when they are used up, the
// first choice is made.
type dice struct{ data []byte }

func (d *dice) roll(sides int) int {
	if len(d.data) == 0 {
		return 0
	}
	value := int(d.data[0]) % sides
	d.data = d.data[1:]
	return value
}

func (d *dice) coin() bool { return d.roll(2) == 1 }

func choose[T any](d *dice, list ...T) T { return list[d.roll(len(list))] }

// text is something that people or servers wrote: usual, odd, or the input's own.
func (d *dice) text() string {
	if d.roll(4) == 0 {
		length := min(d.roll(32), len(d.data))
		own := string(d.data[:length])
		d.data = d.data[length:]
		return own
	}
	return choose(d, "", "hello", "one\ntwo", "/me waves", "/msg romeo hi", "/kick romeo out", "/ban romeo", "/ban *!*@x y", "/mode +o romeo", "/nick Romeo",
		"/topic new", "/part", "/quote WHO #chan", "/notice #chan x", "/invite romeo", "/help", "//x", "?OTRv2?", "*b* _i_", "\x02b\x0f\x0304,12c", "\x01\xff\x7f",
		"<&'\">", "[#chan] x", " ", ":", "a b c", strings.Repeat("long ", 300), "irc.one irc.two")
}

func (d *dice) nick() string {
	return choose(d, "juliet", "romeo", "nurse", "Romeo", "[x]", "{X}", "", "a b", "\u200b", "\x01", "é", strings.Repeat("n", 1100), "tybalt", "a/b@c")
}

func (d *dice) channel() string {
	return choose(d, "#chan", "#CHAN", "#other", "#[x]", "#{X}", "", "chan", "#a,b", "&local", "#"+strings.Repeat("c", 600), "#a b")
}

func (d *dice) source() ircconn.Source {
	return choose(d, source(d.nick()), ircconn.Source{Nick: d.nick()}, ircconn.Source{Host: "irc.test"}, ircconn.Source{})
}

func (d *dice) meta() ircconn.Meta {
	return ircconn.Meta{
		Label: choose(d, "", "1", "2", "3", "4", "5"), Account: choose(d, "", "acc", "*"), Batch: choose(d, "", "netsplit"),
		ChannelContext: choose(d, "", "#chan"), Time: choose(d, time.Time{}, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
}

func (d *dice) support() *ircconn.Support {
	return choose(d, support, ircconn.DefaultSupport(), support.With([]string{"CASEMAPPING=ascii"}), support.With([]string{"PREFIX="}),
		support.With([]string{"PREFIX=(ov)@+", "MODES=1"}), support.With([]string{"CHANTYPES="}), support.With([]string{"LINELEN=64"}),
		support.With([]string{"ACCOUNTEXTBAN=account", "EXTBAN=~,a", "NICKLEN=1", "KICKLEN=1"}))
}

func (d *dice) caps() ircconn.Caps {
	return choose(d, ircconn.NewCaps(), ircconn.NewCaps("echo-message"), ircconn.NewCaps("echo-message", "labeled-response", "away-notify", "message-tags"))
}

func (d *dice) changes() []ircconn.ModeChange {
	var changes []ircconn.ModeChange
	for range d.roll(4) {
		changes = append(changes, ircconn.ModeChange{
			Add: d.coin(), Mode: "oqvhabklmnti\x00\xff"[d.roll(14)], Kind: ircconn.ModeKind(d.roll(6)), Arg: choose(d, "", d.nick(), "*!*@x"),
		})
	}
	return changes
}

func (d *dice) entries() []ircconn.NamesEntry {
	var entries []ircconn.NamesEntry
	for range d.roll(5) {
		s := d.source()
		entries = append(entries, ircconn.NamesEntry{Nick: s.Nick, Prefixes: choose(d, "", "@", "@+", "~&@%+", "?"), User: s.User, Host: s.Host})
	}
	return entries
}

func (d *dice) params() []string {
	var params []string
	for range d.roll(4) {
		params = append(params, choose(d, d.nick(), d.channel(), d.text(), "romeo=+u@h.test"))
	}
	return params
}

// event is something that an IRC server could say, or that no sane one would.
func (d *dice) event(w *world) ircconn.Event {
	switch d.roll(36) {
	case 0:
		return ircconn.Message{Meta: d.meta(), Source: d.source(), Target: choose(d, d.channel(), d.nick()), Text: d.text(), Notice: d.coin(), Action: d.coin(), Self: d.coin(), Status: choose(d, "", "@")}
	case 1:
		return ircconn.CTCP{Meta: d.meta(), Source: d.source(), Target: d.nick(), Command: choose(d, "VERSION", "PING", "TIME", "X"), Params: d.text(), Reply: d.coin(), Self: d.coin()}
	case 2:
		return ircconn.Joined{Source: d.source(), Channel: d.channel(), Account: choose(d, "", "acc"), Self: d.coin()}
	case 3:
		return ircconn.Parted{Source: d.source(), Channel: d.channel(), Reason: d.text(), Self: d.coin()}
	case 4:
		return ircconn.Kicked{Source: d.source(), Channel: d.channel(), Nick: d.nick(), Reason: d.text(), Self: d.coin()}
	case 5:
		return ircconn.Quit{Meta: d.meta(), Source: d.source(), Reason: d.text(), Self: d.coin()}
	case 6:
		return ircconn.Killed{Source: d.source(), Reason: d.text()}
	case 7:
		return ircconn.NickChanged{Source: d.source(), New: d.nick(), Self: d.coin()}
	case 8:
		return ircconn.ModeChanged{Source: d.source(), Channel: d.channel(), Changes: d.changes()}
	case 9:
		return ircconn.ChannelModes{Meta: d.meta(), Channel: d.channel(), Changes: d.changes()}
	case 10:
		return ircconn.TopicChanged{Meta: d.meta(), Source: d.source(), Channel: d.channel(), Topic: d.text()}
	case 11:
		return ircconn.TopicReply{Channel: d.channel(), Topic: d.text()}
	case 12:
		return ircconn.TopicSetBy{Channel: d.channel(), Setter: d.nick(), Time: w.clock}
	case 13, 14:
		return ircconn.Names{Channel: d.channel(), Members: d.entries()}
	case 15, 16:
		return ircconn.NamesEnd{Channel: d.channel()}
	case 17:
		return ircconn.WhoEntry{Channel: d.channel(), Nick: d.nick(), User: "u", Host: "h", Account: choose(d, "", "acc"), Away: d.coin()}
	case 18:
		return ircconn.ListMode{Channel: d.channel(), Mode: choose(d, byte('b'), 'e'), Items: []ircconn.ListItem{{Mask: d.text(), Setter: d.nick(), Time: w.clock}}}
	case 19:
		return ircconn.AwayChanged{Source: d.source(), Text: d.text()}
	case 20:
		return ircconn.AwayReply{Nick: d.nick(), Text: d.text()}
	case 21:
		return ircconn.AccountChanged{Source: d.source(), Account: choose(d, "", "acc")}
	case 22:
		return ircconn.HostChanged{Source: d.source(), NewUser: d.text(), NewHost: d.text(), SelfHost: d.coin()}
	case 23:
		return ircconn.Invited{Source: d.source(), Nick: d.nick(), Channel: d.channel(), Self: d.coin()}
	case 24:
		return ircconn.Motd{Lines: []string{d.text(), d.text()}}
	case 25, 26, 27:
		return ircconn.Refused{
			Meta: d.meta(), Numeric: choose(d, 0, 401, 403, 404, 421, 433, 441, 442, 461, 470, 472, 473, 475, 482, 697, 599),
			Target: choose(d, d.channel(), d.nick()), Params: d.params(), Text: d.text(), Code: choose(d, "", "ACCOUNT_REQUIRED"),
		}
	case 28:
		return ircconn.Reply{Meta: d.meta(), Numeric: choose(d, 0, 1, 251, 302, 311, 329, 341), Params: d.params()}
	case 29:
		return ircconn.Acknowledged{Meta: d.meta()}
	case 30:
		return ircconn.Unhandled{Source: d.source(), Command: d.text(), Params: d.params()}
	case 31:
		return ircconn.Written{Receipt: uint64(d.roll(8))}
	case 32:
		return ircconn.SupportChanged{Support: d.support()}
	case 33:
		return choose[ircconn.Event](d, ircconn.CapsChanged{Caps: d.caps()}, ircconn.Progress{Text: d.text()}, ircconn.SelfAway{Away: d.coin()}, ircconn.BatchEnded{Type: "x"})
	case 34:
		return choose[ircconn.Event](d, ircconn.Disconnected{}, ircconn.Disconnected{Err: &ircconn.Error{Kind: ircconn.KindRefused, Numeric: 465, Text: d.text()}})
	}
	return ircconn.Registered{Nick: "juliet", Source: source("juliet"), Support: d.support(), Caps: d.caps()}
}

// payloads are what stanzas carry.
var payloads = []string{
	`<x xmlns='http://jabber.org/protocol/muc'/>`, `<x xmlns='http://jabber.org/protocol/muc'><password>key</password></x>`,
	`<query xmlns='http://jabber.org/protocol/disco#info'/>`, `<query xmlns='http://jabber.org/protocol/disco#items'/>`,
	`<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/>`, `<query xmlns='jabber:iq:version'/>`,
	`<ping xmlns='urn:xmpp:ping'/>`, `<time xmlns='urn:xmpp:time'/>`, `<query xmlns='urn:example:unknown'/>`,
	`<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast'/></query>`,
	`<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='none'/></query>`,
	`<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='romeo' role='none'/></query>`,
	`<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='romeo' affiliation='outcast'/><item nick='nurse' role='participant'/></query>`,
	`<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='*!*\40x%irc.test@gw.test' affiliation='none'/></query>`,
	`<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Romeo' affiliation='admin'/></query>`,
	`<x xmlns='http://jabber.org/protocol/muc#user'><invite to='romeo%irc.test@gw.test'/></x>`,
	`<x xmlns='http://jabber.org/protocol/muc#user'><invite to='tybalt@xmpp.test'><reason>come</reason></invite></x>`,
	`<x xmlns='http://jabber.org/protocol/muc#user'><invite to='romeo'/><invite to='@'/><invite to='x@gw.test/romeo'/><invite to='#chan%irc.test@gw.test/romeo'/></x>`,
	`<x xmlns='http://jabber.org/protocol/muc#user'><decline to='tybalt@xmpp.test'><reason>no</reason></decline></x>`,
	`<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>` +
		`<field var='start'><value/></field><field var='end'/><field var='with'/><field var='before-id'><value/></field><field var='after-id'/>` +
		`<field var='ids'/><field var='{urn:xmpp:fulltext:0}fulltext'/><field var='other'/></x></query>`,
	`<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'/><field var='muc#roomconfig_roomsecret'><value/></field>` +
		`<field var='encoding_out'/><field var='record_history'><value/></field></x></query>`,
	`<command xmlns='http://jabber.org/protocol/commands' node='configure'><x xmlns='jabber:x:data' type='submit'><field var='encoding_in'><value/></field></x></command>`,
	`<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'/><field var='name'><value/></field></x></query>`,
	`<query xmlns='jabber:iq:gateway'><prompt/></query>`,
	`<error type='cancel'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
	`<encrypted xmlns='eu.siacs.conversations.axolotl'/>`, `<unstyled xmlns='urn:xmpp:styling:0'/>`, `<show>away</show>`,
	`<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>`, `<stanza-id xmlns='urn:xmpp:sid:0' id='s1' by='#chan%irc.test@gw.test'/>`,
}

func (d *dice) payload() component.Element {
	if d.roll(3) == 0 {
		return component.Element{Local: choose(d, "body", "subject", "status", "show"), Text: d.text()}
	}
	text := payloads[d.roll(len(payloads))]
	decoder := xml.NewDecoder(strings.NewReader(text))
	token, _ := decoder.Token()
	return parseElement(decoder, token.(xml.StartElement))
}

func (d *dice) stanza() *component.Stanza {
	s := &component.Stanza{
		Kind: choose(d, component.Message, component.Presence, component.IQ),
		Type: choose(d, "", "groupchat", "get", "set", "chat", "unavailable", "error", "subscribe", "normal", "result", "probe", "odd"),
		ID:   choose(d, "i1", "", "<'&"),
		From: component.JID{Local: "juliet", Domain: "xmpp.test", Resource: choose(d, "desk", "phone", "")},
		To:   component.JID{Domain: "gw.test"},
	}
	s.To.Local = choose(d, "#chan%irc.test", "#other%irc.test", "#{x}%irc.test", "#[x]%irc.test", "romeo%irc.test", "irc.test", "", "%", `\20%irc.test`, "#x%other.test", d.text())
	s.To.Resource = choose(d, "", "juliet", "romeo", "Juliet", "odd one", d.nick())
	if to, err := component.ParseJID(s.To.String()); err != nil || to != s.To {
		s.To = component.JID{Domain: "gw.test"} // the component delivers no such address
	}
	for range d.roll(3) {
		s.Children = append(s.Children, d.payload())
	}
	return s
}

// expire is pass with one timer at a time.
func (w *world) expire(d time.Duration) {
	for _, timer := range w.due(d) {
		timer.run()
		w.happen()
	}
}

// checkOutput fails when what was sent is not well-formed, or does not come from
// one of our addresses.
func (w *world) checkOutput() {
	decoder := xml.NewDecoder(strings.NewReader("<stream>" + w.out.text.String() + "</stream>"))
	depth := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			w.t.Fatalf("what was sent is not XML: %v\n%.2000s", err, w.out.text.String())
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			if depth != 2 {
				continue
			}
			from := ""
			for _, attr := range token.Attr {
				if attr.Name.Local == "from" {
					from = attr.Value
				}
			}
			jid, err := component.ParseJID(from)
			if err != nil || jid.Domain != "gw.test" || len(token.Attr) == 0 || token.Attr[0].Name.Local != "from" {
				w.t.Fatalf("a stanza is from %.100q (%v)\n%.2000s", from, err, w.out.text.String())
			}
		case xml.EndElement:
			depth--
		}
	}
}

// checkState fails when what is kept of the user does not hang together.
func (w *world) checkState() {
	w.t.Helper()
	for _, n := range w.u.networks {
		if w.u.networks.of(n.name) != n || n.u != w.u {
			w.t.Fatalf("the network %q is not kept as such", n.name)
		}
		if len(n.outbox) > outboxLimit || len(n.shown) > 2*shownKept || len(n.queries) > queryLimit || len(n.whois) > whoisLimit || n.roomForMembers() < 0 {
			w.t.Fatalf("%d messages under way, %d conversations, %d people asked about", len(n.outbox), len(n.queries), len(n.whois))
		}
		for _, ch := range n.channels {
			if fault := ch.fault(); fault != "" {
				w.t.Fatalf("%s: %s", ch.name, fault)
			}
		}
	}
	if stanzas, _ := w.u.in.waiting(); stanzas == 0 && w.u.in.bytes != 0 {
		w.t.Fatalf("%d bytes wait in an inlet without stanzas", w.u.in.bytes)
	}
}

// fault says what of a channel does not hang together, or nothing.
func (ch *Channel) fault() string {
	seen := make(map[component.JID]bool)
	for i := range ch.sessions {
		if seen[ch.sessions[i].jid] {
			return "a client is in a room twice"
		}
		seen[ch.sessions[i].jid] = true
	}
	switch {
	case ch.n.fold(ch.name) != ch.folded || ch.n.channels.of(ch.folded) != ch:
		return "a channel is kept under another name"
	case len(ch.sessions)+len(ch.waiting) > mostSessions:
		return "too many clients are in a room"
	case !ch.named:
		return ""
	}
	for i := 1; i < ch.members.len(); i++ {
		switch order := ch.compare(ch.members.at(i-1).nick, ch.members.at(i).nick); {
		case order == 0:
			return "somebody is in a channel twice"
		case order > 0:
			return "the members of a channel are not in order"
		}
	}
	return ""
}

// Each payload of the fuzzer once in each place: no handler takes for granted that a
// form's fields have values.
func TestPayloadsInAllPlaces(t *testing.T) {
	for _, payload := range payloads {
		w := withStore(t)
		for _, to := range []string{"gw.test", server, room, room + "/romeo", "romeo%irc.test@gw.test"} {
			for _, kind := range []string{"iq' type='get", "iq' type='set", "message", "message' type='groupchat", "presence"} {
				name, stanzaType, _ := strings.Cut(kind, "'")
				w.stanza(`<%s%s' from='%s' to='%s' id='i'>%s</%s>`, name, cmp.Or(stanzaType, " lang='en"), desk, to, payload, name)
			}
		}
		if w.g.panics.Load() > 0 {
			t.Errorf("a handler panicked at %s", payload)
		}
		w.checkOutput()
		w.checkState()
	}
}

// Whatever clients and servers send: no panic, a state that hangs together, well-formed stanzas, from our own
// addresses only.
func FuzzUser(f *testing.F) {
	f.Add([]byte("the quick brown fox jumps over the lazy dog"))
	f.Add(bytes.Repeat([]byte{13, 0, 1, 2, 3, 4, 200, 90}, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice{data: data}
		w := connected(t, choose(d, []string{}, []string{"echo-message"}, []string{"echo-message", "labeled-response"})...)
		for step := 0; step < 60 && len(d.data) > 0; step++ {
			switch d.roll(10) {
			case 0:
				w.expire(choose(d, time.Second, 20*time.Second, time.Hour))
			case 1:
				if w.irc != nil {
					w.irc.refusing = choose[error](d, nil, nil, ircconn.ErrQueueFull, ircconn.ErrClosed, &ircconn.Error{Text: "bad"})
				}
			case 2, 3, 4:
				s := d.stanza()
				if _, err := parseStanzas([]byte(w.g.maskStanza(s))); err != nil {
					t.Fatalf("what is logged of a stanza is none: %v", err)
				}
				w.do(func() { w.u.handleStanza(s) })
			default:
				ev := d.event(w)
				if n := w.u.networks.of("irc.test"); n != nil {
					w.do(func() { n.handle(ev) })
				}
			}
			if w.g.panics.Load() > 0 {
				t.Fatal("a handler panicked")
			}
			w.checkOutput()
			w.checkState()
			w.out.text.Reset()
		}
		w.do(w.u.shutDown)
		w.checkOutput()
	})
}
