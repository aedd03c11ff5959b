package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	"passerelle/store"
)

// setCertificate keeps a user's client certificate for a network, with its key,
// as PEM. It is chosen by a command and not in a form.
const setCertificate = "certificate"

// certificateYears is how long a certificate lasts. Networks look at its
// fingerprint only, and a new one has to be made known to them.
const certificateYears = 10

// newCertificate makes a key and a certificate of its own for it (CertFP).
func newCertificate(name string, now time.Time) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return "", fmt.Errorf("making a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(certificateYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return "", fmt.Errorf("making a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("writing a key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), nil
}

// certificate returns the user's client certificate for a network, or nil.
func (u *User) certificate(scope store.Scope) *tls.Certificate {
	text := u.value(setCertificate, scope)
	if text == "" {
		return nil
	}
	certificate, err := tls.X509KeyPair([]byte(text), []byte(text))
	if err != nil {
		u.log().Error("a client certificate is damaged", "network", scope.Server, "error", err)
		return nil
	}
	return &certificate
}

// certificateNote shows a certificate's fingerprints and how to make it known.
func (u *User) certificateNote(scope store.Scope) string {
	certificate := u.certificate(scope)
	if certificate == nil {
		return "You have no client certificate for " + scope.Server + "."
	}
	der := certificate.Certificate[0]
	one, two, five := sha1.Sum(der), sha256.Sum256(der), sha512.Sum512(der)
	return fmt.Sprintf("Your client certificate for %s is shown to the server from the next connection on.\n"+
		"Once you are connected and logged in, make it known with: PRIVMSG NickServ :CERT ADD\n"+
		"or, where that does not find it: PRIVMSG NickServ :CERT ADD %s\n"+
		"SHA-256 %[2]s\nSHA-1 %s\nSHA-512 %s",
		scope.Server, hex.EncodeToString(two[:]), hex.EncodeToString(one[:]), hex.EncodeToString(five[:]))
}

// changeCertificate makes a new certificate or removes the one there is.
func (u *User) changeCertificate(scope store.Scope, action string) (string, error) {
	if u.g.store == nil {
		return "", refuse("feature-not-implemented", "nothing is kept here")
	}
	change := store.Settings{setCertificate: nil}
	if action == "generate" {
		text, err := newCertificate(u.g.ident(u.jid), u.g.now())
		if err != nil {
			return "", err
		}
		change[setCertificate] = []string{text}
	}
	if err := u.choose(scope, change); err != nil {
		return "", err
	}
	return u.certificateNote(scope), nil
}

func beginCertificate(u *User, r *request) (page, error) {
	if err := u.load(); err != nil {
		return page{}, err
	}
	scope := u.scope(r.to)
	return page{
		note: u.certificateNote(scope),
		form: &form{title: "Client certificate for " + scope.Server, instructions: "Many networks log you in by a certificate (CertFP, SASL EXTERNAL) once its fingerprint is known to them.",
			fields: []field{{name: "action", kind: listSingle, label: "What to do", required: true, values: []string{"show"}, options: []option{
				{"show", "Show the fingerprints"}, {"generate", "Make a new one"}, {"remove", "Remove it"}}}}},
		submit: func(u *User, filled submission) (page, error) {
			if filled.first("action") == "show" {
				return done(u.certificateNote(scope)), nil
			}
			note, err := u.changeCertificate(scope, filled.first("action"))
			return done(note), err
		},
	}, nil
}

// chatCertificate is "certificate server [generate or remove]".
func chatCertificate(u *User, args string) (string, error) {
	where, action, _ := strings.Cut(args, " ")
	scope, err := u.place(where)
	if err != nil {
		return "", err
	}
	if level(scope) != onServer {
		return "", refuse("bad-request", "certificates are for servers: certificate server")
	}
	if err := u.load(); err != nil {
		return "", err
	}
	switch action = strings.TrimSpace(action); action {
	case "":
		return u.certificateNote(scope), nil
	case "generate", "remove":
		return u.changeCertificate(scope, action)
	}
	return "", refuse("bad-request", "a certificate can be shown, «generate»d and «remove»d")
}
