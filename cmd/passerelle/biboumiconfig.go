package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"passerelle/component"
)

// readBiboumiConfig reads biboumi's configuration: a key and a value on each line,
// over which the environment's BIBOUMI_KEY counts.
func readBiboumiConfig(file string, environment []string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading biboumi's configuration: %w", err)
	}
	values := make(map[string]string)
	for line := range strings.SplitSeq(string(text), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if key, value, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") {
			values[key] = value
		}
	}
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		if key, ours := strings.CutPrefix(name, "BIBOUMI_"); ours {
			values[strings.ToLower(key)] = value
		}
	}
	for _, key := range []string{"hostname", "password"} {
		if values[key] == "" {
			return nil, fmt.Errorf("%s has no %s: is it biboumi's configuration?", file, key)
		}
	}
	return values, nil
}

// configEntry is a key of our configuration that is written.
type configEntry struct {
	section, key string
	value        any
}

// biboumiKey is a key of biboumi's configuration: what of ours it becomes, or why
// nothing.
type biboumiKey struct {
	name    string
	section string
	key     string
	// convert makes our value of biboumi's; nil takes the text.
	convert func(value string, report *moveReport) any
	// left is why a key that has no section is not taken.
	left string
}

// biboumiKeys are all keys of biboumi's besides port, which goes with
// xmpp_server_ip.
var biboumiKeys = []biboumiKey{
	{name: "hostname", section: "component", key: "hostname"},
	{name: "password", section: "component", key: "secret"},
	{name: "admin", section: "gateway", key: "admins", convert: convertAdmins},
	{name: "fixed_irc_server", section: "gateway", key: "fixed_server"},
	{name: "realname_customization", section: "gateway", key: "own_realname", convert: convertTruth},
	{name: "realname_from_jid", section: "gateway", key: "realname_from_jid", convert: convertTruth},
	{name: "persistent_by_default", section: "gateway", key: "persistent", convert: convertTruth},
	{name: "ca_file", section: "irc", key: "ca_file", convert: convertAuthorities},
	{name: "identd_port", section: "irc", key: "identd_listen", convert: convertIdentd},
	{name: "log_level", section: "log", key: "level", convert: convertLogLevel},
	{name: "log_file", left: "passerelle logs to its standard error, which systemd keeps"},
	{name: "outgoing_bind", left: "here it counts for the servers that the admin lists, not for any that a user names: list those that matter in irc.servers, with source_network"},
	{name: "webirc_password", left: "here it goes to the servers that the admin lists, and not, as biboumi sent it, to any that a user names: list those that trust the gateway in irc.servers, with webirc"},
	{name: "policy_directory", left: "it is about the TLS library that biboumi uses"},
}

func convertTruth(value string, _ *moveReport) any { return value == "true" }

func convertAdmins(value string, report *moveReport) any {
	admins := []string{}
	for admin := range strings.SplitSeq(value, ":") {
		if admin == "" {
			continue
		}
		if jid, err := component.ParseJID(admin); err != nil || !jid.IsBare() || jid.Local == "" {
			report.leave(1, "admin", "it is not a bare JID", admin)
			continue
		}
		admins = append(admins, admin)
	}
	return admins
}

// convertAuthorities leaves a file that is not here out, for we would not start.
func convertAuthorities(value string, report *moveReport) any {
	if _, err := os.Stat(value); err != nil {
		report.leave(1, "ca_file", "the file is not on this machine", value)
		return ""
	}
	return value
}

func convertIdentd(value string, _ *moveReport) any {
	if value == "0" {
		return ""
	}
	return ":" + value
}

func convertLogLevel(value string, report *moveReport) any {
	levels := map[string]string{"0": "debug", "1": "info", "2": "warn", "3": "error"}
	if level := levels[value]; level != "" {
		return level
	}
	report.leave(1, "log_level", "biboumi has the levels 0 to 3 only", value)
	return "info"
}

// convertBiboumiConfig makes the keys of our configuration. directory is where our
// data will be.
func convertBiboumiConfig(old map[string]string, directory string, report *moveReport) []configEntry {
	host, port := old["xmpp_server_ip"], old["port"]
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "5347"
	}
	entries := []configEntry{
		{"component", "address", "tcp://" + net.JoinHostPort(host, port)},
		{"store", "directory", directory},
	}
	known := []string{"xmpp_server_ip", "port", "db_name"}
	for _, key := range biboumiKeys {
		known = append(known, key.name)
		value := old[key.name]
		switch {
		case value == "":
		case key.section == "":
			report.leave(1, key.name, key.left, "")
		case key.convert == nil:
			entries = append(entries, configEntry{key.section, key.key, value})
		default:
			entries = append(entries, configEntry{key.section, key.key, key.convert(value, report)})
		}
	}
	if old["identd_port"] == "" {
		report.note("biboumi answered identd on port 113 where it could; passerelle does so with irc.identd_listen: \":113\"")
	}
	for key := range old {
		if !slices.Contains(known, key) {
			report.leave(1, "keys of biboumi's configuration", "they are not known here", key)
		}
	}
	return entries
}

// renderConfig writes keys as our configuration file.
func renderConfig(entries []configEntry) ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode, HeadComment: "Taken over from biboumi. config.yaml.example explains these keys and all others."}
	sections := make(map[string]*yaml.Node)
	for _, entry := range entries {
		section := sections[entry.section]
		if section == nil {
			section = &yaml.Node{Kind: yaml.MappingNode}
			sections[entry.section] = section
			root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: entry.section}, section)
		}
		var value yaml.Node
		if err := value.Encode(entry.value); err != nil {
			return nil, fmt.Errorf("writing %s.%s: %w", entry.section, entry.key, err)
		}
		section.Content = append(section.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: entry.key}, &value)
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	return text.Bytes(), nil
}

// namesOf lists the keys that are written.
func namesOf(entries []configEntry) string {
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.section + "." + entry.key
	}
	return strings.Join(names, ", ")
}
