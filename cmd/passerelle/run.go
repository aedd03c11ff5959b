package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"passerelle/component"
	"passerelle/gateway"
	"passerelle/store"
)

// shutdownTime is how long leaving all rooms and servers may take. The stream
// then has one second more for what is queued.
const shutdownTime = 1800 * time.Millisecond

// run serves until SIGTERM or SIGINT. A second signal ends it at once.
func run(cfg *config, _, stderr io.Writer) error {
	log := newLogger(cfg.Log, stderr)
	data, err := store.Open(cfg.Store, log)
	if err != nil {
		return err
	}
	defer data.Close()
	key, err := data.Key("occupant-id")
	if err != nil {
		return err
	}
	again := &reloader{running: cfg}
	signals := make(chan os.Signal, 2)
	g := gateway.New(gateway.Options{
		Config: cfg.Gateway, Domain: cfg.Component.Hostname, Version: programVersion(),
		Servers: cfg.servers, IRC: cfg.IRC.Config, Store: data, OccupantKey: key, Log: log,
		Reload: again.reload, Stop: func() { signals <- syscall.SIGTERM },
	})
	again.gateway = g
	pulse := &pulse{Gateway: g}
	conn := component.New(cfg.Component.Config, pulse, log)
	g.Attach(conn)

	stopHealth, err := serveHealth(cfg.HTTP.Listen, pulse, log)
	if err != nil {
		return err
	}
	defer stopHealth()
	log.Info("starting", "version", programVersion(), "domain", cfg.Component.Hostname, "server", cfg.Component.Address)
	return serve(g, conn, again, signals, log)
}

// serve runs the stream until a signal comes, and then ends well.
func serve(g *gateway.Gateway, conn *component.Conn, again *reloader, signals chan os.Signal, log *slog.Logger) error {
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	go again.onSignal(ctx, hangups, log)
	ended := make(chan error, 1)
	go func() { ended <- conn.Run(ctx) }()

	select {
	case err := <-ended:
		return startFault(err)
	case received := <-signals:
		log.Info("going down", "signal", received.String())
	}
	go func() {
		<-signals
		log.Warn("going down at once")
		os.Exit(1)
	}()
	deadline, done := context.WithTimeout(ctx, shutdownTime)
	g.Shutdown(deadline)
	done()
	cancel()
	return startFault(<-ended)
}

// startFault is the one line about a stream that cannot begin.
func startFault(err error) error {
	var start *component.StartError
	if errors.As(err, &start) {
		return fmt.Errorf("cannot connect to the XMPP server: %w", err)
	}
	return err
}
