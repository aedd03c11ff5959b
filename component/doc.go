// Package component is the XEP-0114 stream between passerelle and its host
// server: it connects, stays connected, hands in every stanza that arrives and
// sends whole stanzas out.
//
// # What it owns
//
// A [Conn] owns one connection at a time and all that belongs to it. The
// goroutine that calls [Conn.Run] is the reader: it dials, does the handshake,
// reads, and calls the [Handler]. One writer goroutine per connection owns the
// output side of the socket; one more watches that the peer is alive. All of
// them have ended when Run returns.
//
// Stanzas come in as a [Stanza], a tree that is never written again after it
// was handed over, and go out as bytes made with an [Encoder]. [JID] is the
// address as it stands on the wire.
//
// # What it promises
//
//   - The reader waits for nothing but its socket: the handler must not block,
//     and what the package itself sends while reading is offered, not awaited.
//   - Memory is bounded: by the size, depth and attribute limits of [Config] on
//     the way in, by the limits of [Conn.Send] and [Conn.Offer] on the way out.
//   - Characters that XML forbids never leave, whatever a caller passes.
//
// # What it refuses
//
// It reads the restricted XML of RFC 6120 §11.1: no comments, processing
// instructions, document types or entities beyond the five of XML. Malformed
// XML ends the stream, and a new one is opened. A stanza beyond the limits is
// skipped and answered with a policy-violation. Stanzas without usable
// addresses, or to a domain that is not ours, are dropped and logged.
// Stanzas whose sender is not in our domain are not sent, because the host
// server would close the stream for everybody.
//
// The package does not prepare addresses (the host server has done that), does
// not match the answers to IQs other than its own pings, and stores nothing:
// what was queued when a stream is lost is gone.
package component
