// Command demo shows passerelle at work on one machine: it starts Prosody, InspIRCd and
// passerelle in a temporary folder on loopback ports, lets an XMPP client and an IRC client
// talk through them, prints what each of them sees, and then stays up so that one can join
// with a client of one's own. "make demo" runs it; it is no part of the shipped program.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var options options
	flag.StringVar(&options.program, "passerelle", "bin/passerelle", "path of the passerelle `binary`")
	flag.BoolVar(&options.once, "once", false, "end after the conversation")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, newScreen(os.Stdout), options); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
