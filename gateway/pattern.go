package gateway

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"passerelle/component"
)

// pattern names users or servers in a list of who is allowed or denied. In names,
// * stands for any characters and ? for one; case does not matter.
type pattern struct {
	text    string
	name    *regexp.Regexp
	network netip.Prefix // of servers; valid instead of a name
	reason  string       // for which an admin has blocked it; may be empty
}

// why ends the sentence about who is denied.
func (p pattern) why() string {
	if p.reason == "" {
		return "; ask its admin why"
	}
	return ": " + p.reason + "; ask its admin"
}

// longestPattern is more than any JID or host name has.
const longestPattern = 3072

// glob compiles a name with * and ?.
func glob(text string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.ToLower(text))
	return regexp.MustCompile("(?s)^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(quoted) + "$")
}

// parseUser reads what users are listed by: a bare JID, or the domain of all its
// users, both with wildcards.
func parseUser(text string) (pattern, error) {
	text = strings.TrimSpace(text)
	local, domain, hasLocal := strings.Cut(text, "@")
	if text == "" || len(text) > longestPattern || strings.ContainsAny(text, " /") || hasLocal && (local == "" || domain == "") {
		return pattern{}, fmt.Errorf("%q is neither a bare JID such as juliet@example.org nor a domain; * and ? stand for what they stand for in file names", text)
	}
	return pattern{text: strings.ToLower(text), name: glob(text)}, nil
}

// parseServer reads what IRC servers are listed by: a name with wildcards, or an
// address or a network.
func parseServer(text string) (pattern, error) {
	text = strings.TrimSpace(text)
	if network, err := parseNetwork(text); err == nil {
		return pattern{text: network.String(), network: network}, nil
	}
	if text == "" || len(text) > longestPattern || strings.ContainsAny(text, " /@%:#") {
		return pattern{}, fmt.Errorf("%q is neither a server's name, with * and ? as in file names, nor an address or a network such as 192.0.2.0/24", text)
	}
	return pattern{text: strings.ToLower(text), name: glob(text)}, nil
}

// matchesUser reports whether a bare JID is meant.
func (p pattern) matchesUser(jid component.JID) bool {
	if strings.Contains(p.text, "@") {
		return p.name.MatchString(strings.ToLower(jid.String()))
	}
	return p.name.MatchString(strings.ToLower(jid.Domain))
}

// matchesHost reports whether the name of a server, or a host, is meant.
func (p pattern) matchesHost(host string) bool {
	host = strings.TrimSuffix(host, ".") // as resolvers take it
	if p.name != nil {
		return p.name.MatchString(strings.ToLower(host))
	}
	address, err := netip.ParseAddr(host)
	return err == nil && p.network.Contains(address.Unmap().WithZone(""))
}

// parseList reads a list of the configuration and reports every fault of it.
func parseList(key string, texts []string, parse func(string) (pattern, error)) ([]pattern, error) {
	var list []pattern
	var faults []error
	for _, text := range texts {
		one, err := parse(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("gateway.access.%s: %w", key, err))
			continue
		}
		list = append(list, one)
	}
	return list, errors.Join(faults...)
}

// networksIn are the networks among patterns of servers.
func networksIn(list []pattern) []netip.Prefix {
	var networks []netip.Prefix
	for _, p := range list {
		if p.name == nil {
			networks = append(networks, p.network)
		}
	}
	return networks
}
