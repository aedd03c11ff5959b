package ircconn

import (
	"net/netip"
	"strings"
)

// line is what tells a server about the user, before everything else (IRCv3
// webirc).
func (w *WEBIRC) line(address Address) Line {
	ip := webircAddress(w.Address)
	params := []string{w.Password, w.Gateway, orElse(w.Host, ip), ip}
	if address.TLS {
		params = append(params, "secure")
	}
	return newLine("WEBIRC", params...)
}

// webircAddress writes an address so that it does not begin with a colon, which
// in IRC begins the last parameter.
func webircAddress(address netip.Addr) string {
	text := address.Unmap().WithZone("").String()
	if strings.HasPrefix(text, ":") {
		return "0" + text
	}
	return text
}
