package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"passerelle/component"
	"passerelle/gateway"
	"passerelle/ircconn"
	"passerelle/monitor"
	"passerelle/store"
)

// shutdownTime is how long leaving all rooms and servers may take. The stream
// then has one second more for what is queued.
const shutdownTime = 1800 * time.Millisecond

// run serves until SIGTERM or SIGINT. A second signal ends it at once.
func run(cfg *config, _, stderr io.Writer) error {
	pace, stop := keepMemorySmall(os.Getenv("GOGC"))
	defer stop()
	level := new(slog.LevelVar)
	problems := new(monitor.Problems)
	log := slog.New(problems.Handler(newLogger(cfg.Log, level, stderr).Handler()))
	data, err := store.Open(cfg.Store, log)
	if err != nil {
		return err
	}
	defer data.Close()
	key, err := data.Key("occupant-id")
	if err != nil {
		return err
	}
	identd, stopIdentd, err := serveIdentd(cfg.IRC.IdentdListen, log)
	if err != nil {
		return err
	}
	defer stopIdentd()
	poller, err := ircconn.NewPoller()
	if err != nil {
		return err
	}
	defer poller.Close()
	again := &reloader{running: cfg, level: level}
	signals := make(chan os.Signal, 2)
	g := gateway.New(gateway.Options{
		Config: cfg.Gateway, Domain: cfg.Component.Hostname, Version: programVersion(),
		Servers: cfg.servers, IRC: cfg.IRC.Config, Store: data, OccupantKey: key, Log: log,
		Identd: identd, Poller: poller, Reload: again.reload, Stop: func() { signals <- syscall.SIGTERM }, LogLevel: level, Grows: pace.grows,
	})
	again.gateway = g
	pulse := &pulse{Gateway: g, notify: newNotifier(os.Getenv("NOTIFY_SOCKET"), log)}
	conn := component.New(cfg.Component.Config, pulse, log)
	g.Attach(conn)

	stopHTTP, err := serveHTTP(cfg.HTTP.Listen, monitor.NewHandler(cfg.HTTP, monitor.Sources{
		Version: programVersion(), Started: time.Now(), Domain: cfg.Component.Hostname, StreamUp: pulse.up.Load,
		Gateway: g.Stats, Online: g.Online, Component: conn.Stats, Store: data.Stats, Answers: data.Answers, Problems: problems,
	}, log), log)
	if err != nil {
		return err
	}
	defer stopHTTP()
	log.Info("starting", "version", programVersion(), "domain", cfg.Component.Hostname, "server", cfg.Component.Address)
	if shortage := fileShortage(cfg.Gateway.Limits.Connections); shortage != "" {
		log.Warn("there may be too few open files", "reason", shortage)
	}
	pulse.notify.send("STATUS=" + waitingStatus)
	stopWatchdog := pulse.notify.keepAlive(os.Getenv("WATCHDOG_USEC"), func() { g.Users() })
	defer stopWatchdog()
	return serve(pulse, conn, again, signals, log)
}

// serve runs the stream until a signal comes, and then ends well.
func serve(pulse *pulse, conn *component.Conn, again *reloader, signals chan os.Signal, log *slog.Logger) error {
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	go again.onSignal(ctx, hangups, log)
	steps := make(chan os.Signal, 1)
	signal.Notify(steps, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(steps)
	go changeLevel(ctx, steps, again.level, log)
	go func() {
		select {
		case <-ctx.Done():
		case <-conn.Tried():
			pulse.notify.send("READY=1")
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- conn.Run(ctx) }()

	select {
	case err := <-ended:
		return startFault(err)
	case received := <-signals:
		log.Info("going down", "signal", received.String())
		pulse.notify.send("STOPPING=1")
	}
	go func() {
		<-signals
		log.Warn("going down at once")
		os.Exit(1)
	}()
	deadline, done := context.WithTimeout(ctx, shutdownTime)
	pulse.Shutdown(deadline)
	done()
	cancel()
	return startFault(<-ended)
}

// serveIdentd answers IRC servers that ask who a connection is for (RFC 1413),
// and returns what ends it. Without an address there is none.
func serveIdentd(listen string, log *slog.Logger) (*ircconn.Identd, func(), error) {
	if listen == "" {
		return nil, func() {}, nil
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, nil, fmt.Errorf("irc.identd_listen: %w", err)
	}
	identd := ircconn.NewIdentd(log)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if err := identd.Serve(ctx, listener); err != nil && ctx.Err() == nil {
			log.Error("identities are no longer served", "error", err)
		}
	}()
	return identd, cancel, nil
}

// startFault is the one line about a stream that cannot begin.
func startFault(err error) error {
	var start *component.StartError
	if errors.As(err, &start) {
		return fmt.Errorf("cannot connect to the XMPP server: %w", err)
	}
	return err
}
