// Package xmppclient is an XMPP client for tests and for the demo, on mellium's client
// session, which is independent of the code that it tests.
//
// It sends stanzas as they are given, reads all the time, and waits for the stanzas that it
// is told to expect. It interprets nothing: room names that mellium's address parser would
// refuse pass through, and what a test sees is what the server sent. An IQ request that the
// test does not answer is answered with service-unavailable, as every client does.
//
// Methods may be called from any goroutine.
package xmppclient
