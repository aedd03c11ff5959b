package main

import (
	"context"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"

	"passerelle/gateway"
)

// reloader reads the configuration again while the gateway runs.
type reloader struct {
	mu      sync.Mutex
	running *config // what the gateway was started with
	gateway *gateway.Gateway
	level   *slog.LevelVar // of the log
}

// reload reads the configuration again, applies what can change, and says what
// has to wait for a restart. A configuration with faults changes nothing.
func (r *reloader) reload() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh, err := r.running.reread()
	if err != nil {
		return "", err
	}
	r.level.Set(fresh.Log.level())
	r.gateway.Apply(gateway.Live{Config: fresh.Gateway, Servers: fresh.servers})
	var waiting []string
	for _, section := range []struct {
		name        string
		before, now any
	}{
		{"component", r.running.Component, fresh.Component}, {"store", r.running.Store, fresh.Store},
		{"gateway.fixed_server", r.running.Gateway.FixedServer, fresh.Gateway.FixedServer},
		{"irc (but for irc.servers)", ircFields(r.running), ircFields(fresh)}, {"log.format", r.running.Log.Format, fresh.Log.Format}, {"http", r.running.HTTP, fresh.HTTP},
	} {
		if !reflect.DeepEqual(section.before, section.now) {
			waiting = append(waiting, section.name)
		}
	}
	if len(waiting) > 0 {
		return "The configuration was read again. What was changed in these sections counts after a restart: " + strings.Join(waiting, ", "), nil
	}
	return "The configuration was read again.", nil
}

// ircFields are the settings of IRC connections by key, without what they hold
// beside.
func ircFields(c *config) map[string]any {
	fields := make(map[string]reflect.Value)
	collectFields(reflect.ValueOf(&c.IRC).Elem(), "", fields)
	values := make(map[string]any)
	for key, field := range fields {
		if key != "SERVERS" {
			values[key] = field.Interface()
		}
	}
	return values
}

// onSignal reloads for every SIGHUP.
func (r *reloader) onSignal(ctx context.Context, hangups <-chan os.Signal, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		note, err := r.reload()
		if err != nil {
			log.Error("the configuration was not read again", "error", err)
			continue
		}
		log.Info(note)
	}
}
