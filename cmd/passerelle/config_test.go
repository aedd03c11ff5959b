package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const minimal = "component: {hostname: irc.example.org, secret: change me}\n"

// The example says that it shows the defaults; this holds it to that, key by
// key.
func TestExampleIsTheDefaults(t *testing.T) {
	example, err := loadConfig("../../config.yaml.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := loadConfig(write(t, minimal), nil)
	if err != nil {
		t.Fatal(err)
	}
	fields := func(c *config) map[string]reflect.Value {
		into := make(map[string]reflect.Value)
		collectFields(reflect.ValueOf(c).Elem(), "", into)
		return into
	}
	defaults := fields(bare)
	text, err := os.ReadFile("../../config.yaml.example")
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range fields(example) {
		want := defaults[key]
		if value.Kind() == reflect.Slice && value.Len() == 0 && want.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(value.Interface(), want.Interface()) {
			t.Errorf("%s is %v in the example and %v by default", key, value, want)
		}
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]bool)
	collectKeys(tree, "", shown)
	for key := range defaults {
		if !shown[key] {
			t.Errorf("the example does not have %s", key)
		}
	}
}

// collectKeys lists the keys of a YAML tree as collectFields lists those of a
// struct.
func collectKeys(tree map[string]any, prefix string, into map[string]bool) {
	for name, value := range tree {
		key := prefix + strings.ToUpper(name)
		into[key] = true
		if section, ok := value.(map[string]any); ok {
			collectKeys(section, key+"_", into)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := loadConfig(write(t, "component: {hostname: irc.example.org, max_depth: few}\nirc:\n  bursts: 3\nlog: {leval: info}\n"), nil)
	if err == nil {
		t.Fatal("unknown keys pass")
	}
	for _, want := range []string{`line 3: there is no key "bursts"`, `line 4: there is no key "leval"`, "line 1: cannot unmarshal", "component.secret"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	_, err = loadConfig(write(t, `
component: {hostname: "", secret: ""}
store: {directory: ""}
gateway: {max_lines: 0, charset: klingon, answer_timeout: 0s, idle_quit: -1s}
irc:
  burst: 0
  servers:
    - {name: "", addresses: [ircs://x]}
    - {name: a, addresses: []}
    - {name: A, addresses: ["http://x"]}
log: {level: loud, format: xml}
http: {listen: nowhere, token: short, token_file: /nowhere/token}
`), nil)
	if err == nil {
		t.Fatal("an impossible configuration passes")
	}
	for _, want := range []string{
		"component.hostname", "component.secret", "store.directory", "gateway.max_lines", "gateway.charset", "gateway.answer_timeout",
		"gateway.idle_quit", "irc.burst", "irc.servers[0]", "irc.servers[1]", "\"a\" twice", "irc.servers[2]", "log.level", "log.format", "http.listen", "http.token is shorter", "http.token and http.token_file are both given", "http.token_file: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	secret := write(t, "from a file\n")
	cfg, err := loadConfig(write(t, minimal), []string{
		"PASSERELLE_COMPONENT_SECRET=", "PASSERELLE_COMPONENT_SECRET_FILE=" + secret, "PASSERELLE_IRC_BURST=3",
		"PASSERELLE_GATEWAY_IDLE_QUIT=5s", "PASSERELLE_IRC_SERVERS=[{name: home, addresses: ['irc://127.0.0.1:6667']}]",
		"PASSERELLE_PORT_8080_TCP=tcp://10.0.0.1", "HOME=/",
	})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Component.Secret != "from a file" || cfg.IRC.Burst != 3 || cfg.Gateway.IdleQuit != 5*time.Second || cfg.servers["home"] == nil {
		t.Errorf("the environment was not applied: %+v", cfg)
	}
	_, err = loadConfig(write(t, minimal), []string{"PASSERELLE_IRC_BRUST=3", "PASSERELLE_IRC_BURST=many"})
	if err == nil || !strings.Contains(err.Error(), "PASSERELLE_IRC_BRUST") || !strings.Contains(err.Error(), "PASSERELLE_IRC_BURST: ") {
		t.Errorf("faults of the environment: %v", err)
	}
}

func TestSecretTwice(t *testing.T) {
	_, err := loadConfig(write(t, minimal), []string{"PASSERELLE_COMPONENT_SECRET_FILE=/nowhere"})
	if err == nil || !strings.Contains(err.Error(), "both given") || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got %v", err)
	}
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		args   []string
		status int
		out    string
	}{
		{nil, 2, "Usage"},
		{[]string{"dance"}, 2, "Usage"},
		{[]string{"version"}, 0, "passerelle "},
		{[]string{"run", "extra"}, 2, "one argument too many"},
		{[]string{"run", "--help"}, 0, "Usage"},
		{[]string{"run", "--config", "/nowhere/config.yaml"}, 1, "/nowhere/config.yaml"},
		{[]string{"health", "--config", write(t, minimal)}, 1, "http.listen is not set"},
	}
	for _, test := range tests {
		var out bytes.Buffer
		if status := command(test.args, nil, &out, &out); status != test.status || !strings.Contains(out.String(), test.out) {
			t.Errorf("%q: status %d, want %d; output %q, want %q in it", test.args, status, test.status, &out, test.out)
		}
	}
}

func TestCheckFindsFaults(t *testing.T) {
	file := write(t, `
component: {hostname: irc.localhost, secret: x, address: "tcp://127.0.0.1:1"}
store: {directory: `+filepath.Join(t.TempDir(), "data")+`}
gateway: {limits: {connections: 2000000000}}
irc: {servers: [{name: a, addresses: ["ircs://no-such-host.invalid"]}]}
`)
	var out, faults bytes.Buffer
	if status := command([]string{"check", "--config", file}, nil, &out, &faults); status != 1 {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{"no-such-host.invalid is not found", "ok     the data directory", "warn   too few open files", "FAULT  the XMPP server accepts the component, or has it already: no"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\nlacks %q", &out, want)
		}
	}
}
