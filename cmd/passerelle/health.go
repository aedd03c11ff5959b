package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"passerelle/gateway"
	"passerelle/monitor"
)

// pulse is the gateway with an eye on whether its stream is up.
type pulse struct {
	*gateway.Gateway
	notify *notifier
	up     atomic.Bool
}

// StreamUp implements component.Handler.
func (p *pulse) StreamUp() {
	p.up.Store(true)
	p.notify.send("STATUS=Connected to the XMPP server")
	p.Gateway.StreamUp()
}

// StreamDown implements component.Handler.
func (p *pulse) StreamDown(err error, heard time.Time) {
	p.up.Store(false)
	p.notify.send("STATUS=" + waitingStatus)
	p.Gateway.StreamDown(err, heard)
}

// serveHTTP serves what an admin may ask for, and returns what ends it. Without an
// address there is nothing.
func serveHTTP(listen string, handler *monitor.Handler, log *slog.Logger) (func(), error) {
	if listen == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	server := handler.Server()
	ctx, cancel := context.WithCancel(context.Background())
	go handler.Watch(ctx)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("health, metrics and status are no longer served", "error", err)
		}
	}()
	return func() {
		cancel()
		_ = server.Close()
	}, nil
}

// health asks the gateway that runs with this configuration whether it is well.
func health(cfg *config, stdout, _ io.Writer) error {
	if cfg.HTTP.Listen == "" {
		return errors.New("http.listen is not set, so nobody can be asked")
	}
	host, port, err := net.SplitHostPort(cfg.HTTP.Listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1000))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the gateway is not well: %s", text)
	}
	_, err = stdout.Write(text)
	return err
}
