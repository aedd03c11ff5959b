package main

import (
	"fmt"
	"syscall"
)

// otherFiles is how many files are open beside one for each connection to IRC: the
// database, the stream, HTTP, DNS, and second addresses of servers that are tried.
const otherFiles = 100

// fileShortage says in words that this process may have fewer files open than so many
// connections to IRC need, and what to do; it is "" when that is not so. The soft
// limit needs no attention: Go's runtime has raised it to the hard one (package os).
// connections is gateway.limits.connections, of which 0 is no limit.
func fileShortage(connections int) string {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Sprintf("the system does not say how many files may be open: %v", err)
	}
	if connections == 0 || limit.Cur >= uint64(connections+otherFiles) {
		return ""
	}
	return fmt.Sprintf("this process may have %d files open, and %d connections (gateway.limits.connections) need %d:"+
		" raise the hard limit (LimitNOFILE= in systemd, ulimits in a container, ulimit -Hn in a shell), or lower gateway.limits.connections",
		limit.Cur, connections, connections+otherFiles)
}
