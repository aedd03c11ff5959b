// Package translate has the pure functions between the two worlds: addresses,
// nicks, roles, refusals, formatting, character sets and line lengths.
//
// It knows neither sockets nor the types of the XMPP and the IRC side: strings,
// bytes and small value types go in, the same come out. Nothing here keeps
// state, waits, logs or starts a goroutine, so every function may be called
// from any goroutine.
//
// What it refuses: an address without a meaning (ErrAddress), a role or
// affiliation that a network has no mode for (ErrNoSuchMode).
package translate
