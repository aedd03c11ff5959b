package ircconn

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net/netip"
	"strings"
)

// line is what tells a server about the user, before everything else (IRCv3
// webirc). certificate is the one we show to the server, or nil.
func (w *WEBIRC) line(address Address, certificate *tls.Certificate) Line {
	ip := webircAddress(w.Address)
	params := []string{w.Password, w.Gateway, orElse(w.Host, ip), ip}
	if address.TLS {
		flags := "secure"
		if certificate != nil && len(certificate.Certificate) > 0 {
			// COMPAT: InspIRCd forgets the certificate of a connection that says
			// WEBIRC, and with it the account. With <sslinfo hash="sha-256"> it
			// believes this instead.
			digest := sha256.Sum256(certificate.Certificate[0])
			flags += " certfp-sha-256=" + hex.EncodeToString(digest[:])
		}
		params = append(params, flags)
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
