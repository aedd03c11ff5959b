package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	// s2sTime is how long one server may take to answer.
	s2sTime = 6 * time.Second
	// s2sBytes is how much is read of what it says: certificates are not counted.
	s2sBytes = 64 << 10

	streamsSpace = "http://etherx.jabber.org/streams"
	tlsSpace     = "urn:ietf:params:xml:ns:xmpp-tls"
)

// s2sAnswer is what a server says to a stream of another server.
type s2sAnswer struct {
	// refusal is the condition of a stream error (RFC 6120 §4.9.3), with its text.
	refusal string
	// encryption is whether the stream is encrypted, or STARTTLS is offered.
	encryption bool
	// certificate is what it showed; nil when there was no encryption.
	certificate *x509.Certificate
	// untrusted is why the certificate's issuer is not trusted.
	untrusted error
}

// s2sProbe asks a server whether it takes streams for a domain.
type s2sProbe struct {
	// domain is the one asked for, in the form of DNS.
	domain string
	// roots are the authorities that are trusted; nil are the system's.
	roots *x509.CertPool
}

// ask opens a stream to address (host:port) as another server would, as far as the
// certificate (RFC 6120 §4.2, §5.4). directTLS begins with TLS (XEP-0368). The error
// is that there is no server, or something else.
func (p s2sProbe) ask(ctx context.Context, address string, directTLS bool) (s2sAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, s2sTime)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return s2sAnswer{}, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return s2sAnswer{}, err
		}
	}
	var answer s2sAnswer
	stream := conn
	if directTLS {
		if stream, err = p.encrypt(ctx, conn, &answer); err != nil {
			return answer, err
		}
	}
	decoder, offered, err := p.open(stream, &answer)
	if err != nil || answer.refusal != "" || !offered {
		return answer, err
	}
	answer.encryption = true
	if _, err := fmt.Fprintf(conn, "<starttls xmlns='%s'/>", tlsSpace); err != nil {
		return answer, err
	}
	start, err := nextElement(decoder)
	if err != nil {
		return answer, fmt.Errorf("no answer to STARTTLS: %w", err)
	}
	if start.Name != (xml.Name{Space: tlsSpace, Local: "proceed"}) {
		return answer, fmt.Errorf("STARTTLS is offered, but was answered by <%s/>", start.Name.Local)
	}
	_, err = p.encrypt(ctx, conn, &answer)
	return answer, err
}

// open sends the header of a stream and reads what comes: an error or features. It
// says whether STARTTLS is among them.
func (p s2sProbe) open(conn net.Conn, answer *s2sAnswer) (*xml.Decoder, bool, error) {
	_, err := fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='%s' to='%s' version='1.0'>",
		streamsSpace, p.domain)
	if err != nil {
		return nil, false, err
	}
	decoder := xml.NewDecoder(io.LimitReader(conn, s2sBytes))
	start, err := nextElement(decoder)
	if err != nil {
		return nil, false, notXMPP(err)
	}
	if start.Name != (xml.Name{Space: streamsSpace, Local: "stream"}) {
		return nil, false, fmt.Errorf("it answers with <%s>, which is not XMPP", start.Name.Local)
	}
	if start, err = nextElement(decoder); err != nil {
		return nil, false, notXMPP(err)
	}
	switch start.Name {
	case xml.Name{Space: streamsSpace, Local: "error"}:
		answer.refusal, err = readStreamError(decoder, start)
		return decoder, false, err
	case xml.Name{Space: streamsSpace, Local: "features"}:
		var features struct {
			StartTLS *struct{} `xml:"urn:ietf:params:xml:ns:xmpp-tls starttls"`
		}
		err = decoder.DecodeElement(&features, &start)
		return decoder, features.StartTLS != nil, err
	}
	return nil, false, fmt.Errorf("it begins its stream with <%s>", start.Name.Local)
}

// notXMPP says in words what a stream that never began means.
func notXMPP(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it closed the connection without a word")
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("what it says is not XMPP: %w", err)
	}
	return err
}

// nextElement reads on to the start of the next element.
func nextElement(decoder *xml.Decoder) (xml.StartElement, error) {
	for {
		token, err := decoder.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, ok := token.(xml.StartElement); ok {
			return start, nil
		}
	}
}

// readStreamError reads the condition of an error and its text.
func readStreamError(decoder *xml.Decoder, start xml.StartElement) (string, error) {
	var fault struct {
		Children []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	if err := decoder.DecodeElement(&fault, &start); err != nil {
		return "", err
	}
	condition, text := "an error without condition", ""
	for _, child := range fault.Children {
		switch {
		case child.XMLName.Space != "urn:ietf:params:xml:ns:xmpp-streams":
		case child.XMLName.Local == "text":
			text = strings.TrimSpace(child.Text)
		default:
			condition = child.XMLName.Local
		}
	}
	if text != "" {
		return fmt.Sprintf("%s (%q)", condition, text), nil
	}
	return condition, nil
}

// encrypt does the handshake and notes the certificate. Whether that is good is
// looked at afterwards, so that all that is wrong with it can be told.
func (p s2sProbe) encrypt(ctx context.Context, conn net.Conn, answer *s2sAnswer) (net.Conn, error) {
	encrypted := tls.Client(conn, &tls.Config{
		ServerName: p.domain, InsecureSkipVerify: true, NextProtos: []string{"xmpp-server"},
	})
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("the TLS handshake failed: %w", err)
	}
	shown := encrypted.ConnectionState().PeerCertificates
	answer.encryption, answer.certificate = true, shown[0]
	between := x509.NewCertPool()
	for _, certificate := range shown[1:] {
		between.AddCert(certificate)
	}
	_, answer.untrusted = shown[0].Verify(x509.VerifyOptions{Roots: p.roots, Intermediates: between})
	return encrypted, nil
}
