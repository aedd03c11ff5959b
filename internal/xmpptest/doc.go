// Package xmpptest is a scripted XMPP server for unit tests: it accepts
// components (XEP-0114), does their handshake or refuses it, and then sends and
// expects exactly what the test says. It answers nothing on its own.
//
// A Server owns its listener, one goroutine that accepts, and one that reads for
// each connection; all end with the test. The methods are called by the test's
// goroutine. It refuses nothing that is well-formed and judges no stanza: it is no
// XMPP server.
package xmpptest
