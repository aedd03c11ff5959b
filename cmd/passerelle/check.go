package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"time"

	"passerelle/component"
	"passerelle/store"
)

// checkTime is how long the check may take, what it finds out about federation not
// counted.
const checkTime = 30 * time.Second

// check tries all that the gateway needs, says what works, and returns an error
// when something does not. Two things are reported but never an error: fewer open
// files than the limit of connections needs, which few users never meet, and how it
// looks to the servers of other domains, for a gateway may be for those of one. resolver is the DNS server to ask about that (host:port), or "".
func check(cfg *config, resolver string, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTime+federationTime)
	defer cancel()
	var federation *findings
	steps := []struct {
		name string
		try  func(context.Context, *config) error
	}{
		{"the configuration is complete", func(context.Context, *config) error { return nil }},
		{"all host names can be resolved", checkNames},
		{"the data directory can be used", checkStore},
		{"the XMPP server accepts the component, or has it already", func(ctx context.Context, cfg *config) error {
			return checkStream(ctx, cfg, func() { federation = lookAtFederation(ctx, cfg, resolver) })
		}},
	}
	failed := 0
	for _, step := range steps {
		if err := step.try(ctx, cfg); err != nil {
			failed++
			fmt.Fprintf(stdout, "FAULT  %s: no\n       %v\n", step.name, err)
			continue
		}
		fmt.Fprintf(stdout, "ok     %s\n", step.name)
	}
	if federation == nil {
		federation = lookAtFederation(ctx, cfg, resolver)
	}
	if shortage := fileShortage(cfg.Gateway.Limits.Connections); shortage != "" {
		fmt.Fprintf(stdout, "warn   too few open files: %s\n", shortage)
	}
	for _, line := range federation.lines {
		fmt.Fprintln(stdout, line)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks found a fault", failed, len(steps))
	}
	return nil
}

// checkNames resolves the XMPP server's host and every host of irc.servers.
func checkNames(ctx context.Context, cfg *config) error {
	var hosts []string
	if address, err := url.Parse(cfg.Component.Address); err == nil && address.Hostname() != "" {
		hosts = append(hosts, address.Hostname())
	}
	for _, server := range cfg.servers {
		for _, address := range server.Addresses {
			hosts = append(hosts, address.Host)
		}
	}
	slices.Sort(hosts)
	var faults []error
	for _, host := range slices.Compact(hosts) {
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			faults = append(faults, fmt.Errorf("%s is not found: check its spelling and the resolver of this machine (%w)", host, err))
		}
	}
	return errors.Join(faults...)
}

func checkStore(_ context.Context, cfg *config) error {
	data, err := store.Open(cfg.Store, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return data.Close()
}

// checkStream calls during while the stream is open, for ejabberd answers for a
// component only as long as that is connected.
func checkStream(ctx context.Context, cfg *config, during func()) error {
	err := component.New(cfg.Component.Config, nil, slog.New(slog.DiscardHandler)).Check(ctx, during)
	var start *component.StartError
	if errors.As(err, &start) && start.Condition == "conflict" {
		return nil // who is connected already has given the same secret
	}
	return err
}
