package gateway

import (
	"strconv"

	"passerelle/ircconn"
	"passerelle/store"
	"passerelle/translate"
)

// connectionOptions are what one connection is made with: what the user chose
// for the network, and what the admin did for the rest.
func (u *User) connectionOptions(scope store.Scope, nick string) ircconn.Options {
	name, realName := u.value(setUsername, scope), u.value(setRealName, scope)
	if name == "" {
		name = nick
	}
	if realName == "" {
		realName = nick
	}
	charset := u.value(setEncodingIn, scope)
	return ircconn.Options{
		Addresses:        u.addresses(scope),
		Nick:             nick,
		AlternativeNicks: u.values(setOtherNicks, scope),
		Username:         username(name),
		RealName:         realName,
		Password:         u.value(setPassword, scope),
		Decode:           func(line []byte) []byte { return translate.Decode(line, charset) },
	}
}

// addresses returns where to find a server, in the order in which to try: the
// hosts that the user chose, or the admin, or the one of that name; on the ports
// that the user chose, with TLS first, or the admin's, or 6697 with TLS. Without
// TLS only where the user or the admin chose so.
func (u *User) addresses(scope store.Scope) []ircconn.Address {
	hosts, secure, plain := u.values(setAddress, scope), u.values(setTLSPorts, scope), u.values(setPorts, scope)
	configured := u.g.live().Servers.addresses(scope.Server)
	if len(hosts) == 0 && len(secure) == 0 && len(plain) == 0 {
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
