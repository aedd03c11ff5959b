// Package monitor is what an admin sees of a running gateway from outside of XMPP:
// metrics for Prometheus, whether it is alive and ready, profiles where they are
// wanted, and all of it over one HTTP listener.
//
// It owns nothing of the gateway: each request takes snapshots (Sources), which
// never wait for a user. Labels of metrics come from fixed lists and from the
// networks in the configuration, so that there is an end to them; there is no JID
// and no nick among them.
//
// A Handler may be used from any goroutine.
package monitor
