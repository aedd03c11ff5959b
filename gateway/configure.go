package gateway

import (
	"fmt"
	"sort"
	"strings"

	"passerelle/store"
	"passerelle/translate"
)

// configurePage is the command "configure": the settings of the address it is
// run at.
func (u *User) configurePage(scope store.Scope) (page, error) {
	if err := u.load(); err != nil {
		return page{}, err
	}
	return page{
		form: &form{
			title:        "Settings for " + scopeName(scope),
			instructions: "What is left empty follows the wider setting: of the network, of all networks, of the gateway.",
			fields:       u.settingsForm(scope),
		},
		submit: func(u *User, filled submission) (page, error) {
			change, err := u.changeOf(scope, filled)
			if err != nil {
				return page{}, err
			}
			if err := u.choose(scope, change); err != nil {
				return page{}, err
			}
			return done(savedNote(change)), nil
		},
	}, nil
}

// needsConnection are the settings that a connection is made with.
var needsConnection = map[string]bool{
	setAddress: true, setPorts: true, setTLSPorts: true, setVerify: true, setFingerprint: true, setSASLAccount: true, setSASLPassword: true,
	setSASLMechanism: true, setNick: true, setOtherNicks: true, setPassword: true, setAfterConnect: true, setUsername: true,
	setRealName: true, setThrottle: true, setEncodingIn: true, setEncodingOut: true,
}

func savedNote(change store.Settings) string {
	for name := range change {
		if needsConnection[name] {
			return "The settings are saved. Some of them count from the next connection on."
		}
	}
	return "The settings are saved."
}

func beginConfigure(u *User, r *request) (page, error) { return u.configurePage(u.scope(r.to)) }

// beginGlobal is for all networks, also where the gateway's address is that of
// the only one.
func beginGlobal(u *User, _ *request) (page, error) {
	return u.configurePage(u.scope(translate.Address{}))
}

// place understands where a setting is meant in a chat: nothing or "global", a
// server, or a channel as in its JID or as "#channel@server".
func (u *User) place(word string) (store.Scope, error) {
	if word == "" || word == "global" {
		return u.scope(translate.Address{}), nil
	}
	word = strings.TrimSuffix(word, "@"+u.g.domain)
	fixed := u.g.addressing.Fixed
	if fixed != "" && strings.EqualFold(word, fixed) {
		return u.scope(translate.Address{Kind: translate.Server, Network: fixed}), nil
	}
	if address, ok := parsePrompt(word, fixed); ok && address.Kind == translate.Channel && (fixed == "" || address.Network == fixed) {
		return u.scope(address), nil
	}
	address, err := u.address(strings.ToLower(word))
	if err != nil || address.Kind == translate.Nick {
		return store.Scope{}, refuse("item-not-found", "%q is neither a server nor a #channel%%server", word)
	}
	return u.scope(address), nil
}

// chatShow is "show [where]": the settings there.
func chatShow(u *User, args string) (string, error) {
	scope, err := u.place(strings.TrimSpace(args))
	if err != nil {
		return "", err
	}
	if err := u.load(); err != nil {
		return "", err
	}
	lines := []string{"Settings for " + scopeName(scope) + ":"}
	for _, s := range u.g.settingsAt(level(scope)) {
		own, counts := u.chosen[scope][s.name], u.values(s.name, scope)
		if s.secret && len(own) > 0 {
			own = []string{"(set)"}
		}
		switch {
		case len(own) > 0:
			lines = append(lines, fmt.Sprintf("%s = %s", s.name, strings.Join(own, " | ")))
		case len(counts) > 0 && !s.secret:
			lines = append(lines, fmt.Sprintf("%s is not set (%s counts)", s.name, strings.Join(counts, " | ")))
		default:
			lines = append(lines, s.name+" is not set")
		}
	}
	return strings.Join(lines, "\n"), nil
}

// chatSet is "set [where] name value", and without a value the way back to the
// wider setting. Several values are divided by " | ".
func chatSet(u *User, args string) (string, error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(args), " ")
	where := ""
	if !u.g.isSettingName(word) {
		where = word
		word, rest, _ = strings.Cut(strings.TrimSpace(rest), " ")
	}
	scope, err := u.place(where)
	if err != nil {
		return "", err
	}
	if err := u.load(); err != nil {
		return "", err
	}
	for _, s := range u.g.settingsAt(level(scope)) {
		if s.name != word {
			continue
		}
		change, err := changeTo(s, strings.TrimSpace(rest))
		if err != nil {
			return "", err
		}
		if err := u.choose(scope, change); err != nil {
			return "", err
		}
		return savedNote(change), nil
	}
	return "", refuse("item-not-found", "there is no setting %q for %s; there are: %s", word, scopeName(scope), u.g.settingNames(level(scope)))
}

// changeTo is the change that sets one setting to a text.
func changeTo(s setting, text string) (store.Settings, error) {
	var values []string
	if text != "" {
		values = []string{text}
	}
	if s.kind == textMulti && text != "" {
		values = strings.Split(text, " | ")
	}
	if err := s.check(values); err != nil {
		return nil, refuse("not-acceptable", "%v", err)
	}
	for _, value := range values {
		if s.valid == nil {
			break
		}
		if err := s.valid(value); err != nil {
			return nil, refuse("not-acceptable", "%s: %v", s.label, err)
		}
	}
	if s.kind == listSingle && text == s.options[0].value {
		values = nil
	}
	return store.Settings{s.name: values}, nil
}

func (g *Gateway) isSettingName(word string) bool {
	for _, s := range g.settings {
		if s.name == word {
			return true
		}
	}
	return false
}

func (g *Gateway) settingNames(where targets) string {
	var names []string
	for _, s := range g.settingsAt(where) {
		names = append(names, s.name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
