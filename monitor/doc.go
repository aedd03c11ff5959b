// Package monitor is what an admin sees of a running gateway from outside of XMPP:
// metrics for Prometheus, whether it is alive and ready, a status page, profiles
// where they are wanted, and all of it over one HTTP listener.
//
// It owns nothing of the gateway: each request takes snapshots (Sources), which
// never wait for a user. Labels of metrics come from fixed lists and from the
// networks in the configuration, so that there is an end to them; there is no JID
// and no nick among them.
//
// It keeps the last hour in 60 samples, which the goroutine of Handler.Watch takes,
// and the last warnings and errors of the log. The status page shows neither who
// they are about nor the error's own words, which may name people, unless the asker
// has the token of the configuration.
//
// A Handler and Problems may be used from any goroutine.
package monitor
