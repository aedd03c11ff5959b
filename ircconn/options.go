package ircconn

import (
	"crypto/tls"
	"net/netip"
	"time"
)

// Options are what one connection has of its own.
type Options struct {
	// Addresses are tried in order until one accepts us.
	Addresses []Address
	Nick      string
	// AlternativeNicks are tried in order when the server refuses Nick at
	// registration; after them come nicks made from Nick.
	AlternativeNicks []string
	Username         string
	RealName         string
	Password         string // of the server (PASS); empty for none
	// TLS is the base configuration, or nil; the server name and the least
	// version are set for each address.
	TLS *tls.Config
	// Decode turns a line that is not valid UTF-8 into one that is; nil
	// replaces the invalid bytes by U+FFFD. Message tags are not part of what
	// it gets. It may change its argument but not keep it.
	Decode func(line []byte) []byte
	// Encode turns an outgoing line, without tags and line end, into the
	// charset of the server; nil leaves it UTF-8, and so does a server that
	// takes nothing else (ISUPPORT UTF8ONLY).
	Encode func(line string) []byte

	// SASL is the login to a services account (IRCv3 sasl-3.2).
	SASL SASLOptions
	// Certificate is what we show to servers with TLS (CertFP); nil for none.
	Certificate *tls.Certificate
	// Fingerprints are trusted certificates of the server, each as the
	// SHA-256 (64 hexadecimal digits) or SHA-1 (40) of its DER form; colons
	// and spaces do not matter. With any, one of them must match, and then the
	// authorities, the names and the dates of the certificate do not count.
	Fingerprints []string
	// Verify says what else makes a certificate of the server acceptable.
	Verify Verification

	// Destinations say where Addresses may lead; nil for everywhere.
	Destinations *Destinations
	// SourceAddress is the local address to connect from; the zero value
	// leaves it to the system. On Linux it need not be configured on an
	// interface (IP_FREEBIND). A proxy is reached from it as well.
	SourceAddress netip.Addr
	// Proxy is "socks5://[user:password@]host:port", through which everything
	// goes, host names unresolved; empty for none.
	Proxy string
	// WEBIRC tells the server who we connect for; nil for nothing.
	WEBIRC *WEBIRC
	// Identd learns of the connection while it lives, so as to name Ident to
	// the server that asks (RFC 1413); nil for none. A connection through a
	// proxy is none of its business.
	Identd *Identd
	Ident  string

	// Traffic counts the lines of the connection, and those of others that
	// have the same; nil for none.
	Traffic *Traffic

	// Poller is where the connection waits while its server is silent; nil for a
	// goroutine of its own.
	Poller *Poller

	// Pace replaces Burst and LineInterval of Config; nil keeps them.
	Pace *Pace
	// STS is what is known of the server from before (IRCv3 sts).
	STS STSPolicy

	// AfterConnect are sent once the server has welcomed us, paced, and before
	// all lines of Queue. One that cannot be sent is reported as Progress.
	AfterConnect []Line
	// WaitForLogin is how long at most Registered waits, after the welcome,
	// for a login that AfterConnect, Password or Certificate bring about: for
	// 900, for 396, or for a notice of the services that says so. 0 does not
	// wait; nor does a connection that is logged in already, or that has none
	// of the three.
	WaitForLogin time.Duration
}

// SASLOptions are the account to log in to and how (IRCv3 sasl-3.1, sasl-3.2).
// There is a login when Account and Password are set, or a Certificate is.
type SASLOptions struct {
	// Mechanisms are tried in order as far as the server offers them: of
	// "EXTERNAL", "SCRAM-SHA-256" and "PLAIN", in upper case. Empty stands for
	// these three in this order.
	Mechanisms        []string
	Account, Password string
	Policy            SASLPolicy
	// AllowPlaintext lets PLAIN and SCRAM-SHA-256 go over connections
	// without TLS.
	AllowPlaintext bool
}

// SASLPolicy says what follows from a login that fails.
type SASLPolicy uint8

const (
	// SASLRequired ends the connection. A Certificate without a password and
	// without Mechanisms does not require anything: many networks take it
	// without SASL, and a new one can be made known only once connected.
	SASLRequired SASLPolicy = iota
	// SASLOptional goes on without a login.
	SASLOptional
)

// Verification says what makes the certificate of a server acceptable.
type Verification uint8

const (
	// VerifyCertificate wants a certificate for the host by an authority that
	// is trusted.
	VerifyCertificate Verification = iota
	// AcceptAnyCertificate takes what comes: encrypted, to whomever. STS
	// overrules it.
	AcceptAnyCertificate
)

// WEBIRC tells a server, which must know the password, whom a connection is for
// (IRCv3 webirc).
type WEBIRC struct {
	Password string
	Gateway  string // our name, without spaces
	Host     string // of the user; the address stands in for an empty one
	Address  netip.Addr
	// TLSOnly keeps all of it from connections without TLS, which are then made
	// without WEBIRC.
	TLSOnly bool
}

// Pace is how fast lines leave; see Config.
type Pace struct {
	Burst        int
	LineInterval time.Duration
}

// STSPolicy is a policy of strict transport security that is in force (IRCv3
// sts). The zero value is none.
type STSPolicy struct {
	// Port is the only one to connect to, with TLS and a certificate that is
	// verified; 0 when no policy is in force.
	Port int
	// Host is which of the addresses the policy is for; empty for all.
	Host string
}
