package loadtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"passerelle/internal/harness"
	"passerelle/internal/harness/xmppclient"
)

// The size of what passes through a real XMPP server.
const (
	hostClients  = 100
	hostMessages = 200 // to each client
)

// hosts measures what the gateway costs beside the XMPP server that it serves.
func (b *Benchmark) hosts(ctx context.Context) error {
	for _, host := range []struct {
		name  string
		start func(*harness.Workspace, context.Context, ...string) (*harness.XMPPServer, error)
	}{
		{"Prosody", (*harness.Workspace).StartProsody}, {"ejabberd", (*harness.Workspace).StartEjabberd},
	} {
		server, err := host.start(b.workspace, ctx, gatewayDomain)
		if err != nil {
			return err
		}
		err = b.through(ctx, host.name, server)
		server.Stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// through sends messages of a channel to clients of a server.
func (b *Benchmark) through(ctx context.Context, name string, server *harness.XMPPServer) error {
	irc, address, err := b.newIRC(settings{})
	if err != nil {
		return err
	}
	defer irc.close()
	irc.fill("#talk", ownMembers)
	gateway, err := b.workspace.StartGateway(ctx, b.options(settings{}, server, address))
	if err != nil {
		return err
	}
	defer gateway.Stop()
	clients, err := seat(ctx, server)
	defer func() {
		for _, client := range clients {
			_ = client.Close()
		}
	}()
	if err != nil {
		return err
	}
	processes := []process{process(gateway.ID()), process(server.ID())}
	before, err := settleAll(processes)
	if err != nil {
		return err
	}
	took, err := deliver(irc, clients)
	if err != nil {
		return err
	}
	after, err := settleAll(processes)
	const total = hostClients * hostMessages
	own, others := after[0]-before[0], after[1]-before[1]
	scenario := "hosts, " + name
	b.Table.add(scenario, "messages to clients", "messages/s", total/took.Seconds())
	b.Table.add(scenario, "processor time of the gateway for each", "µs", microseconds(own)/total)
	b.Table.add(scenario, "processor time of the server for each", "µs", microseconds(others)/total)
	b.Table.add(scenario, "share of the gateway", "%", 100*float64(own)/float64(own+others))
	return err
}

// seat logs clients in and lets them join a channel, a few at a time.
func seat(ctx context.Context, server *harness.XMPPServer) ([]*xmppclient.Client, error) {
	clients := make([]*xmppclient.Client, hostClients)
	faults := make([]error, hostClients)
	slots := make(chan struct{}, 10)
	var all sync.WaitGroup
	for user := range clients {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			clients[user], faults[user] = sit(ctx, server, user)
		})
	}
	all.Wait()
	return slices.DeleteFunc(clients, func(client *xmppclient.Client) bool { return client == nil }), errors.Join(faults...)
}

// sit logs one client in and lets it join. The client is nil only when it could not
// log in.
func sit(ctx context.Context, server *harness.XMPPServer, user int) (*xmppclient.Client, error) {
	if err := server.AddAccount(ctx, nick(user), "secret"); err != nil {
		return nil, err
	}
	client, err := xmppclient.Login(ctx, server.Account(nick(user), "secret"))
	if err != nil {
		return nil, err
	}
	client.Send("<presence to='" + roomJID("#talk") + "/" + nick(user) + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	if _, err := client.Expect(xmppclient.Message().Type("groupchat").Has("subject")); err != nil {
		return client, fmt.Errorf("joining as user %d: %w", user, err)
	}
	return client, nil
}

// deliver sends the messages and waits until each client has the last.
func deliver(irc *ircServer, clients []*xmppclient.Client) (time.Duration, error) {
	var lines strings.Builder
	for number := range hostMessages {
		lines.WriteString(line("#talk", "i=", int64(number)))
	}
	last := xmppclient.Message().BodyContains(fmt.Sprintf("i=%d;", hostMessages-1))
	began := time.Now()
	for user := range clients {
		go irc.client(user).push(lines.String())
	}
	for _, client := range clients {
		if _, err := client.Expect(last); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// settleAll is settle for several processes.
func settleAll(processes []process) ([]time.Duration, error) {
	var used []time.Duration
	for _, p := range processes {
		now, err := p.settle()
		if err != nil {
			return nil, err
		}
		used = append(used, now)
	}
	return used, nil
}
