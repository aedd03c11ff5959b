package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ContactConfig says where to reach those who run the gateway, as URIs such as
// mailto:abuse@example.org or xmpp:admin@example.org (XEP-0157).
type ContactConfig struct {
	Abuse    []string `yaml:"abuse"`
	Admin    []string `yaml:"admin"`
	Feedback []string `yaml:"feedback"`
	Sales    []string `yaml:"sales"`
	Security []string `yaml:"security"`
	Status   []string `yaml:"status"`
	Support  []string `yaml:"support"`
}

const nsServerInfo = "http://jabber.org/network/serverinfo"

// fields are the addresses by what they are for, as XEP-0157 calls it.
func (c ContactConfig) fields() []field {
	var fields []field
	for _, one := range []struct {
		name      string
		addresses []string
	}{
		{"abuse", c.Abuse}, {"admin", c.Admin}, {"feedback", c.Feedback}, {"sales", c.Sales},
		{"security", c.Security}, {"status", c.Status}, {"support", c.Support},
	} {
		if len(one.addresses) > 0 {
			fields = append(fields, field{name: one.name + "-addresses", kind: listMulti, values: one.addresses})
		}
	}
	return fields
}

func (c ContactConfig) validate() error {
	var faults []error
	for _, f := range c.fields() {
		for _, address := range f.values {
			if parsed, err := url.Parse(address); err != nil || parsed.Scheme == "" {
				faults = append(faults, fmt.Errorf("gateway.contact.%s: %q is not a URI such as mailto:abuse@example.org or xmpp:admin@example.org",
					strings.TrimSuffix(f.name, "-addresses"), address))
			}
		}
	}
	return errors.Join(faults...)
}

// complaints is where people on IRC turn to about a user; empty for nowhere.
func (c ContactConfig) complaints() string {
	for _, addresses := range [][]string{c.Abuse, c.Admin, c.Support} {
		if len(addresses) > 0 {
			return strings.Join(addresses, " ")
		}
	}
	return ""
}

// writeContactAddresses says whom to ask about the gateway (XEP-0157).
func (u *User) writeContactAddresses() {
	if fields := u.g.live().Contact.fields(); len(fields) > 0 {
		(&form{formType: nsServerInfo, fields: fields}).write(&u.enc, "result")
	}
}

// aboutUser is what the gateway says of a user to people on IRC who ask (CTCP
// USERINFO, FINGER): not who it is, but whom to complain to; empty for nothing.
func (g *Gateway) aboutUser() string {
	complaints := g.live().Contact.complaints()
	if complaints == "" {
		return ""
	}
	return "somebody on XMPP, by way of the gateway " + g.domain + "; complaints to " + complaints
}
