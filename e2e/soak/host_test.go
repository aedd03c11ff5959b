//go:build soak

package soak

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/component"
	"passerelle/internal/harness/xmppclient"
)

// echo is a component that does nothing but send each message back to who sent it, unless
// they flood.
type echo struct {
	conn *component.Conn
	// up is told of the first stream.
	up chan struct{}
}

func (e *echo) StreamUp() {
	select {
	case e.up <- struct{}{}:
	default:
	}
}

func (e *echo) StreamDown(error, time.Time) {}

func (e *echo) HandleStanza(s *component.Stanza) {
	if s.Kind != component.Message || s.Type == "error" || s.From.Local == floodingName {
		return
	}
	var enc component.Encoder
	enc.Stanza(component.Message, s.To, s.From, "chat", s.ID)
	enc.Leaf("body", "", s.ChildText("", "body"))
	enc.Close()
	_ = e.conn.Offer(enc.Bytes()) // what is lost is missed by who waits for it
}

const floodingName = "flooding"

// flood sends to one client without an end, in the pieces and within the share that the gateway
// keeps to.
func (e *echo) flood(ctx context.Context, to component.JID) {
	const piece = 8 << 10
	var enc component.Encoder
	var sender component.Sender
	for ctx.Err() == nil {
		enc.Reset()
		for len(enc.Bytes()) < piece {
			enc.Stanza(component.Message, component.JID{Local: "flood", Domain: gatewayName}, to, "chat", "flood")
			enc.Leaf("body", "", strings.Repeat("flood ", 20))
			enc.Close()
		}
		_ = e.conn.SendAs(&sender, enc.Bytes())
	}
}

// TestFairnessOfTheHost reports how long messages take from a client through the XMPP server to
// a component that only echoes, and back: what TestFairness measures has that in it twice or
// more, and none of it is the gateway's.
func TestFairnessOfTheHost(t *testing.T) {
	s := newHost(t)
	e := &echo{up: make(chan struct{}, 1)}
	e.conn = component.New(component.Config{
		Hostname: gatewayName, Secret: s.prosody.Secret, Address: s.prosody.ComponentAddress, ServerDomain: s.prosody.Domain,
	}, e, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = e.conn.Run(ctx) })
	t.Cleanup(running.Wait)
	t.Cleanup(stop)
	<-e.up
	var clients []*xmppclient.Client
	for i := range honestMembers {
		clients = append(clients, s.mallory(fmt.Sprint("honest", i)))
	}
	s.reportEchoes("nobody misbehaves", clients)

	flooded := s.mallory("flooded")
	go drain(flooded)
	address, err := component.ParseJID(flooded.JID)
	if err != nil {
		t.Fatal(err)
	}
	flooding, enough := context.WithCancel(t.Context())
	running.Go(func() { e.flood(flooding, address) })
	s.reportEchoes("one user is flooded", clients)
	enough()
	flooded.Close()
	s.reportEchoes("nobody, after that", clients)

	end := flooder(s.mallory(floodingName), "<message to='"+gatewayName+"'><body>flood</body></message>")
	s.reportEchoes("one user floods", clients)
	end()
	s.reportEchoes("nobody, after that", clients)
}

// reportEchoes measures and logs.
func (s *stage) reportEchoes(what string, clients []*xmppclient.Client) {
	s.t.Helper()
	var mu sync.Mutex
	var delays []time.Duration
	began := time.Now()
	var group sync.WaitGroup
	for _, client := range clients {
		group.Go(func() {
			for time.Since(began) < measured {
				id, sent := client.NewID(), time.Now()
				client.Send("<message type='chat' to='" + gatewayName + "' id='" + id + "'><body>echo</body></message>")
				if _, err := client.Expect(xmppclient.Message().ID(id)); err != nil {
					s.t.Errorf("%s: %.500v", what, err)
					return
				}
				mu.Lock()
				delays = append(delays, time.Since(sent))
				mu.Unlock()
				time.Sleep(pause)
			}
		})
	}
	group.Wait()
	s.t.Logf("%-30s %4d echoes  p50 %8v p99 %8v", what, len(delays), quantile(delays, 50), quantile(delays, 99))
}
