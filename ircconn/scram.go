package ircconn

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The number of iterations that a server may ask of us: RFC 7677 §4 wants at
// least 4096; more than the most would keep a processor busy for long.
const (
	minScramIterations = 4096
	maxScramIterations = 1_000_000
)

// scram is SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).
type scram struct {
	account, password string
	nonce             string
	step              scramStep
	first             string // our first message without its header
	signature         []byte // what the server must know
}

type scramStep uint8

const (
	scramFirst    scramStep = iota // the server has nothing to say yet
	scramFinal                     // it sends salt and iterations
	scramVerify                    // it proves that it knows the password
	scramComplete                  // nothing may follow
)

func newScram(account, password string) *scram {
	return &scram{account: saslPrepare(account), password: saslPrepare(password), nonce: rand.Text()}
}

func (s *scram) proven() bool { return s.step == scramComplete }

func (s *scram) respond(challenge []byte) ([]byte, error) {
	switch s.step {
	case scramFirst:
		if len(challenge) > 0 {
			return nil, errUnexpectedChallenge
		}
		s.step = scramFinal
		s.first = "n=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s.account) + ",r=" + s.nonce
		return []byte("n,," + s.first), nil
	case scramFinal:
		s.step = scramVerify
		return s.prove(string(challenge))
	case scramVerify:
		if err := s.verify(string(challenge)); err != nil {
			return nil, err
		}
		s.step = scramComplete
		return nil, nil
	case scramComplete:
	}
	return nil, errUnexpectedChallenge
}

// prove answers the server's first message with our proof.
func (s *scram) prove(challenge string) ([]byte, error) {
	parameters, err := parseScramFirst(challenge)
	if err != nil {
		return nil, err
	}
	if len(parameters.nonce) <= len(s.nonce) || !strings.HasPrefix(parameters.nonce, s.nonce) {
		return nil, errors.New("the server did not keep to our nonce")
	}
	salted, err := pbkdf2.Key(sha256.New, s.password, parameters.salt, parameters.iterations, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving the key: %w", err)
	}
	withoutProof := "c=" + base64.StdEncoding.EncodeToString([]byte("n,,")) + ",r=" + parameters.nonce
	message := s.first + "," + challenge + "," + withoutProof
	clientKey := hmacOf(salted, "Client Key")
	storedKey := sha256.Sum256(clientKey)
	proof := make([]byte, len(clientKey))
	subtle.XORBytes(proof, clientKey, hmacOf(storedKey[:], message))
	s.signature = hmacOf(hmacOf(salted, "Server Key"), message)
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// verify checks the server's last message: it must know the password as well.
func (s *scram) verify(challenge string) error {
	if reason, found := strings.CutPrefix(challenge, "e="); found {
		return fmt.Errorf("the server says %q", reason)
	}
	value, _, _ := strings.Cut(challenge, ",")
	encoded, found := strings.CutPrefix(value, "v=")
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || !hmac.Equal(signature, s.signature) {
		return errNotProven
	}
	return nil
}

type scramParameters struct {
	nonce      string
	salt       []byte
	iterations int
}

// parseScramFirst reads "r=nonce,s=salt,i=iterations" and leaves out what may
// follow (RFC 5802 §7).
func parseScramFirst(challenge string) (scramParameters, error) {
	var p scramParameters
	attributes := strings.Split(challenge, ",")
	if len(attributes) < 3 {
		return p, errors.New("the server's message has too few parts")
	}
	nonce, hasNonce := strings.CutPrefix(attributes[0], "r=")
	encoded, hasSalt := strings.CutPrefix(attributes[1], "s=")
	count, hasCount := strings.CutPrefix(attributes[2], "i=")
	if !hasNonce || !hasSalt || !hasCount {
		return p, errors.New("the server's message is not one of SCRAM")
	}
	salt, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(salt) == 0 {
		return p, errors.New("the server's salt is malformed")
	}
	iterations, err := strconv.Atoi(count)
	if err != nil || iterations < minScramIterations || iterations > maxScramIterations {
		return p, fmt.Errorf("the server asks for a number of iterations that is not from %d to %d", minScramIterations, maxScramIterations)
	}
	return scramParameters{nonce, salt, iterations}, nil
}

func hmacOf(key []byte, message string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// saslPrepare makes texts that look the same the same (RFC 4013 §2.1 and §2.2).
// What that forbids is left to the server to refuse.
func saslPrepare(text string) string {
	mapped := strings.Map(func(r rune) rune {
		switch {
		case r == 0x200B || r > unicode.MaxASCII && unicode.Is(unicode.Zs, r):
			return ' '
		case isMappedToNothing(r):
			return -1
		}
		return r
	}, text)
	return norm.NFKC.String(mapped)
}

// isMappedToNothing is RFC 3454 table B.1.
func isMappedToNothing(r rune) bool {
	switch {
	case r == 0x00AD, r == 0x034F, r == 0x1806, r == 0x2060, r == 0xFEFF:
		return true
	case 0x180B <= r && r <= 0x180D, 0x200C <= r && r <= 0x200D, 0xFE00 <= r && r <= 0xFE0F:
		return true
	}
	return false
}
