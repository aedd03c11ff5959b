package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"passerelle/component"
	"passerelle/gateway"
	"passerelle/ircconn"
	"passerelle/monitor"
	"passerelle/store"
)

// config is the tree of the configuration file. Each package owns its part.
type config struct {
	Component componentConfig `yaml:"component"`
	Store     store.Config    `yaml:"store"`
	Gateway   gateway.Config  `yaml:"gateway"`
	IRC       ircConfig       `yaml:"irc"`
	Log       logConfig       `yaml:"log"`
	HTTP      monitor.Config  `yaml:"http"`

	servers gateway.Servers
	// reread reads the same file and environment again.
	reread func() (*config, error)
}

type componentConfig struct {
	component.Config `yaml:",inline"`
	// SecretFile is a file with the secret, for those who keep it apart.
	SecretFile string `yaml:"secret_file"`
}

type ircConfig struct {
	ircconn.Config `yaml:",inline"`
	// IdentdListen is where servers may ask who a connection is for (RFC 1413);
	// empty turns it off.
	IdentdListen string `yaml:"identd_listen"`
	// Servers are those that need more than their name to be found.
	Servers []gateway.ServerConfig `yaml:"servers"`
}

type logConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

func defaultConfig() *config {
	return &config{
		Component: componentConfig{Config: component.DefaultConfig()},
		Store:     store.DefaultConfig(),
		Gateway:   gateway.DefaultConfig(),
		IRC:       ircConfig{Config: ircconn.DefaultConfig()},
		Log:       logConfig{Level: "info", Format: "text"},
	}
}

// loadConfig reads the configuration: the defaults, over them the file, over it
// the environment. The error has every fault, a line each.
func loadConfig(file string, environment []string) (*config, error) {
	file, chosen := configFile(file, environment)
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist) && !chosen:
		text = nil // all may come from the environment
	default:
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	cfg, err := parseConfig(file, text, environment)
	if err != nil {
		return nil, err
	}
	cfg.reread = func() (*config, error) { return loadConfig(file, environment) }
	return cfg, nil
}

// parseConfig is loadConfig for a text that has been read from a file, or will be
// written to it.
func parseConfig(file string, text []byte, environment []string) (*config, error) {
	cfg := defaultConfig()
	if err := decode(file, text, cfg); err != nil {
		return nil, err
	}
	faults := errors.Join(unknownKeys(file, text), applyEnvironment(cfg, environment), cfg.complete())
	if faults != nil {
		return nil, fmt.Errorf("the configuration has faults:\n%w", faults)
	}
	return cfg, nil
}

// configFile returns the file to read, and whether somebody chose it.
func configFile(flag string, environment []string) (string, bool) {
	if flag != "" {
		return flag, true
	}
	for _, variable := range environment {
		if name, ok := strings.CutPrefix(variable, "PASSERELLE_CONFIG="); ok && name != "" {
			return name, true
		}
	}
	return defaultConfigFile, false
}

// decode reads the file's text into cfg. Values that do not fit are left for
// unknownKeys to name; the error is of a text that is not YAML at all.
func decode(file string, text []byte, cfg *config) error {
	var types *yaml.TypeError
	if err := yaml.Unmarshal(text, cfg); err != nil && !errors.As(err, &types) {
		return fmt.Errorf("the configuration cannot be read: %s: %w", file, err)
	}
	return nil
}

// unknownField is how the YAML library says that a key is not known.
var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

// unknownKeys names the keys that do not exist, and the values that do not fit
// theirs, with their lines.
func unknownKeys(file string, text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var types *yaml.TypeError
	if !errors.As(decoder.Decode(defaultConfig()), &types) {
		return nil
	}
	var faults []error
	for _, text := range types.Errors {
		faults = append(faults, fmt.Errorf("  %s: %s", file, unknownField.ReplaceAllString(text, `there is no key "$1"`)))
	}
	return errors.Join(faults...)
}

// readSecret puts what a file holds, if one is named, in the place of the key's own
// value.
func readSecret(key string, value *string, file string) error {
	if file == "" {
		return nil
	}
	var twice error
	if *value != "" {
		twice = fmt.Errorf("%[1]s and %[1]s_file are both given: leave one out", key)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return errors.Join(twice, fmt.Errorf("%s_file: %w", key, err))
	}
	*value = strings.TrimSpace(string(text))
	return twice
}

// complete reads what the configuration points to, and checks the whole.
func (c *config) complete() error {
	var faults []error
	add := func(section string, err error) {
		if err == nil {
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if section != "" && !strings.HasPrefix(line, section) {
				line = section + "." + line
			}
			faults = append(faults, errors.New("  "+line))
		}
	}
	add("", readSecret("component.secret", &c.Component.Secret, c.Component.SecretFile))
	add("", readSecret("http.token", &c.HTTP.Token, c.HTTP.TokenFile))
	add("component", c.Component.Config.Validate())
	add("store", c.Store.Validate())
	add("gateway", c.Gateway.Validate())
	add("irc", c.IRC.Config.Validate())
	servers, err := gateway.ParseServers(c.IRC.Servers)
	c.servers = servers
	add("irc", err)
	add("log", c.Log.validate())
	if c.IRC.IdentdListen != "" {
		if _, _, err := net.SplitHostPort(c.IRC.IdentdListen); err != nil {
			add("", fmt.Errorf("irc.identd_listen %q must be host:port, such as :113", c.IRC.IdentdListen))
		}
	}
	add("http", c.HTTP.Validate())
	return errors.Join(faults...)
}
