package gateway

import (
	"net/url"
	"strings"

	"passerelle/component"
	"passerelle/translate"
)

const nsGateway = "jabber:iq:gateway"

// promptFeature turns what people know of IRC into a JID for their client
// (XEP-0100 §6.3).
func promptFeature() feature {
	return feature{
		xep: "XEP-0100", on: onGateway | onServer, advertise: []string{nsGateway},
		iq: map[iqKey]iqHandler{
			{"get", nsGateway, "query"}: (*User).onPrompt,
			{"set", nsGateway, "query"}: (*User).onPromptAnswer,
		},
	}
}

func (u *User) onPrompt(r *request, _ *component.Element) error {
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsGateway)
	desc := "Enter a channel or somebody's nick on IRC, with the server: #channel@irc.server, nick@irc.server or ircs://irc.server/channel."
	if fixed := u.g.addressing.Fixed; fixed != "" {
		desc = "Enter a channel, such as #channel, or somebody's nick on " + fixed + "."
	}
	u.enc.Leaf("desc", "", desc)
	u.enc.Leaf("prompt", "", "Channel or nick")
	u.enc.Close()
	u.enc.Close()
	return nil
}

// onPromptAnswer answers with the JID of what the person entered.
func (u *User) onPromptAnswer(r *request, query *component.Element) error {
	text := strings.TrimSpace(query.ChildText(nsGateway, "prompt"))
	address, ok := parsePrompt(text, r.to.Network)
	if !ok {
		return refuse("item-not-found", "%q is neither #channel@irc.server, nick@irc.server nor an irc:// address", text)
	}
	if fixed := u.g.addressing.Fixed; fixed != "" && address.Network != fixed {
		return refuse("item-not-found", "this gateway is for %s only, not for %s", fixed, address.Network)
	}
	jid := u.jidOf(address.Kind, address.Name, address.Network)
	if _, err := u.address(jid.Local); err != nil {
		return refuse("item-not-found", "%v", err)
	}
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsGateway)
	u.enc.Leaf("jid", "", jid.String())
	u.enc.Close()
	u.enc.Close()
	return nil
}

// parsePrompt understands "name@server", "name%server", an irc:// or ircs://
// address, and, where the network is known, a name alone.
func parsePrompt(text, network string) (translate.Address, bool) {
	if link, err := url.Parse(strings.Replace(text, "/#", "/%23", 1)); err == nil && (link.Scheme == "irc" || link.Scheme == "ircs") {
		return addressOfLink(link)
	}
	name := text
	if at := strings.LastIndexAny(text, "@%"); at >= 0 {
		name, network = text[:at], strings.ToLower(text[at+1:])
	}
	if name == "" || network == "" || strings.ContainsAny(name, " \t\r\n") {
		return translate.Address{}, false
	}
	return addressOf(name, network), true
}

// addressOfLink reads irc://server/channel, where a name without a sigil is a
// channel unless ",isnick" follows it.
func addressOfLink(link *url.URL) (translate.Address, bool) {
	network := strings.ToLower(link.Hostname())
	name, options, _ := strings.Cut(strings.TrimPrefix(link.Path, "/"), ",")
	switch {
	case network == "":
		return translate.Address{}, false
	case name == "":
		return translate.Address{Kind: translate.Server, Network: network}, true
	case strings.Contains(options, "isnick"):
		return translate.Address{Kind: translate.Nick, Name: name, Network: network}, true
	case !strings.ContainsAny(name[:1], "#&+!"):
		name = "#" + name
	}
	return addressOf(name, network), true
}

func addressOf(name, network string) translate.Address {
	kind := translate.Nick
	if strings.ContainsAny(name[:1], "#&+!") {
		kind = translate.Channel
	}
	return translate.Address{Kind: kind, Name: name, Network: network}
}
