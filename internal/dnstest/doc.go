// Package dnstest is a DNS server for tests: it answers over UDP on the loopback
// with the records it was given, and with NXDOMAIN for every other name. It has one
// goroutine, which Close ends, and refuses what is not a query.
package dnstest
