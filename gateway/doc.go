// Package gateway is the only room that knows both sides: it turns what XMPP
// users do into IRC and what happens on IRC into XMPP.
//
// # Who owns what
//
// A User is everything that one bare JID has here: its networks, their
// channels, the members of those, and the questions that wait for an answer.
// Five rules keep users apart and their state simple:
//
//  1. State beneath a User is touched only by that user's goroutine (User.run).
//     What ircconn learns travels inside events, as immutable snapshots.
//  2. The component reader never waits. A user has two inlets: stanzas, where
//     a full inlet refuses with resource-constraint, and events (IRC readers
//     and timers), where the sender waits. One mailbox for both would let an
//     IRC flood starve the user's own stanzas.
//  3. An IRC reader may wait for its own user only; TCP then slows that one
//     server.
//  4. A user never waits for IRC: a full outgoing queue is an error that the
//     sender sees, and a message of several lines is queued whole or not at
//     all.
//  5. Closing never waits, and an event of an old connection is dropped. A
//     panic is caught per user, logged with its stack, counted, told to that
//     user, and ends that user only.
//
// A user has a goroutine only while something waits in its inlets: one of a few that
// do the work of all users (package crew), or the one that has read lines of IRC. Who has
// had more done than their share pauses, without a goroutine (effort.go).
//
// # The two paths
//
// IRC to XMPP: Network.handle finds the handler of an event in dispatch.go, the
// concept's file (message.go, nick.go, …) writes stanzas into the user's
// encoder, and User.flush hands them to the component.
//
// XMPP to IRC: Gateway.HandleStanza finds the user by bare JID,
// User.handleStanza parses the address and finds the handler in dispatch.go
// or, for IQs, in the list of features (feature.go), and the concept's file
// queues lines with Network.send.
//
// A handler returns an error; reply.go turns it into the stanza error that its
// sender gets. No other file writes one.
//
// # What others may see
//
// What is counted is in stats.go: atomics that users' goroutines add to, of which
// Gateway.Stats makes a snapshot on any goroutine. What is counted on the way of
// each line or stanza is spread over several, so that users do not wait for each
// other's processors; sums over rooms are brought up to date when a user's
// goroutine has done a round of work. Loggers of a user pass through a tracer
// (trace.go), which lets everything through while an admin traces that user.
//
// # What it refuses
//
// Stanzas to addresses that mean nothing, encrypted messages, messages of more
// lines than Config.MaxLines, unknown requests, and everything once Shutdown
// has begun. Users, servers and destinations that the admin denies (access.go) or
// has blocked (blocks.go); what denies them later ends what they have. More than
// the limits of Config.Limits (limits.go), each by its name. What needs the store
// while that does not answer (patience.go).
package gateway
