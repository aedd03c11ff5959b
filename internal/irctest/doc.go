// Package irctest is a scripted IRC server for tests: a test accepts a
// connection and plays the server's part line by line, so that it can also
// say what no real server would.
//
// Everything is called on the test's goroutine and ends the test when the other
// side does something else than the script expects. Nothing answers by itself,
// not even PING.
package irctest
