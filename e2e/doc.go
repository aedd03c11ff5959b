// Package e2e proves what passerelle does, one scenario per behaviour, with a real XMPP
// server, a real IRC server and a client on each side.
//
// The scenarios are tests with the build tag e2e. The servers and one passerelle in front of
// each XMPP server are started once and shared (world_test.go); every scenario has accounts,
// nicks and a channel of its own, so scenarios run at the same time. Those that break
// something, such as a connection, start a passerelle of their own.
//
// No scenario waits for time to pass: each step waits for the stanza or the line that proves
// it. That something is not sent is proved by a later stanza or line that was.
package e2e
