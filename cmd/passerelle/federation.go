package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/idna"
)

const (
	// federationTime is how long DNS and all servers may take together.
	federationTime = 20 * time.Second
	// serverPort is where a domain without SRV records is reached (RFC 6120 §3.2.2).
	serverPort = 5269
	// mostTargets and mostAddresses are how many targets of SRV records are tried,
	// and how many addresses of each.
	mostTargets, mostAddresses = 8, 4
	// certificateNotice is how long before its end a certificate is worth a word.
	certificateNotice = 14 * 24 * time.Hour
)

// federation looks at the gateway as the servers of other domains do: whether DNS
// says where our domain is, and whether a server answers for it there. Without that
// only the users of our own XMPP server can use the gateway, which may be what is
// wanted: all it finds are warnings.
type federation struct {
	resolver *net.Resolver
	probe    s2sProbe
	// domain is ours, serverDomain the XMPP server's own; in the form of DNS.
	domain, serverDomain string
	// port is where a domain without SRV records is reached.
	port   uint16
	report *findings
}

// findings are the lines of a report.
type findings struct {
	lines    []string
	warnings int
}

func (f *findings) ok(format string, args ...any) {
	f.lines = append(f.lines, "ok     "+fmt.Sprintf(format, args...))
}

func (f *findings) note(format string, args ...any) {
	f.lines = append(f.lines, "note   "+fmt.Sprintf(format, args...))
}

func (f *findings) more(format string, args ...any) {
	f.lines = append(f.lines, "       "+fmt.Sprintf(format, args...))
}

func (f *findings) warn(format string, args ...any) {
	f.warnings++
	f.lines = append(f.lines, "warn   "+fmt.Sprintf(format, args...))
}

// lookAtFederation reports on our domain. resolverAddress is the DNS server to ask
// (host:port); with "" it is the machine's.
func lookAtFederation(ctx context.Context, cfg *config, resolverAddress string) *findings {
	report := &findings{}
	names := idna.New(idna.MapForLookup(), idna.VerifyDNSLength(true))
	domain, err := names.ToASCII(cfg.Component.Hostname)
	if err != nil {
		report.warn("%s is not a name that DNS can have, so other servers do not find it: %v", cfg.Component.Hostname, err)
		return report
	}
	if why := notInDNS(domain); why != "" && resolverAddress == "" {
		report.note("federation was not looked at: %s is %s, so only users of its own XMPP server can use it", domain, why)
		return report
	}
	serverDomain, err := names.ToASCII(serverDomainOf(cfg))
	if err != nil {
		serverDomain = ""
	}
	f := &federation{
		resolver: newResolver(resolverAddress), probe: s2sProbe{domain: domain},
		domain: domain, serverDomain: serverDomain, port: serverPort, report: report,
	}
	ctx, cancel := context.WithTimeout(ctx, federationTime)
	defer cancel()
	f.look(ctx)
	return report
}

// serverDomainOf is the domain of the XMPP server that we are a component of.
func serverDomainOf(cfg *config) string {
	if cfg.Component.ServerDomain != "" {
		return cfg.Component.ServerDomain
	}
	_, parent, _ := strings.Cut(cfg.Component.Hostname, ".")
	return parent
}

// newResolver asks the DNS server at address, or with "" the machine's.
func newResolver(address string) *net.Resolver {
	if address == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}}
}

// privateNames are the ends of names that are never in the DNS of the world (RFC
// 6761, RFC 6762, RFC 8375, and .internal by ICANN's resolution of 2024).
var privateNames = []string{"localhost", "local", "test", "invalid", "example", "internal", "onion", "home.arpa"}

// notInDNS says why the world's DNS cannot know a name, or "".
func notInDNS(domain string) string {
	if net.ParseIP(strings.Trim(domain, "[]")) != nil {
		return "an address and not a name"
	}
	for _, end := range privateNames {
		if domain == end || strings.HasSuffix(domain, "."+end) {
			return "a private name (." + end + ")"
		}
	}
	if !strings.Contains(domain, ".") {
		return "a name without a domain"
	}
	return ""
}

// place is where a domain is said to be reached.
type place struct {
	host      string
	port      uint16
	directTLS bool
}

func (f *federation) look(ctx context.Context) {
	places, err := f.records(ctx, f.domain)
	switch {
	case err != nil:
		f.report.warn("DNS did not say where other servers reach %s: %v", f.domain, withoutNewlines(err))
		f.report.more("Nothing else about federation could be looked at. Run check where DNS works,")
		f.report.more("or name a DNS server: passerelle check --resolver 9.9.9.9:53")
		return
	case len(places) == 0:
		places = f.withoutRecords(ctx)
	default:
		for _, place := range places {
			f.report.ok("other servers are sent to %s (%s of %s)", place.address(), place.service(), f.domain)
		}
	}
	f.try(ctx, places)
	if f.report.warnings > 0 {
		f.report.note("these warnings are about users of other servers: those of the gateway's own server are not concerned")
	}
}

func (p place) address() string { return net.JoinHostPort(p.host, strconv.Itoa(int(p.port))) }

func (p place) service() string {
	if p.directTLS {
		return "_xmpps-server._tcp"
	}
	return "_xmpp-server._tcp"
}

// records asks for the SRV records of a domain, the plain ones first.
func (f *federation) records(ctx context.Context, domain string) ([]place, error) {
	var places []place
	for _, service := range []string{"xmpp-server", "xmpps-server"} {
		_, records, err := f.resolver.LookupSRV(ctx, service, "tcp", rooted(domain))
		if err != nil && !isNotFound(err) {
			return nil, err
		}
		for _, record := range records {
			host := strings.TrimSuffix(record.Target, ".")
			if host == "" {
				continue // RFC 2782: the service is decidedly not offered
			}
			places = append(places, place{host, record.Port, service == "xmpps-server"})
		}
	}
	return places, nil
}

// withoutRecords falls back to the addresses of the domain itself, as servers do,
// and prints the records to add.
func (f *federation) withoutRecords(ctx context.Context) []place {
	var places []place
	if _, err := f.resolver.LookupHost(ctx, rooted(f.domain)); err == nil {
		places = append(places, place{host: f.domain, port: f.port})
		f.report.ok("%s has an address of its own, so other servers find it without an SRV record", f.domain)
		f.report.more("as long as its XMPP server listens there, on port %d. A record says it for certain:", f.port)
	} else {
		f.report.warn("%s has neither an SRV record nor an address: users of other servers cannot reach the gateway", f.domain)
		f.report.more("Add to the zone:")
	}
	for _, target := range f.targetsToName(ctx) {
		f.report.more("  %s.%s. 3600 IN SRV 0 5 %d %s.", target.service(), f.domain, target.port, target.host)
	}
	return places
}

// targetsToName are the places that our records should name: those of the XMPP
// server itself, for the same program answers for us.
func (f *federation) targetsToName(ctx context.Context) []place {
	host := f.serverDomain
	if host == "" {
		host = f.domain
	} else if places, err := f.records(ctx, host); err == nil && len(places) > 0 {
		return places
	}
	return []place{{host: host, port: f.port}}
}

// try resolves each place and asks the servers there.
func (f *federation) try(ctx context.Context, places []place) {
	for _, place := range places[:min(len(places), mostTargets)] {
		addresses, err := f.resolver.LookupHost(ctx, rooted(place.host))
		if err != nil {
			f.report.warn("%s, where other servers are sent, has no address: %v", place.host, withoutNewlines(err))
			f.report.more("Add A and AAAA records for it, or name another host in %s.%s.", place.service(), f.domain)
			continue
		}
		for _, address := range addresses[:min(len(addresses), mostAddresses)] {
			f.ask(ctx, net.JoinHostPort(address, strconv.Itoa(int(place.port))), place)
		}
	}
}

// ask asks the server at one address and says what it answered.
func (f *federation) ask(ctx context.Context, address string, place place) {
	answer, err := f.probe.ask(ctx, address, place.directTLS)
	if errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		f.report.note("%s could not be tried: this machine has no way to it", address)
		return
	}
	if err != nil {
		f.report.warn("the server at %s does not answer as it should: %v", address, withoutNewlines(err))
		f.report.more("Does the XMPP server listen for other servers there, and do firewall and container let port %d in?", place.port)
		return
	}
	if answer.refusal != "" {
		f.report.warn("the server at %s does not answer for %s: %s", address, f.domain, answer.refusal)
		f.report.more("Is it the XMPP server that has the component, and may that talk with other servers (s2s)?")
		return
	}
	if !answer.encryption {
		f.report.warn("the server at %s answers for %s, but offers no encryption, which most servers insist on", address, f.domain)
		return
	}
	f.report.ok("the server at %s answers for %s", address, f.domain)
	f.judge(address, answer)
}

// judge says what is wrong with a certificate.
func (f *federation) judge(address string, answer s2sAnswer) {
	certificate := answer.certificate
	left := time.Until(certificate.NotAfter)
	good := true
	if err := certificate.VerifyHostname(f.domain); err != nil {
		good = false
		f.report.warn("its certificate is for %s and not for %s: servers that insist on certificates refuse it",
			namesIn(certificate.DNSNames), f.domain)
		f.report.more("Have %s put into the certificate, or give the component one of its own.", f.domain)
	}
	switch {
	case left < 0:
		good = false
		f.report.warn("its certificate ended on %s", certificate.NotAfter.Format(time.DateOnly))
	case answer.untrusted != nil:
		good = false
		f.report.warn("its certificate is not trusted by this machine: %v", withoutNewlines(answer.untrusted))
	case left < certificateNotice:
		good = false
		f.report.warn("its certificate ends on %s", certificate.NotAfter.Format(time.DateOnly))
	}
	if good {
		f.report.ok("its certificate is good for %s until %s", f.domain, certificate.NotAfter.Format(time.DateOnly))
	}
}

// namesIn lists the names of a certificate.
func namesIn(names []string) string {
	if len(names) == 0 {
		return "no name"
	}
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// rooted is a name that no search domain of this machine is put behind.
func rooted(domain string) string { return domain + "." }

func isNotFound(err error) bool {
	var fault *net.DNSError
	return errors.As(err, &fault) && fault.IsNotFound
}

// withoutNewlines keeps an error on the one line that it has in the report.
func withoutNewlines(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
