package gateway

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"passerelle/component"
	"passerelle/ircconn"
)

const (
	nsMUCOwner   = "http://jabber.org/protocol/muc#owner"
	nsRoomConfig = "http://jabber.org/protocol/muc#roomconfig"
)

// ownerFeature is the configuration form of a room (XEP-0045 §10.2): the user's
// own settings for the channel, and, for who is in it, the channel's modes.
func ownerFeature() feature {
	return feature{
		xep: "XEP-0045", on: onRoom,
		iq: map[iqKey]iqHandler{
			{"get", nsMUCOwner, "query"}: (*User).onRoomConfig,
			{"set", nsMUCOwner, "query"}: (*User).onRoomConfigured,
		},
	}
}

// roomMode is a channel mode that XEP-0045 has a field for (§15.5.3).
type roomMode struct {
	field    string
	label    string
	mode     byte
	inverted bool // the field is true when the mode is off
}

var roomModes = []roomMode{
	{"muc#roomconfig_moderatedroom", "Only those with voice may speak (+m)", 'm', false},
	{"muc#roomconfig_membersonly", "Only invited people may enter (+i)", 'i', false},
	{"muc#roomconfig_changesubject", "Everybody may change the topic (-t)", 't', true},
	{"muc#roomconfig_publicroom", "Shown in the network's list of channels (-s)", 's', true},
	{"muc#roomconfig_passwordprotectedroom", "A password is needed to enter (+k)", 'k', false},
}

const (
	fieldSecret   = "muc#roomconfig_roomsecret"
	fieldMaxUsers = "muc#roomconfig_maxusers"
	fieldOther    = "irc#mode_" // and the mode's letter
)

// modeFields are the fields for the modes that the network has.
func (ch *Channel) modeFields() []field {
	n := ch.n
	var fields []field
	named := "kl"
	for _, m := range roomModes {
		if n.kindOf(m.mode) == 0 {
			continue
		}
		named += string(m.mode)
		_, set := ch.modes.of(m.mode)
		fields = append(fields, field{name: m.field, kind: boolean, label: m.label, values: []string{fromBool(set != m.inverted)}})
	}
	limit, _ := ch.modes.of('l')
	fields = append(fields,
		field{name: fieldSecret, kind: textPrivate, label: "Password of the channel", values: oneOrNone(ch.key)},
		field{name: fieldMaxUsers, kind: textSingle, label: "How many may be in it (+l); empty: no limit", values: oneOrNone(limit)})
	for _, mode := range []byte(n.support.ChanModes[3]) {
		if strings.IndexByte(named, mode) >= 0 || !isLetter(mode) {
			continue
		}
		_, set := ch.modes.of(mode)
		named += string(mode) // a server may name a mode twice
		fields = append(fields, field{name: fieldOther + string(mode), kind: boolean, label: "Channel mode +" + string(mode), values: []string{fromBool(set)}})
	}
	for _, mode := range n.modesWithText() {
		value, _ := ch.modes.of(mode.letter)
		fields = append(fields, field{name: fieldOther + string(mode.letter), kind: textSingle, label: "Channel mode +" + string(mode.letter) + " and its parameter; empty: not set",
			values: oneOrNone(value)})
	}
	return fields
}

// textMode is a channel mode with a parameter.
type textMode struct {
	letter byte
	kind   ircconn.ModeKind
}

// modesWithText are the network's modes with a parameter that have no field of their
// own, as the key and the limit have. Lists are none of them.
func (n *Network) modesWithText() []textMode {
	var modes []textMode
	for i, kind := range []ircconn.ModeKind{ircconn.ModeAlways, ircconn.ModeWhenSet} {
		for _, letter := range []byte(n.support.ChanModes[i+1]) {
			isKnown := slices.ContainsFunc(modes, func(m textMode) bool { return m.letter == letter })
			if isLetter(letter) && letter != 'k' && letter != 'l' && !isKnown {
				modes = append(modes, textMode{letter, kind})
			}
		}
	}
	return modes
}

// textChanges adds what is wanted of the modes with a parameter.
func (ch *Channel) textChanges(changes []ircconn.ModeChange, filled submission) ([]ircconn.ModeChange, error) {
	for _, mode := range ch.n.modesWithText() {
		name := fieldOther + string(mode.letter)
		wanted := filled.first(name)
		now, _ := ch.modes.of(mode.letter)
		if !filled.has(name) || wanted == now {
			continue
		}
		if strings.ContainsAny(wanted, " \r\n\x00") || strings.HasPrefix(wanted, ":") {
			return nil, refuse("not-acceptable", "%q is not a parameter of a mode: it has to be one word that does not begin with a colon", wanted)
		}
		change := ircconn.ModeChange{Add: wanted != "", Mode: mode.letter, Kind: mode.kind, Arg: wanted}
		if !change.Add && mode.kind == ircconn.ModeAlways {
			change.Arg = now
		}
		changes = append(changes, change)
	}
	return changes, nil
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// kindOf returns which of the four kinds of channel modes a letter is, from 1,
// and 0 for none that the network has.
func (n *Network) kindOf(mode byte) int {
	for i, modes := range n.support.ChanModes {
		if strings.IndexByte(modes, mode) >= 0 {
			return i + 1
		}
	}
	return 0
}

func oneOrNone(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// roomOf returns the channel of a request if its sender is in it, or nil.
func (u *User) roomOf(r *request) *Channel {
	ch, _, err := u.inRoom(r)
	if err != nil {
		return nil
	}
	return ch
}

func (u *User) roomForm(r *request) (*form, error) {
	if err := u.load(); err != nil {
		return nil, err
	}
	f := &form{
		formType: nsRoomConfig, title: "Settings for " + r.to.Name,
		instructions: "Your own settings for this channel come first. The channel's modes below them can be changed by its operators.",
		fields:       u.settingsForm(u.scope(r.to)),
	}
	if ch := u.roomOf(r); ch != nil {
		f.fields = append(f.fields, ch.modeFields()...)
	}
	return f, nil
}

func (u *User) onRoomConfig(r *request, _ *component.Element) error {
	f, err := u.roomForm(r)
	if err != nil {
		return err
	}
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsMUCOwner)
	f.write(&u.enc, "form")
	u.enc.Close()
	u.enc.Close()
	return nil
}

// onRoomConfigured saves the user's settings and asks the server for the modes
// that were changed; the answer comes when the server has said yes or no.
func (u *User) onRoomConfigured(r *request, query *component.Element) error {
	if query.Child(nsMUCOwner, "destroy") != nil {
		return refuse("not-allowed", "a channel ends on IRC when the last member leaves it; leave it to be rid of it")
	}
	x := query.Child(nsForms, "x")
	if x.Attr("type") == "cancel" {
		u.result(r)
		return nil
	}
	filled, ok := parseSubmission(x)
	if !ok {
		return refuse("bad-request", "the form was not filled in")
	}
	f, err := u.roomForm(r)
	if err != nil {
		return err
	}
	if err := f.check(filled); err != nil {
		return err
	}
	scope := u.scope(r.to)
	change, err := u.changeOf(scope, filled)
	if err != nil {
		return err
	}
	// Clients send the fields they know, or none at all for a room as it is
	// (XEP-0045 §10.1.2): here a missing field is no change.
	maps.DeleteFunc(change, func(name string, _ []string) bool { return !filled.has(name) })
	ch := u.roomOf(r)
	var changes []ircconn.ModeChange
	if ch != nil {
		if changes, err = ch.modeChanges(filled); err != nil {
			return err
		}
	}
	if err := u.choose(scope, change); err != nil {
		return err
	}
	if ch == nil {
		u.result(r)
		return nil
	}
	return ch.changeModes(changes, func(err error) {
		if err != nil {
			u.replyError(r.Stanza, err)
			return
		}
		u.result(r)
	})
}

// modeChanges is what a submitted form wants otherwise than the channel is. For
// modes a missing field means no change: a client that leaves fields out must
// not open a channel.
func (ch *Channel) modeChanges(filled submission) ([]ircconn.ModeChange, error) {
	var changes []ircconn.ModeChange
	flag := func(mode byte, want bool) {
		if _, set := ch.modes.of(mode); set != want {
			changes = append(changes, ircconn.ModeChange{Add: want, Mode: mode, Kind: ircconn.ModeFlag})
		}
	}
	for _, m := range roomModes {
		if want, ok := parseBoolean(filled.first(m.field)); ok && m.mode != 'k' && ch.n.kindOf(m.mode) != 0 {
			flag(m.mode, want != m.inverted)
		}
	}
	for _, mode := range []byte(ch.n.support.ChanModes[3]) {
		if !isLetter(mode) {
			continue
		}
		if want, ok := parseBoolean(filled.first(fieldOther + string(mode))); ok {
			flag(mode, want)
		}
	}
	limit, limited := ch.modes.of('l')
	if wanted := filled.first(fieldMaxUsers); wanted != "" && wanted != limit {
		if number, err := strconv.Atoi(wanted); err != nil || number < 1 {
			return nil, refuse("not-acceptable", "%q is not a number of people", wanted)
		}
		changes = append(changes, ircconn.ModeChange{Add: true, Mode: 'l', Kind: ircconn.ModeWhenSet, Arg: wanted})
	} else if limited && wanted == "" && filled.has(fieldMaxUsers) {
		changes = append(changes, ircconn.ModeChange{Mode: 'l', Kind: ircconn.ModeWhenSet})
	}
	changes, err := ch.textChanges(changes, filled)
	if err != nil {
		return nil, err
	}
	return ch.keyChanges(changes, filled)
}

// keyChanges adds what is wanted of the channel's key.
func (ch *Channel) keyChanges(changes []ircconn.ModeChange, filled submission) ([]ircconn.ModeChange, error) {
	want, said := parseBoolean(filled.first("muc#roomconfig_passwordprotectedroom"))
	if !said {
		return changes, nil
	}
	_, locked := ch.modes.of('k')
	key := filled.first(fieldSecret)
	switch {
	case want && key == "":
		return nil, refuse("not-acceptable", "a password is needed for a channel that is protected by one")
	case want && strings.ContainsAny(key, " ,"):
		return nil, refuse("not-acceptable", "a channel's password has no spaces and no commas")
	case want && (!locked || key != ch.key):
		if locked {
			changes = append(changes, ircconn.ModeChange{Mode: 'k', Kind: ircconn.ModeAlways, Arg: ch.key})
		}
		changes = append(changes, ircconn.ModeChange{Add: true, Mode: 'k', Kind: ircconn.ModeAlways, Arg: key})
	case !want && locked:
		changes = append(changes, ircconn.ModeChange{Mode: 'k', Kind: ircconn.ModeAlways, Arg: ch.key})
	}
	return changes, nil
}
