// Package loadtest measures passerelle as a whole: it starts the program as it is
// shipped between an XMPP server and an IRC server that only pretend, lets users
// come, talk and leave, and reads from the kernel what that cost.
//
// A stage owns one running gateway and both servers; each scenario gets a fresh
// one. The servers answer at once, keep nothing but what they need to answer, and
// run in the process of the benchmark, whose work is not counted. Each IRC
// connection and the one XMPP stream has a goroutine that reads it; what a
// scenario waits for is counted on the goroutine of the XMPP stream.
//
// Scenarios are in the table of benchmark.go, growth curves in growth.go, and what
// the gateway costs beside a real XMPP server with real clients in hosts.go.
//
// It refuses to wait without an end: a scenario in which nothing has happened for a
// minute is an error that says what the gateway wrote last.
package loadtest
