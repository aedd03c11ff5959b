// Package store keeps what must survive a restart: settings, the archive of
// messages, the users' contacts and what admins have blocked. It owns the data directory, which it creates
// (0700) with the key file in it (0600), and locks so that two gateways never
// share one; and the database, a SQLite file there or a PostgreSQL database. It is
// the only package with SQL.
//
// A Store may be used from any goroutine. One goroutine, the writer, makes every
// change of the database. Lines of the archive wait for it in a bounded queue, of
// which no user gets all, and nobody waits for them; who has more than their share in
// it waits until it has room, for two seconds at most. The writer writes many in one
// transaction, at least every 100 milliseconds, and first into a table that only
// grows, from which they are put in their place many at a time. Whoever pages through
// an archive finds its lines in either; whoever looks for some of them has them put in
// their place before. Changes of settings and contacts wait for their transaction.
// Queries run on connections of their own while the writer writes. A second goroutine
// looks for lines to remove, every ten minutes, and has the writer remove a few at a
// time.
//
// When the database cannot be written, the writer tries again every second; lines
// wait in the queue, and those that find it full are lost at once, counted, and told to
// OnGap's function when writing works again. Settings are refused with an error
// meanwhile, and not changed later; queries answer with what was written before.
//
// A Biboumi is another gateway's database, read for moving in and never written;
// it has no goroutine and nothing to do with a Store.
//
// It refuses a directory or PostgreSQL database that another gateway uses, one it
// cannot write to, a key file that is damaged or that others may read, and a
// database of a newer schema; each refusal says what to do. It knows nothing of
// XMPP and IRC: names, addresses and payloads are compared and kept as they are.
package store
