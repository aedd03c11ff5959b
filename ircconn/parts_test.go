package ircconn

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/internal/irctest"
)

func TestParseAddress(t *testing.T) {
	good := map[string]string{
		"irc.example.org":             "ircs://irc.example.org:6697",
		"irc.example.org:7000":        "ircs://irc.example.org:7000",
		"ircs://irc.example.org":      "ircs://irc.example.org:6697",
		"ircs://irc.example.org/":     "ircs://irc.example.org:6697",
		"IRCS://irc.example.org:1":    "ircs://irc.example.org:1",
		"irc://irc.example.org":       "irc://irc.example.org:6667",
		"irc://irc.example.org:65535": "irc://irc.example.org:65535",
		"ircs://[2001:db8::1]":        "ircs://[2001:db8::1]:6697",
		"irc://[2001:db8::1]:6668":    "irc://[2001:db8::1]:6668",
		"2001:db8::1":                 "ircs://[2001:db8::1]:6697",
		"192.0.2.1":                   "ircs://192.0.2.1:6697",
	}
	for in, want := range good {
		address, err := ParseAddress(in)
		if err != nil || address.String() != want {
			t.Errorf("%q: got %s, %v, want %s", in, address, err, want)
		}
		if again, err := ParseAddress(address.String()); err != nil || again != address {
			t.Errorf("%q: read again as %+v, %v", in, again, err)
		}
	}
	for _, in := range []string{
		"", "ircs://", "http://irc.example.org", "irc://host:0", "host:65536", "host:x", "host:", "[::1", "[host]:1", "irc://a b",
		"irc://user@host", "irc://host/#channel", "::1:6667:x", "irc://host\r\n",
	} {
		if address, err := ParseAddress(in); err == nil {
			t.Errorf("%q was read as %s", in, address)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatalf("the default is invalid: %v", err)
	}
	wrong := Config{LineInterval: -1, PingInterval: time.Minute, PingTimeout: time.Second, CAFile: "/does/not/exist"}
	err := wrong.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, key := range []string{"connect_timeout", "registration_timeout", "ping_timeout", "line_interval", "burst", "queue_lines", "max_line_bytes", "ca_file"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not among the faults: %v", key, err)
		}
	}
}

func TestAuthoritiesAreShared(t *testing.T) {
	config := DefaultConfig()
	config.CAFile = irctest.NewTLSServer(t).CAFile()
	if err := config.Validate(); err != nil {
		t.Fatal(err)
	}
	other := config
	first, err := config.roots()
	if err != nil {
		t.Fatal(err)
	}
	second, err := other.roots()
	if err != nil || first != second {
		t.Fatalf("the file was read twice (%v)", err)
	}
	other.CAFile = filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(other.CAFile, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := other.roots(); err == nil {
		t.Fatal("a file without certificates was accepted")
	}
}

func TestCaps(t *testing.T) {
	caps := NewCaps("batch", "sts", "server-time")
	if !caps.Has("batch") || !caps.Has("server-time") || caps.Has("sts") || caps.Has("away-notify") || caps.Has("") {
		t.Fatalf("got %+v", caps)
	}
	valued := caps.with("batch", "x=1")
	if valued.Value("batch") != "x=1" || caps.Value("batch") != "" || valued.Equal(caps) {
		t.Fatal("values are not kept apart")
	}
	if less := valued.without("batch"); less.Has("batch") || less.Value("batch") != "" || !valued.Has("batch") {
		t.Fatal("a capability was not taken back, or in both")
	}
	for _, name := range requestedCaps {
		if name == "sts" || name == "tls" {
			t.Errorf("%s must never be requested", name)
		}
	}
}

func TestNickChooser(t *testing.T) {
	tests := []struct {
		name         string
		wanted       string
		alternatives []string
		numeric      int
		named        func(asked string) string
		want         []string
	}{
		{"in use", "juliet", []string{"jul"}, 433, nil, []string{"jul", "juliet_", "juliet__", "juliet1", "juliet2", "juliet3", "juliet4", "juliet5", "juliet6", "juliet7", "juliet8", "juliet9"}},
		{"too long", "julietcapulet", nil, 432, nil, []string{"julietcap", "julietca_", "julietc__", "julietca1"}},
		{"cut by the server", "julietcapulet", nil, 433, func(asked string) string { return asked[:min(len(asked), 11)] }, []string{"julietcapul", "julietcapu_", "julietcap__"}},
		{"strange form", "1été juliet", nil, 432, nil, []string{"tjuliet", "tjuliet_"}},
		{"nothing left of it", "日本", nil, 432, nil, []string{"guest", "guest_"}},
	}
	for _, test := range tests {
		chooser := newNickChooser(test.wanted, test.alternatives)
		asked := test.wanted
		var got []string
		for len(got) < maxNickAttempts+5 {
			named := asked
			if test.named != nil {
				named = test.named(asked)
			}
			next, found := chooser.next(asked, named, test.numeric)
			if !found {
				break
			}
			got = append(got, next)
			asked = next
		}
		if len(got) < len(test.want) || !slices.Equal(got[:len(test.want)], test.want) || len(got) > maxNickAttempts {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestNickAttemptsAreBounded(t *testing.T) {
	chooser := newNickChooser("a", slices.Repeat([]string{"b", "c"}, 1000))
	count := 0
	for {
		if _, found := chooser.next("a", "a", 433); !found {
			break
		}
		count++
	}
	if count != maxNickAttempts {
		t.Fatalf("%d attempts", count)
	}
}

func TestBucket(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := bucket{burst: 2, interval: time.Second}
	b.fill()
	steps := []struct {
		after, wait time.Duration
	}{
		{0, 0}, {0, 0}, {0, time.Second}, {400 * time.Millisecond, 600 * time.Millisecond},
		{time.Second, 0}, {time.Second, time.Second}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, time.Second},
	}
	for i, step := range steps {
		if wait := b.take(start.Add(step.after)); wait != step.wait {
			t.Errorf("step %d: wait %v, want %v", i, wait, step.wait)
		}
	}
	free := bucket{burst: 1}
	for range 100 {
		if free.take(start) != 0 {
			t.Fatal("paced without an interval")
		}
	}
}

func TestLineSplitter(t *testing.T) {
	tests := []struct {
		name   string
		chunks []string
		want   []string
	}{
		{"CRLF", []string{"a\r\nb\r\n"}, []string{"a", "b"}},
		{"LF or CR alone", []string{"a\nb\rc\n"}, []string{"a", "b", "c"}},
		{"empty lines", []string{"\r\n\r\n\n\na\n\n"}, []string{"a"}},
		{"in pieces", []string{"a", "b", "\r", "\n", "c\r", "\nd"}, []string{"ab", "c"}},
		{"too long at once", []string{"0123456789abc\nx\n"}, []string{"0123456789", "x"}},
		{"too long in pieces", []string{"01234", "56789", "abc", "def\nx\n"}, []string{"0123456789", "x"}},
	}
	for _, test := range tests {
		var splitter lineSplitter
		var got []string
		for _, chunk := range test.chunks {
			splitter.split([]byte(chunk), 10, func(line []byte) { got = append(got, string(line)) }, func() bool { return false })
			if len(splitter.partial) > 10 {
				t.Errorf("%s: %d bytes are held", test.name, len(splitter.partial))
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestMaskSecrets(t *testing.T) {
	tests := map[string]string{
		"PASS secret\r\n":                                   "PASS ***",
		"OPER romeo secret":                                 "OPER romeo ***",
		"AUTHENTICATE c2VjcmV0":                             "AUTHENTICATE ***",
		"PRIVMSG NickServ :IDENTIFY secret":                 "PRIVMSG NickServ :IDENTIFY ***",
		"PRIVMSG nickserv@services.example :IDENTIFY x":     "PRIVMSG nickserv@services.example :IDENTIFY ***",
		"@label=1 :juliet!j@h PRIVMSG NickServ :REGISTER x": "@label=1 :juliet!j@h PRIVMSG NickServ :REGISTER ***",
		"PRIVMSG Q@CServe.quakenet.org :AUTH a b":           "PRIVMSG Q@CServe.quakenet.org :AUTH ***",
		"NS IDENTIFY secret":                                "NS IDENTIFY ***",
		"JOIN #c key":                                       "JOIN #c ***",
		"JOIN #c":                                           "JOIN #c",
		":juliet!j@h JOIN #c account :name":                 ":juliet!j@h JOIN #c ***",
		"MODE #c +k key":                                    "MODE #c +k ***",
		":romeo MODE #c +o juliet":                          ":romeo MODE #c +o juliet",
		":irc.test 324 juliet #c +k key":                    ":irc.test 324 juliet #c +k ***",
		"PRIVMSG #c :PASS x":                                "PRIVMSG #c :PASS x",
		"PRIVMSG":                                           "PRIVMSG",
		":prefix":                                           ":prefix",
	}
	for line, want := range tests {
		if got := MaskSecrets(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestTraceIsBelowDebug(t *testing.T) {
	for level, want := range map[slog.Level]bool{slog.LevelDebug: false, LevelTrace: true} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
		if log.Enabled(context.Background(), LevelTrace) != want {
			t.Fatalf("trace enabled at %v", level)
		}
		traceIncoming(log, "PRIVMSG #c :body")
		trace(log, "out", []outgoing{{data: []byte("PASS secret\r\n")}})
		if strings.Contains(out.String(), "body") != want || strings.Contains(out.String(), "secret") {
			t.Errorf("at %v: %s", level, out.String())
		}
	}
}

func TestErrorTexts(t *testing.T) {
	tests := []struct {
		err  Error
		want string
	}{
		{Error{Kind: KindResolve, Address: "irc.x:6697"}, "the host name of irc.x:6697 was not found: check its spelling"},
		{Error{Kind: KindConnect, Address: "irc.x:6697", Text: "connection refused"}, "could not connect to irc.x:6697: connection refused"},
		{Error{Kind: KindRefused, Address: "irc.x:6697", Numeric: 464, Text: "Password incorrect"}, "irc.x:6697 refused the registration: Password incorrect (464): set the right server password"},
		{Error{Kind: KindPingTimeout, Address: "irc.x:6697"}, "the connection to irc.x:6697 was lost: the server has fallen silent"},
		{Error{Kind: KindLocal, Text: "no such thing"}, "no such thing"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
