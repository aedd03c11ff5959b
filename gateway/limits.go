package gateway

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/store"
	"passerelle/translate"
)

// LimitsConfig says how much one user, and how much all together may do. 0 is no
// limit. Limits by the minute may be reached at once.
type LimitsConfig struct {
	// Servers and Channels are how many one user may be in at a time.
	Servers  int `yaml:"servers"`
	Channels int `yaml:"channels"`
	// ConnectsPerMinute, JoinsPerMinute and MessagesPerMinute are what one user
	// may ask for. Connections that the gateway gets back by itself do not count.
	ConnectsPerMinute int `yaml:"connects_per_minute"`
	JoinsPerMinute    int `yaml:"joins_per_minute"`
	MessagesPerMinute int `yaml:"messages_per_minute"`
	// Contacts and Settings are how many contacts one user may have, and for how
	// many networks and channels settings of their own.
	Contacts int `yaml:"contacts"`
	Settings int `yaml:"settings"`
	// SlowStart is how long after they were first seen users are new, and
	// NewConnectsPerMinute and NewJoinsPerMinute count for them.
	SlowStart            time.Duration `yaml:"slow_start"`
	NewConnectsPerMinute int           `yaml:"new_connects_per_minute"`
	NewJoinsPerMinute    int           `yaml:"new_joins_per_minute"`
	// Connections and ConnectionsPerServer are how many all users together may
	// have, and TotalConnectsPerMinute and ServerConnectsPerMinute how many they
	// may ask for.
	Connections             int `yaml:"connections"`
	ConnectionsPerServer    int `yaml:"connections_per_server"`
	TotalConnectsPerMinute  int `yaml:"total_connects_per_minute"`
	ServerConnectsPerMinute int `yaml:"server_connects_per_minute"`
}

// defaultLimits are such that nobody meets them who wants to talk.
func defaultLimits() LimitsConfig {
	return LimitsConfig{
		Servers: 50, Channels: 1000,
		ConnectsPerMinute: 60, JoinsPerMinute: 1000, MessagesPerMinute: 1200,
		Contacts: 1000, Settings: 2000,
		SlowStart: 24 * time.Hour, NewConnectsPerMinute: 10, NewJoinsPerMinute: 300,
		Connections: 20000, ConnectionsPerServer: 20000, TotalConnectsPerMinute: 20000, ServerConnectsPerMinute: 20000,
	}
}

// validate reports every limit that is negative.
func (c LimitsConfig) validate() error {
	var faults []error
	limits := reflect.ValueOf(c)
	for i := range limits.NumField() {
		if limits.Field(i).Int() < 0 {
			faults = append(faults, fmt.Errorf("gateway.limits.%s is negative; 0 is no limit", limits.Type().Field(i).Tag.Get("yaml")))
		}
	}
	return errors.Join(faults...)
}

// limits are those in force.
func (u *User) limits() LimitsConfig { return u.g.live().Limits }

// within reports whether one more fits a limit.
func within(limit, count int) bool { return limit <= 0 || count < limit }

// atLimit is a refusal by a limit, named as limits.key.
func atLimit(key, condition, format string, args ...any) error {
	return &refusal{condition: condition, text: fmt.Sprintf(format, args...), limit: strings.TrimPrefix(key, "limits.")}
}

// limitKeys are the keys of all limits.
func limitKeys() []string {
	var keys []string
	for field := range reflect.TypeFor[LimitsConfig]().Fields() {
		if field.Type.Kind() == reflect.Int {
			keys = append(keys, field.Tag.Get("yaml"))
		}
	}
	return keys
}

// tooFast is the refusal of what was done too often.
func tooFast(key, what string, limit int) error {
	return atLimit(key, "resource-constraint", "that is more than %d %s in a minute, which is the limit (%s); wait a minute and try again", limit, what, key)
}

// tooMany is the refusal of one more than there may be.
func tooMany(key, format string, args ...any) error {
	return atLimit(key, "policy-violation", "%s (%s)", fmt.Sprintf(format, args...), key)
}

// limitConnect refuses one connection more than the user may have, or may ask for
// at a time.
func (u *User) limitConnect() error {
	limits := u.limits()
	if !within(limits.Servers, len(u.networks)) {
		return tooMany("limits.servers", "you are connected to %d IRC servers, and nobody may be to more; leave one of them first", len(u.networks))
	}
	limit, key := limits.ConnectsPerMinute, "limits.connects_per_minute"
	if u.isNew() && limits.NewConnectsPerMinute > 0 {
		limit, key = limits.NewConnectsPerMinute, "limits.new_connects_per_minute"
	}
	if !u.usage.connects.take(u.g.now(), limit) {
		return tooFast(key, "connections", limit)
	}
	return nil
}

// limitJoin refuses one channel more than the user may be in, or may enter at a
// time.
func (u *User) limitJoin() error {
	limits := u.limits()
	if count := u.channelCount(); !within(limits.Channels, count) {
		return tooMany("limits.channels", "you are in %d channels, and nobody may be in more; leave one of them first", count)
	}
	limit, key := limits.JoinsPerMinute, "limits.joins_per_minute"
	if u.isNew() && limits.NewJoinsPerMinute > 0 {
		limit, key = limits.NewJoinsPerMinute, "limits.new_joins_per_minute"
	}
	if !u.usage.joins.take(u.g.now(), limit) {
		return tooFast(key, "channels entered", limit)
	}
	return nil
}

func (u *User) channelCount() int {
	count := 0
	for _, n := range u.networks {
		count += len(n.channels)
	}
	return count
}

// limitMessage refuses what is written too fast. What is for the gateway itself is
// not counted.
func (u *User) limitMessage(r *request) error {
	if r.to.Kind == translate.Gateway && u.g.addressing.Fixed == "" || r.Type == "error" || r.ChildText("", "body") == "" {
		return nil
	}
	if limit := u.limits().MessagesPerMinute; !u.usage.messages.take(u.g.now(), limit) {
		return tooFast("limits.messages_per_minute", "messages", limit)
	}
	return nil
}

// limitContact refuses one contact more than the user may have.
func (u *User) limitContact(jid component.JID) error {
	if limit := u.limits().Contacts; !u.contacts[jid.String()] && !within(limit, len(u.contacts)) {
		return tooMany("limits.contacts", "you have %d contacts at this gateway, and nobody may have more; remove one of them first", len(u.contacts))
	}
	return nil
}

// limitSettings refuses settings for one network or channel more than the user may
// have settings for.
func (u *User) limitSettings(scope store.Scope) error {
	if limit := u.limits().Settings; len(u.chosen[scope]) == 0 && !within(limit, u.settingsCount()) {
		return tooMany("limits.settings", "you have settings for %d networks and channels, and nobody may have more; reset some of them first", limit)
	}
	return nil
}

func (u *User) settingsCount() int {
	count := 0
	for _, chosen := range u.chosen {
		if len(chosen) > 0 {
			count++
		}
	}
	return count
}

// setFirstSeen keeps when a user was first seen. It is no setting that people
// choose. Who has settings without it has been here for longer than it is kept.
const setFirstSeen = "first_seen"

// noteFirstSeen keeps when the user was first seen, if that is now. It never waits:
// not to know it is no reason to refuse anything.
func (u *User) noteFirstSeen() {
	if u.g.store == nil || !u.chosenKnown || len(u.chosen) > 0 || !u.firstSeen.IsZero() {
		return
	}
	u.firstSeen = u.g.now()
	u.g.store.NoteSetting(u.scope(translate.Address{}), setFirstSeen, stamp(u.firstSeen))
}

// takeFirstSeen takes out of the user's settings when that was.
func (u *User) takeFirstSeen() {
	scope := u.scope(translate.Address{})
	settings := u.chosen[scope]
	if texts := settings[setFirstSeen]; len(texts) > 0 {
		u.firstSeen, _ = parseStamp(texts[0])
	}
	delete(settings, setFirstSeen)
	if len(settings) == 0 {
		delete(u.chosen, scope)
	}
}

// isNew reports whether the user was first seen only lately.
func (u *User) isNew() bool {
	return !u.firstSeen.IsZero() && u.g.now().Sub(u.firstSeen) < u.limits().SlowStart
}

// serverKey is what connections to one IRC server are counted by, whatever names
// users have for it.
func (u *User) serverKey(scope store.Scope) string {
	if addresses := u.addresses(scope); len(addresses) > 0 {
		return strings.ToLower(strings.TrimSuffix(addresses[0].Host, "."))
	}
	return scope.Server
}

// serverLimit is how many connections there may be to a server: what the admin
// says of it, or of all.
func (g *Gateway) serverLimit(host string) int {
	for _, server := range g.live().Servers {
		if server == nil || server.Connections == 0 {
			continue
		}
		for _, address := range server.Addresses {
			if strings.EqualFold(address.Host, host) {
				return server.Connections
			}
		}
	}
	return g.live().Limits.ConnectionsPerServer
}

// admit counts a connection of the user's, or refuses it. What is counted is to be
// removed from g.connections when it ends.
func (u *User) admit(scope store.Scope) error {
	u.noteFirstSeen()
	if err := u.limitConnect(); err != nil {
		return err
	}
	host := u.serverKey(scope)
	return u.g.connections.admit(connection{u.jid.String(), scope.Server, host}, u.limits(), u.g.serverLimit(host), u.g.now())
}
