package gateway

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"passerelle/ircconn"
	"passerelle/store"
	"passerelle/translate"
)

// connectionOptions are what one connection is made with: what the user chose
// for the network, and what the admin did for the rest.
func (u *User) connectionOptions(scope store.Scope, nick string) ircconn.Options {
	name, realName := u.namesOnIRC(scope, nick)
	options := ircconn.Options{
		Addresses:        u.addresses(scope),
		Nick:             nick,
		AlternativeNicks: u.values(setOtherNicks, scope),
		Username:         username(name),
		RealName:         realName,
		Password:         u.value(setPassword, scope),
		Decode:           u.decoder(scope),
		Encode:           u.encoder(scope),
		Certificate:      u.certificate(scope),
		SASL: ircconn.SASLOptions{
			Account: u.value(setSASLAccount, scope), Password: u.value(setSASLPassword, scope),
		},
		Fingerprints: u.values(setFingerprint, scope),
		Identd:       u.g.identd,
		Ident:        u.g.ident(u.jid),
		AfterConnect: u.afterConnect(scope, nick),
	}
	if u.g.live().UsernameFromIdent {
		options.Username = options.Ident
	}
	options.STS = u.strictTransport(options.Addresses)
	options.Destinations = u.destinations(scope, options.Addresses)
	if options.SASL.Account == "" && options.SASL.Password != "" {
		options.SASL.Account = nick
	}
	if mechanism := u.value(setSASLMechanism, scope); mechanism != "" && mechanism != "auto" {
		options.SASL.Mechanisms = []string{mechanism}
	}
	if !u.isOn(setSASLRequired, scope) {
		options.SASL.Policy = ircconn.SASLOptional
	}
	if verify, ok := parseBoolean(u.value(setVerify, scope)); ok && !verify {
		options.Verify = ircconn.AcceptAnyCertificate
	}
	if len(options.AfterConnect) > 0 || options.Certificate != nil || options.Password != "" {
		options.WaitForLogin = loginTime
	}
	if limit, err := strconv.Atoi(u.value(setThrottle, scope)); err == nil {
		options.Pace = pace(limit)
	}
	u.useAdminsWay(&options, scope)
	return options
}

// namesOnIRC are the user name and the real name: those that the user chose, or what
// the admin has them be.
func (u *User) namesOnIRC(scope store.Scope, nick string) (name, realName string) {
	live := u.g.live()
	name, realName = nick, nick
	if live.RealNameFromJID {
		name, realName = u.jid.Local, u.jid.String()
	}
	if !live.OwnRealName {
		return name, realName
	}
	return cmp.Or(u.value(setUsername, scope), name), cmp.Or(u.value(setRealName, scope), realName)
}

// loginTime is how long joining waits for the services to recognise somebody who
// does not log in by SASL.
const loginTime = 5 * time.Second

// pace is the pace of biboumi's throttle limit: so many lines at once, then one
// each second; a negative number is no limit.
func pace(limit int) *ircconn.Pace {
	if limit < 0 {
		return &ircconn.Pace{Burst: 1}
	}
	return &ircconn.Pace{Burst: max(1, limit), LineInterval: time.Second}
}

// charsets are what lines of a network are written in: for some channels in
// another charset than for the rest. They are read on the connection's
// goroutines and never change: what was chosen when the connection began counts.
type charsets struct {
	network  string
	channels map[string]string // by name in lower case
}

func (u *User) charsets(setting string, scope store.Scope) charsets {
	chosen := charsets{network: u.value(setting, scope)}
	for other, choices := range u.chosen {
		if values := choices[setting]; other.Server == scope.Server && other.Channel != "" && len(values) > 0 {
			if chosen.channels == nil {
				chosen.channels = make(map[string]string)
			}
			chosen.channels[other.Channel] = values[0]
		}
	}
	return chosen
}

// of returns the charset of a line: that of the channel it is for. What is said
// does not count.
func (c charsets) of(line string) string {
	if len(c.channels) == 0 {
		return c.network
	}
	line = strings.TrimPrefix(line, ":")
	head, _, _ := strings.Cut(line, " :")
	for word := range strings.FieldsSeq(head) {
		if strings.IndexByte("#&+!", word[0]) < 0 {
			continue
		}
		if own, ok := c.channels[strings.ToLower(word)]; ok {
			return own
		}
		return c.network
	}
	return c.network
}

// decoder reads lines that are not UTF-8.
func (u *User) decoder(scope store.Scope) func([]byte) []byte {
	chosen := u.charsets(setEncodingIn, scope)
	return func(line []byte) []byte { return translate.Decode(line, chosen.of(string(line))) }
}

// encoder writes lines where UTF-8 was not chosen; nil is UTF-8 everywhere.
func (u *User) encoder(scope store.Scope) func(string) []byte {
	chosen := u.charsets(setEncodingOut, scope)
	if chosen.network == "" && len(chosen.channels) == 0 {
		return nil
	}
	return func(line string) []byte { return translate.Encode(line, chosen.of(line)) }
}

// afterConnect are the lines to send when the server has accepted us. They may
// name the nick, the account and its password.
func (u *User) afterConnect(scope store.Scope, nick string) []ircconn.Line {
	account := u.value(setSASLAccount, scope)
	if account == "" {
		account = nick
	}
	replace := strings.NewReplacer("{nick}", nick, "{account}", account, "{password}", u.value(setSASLPassword, scope))
	var lines []ircconn.Line
	for _, text := range u.values(setAfterConnect, scope) {
		line, err := ircconn.ParseLine(replace.Replace(text))
		if err != nil {
			u.log().Warn("an after-connection command is no line of IRC", "network", scope.Server)
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// setSTS keeps what hosts want of how they are connected to (IRCv3 sts), for each
// user as "host port time", whatever name a network has for them.
const setSTS = "sts"

// stsLimit is how many hosts' wishes are kept for a user.
const stsLimit = 100

// strictTransport is what the first of some hosts that wants something wants, as
// long as that holds.
func (u *User) strictTransport(addresses []ircconn.Address) ircconn.STSPolicy {
	for _, text := range u.chosen[u.scope(translate.Address{})][setSTS] {
		fields := strings.Fields(text)
		if len(fields) != 3 {
			continue
		}
		port, err := strconv.Atoi(fields[1])
		until, timeErr := parseStamp(fields[2])
		if err != nil || timeErr != nil || u.g.now().After(until) {
			continue
		}
		for _, address := range addresses {
			if strings.EqualFold(address.Host, fields[0]) {
				return ircconn.STSPolicy{Host: address.Host, Port: port}
			}
		}
	}
	return ircconn.STSPolicy{}
}

// onSTS keeps what a host wants of the next connections.
func (n *Network) onSTS(ev ircconn.STSReceived) {
	if !ev.Secure || ev.Host == "" {
		return
	}
	u := n.u
	scope := u.scope(translate.Address{})
	var kept []string
	for _, text := range u.chosen[scope][setSTS] {
		if host, _, _ := strings.Cut(text, " "); !strings.EqualFold(host, ev.Host) && len(kept) < stsLimit {
			kept = append(kept, text)
		}
	}
	if ev.Duration > 0 {
		kept = append(kept, fmt.Sprintf("%s %d %s", ev.Host, ev.Port, stamp(u.g.now().Add(ev.Duration))))
	}
	if err := u.choose(scope, store.Settings{setSTS: kept}); err != nil {
		n.log().Warn("the server's policy on encryption was not kept", "error", err)
	}
}

// onLoggedIn and onLoggedOut tell which account counts.
func (n *Network) onLoggedIn(ev ircconn.LoggedIn) {
	n.tell("You are logged in to " + n.name + " as " + ev.Account + ".")
}

func (n *Network) onLoggedOut(ircconn.LoggedOut) {
	n.tell("You are not logged in to " + n.name + " any more.")
}

// usualPorts are those that IRC servers are looked for at: with TLS (RFC 7194) and
// without, and the second one with TLS of networks of old. biboumi stores them as the
// choice of everybody who saved its form once.
var usualPorts = map[bool][]int{true: {tlsPort, 6670}, false: {6667}}

// goesElsewhere reports whether what the user chose leads to another host than the
// admin's, or to a port that is neither the admin's nor a usual one.
func (u *User) goesElsewhere(scope store.Scope) bool {
	if !u.choosesAddress(scope) {
		return false
	}
	configured := u.g.live().Servers.addresses(scope.Server)
	return slices.ContainsFunc(u.addresses(scope), func(chosen ircconn.Address) bool {
		return !slices.ContainsFunc(configured, func(known ircconn.Address) bool {
			isSamePort := known.Port == chosen.Port && known.TLS == chosen.TLS
			return strings.EqualFold(known.Host, chosen.Host) && (isSamePort || slices.Contains(usualPorts[chosen.TLS], chosen.Port))
		})
	})
}

// trustsLess reports whether the user takes certificates that the admin's way to a
// server does not: secrets of the admin's are not for whoever shows one.
func (u *User) trustsLess(scope store.Scope) bool {
	verify, said := parseBoolean(u.value(setVerify, scope))
	return said && !verify || len(u.values(setFingerprint, scope)) > 0
}

// useAdminsWay has a connection made as the admin wants connections to a server
// made, unless it leads elsewhere.
func (u *User) useAdminsWay(options *ircconn.Options, scope store.Scope) {
	server := u.g.live().Servers[scope.Server]
	if server == nil || u.goesElsewhere(scope) {
		return
	}
	options.Proxy = server.Proxy
	if server.Source.IsValid() {
		options.SourceAddress = u.g.addressIn(server.Source, u.jid)
	}
	if !u.trustsLess(scope) {
		options.WEBIRC = u.g.webirc(server, u.jid)
	}
}

// letsChooseAddresses reports whether users may say where a server is. Where the
// admin listed the servers that may be connected to, they may not.
func (g *Gateway) letsChooseAddresses() bool {
	return !g.live().ListedServersOnly && g.addressing.Fixed == ""
}

// choosesAddress reports whether the user says where a server is.
func (u *User) choosesAddress(scope store.Scope) bool {
	if !u.g.letsChooseAddresses() {
		return false
	}
	return len(u.values(setAddress, scope)) > 0 || len(u.values(setTLSPorts, scope)) > 0 || len(u.values(setPorts, scope)) > 0
}

// addresses returns where to find a server, in the order in which to try: the
// hosts that the user chose, or the admin, or the one of that name; on the ports
// that the user chose, with TLS first, or the admin's, or 6697 with TLS. Without
// TLS only where the user or the admin chose so.
func (u *User) addresses(scope store.Scope) []ircconn.Address {
	hosts, secure, plain := u.values(setAddress, scope), u.values(setTLSPorts, scope), u.values(setPorts, scope)
	configured := u.g.live().Servers.addresses(scope.Server)
	if !u.choosesAddress(scope) {
		return configured
	}
	if len(hosts) == 0 {
		for _, address := range configured {
			hosts = append(hosts, address.Host)
		}
	}
	if len(secure) == 0 && len(plain) == 0 {
		secure = []string{strconv.Itoa(tlsPort)}
	}
	var addresses []ircconn.Address
	for _, ports := range []struct {
		list []string
		tls  bool
	}{{secure, true}, {plain, false}} {
		for _, host := range hosts {
			for _, text := range ports.list {
				if port, err := strconv.Atoi(text); err == nil {
					addresses = append(addresses, ircconn.Address{Host: host, Port: port, TLS: ports.tls})
				}
			}
		}
	}
	return addresses
}
