// Package store keeps what must survive a restart. It owns the data directory:
// it creates it (0700) and the key file in it (0600), and locks it so that two
// gateways never share one.
//
// A Store may be used from any goroutine. It refuses a directory that another
// process uses, one it cannot write to, and a key file that is damaged or that
// others may read; each refusal says what to do.
package store
