// Package harness starts the real servers that passerelle stands between, for the
// end-to-end tests and for the demo: Prosody and ejabberd on the XMPP side, InspIRCd
// and ngIRCd on the IRC side, PostgreSQL to keep archives in, biboumi to move in from, and
// passerelle itself.
//
// A Workspace owns one temporary folder, one certificate authority and every process
// started in it. Each server listens on free loopback ports, keeps all its files in its
// own folder beneath the workspace, and is a child in a process group of its own that
// ends with the workspace, or with this process when that one is killed. Nothing of an
// installed system service is read, changed or disturbed, and any user can run it, root
// included.
//
// A server program that is not installed is an error that names the Debian package to
// install, never a reason to skip. A server counts as started when it accepts a
// connection.
//
// All methods may be called from any goroutine. The package refuses to wait without a
// limit: each start and each stop has a deadline.
package harness
