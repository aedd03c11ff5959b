package gateway

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"passerelle/ircconn"
	"passerelle/store"
	"passerelle/translate"
)

// setting is something that a user can choose: for all networks, for one, or for
// one channel, where the narrower choice counts.
type setting struct {
	field
	on     targets // onGateway for all networks, onServer, onRoom
	secret bool    // encrypted at rest
	// valid returns what is wrong with one value beyond what the field says.
	valid func(value string) error
	// admin is the value where no user chose one; nil for none.
	admin func(Config) string
}

// The names of settings that the code asks for. Those that biboumi has are
// called as there.
const (
	setMaxHistory    = "max_history_length"
	setRecord        = "record_history"
	setPersistent    = "persistent"
	setAddress       = "address"
	setPorts         = "ports"
	setTLSPorts      = "tls_ports"
	setVerify        = "verify_cert"
	setFingerprint   = "fingerprint"
	setSASLAccount   = "sasl_account"
	setSASLPassword  = "sasl_password"
	setSASLMechanism = "sasl_mechanism"
	setSASLRequired  = "sasl_required"
	setNick          = "nick"
	setOtherNicks    = "alternative_nicks"
	setPassword      = "pass"
	setAfterConnect  = "after_connect_commands"
	setUsername      = "username"
	setRealName      = "realname"
	setThrottle      = "throttle_limit"
	setEncodingIn    = "encoding_in"
	setEncodingOut   = "encoding_out"
	setAutoJoin      = "auto_join"
	setArchiveDays   = store.SettingArchiveDays
	setArchiveLines  = store.SettingArchiveLines
)

// portLimits are those of a TCP port.
const leastPort, mostPort = 1, 65535

func fromBool(b bool) string { return strconv.FormatBool(b) }

// unsetOrBoolean are the choices of a channel that may follow the wider one.
var unsetOrBoolean = []option{{"unset", "as for all channels"}, {"true", "yes"}, {"false", "no"}}

// settingList is all that users can choose, in the order in which forms show it.
func settingList() []setting {
	everywhere := onGateway | onServer | onRoom
	return []setting{
		{field: field{name: setRecord, kind: boolean, label: "Record history", help: "Keep what is said in channels, for when you were away"},
			on: onGateway, admin: func(c Config) string { return fromBool(c.RecordHistory) }},
		{field: field{name: setRecord, kind: listSingle, options: unsetOrBoolean, label: "Record history", help: "Keep what is said in this channel"},
			on: onRoom, admin: func(c Config) string { return fromBool(c.RecordHistory) }},
		{field: field{name: setMaxHistory, kind: textSingle, least: 0, most: largestHistory, label: "Max history length",
			help: "How many messages you are sent at most when you join, if your client does not say"},
			on: onGateway | onRoom, admin: func(c Config) string { return strconv.Itoa(c.MaxHistory) }},
		{field: field{name: setPersistent, kind: boolean, label: "Persistent", help: "Stay on IRC when your last client leaves"},
			on: onGateway | onRoom, admin: func(c Config) string { return fromBool(c.Persistent) }},

		{field: field{name: setArchiveDays, kind: textSingle, least: 1, most: 36500, label: "Days to keep", help: "What was archived is removed after so many days; empty: as the gateway keeps it"},
			on: onGateway},
		{field: field{name: setArchiveLines, kind: textSingle, least: 1, most: 100000000, label: "Messages to keep", help: "The oldest of more are removed; empty: as the gateway keeps them"},
			on: onGateway},

		{field: field{name: setAddress, kind: textMulti, label: "Address", help: "Host names or addresses of the server, tried in order; empty: the name in its JID"},
			on: onServer, valid: validHost},
		{field: field{name: setTLSPorts, kind: textMulti, label: "TLS ports", help: "Ports to try with TLS; empty: 6697, unless the admin configured others"},
			on: onServer, valid: validPort},
		{field: field{name: setPorts, kind: textMulti, label: "Ports", help: "Ports to try without TLS, where everybody on the way can read along; empty: none"},
			on: onServer, valid: validPort},
		{field: field{name: setVerify, kind: boolean, label: "Verify certificate", help: "Refuse a server whose certificate is not valid"},
			on: onServer, admin: func(Config) string { return "true" }},
		{field: field{name: setFingerprint, kind: textSingle, label: "Fingerprint of the TLS certificate to trust",
			help: "SHA-256 (or SHA-1) of the server's certificate in hexadecimal; no other is accepted then"}, on: onServer, valid: validFingerprint},
		{field: field{name: setNick, kind: textSingle, label: "Nickname", help: "Used instead of the one you join with"}, on: onServer, valid: validNick},
		{field: field{name: setOtherNicks, kind: textMulti, label: "Alternative nicknames", help: "Tried in order when yours is taken"}, on: onServer, valid: validNick},
		{field: field{name: setUsername, kind: textSingle, label: "Username", help: "The user in your user@host"}, on: onServer, valid: validWord},
		{field: field{name: setRealName, kind: textSingle, label: "Realname", help: "Shown to who asks who you are (whois)"}, on: onServer, valid: validLine},
		{field: field{name: setSASLAccount, kind: textSingle, label: "SASL account", help: "Your account's name, if it is not your nick"}, on: onServer, valid: validLine},
		{field: field{name: setSASLPassword, kind: textPrivate, label: "SASL password", help: "Log in to your account with it before joining"},
			on: onServer, secret: true, valid: validLine},
		{field: field{name: setSASLMechanism, kind: listSingle, label: "SASL mechanism",
			options: []option{{"auto", "the strongest that the server has"}, {"SCRAM-SHA-256", "SCRAM-SHA-256"}, {"PLAIN", "PLAIN"}, {"EXTERNAL", "EXTERNAL (certificate)"}}}, on: onServer},
		{field: field{name: setSASLRequired, kind: boolean, label: "SASL required", help: "End the connection when the login fails; otherwise go on without it, where others see your own host and may take your nick"},
			on: onServer, admin: func(Config) string { return "true" }},
		{field: field{name: setPassword, kind: textPrivate, label: "Server password", help: "Sent as PASS when connecting"}, on: onServer, secret: true, valid: validLine},
		{field: field{name: setAfterConnect, kind: textMulti, label: "After-connection IRC commands", help: "Raw IRC lines that are sent when the connection is there, such as PRIVMSG NickServ :identify …"},
			on: onServer, secret: true, valid: validCommand},
		{field: field{name: setAutoJoin, kind: textMulti, label: "Channels to join", help: "Entered whenever you are connected: #channel, or #channel and its key"},
			on: onServer, secret: true, valid: validChannel},
		{field: field{name: setThrottle, kind: textSingle, least: -1, most: 1000, label: "Throttle limit", help: "How many lines may be sent at once before they are slowed down; -1: no limit"}, on: onServer},
		{field: field{name: setEncodingIn, kind: textSingle, label: "In encoding", help: "How to read lines that are not UTF-8"},
			on: everywhere &^ onGateway, valid: validCharset, admin: func(c Config) string { return c.Charset }},
		{field: field{name: setEncodingOut, kind: textSingle, label: "Out encoding", help: "How to write, where it is not on UTF-8"}, on: everywhere &^ onGateway, valid: validCharset},
	}
}

func validHost(value string) error {
	if strings.ContainsAny(value, " /@%#") {
		return fmt.Errorf("%q is not a host name or address", value)
	}
	return nil
}

func validPort(value string) error {
	if port, err := strconv.Atoi(value); err != nil || port < leastPort || port > mostPort {
		return fmt.Errorf("%q is not a port from %d to %d", value, leastPort, mostPort)
	}
	return nil
}

func validFingerprint(value string) error {
	digits := strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(value))
	if strings.Trim(digits, "0123456789abcdef") != "" || len(digits) != 40 && len(digits) != 64 {
		return fmt.Errorf("%q is not a fingerprint of 64 (SHA-256) or 40 (SHA-1) hexadecimal digits", value)
	}
	return nil
}

func validNick(value string) error {
	if value == "" || strings.ContainsAny(value, " ,!@*?#&\r\n\x00") {
		return fmt.Errorf("%q is not a nick", value)
	}
	return nil
}

func validWord(value string) error {
	if strings.ContainsAny(value, " @!\r\n\x00") {
		return fmt.Errorf("%q has characters that a user name cannot have", value)
	}
	return nil
}

func validLine(value string) error {
	if strings.ContainsAny(value, "\r\n\x00") {
		return fmt.Errorf("the value must be one line")
	}
	return nil
}

func validCommand(value string) error {
	if _, err := ircconn.ParseLine(value); err != nil {
		return fmt.Errorf("%q is not a line of IRC: %w", value, err)
	}
	return nil
}

func validChannel(value string) error {
	if !strings.ContainsAny(value[:min(1, len(value))], "#&+!") || strings.ContainsAny(value, ",\r\n\x00") {
		return fmt.Errorf("%q is not a channel", value)
	}
	return nil
}

func validCharset(value string) error {
	if _, err := htmlindex.Get(value); err != nil {
		return fmt.Errorf("%q is not a known character set; use a name such as windows-1252 or koi8-r", value)
	}
	return nil
}

// scope says whose choice it is: one user's, for all, a network or a channel.
func (u *User) scope(address translate.Address) store.Scope {
	return store.Scope{User: u.jid.String(), Server: address.Network, Channel: strings.ToLower(address.Name)}
}

// level is the kind of address that a scope's settings are chosen at.
func level(scope store.Scope) targets {
	switch {
	case scope.Channel != "":
		return onRoom
	case scope.Server != "":
		return onServer
	}
	return onGateway
}

// settingsAt returns the settings that can be chosen at a level, without those that
// the admin keeps from users.
func (g *Gateway) settingsAt(where targets) []setting {
	return slices.DeleteFunc(slices.Clone(g.settings), func(s setting) bool {
		isAddress := s.name == setAddress || s.name == setPorts || s.name == setTLSPorts
		isName := s.name == setUsername || s.name == setRealName
		return s.on&where == 0 || isAddress && !g.letsChooseAddresses() || isName && !g.live().OwnRealName
	})
}

// unload has settings and contacts read again when they are needed.
func (u *User) unload() {
	u.chosen, u.chosenKnown = nil, false
	u.contacts, u.contactsKnown = nil, false
}

// load reads the user's settings when they are first needed. Secrets that cannot
// be read any more are told.
func (u *User) load() error {
	if u.chosenKnown || u.g.store == nil {
		return nil
	}
	if !u.g.store.HasSettings(u.jid.String()) {
		u.chosenKnown = true
		return nil
	}
	var chosen map[store.Scope]store.Settings
	var lost []store.LostSecret
	err := u.g.askStore(storeTime, func(ctx context.Context) (err error) {
		chosen, lost, err = u.g.store.LoadSettings(ctx, u.jid.String())
		return err
	})
	if err != nil {
		return u.storeFault(err, "a user's settings could not be read", "your settings cannot be read")
	}
	u.chosen, u.chosenKnown = chosen, true
	u.takeFirstSeen()
	for _, secret := range lost {
		u.notify(u.gatewayJID(), fmt.Sprintf("The gateway's key was changed, so your setting %s for %s is lost; set it again.", secret.Name, scopeName(secret.Scope)))
	}
	return nil
}

// scopeName says in words what a scope is about.
func scopeName(scope store.Scope) string {
	switch level(scope) {
	case onRoom:
		return scope.Channel + " on " + scope.Server
	case onServer:
		return scope.Server
	}
	return "all networks"
}

// values returns what counts for a setting at a scope: the choice there, or the
// next wider one, or the admin's.
func (u *User) values(name string, scope store.Scope) []string {
	if len(u.chosen) > 0 {
		for _, s := range []store.Scope{scope, {User: scope.User, Server: scope.Server}, {User: scope.User}} {
			if values := u.chosen[s][name]; len(values) > 0 {
				return values
			}
		}
	}
	for i := range u.g.settings {
		if s := &u.g.settings[i]; s.name == name && s.admin != nil {
			return []string{s.admin(u.g.live().Config)}
		}
	}
	return nil
}

func (u *User) value(name string, scope store.Scope) string {
	if values := u.values(name, scope); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (u *User) isOn(name string, scope store.Scope) bool {
	on, _ := parseBoolean(u.value(name, scope))
	return on
}

// choose saves changes of settings at a scope; no values mean that the wider
// choice counts.
func (u *User) choose(scope store.Scope, change store.Settings) error {
	if u.g.store == nil || len(change) == 0 {
		return nil
	}
	if err := u.load(); err != nil {
		return err
	}
	u.noteFirstSeen()
	if err := u.limitSettings(scope); err != nil {
		return err
	}
	if err := u.save(scope, change); err != nil {
		return err
	}
	u.leaveUnwanted()
	return nil
}

// save is choose for what may not be refused.
func (u *User) save(scope store.Scope, change store.Settings) error {
	secret := map[string]bool{setCertificate: true}
	for _, s := range u.g.settings {
		secret[s.name] = s.secret
	}
	err := u.g.askStore(storeTime, func(ctx context.Context) error { return u.g.store.SaveSettings(ctx, scope, change, secret) })
	if err != nil {
		return u.storeFault(err, "settings could not be saved", "your settings cannot be saved")
	}
	u.choices++
	if u.chosen == nil {
		u.chosen = make(map[store.Scope]store.Settings)
	}
	if u.chosen[scope] == nil {
		u.chosen[scope] = make(store.Settings)
	}
	for name, values := range change {
		if len(values) == 0 {
			delete(u.chosen[scope], name)
			continue
		}
		u.chosen[scope][name] = values
	}
	return nil
}

// leaveUnwanted leaves the channels where nobody is and the user does not want to
// stay any more.
func (u *User) leaveUnwanted() {
	for _, n := range u.networks {
		for _, ch := range n.channels {
			if ch.named && len(ch.sessions)+len(ch.waiting) == 0 && !ch.keeps().stay {
				ch.part("")
			}
		}
	}
}

// settingsForm is the form of the settings at a scope, filled in with what
// counts there.
func (u *User) settingsForm(scope store.Scope) []field {
	var fields []field
	for _, s := range u.g.settingsAt(level(scope)) {
		f := s.field
		f.values = u.shown(s, scope)
		fields = append(fields, f)
	}
	return fields
}

// shown is what a form shows of a setting: the choice at this very scope, or,
// where a field cannot be empty, what counts without one.
func (u *User) shown(s setting, scope store.Scope) []string {
	if values := u.chosen[scope][s.name]; len(values) > 0 {
		return values
	}
	switch {
	case s.kind == listSingle:
		return []string{s.options[0].value}
	case s.kind == boolean || s.isNumber() && s.admin != nil:
		return u.values(s.name, scope)
	}
	return nil
}

// changeOf is what a submitted form changes: what it says otherwise than it was
// shown. A field that is missing was left empty.
func (u *User) changeOf(scope store.Scope, filled submission) (store.Settings, error) {
	change := make(store.Settings)
	for _, s := range u.g.settingsAt(level(scope)) {
		values := filled[s.name]
		if s.kind == listSingle && len(values) == 1 && values[0] == s.options[0].value {
			values = nil
		}
		for _, value := range values {
			if s.valid == nil {
				break
			}
			if err := s.valid(value); err != nil {
				return nil, refuse("not-acceptable", "%s: %v", s.label, err)
			}
		}
		chosen := u.chosen[scope][s.name]
		if slices.Equal(values, chosen) || len(chosen) == 0 && slices.Equal(values, u.shown(s, scope)) {
			continue
		}
		change[s.name] = values
	}
	return change, nil
}
