package main

import (
	"log/slog"
	"net"
	"strconv"
	"time"
)

// waitingStatus is what systemctl shows while there is no stream.
const waitingStatus = "Waiting for the XMPP server"

// notifier tells systemd how the service is (sd_notify(3)). A nil one tells nobody.
// It may be used from any goroutine.
type notifier struct {
	conn net.Conn
	log  *slog.Logger
}

// newNotifier writes to the socket that NOTIFY_SOCKET names, a path or, with @, an
// abstract name. It returns nil when there is none.
func newNotifier(socket string, log *slog.Logger) *notifier {
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		log.Warn("systemd cannot be told how the service is", "error", err)
		return nil
	}
	return &notifier{conn: conn, log: log}
}

// send sends assignments such as READY=1, a line each.
func (n *notifier) send(state string) {
	if n == nil {
		return
	}
	if _, err := n.conn.Write([]byte(state)); err != nil {
		n.log.Warn("systemd was not told how the service is", "state", state, "error", err)
	}
}

// keepAlive says that we live, twice in each interval of WATCHDOG_USEC, as long as
// probe returns. What it returns ends that.
func (n *notifier) keepAlive(interval string, probe func()) func() {
	microseconds, err := strconv.ParseInt(interval, 10, 64)
	if n == nil || err != nil || microseconds < 2 {
		return func() {}
	}
	stop := make(chan struct{})
	go func() {
		ticker := time.NewTicker(time.Duration(microseconds) * time.Microsecond / 2)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				probe()
				n.send("WATCHDOG=1")
			}
		}
	}()
	return func() { close(stop) }
}
