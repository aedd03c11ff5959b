package gateway

import (
	"strings"
	"testing"
)

func TestConfigFaults(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults have a fault: %v", err)
	}
	err := Config{Charset: "klingon", IdleQuit: -1, MaxLines: 0, AnswerTimeout: 0}.Validate()
	for _, key := range []string{"gateway.max_lines", "gateway.charset", "gateway.idle_quit", "gateway.answer_timeout"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is missing in: %v", key, err)
		}
	}
}

func TestParseServers(t *testing.T) {
	servers, err := ParseServers([]ServerConfig{
		{Name: "Libera", Addresses: []string{"ircs://irc.libera.chat", "irc://10.0.0.1:6667"}},
		{Name: "irc.test", Addresses: []string{"irc.test"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"libera":     "ircs://irc.libera.chat:6697 irc://10.0.0.1:6667",
		"irc.test":   "ircs://irc.test:6697",
		"other.test": "ircs://other.test:6697", // never plain text of its own accord
	} {
		var got []string
		for _, address := range servers.addresses(name) {
			got = append(got, address.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is at %v, want %s", name, got, want)
		}
	}
	_, err = ParseServers([]ServerConfig{
		{Name: "", Addresses: []string{"x"}}, {Name: "a b", Addresses: []string{"x"}}, {Name: "none"},
		{Name: "twice", Addresses: []string{"x"}}, {Name: "Twice", Addresses: []string{"x"}}, {Name: "bad", Addresses: []string{"http://x"}},
	})
	for _, fault := range []string{"servers[0]", "servers[1]", "(none): it has no addresses", `"twice" twice`, "(bad)"} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s is missing in: %v", fault, err)
		}
	}
}
