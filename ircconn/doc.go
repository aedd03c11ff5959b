// Package ircconn is one IRC client connection: it dials, registers, turns
// what the server says into typed events and writes paced lines.
//
// # What it owns
//
// A connection owns its socket and the way to the server (addresses, source
// address, proxy, trust), the negotiation of capabilities, the login, the choice
// of a nick at registration, ISUPPORT, open batches and the lists that arrive in
// several lines. It knows nothing of channels and their members: those belong
// to the receiver of the events. What it has learned leaves only inside events,
// as immutable snapshots ([Support], [Caps]). What outlives a connection, such
// as a policy of transport security, is handed over in an event and comes back
// in the [Options] of the next. An [Identd] is shared by all connections; it has
// goroutines of its own, one for each server that asks.
//
// # Goroutines
//
// One goroutine at a time works for a connection: it dials, reads, parses and calls
// the [Sink], and leaves it when there is nothing more to read. The connection then is a
// place in the table of a [Poller], whose one goroutine waits for all servers and
// calls one of a few others when something has arrived or a deadline has passed; pings
// and timeouts are such deadlines. Without a Poller the connection waits on a goroutine,
// and its deadlines are those of its socket. What the sink wants done afterwards
// ([Conn.Afterwards]) is done by the goroutine that has read. Another one exists only
// while lines wait to be written.
// Events come one at a time and in order; the sink may wait, which makes the
// reader wait and TCP slow that one server. [Conn.Queue], [Conn.Flush], [Conn.Quit]
// and [Conn.Close] may be called from everywhere and never wait.
//
// While nothing arrives a connection holds no read buffer. The strings of an
// event are parts of the line they came in: who keeps a short one for long
// should clone it.
//
// # What it refuses
//
// A connection leads where its [Destinations] allow, which is checked on the very
// address dialled. A line that could be read as two, or that is too long, never
// leaves: Queue refuses the whole call with an [Error]. Encryption is never given
// up: an ircs address speaks TLS with a verified certificate, or the one that its
// fingerprint names, or not at all; a server that asks for TLS (IRCv3 sts) is
// not spoken to without again. Passwords of accounts do not go in the clear,
// and a login that is required and does not happen is no connection: either
// only where the options say otherwise. What a server can make the connection
// hold is bounded: the length of a line and of a name, open batches, entries of
// lists, lines of the message of the day, ISUPPORT tokens. All together it is 2
// MiB at most, which a test measures under a table of floods. A line that is
// malformed, or has too few parameters, is never a reason to disconnect after
// registration.
package ircconn
