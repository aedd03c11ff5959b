// Package faults proves what people notice when something breaks: servers that
// are killed, stopped, cut off and started again beneath people who talk.
//
// Its tests need the build tag e2e, and the servers that the end-to-end tests
// need. Each has a gateway and an IRC server of its own, which it may break.
package faults
