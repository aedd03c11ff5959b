package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/store"
	"passerelle/translate"
)

// movePlan is what an import takes, in our terms.
type movePlan struct {
	users  []string // those with settings
	places map[string][]movePlace
	// contacts are the entries of rosters.
	contacts []store.BiboumiContact
	// archives are the channels whose lines are taken, by biboumi's spelling.
	archives map[store.Scope]store.Scope
	// lines is how many lines biboumi has, those that are left included.
	lines int
}

// movePlace is what one user has set at one place.
type movePlace struct {
	scope    store.Scope
	settings store.Settings
}

// moveSetting is a column of biboumi's and the setting that it becomes.
type moveSetting struct {
	column, name string
	// convert returns our values, none where biboumi's says nothing. Its error
	// never has the value of a secret.
	convert func(text string) ([]string, error)
}

// The columns of biboumi's three tables of settings. Our names are those of the
// gateway's settings.
var (
	globalColumns = []moveSetting{
		{"maxhistorylength_", "max_history_length", toHistoryLength},
		{"recordhistory_", "record_history", toBoolean},
		{"persistent_", "persistent", toBoolean},
	}
	serverColumns = []moveSetting{
		{"address_", "address", without(" /@%#\r\n\x00", "it is not a host name or address")},
		{"tlsports_", "tls_ports", toPorts},
		{"ports_", "ports", toPorts},
		{"verifycert_", "verify_cert", toBoolean},
		{"trustedfingerprint_", "fingerprint", toFingerprint},
		{"nick_", "nick", without(" ,!@*?#&\r\n\x00", "it is not a nick")},
		{"username_", "username", without(" @!\r\n\x00", "it has characters that a user name cannot have")},
		{"realname_", "realname", without(lineEnds, notOneLine)},
		{"saslpassword_", "sasl_password", without(lineEnds, notOneLine)},
		{"pass_", "pass", without(lineEnds, notOneLine)},
		{"throttlelimit_", "throttle_limit", toThrottle},
		{"encodingin_", "encoding_in", toCharset},
		{"encodingout_", "encoding_out", toCharset},
		{"maxhistorylength_", "max_history_length", neverUsed},
	}
	channelColumns = []moveSetting{
		{"encodingin_", "encoding_in", toCharset},
		{"encodingout_", "encoding_out", toCharset},
		{"persistent_", "persistent", toBoolean},
		{"recordhistory_", "record_history", toOptionalBoolean},
		{"maxhistorylength_", "max_history_length", neverUsed},
	}
)

// afterConnect is the setting of the commands after connecting.
const afterConnect = "after_connect_commands"

// secretSettings are encrypted at rest, as the gateway has it.
var secretSettings = map[string]bool{"pass": true, "sasl_password": true, afterConnect: true}

const (
	lineEnds   = "\r\n\x00"
	notOneLine = "it is not one line"
)

// without takes a text that has none of some characters.
func without(characters, fault string) func(string) ([]string, error) {
	return func(text string) ([]string, error) {
		if strings.ContainsAny(text, characters) {
			return nil, errors.New(fault)
		}
		return []string{text}, nil
	}
}

// toBoolean reads 0 and 1, and the words that the first versions wrote.
func toBoolean(text string) ([]string, error) {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return nil, fmt.Errorf("%q is neither yes nor no", text)
	}
	return []string{strconv.FormatBool(on)}, nil
}

// toOptionalBoolean reads 1, -1 for no, and 0 for neither.
func toOptionalBoolean(text string) ([]string, error) {
	switch text {
	case "0":
		return nil, nil
	case "-1":
		return []string{"false"}, nil
	}
	return toBoolean(text)
}

// mostHistory and mostThrottle are the largest numbers that the gateway's forms
// take.
const mostHistory, mostThrottle = 1000, 1000

// toHistoryLength takes a negative number for none, as biboumi does.
func toHistoryLength(text string) ([]string, error) {
	number, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is not a number", text)
	case number < 0:
		return nil, nil
	}
	return []string{strconv.Itoa(min(number, mostHistory))}, nil
}

// toThrottle takes any negative number for no limit, as biboumi does.
func toThrottle(text string) ([]string, error) {
	number, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	return []string{strconv.Itoa(min(max(number, -1), mostThrottle))}, nil
}

// neverUsed is for a length of the history that biboumi stores beside the one for
// everything, and does not look at. Its own default, and what it writes when a
// form has no such field, is no choice of anybody's.
func neverUsed(text string) ([]string, error) {
	if text == "20" || text == "0" {
		return nil, nil
	}
	return nil, errors.New("biboumi did not look at it: the user's setting for everything counted")
}

// toPorts reads a list with semicolons between.
func toPorts(text string) ([]string, error) {
	var ports []string
	for port := range strings.SplitSeq(text, ";") {
		if port = strings.TrimSpace(port); port == "" {
			continue
		}
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return nil, fmt.Errorf("%q is not a port", port)
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// toFingerprint takes SHA-1, the one that biboumi knows, and SHA-256.
func toFingerprint(text string) ([]string, error) {
	digits := strings.NewReplacer(":", "", " ", "").Replace(strings.ToLower(text))
	if strings.Trim(digits, "0123456789abcdef") != "" || len(digits) != 40 && len(digits) != 64 {
		return nil, fmt.Errorf("%q is not a fingerprint", text)
	}
	return []string{text}, nil
}

// toCharset takes the names of iconv that are known here too; what follows // is
// for iconv alone.
func toCharset(text string) ([]string, error) {
	name, _, _ := strings.Cut(text, "//")
	if _, err := htmlindex.Get(name); err != nil {
		return nil, fmt.Errorf("%q is not a character set that is known here", text)
	}
	return []string{name}, nil
}

// plan reads everything but the lines and decides what is taken.
func (m *moving) plan(ctx context.Context, data *store.Biboumi, cfg *config) (*movePlan, error) {
	for _, name := range data.Missing() {
		m.report.note("biboumi's database has no %s: an earlier version wrote it", name)
	}
	for _, name := range data.Unknown() {
		m.report.leave(1, "columns of biboumi's database", "they are not known here", name)
	}
	plan := &movePlan{places: make(map[string][]movePlace), archives: make(map[store.Scope]store.Scope)}
	addressing := translate.Addressing{Fixed: strings.ToLower(cfg.Gateway.FixedServer)}
	options, err := data.Options(ctx)
	if err != nil {
		return nil, err
	}
	m.planSettings(plan, addressing, options)
	contacts, err := data.Contacts(ctx)
	if err != nil {
		return nil, err
	}
	m.planContacts(plan, cfg.Component.Hostname, contacts)
	archives, err := data.Archives(ctx)
	if err != nil {
		return nil, err
	}
	taken := m.planArchives(plan, addressing, archives)
	if m.dryRun {
		settings := 0
		for _, places := range plan.places {
			for _, place := range places {
				settings += len(place.settings)
			}
		}
		m.report.take("settings", "%d of %d users", settings, len(plan.users))
		m.report.take("contacts", "%d", len(plan.contacts))
		m.report.take("messages", "%d in %d channels, each user's counted apart", taken, len(plan.archives))
	}
	return plan, nil
}

func (m *moving) planSettings(plan *movePlan, addressing translate.Addressing, options store.BiboumiOptions) {
	merged := make(map[store.Scope]store.Settings)
	plain := make(map[store.Scope]bool)
	for _, table := range []struct {
		what    string
		rows    []store.BiboumiRow
		columns []moveSetting
		fits    func(store.Scope) bool
	}{
		{"settings for everything", options.Global, globalColumns, func(s store.Scope) bool { return s.Server == "" }},
		{"settings of servers", options.Servers, columnsFor(addressing.Fixed), func(s store.Scope) bool { return s.Server != "" }},
		{"settings of channels", options.Channels, channelColumns, func(s store.Scope) bool { return s.Channel != "" }},
	} {
		for _, row := range table.rows {
			scope, err := moveScope(addressing, row.Owner, row.Server, row.Channel)
			if err != nil {
				m.report.leave(1, table.what, err.Error(), row.Owner)
				continue
			}
			if !table.fits(scope) {
				m.report.leave(1, table.what, "they do not say of which", row.Owner)
				continue
			}
			settings := m.convertRow(row, scope, table.columns)
			if merged[scope] == nil {
				merged[scope] = make(store.Settings)
			}
			maps.Copy(merged[scope], settings)
			plain[scope] = plain[scope] || len(settings["ports"]) > 0
		}
	}
	for _, scope := range slices.SortedFunc(maps.Keys(merged), compareScopes) {
		if len(merged[scope]) > 0 {
			plan.places[scope.User] = append(plan.places[scope.User], movePlace{scope, merged[scope]})
		}
	}
	plan.users = slices.Sorted(maps.Keys(plan.places))
	m.notePorts(addressing.Fixed, options.Servers)
	clear := 0
	for _, has := range plain {
		if has {
			clear++
		}
	}
	if clear > 0 {
		m.report.note("%d settings of servers have ports without TLS, which are tried after those with TLS, as under biboumi: it writes 6667 into every form, and who saved one has it. Who wants TLS only empties the setting «ports».", clear)
	}
}

// convertRow makes our settings of a row.
func (m *moving) convertRow(row store.BiboumiRow, scope store.Scope, columns []moveSetting) store.Settings {
	settings := make(store.Settings)
	place := strings.Join(slices.DeleteFunc([]string{scope.User, scope.Server, scope.Channel}, func(s string) bool { return s == "" }), " ")
	for _, column := range columns {
		text, set := row.Values[column.column]
		if !set {
			continue
		}
		values, err := column.convert(text)
		if err != nil {
			m.report.leave(1, "settings "+column.name, err.Error(), place)
			continue
		}
		if len(values) > 0 {
			settings[column.name] = values
		}
	}
	for _, command := range row.Commands {
		if _, err := ircconn.ParseLine(command); err != nil {
			m.report.leave(1, "commands after connecting", "they are no lines of IRC", place)
			continue
		}
		settings[afterConnect] = append(settings[afterConnect], command)
	}
	return settings
}

func (m *moving) planContacts(plan *movePlan, hostname string, contacts []store.BiboumiContact) {
	taken := make(map[store.BiboumiContact]bool)
	for _, contact := range contacts {
		user, userErr := component.ParseJID(contact.User)
		ours, err := component.ParseJID(contact.Contact)
		switch {
		case userErr != nil || err != nil:
			m.report.leave(1, "contacts", "they are no JIDs", contact.Contact)
			continue
		case ours.Domain != hostname:
			m.report.leave(1, "contacts", "they are not of "+hostname, contact.Contact)
			continue
		}
		contact = store.BiboumiContact{User: user.Bare().String(), Contact: ours.Bare().String()}
		if !taken[contact] {
			taken[contact] = true
			plan.contacts = append(plan.contacts, contact)
		}
	}
}

// planArchives returns how many lines are taken.
func (m *moving) planArchives(plan *movePlan, addressing translate.Addressing, archives []store.BiboumiArchive) int {
	taken := 0
	for _, archive := range archives {
		plan.lines += archive.Lines
		spelled := store.Scope{User: archive.User, Server: archive.Server, Channel: archive.Channel}
		scope, err := moveScope(addressing, archive.User, archive.Server, archive.Channel)
		if err == nil && scope.Channel == "" {
			err = errors.New("they are of no channel")
		}
		if err != nil {
			m.report.leave(archive.Lines, "messages", err.Error(), archive.User+" "+archive.Channel+"%"+archive.Server)
			continue
		}
		plan.archives[spelled] = scope
		taken += archive.Lines
	}
	return taken
}

// moveScope is where the gateway keeps what is about a place that biboumi spells
// so: it asks under the name that the room's address has.
func moveScope(addressing translate.Addressing, user, server, channel string) (store.Scope, error) {
	jid, err := component.ParseJID(user)
	if err != nil || !jid.IsBare() {
		return store.Scope{}, errors.New("the user is not a bare JID")
	}
	scope := store.Scope{User: jid.String()}
	if server == "" {
		if channel != "" {
			return store.Scope{}, errors.New("the channel is on no server")
		}
		return scope, nil
	}
	scope.Server = strings.ToLower(server)
	if addressing.Fixed != "" && scope.Server != addressing.Fixed {
		return store.Scope{}, errors.New("they are of another server than the fixed one")
	}
	if address, err := (translate.Addressing{}).Parse(scope.Server, noChannels); err != nil || address.Kind != translate.Server {
		return store.Scope{}, errors.New("the server's name is none that an address can have")
	}
	if channel == "" {
		return scope, nil
	}
	localpart := addressing.Localpart(translate.Address{Kind: translate.Channel, Name: channel, Network: scope.Server})
	address, err := addressing.Parse(localpart, func(string) string { return channel[:1] })
	if err != nil || address.Kind != translate.Channel || address.Network != scope.Server {
		return store.Scope{}, errors.New("the channel's name is none that an address can have")
	}
	scope.Channel = strings.ToLower(address.Name)
	return scope, nil
}

func noChannels(string) string { return "" }

func compareScopes(a, b store.Scope) int {
	return slices.Compare([]string{a.User, a.Server, a.Channel}, []string{b.User, b.Server, b.Channel})
}
